"""The interval of a regression: as wide as the errors were on patients it did not learn from."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wardround.problems.base import Floats
from wardround.problems.regression import COVERAGE


def half_width(
    target: Floats, patients: Any, pairs: Iterable[tuple[Any, Any]], held_out: Callable[[Any, Any], Floats]
) -> float | None:
    """Return the 0.9 quantile of out-of-fold absolute residuals, None where there are too few patients for it.

    *pairs* are (train, test) row positions; *held_out* predicts the rows at test by what was learned from those at
    train. Split-conformal regression (Lei et al. 2018) with the residuals of cross-validation (Barber et al. 2021).
    What is exchangeable are patients, not their rows, so its step for a finite sample counts patients: with ten of
    twenty rows each a step counted by rows covers 0.88. Pooled folds have no proof of 0.9: `coverage` is measured.
    """
    residuals = np.empty(len(target))
    for train, test in pairs:
        residuals[test] = np.abs(target[test] - held_out(train, test))
    count = len(np.unique(patients))
    share = np.ceil((count + 1) * COVERAGE) / count
    return float(np.quantile(residuals, share, method="inverted_cdf")) if share <= 1 else None
