"""Fitting a scikit-learn estimator and asking it, the same way everywhere."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from wardround.problems.base import Floats


def fitted(estimator: Any, matrix: Floats, target: Floats) -> tuple[str, ...]:
    """Fit *estimator* in place and return what was noticed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(matrix, target)
    return ("the optimiser stopped before it had converged",) if caught else ()


def point(estimator: Any, matrix: Floats, problem: str) -> Floats:
    """Return the predicted value of each row (n,): P(positive), or the number; the last column is not used."""
    if not len(matrix):
        return np.empty(0)
    if problem == "classification":
        return np.asarray(estimator.predict_proba(matrix)[:, 1], dtype=float)
    return np.asarray(estimator.predict(matrix), dtype=float)
