"""What is taken from patients it did not learn from: how wide an interval is, and from where on a row is unusual."""

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
    Pooled folds have no proof of 0.9: `coverage` is measured.
    """
    residuals = np.empty(len(target))
    for train, test in pairs:
        residuals[test] = np.abs(target[test] - held_out(train, test))
    return covering(residuals, patients)


def covering(residuals: Floats, patients: Any) -> float | None:
    """Return the 0.9 quantile of absolute *residuals* (n,), None where *patients* (n,) are too few for it.

    What is exchangeable are patients, not their rows, so its step for a finite sample counts patients: with ten of
    twenty rows each a step counted by rows covers 0.88.
    """
    count = max(len(np.unique(patients)), 1)
    share = np.ceil((count + 1) * COVERAGE) / count
    return float(np.quantile(residuals, share, method="inverted_cdf")) if share <= 1 else None


def flagging(scores: Floats, flag: float) -> float:
    """Return the score that the share *flag* of others like these *scores* (n,) is above."""
    place = min(len(scores), int(np.ceil((len(scores) + 1) * (1 - flag))))
    return float(np.sort(scores)[place - 1])
