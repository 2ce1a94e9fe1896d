"""The interval of a regression: as wide as the errors were on patients it did not learn from."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wardround.problems.base import Floats
from wardround.problems.regression import COVERAGE


def half_width(
    target: Floats, pairs: Iterable[tuple[Any, Any]], held_out: Callable[[Any, Any], Floats]
) -> float | None:
    """Return the 0.9 quantile of out-of-fold absolute residuals, None where there are too few rows for it.

    *pairs* are (train, test) row positions; *held_out* predicts the rows at test by what was learned from those at
    train. Split-conformal regression (Lei et al. 2018) with the residuals of cross-validation (Barber et al. 2021).
    """
    residuals = np.empty(len(target))
    for train, test in pairs:
        residuals[test] = np.abs(target[test] - held_out(train, test))
    rank = int(np.ceil((len(residuals) + 1) * COVERAGE))
    return float(np.sort(residuals)[rank - 1]) if rank <= len(residuals) else None
