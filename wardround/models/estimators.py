"""Fitting a scikit-learn estimator and asking it, the same way everywhere."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from wardround.problems.base import Floats


def fitted(estimator: Any, matrix: Floats, target: Floats) -> tuple[str, ...]:
    """Fit *estimator* in place and return what was noticed.

    Raises:
        ValueError: scikit-learn refuses these rows or parameters.
        RuntimeWarning: a calculation left the range of numbers, so that the fit would be wrong.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # what a later release will change says nothing of this model
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        estimator.fit(matrix, target)
    stopped = {issubclass(each.category, ConvergenceWarning) for each in caught}
    said = {True: "the optimiser stopped before it had converged", False: "scikit-learn warned of a parameter"}
    return tuple(said[early] for early in sorted(stopped, reverse=True))


def point(estimator: Any, matrix: Floats, problem: str) -> Floats:
    """Return the predicted value of each row (n,): P(positive), or the number; the last column is not used."""
    if not len(matrix):
        return np.empty(0)
    if problem == "classification":
        return np.asarray(estimator.predict_proba(matrix)[:, 1], dtype=float)
    return np.asarray(estimator.predict(matrix), dtype=float)
