"""Asking a nearest-neighbour model so that no bit of an answer depends on what else is asked.

scikit-learn works distances out by a matrix product, whose last bits decide which of several equally distant patients
are taken. Here each is added up feature by feature, and of equals the first in the training rows are taken.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from wardround.problems.base import Floats

_CELLS = 32_768
"""Distances worked out at a time: they stay in the processor's cache."""


def mean(model: Any, prepared: Floats) -> Floats:
    """Return the mean outcome (n,) of the neighbours of each row, weighted as *model* says (one class: its share).

    *model* is a fitted KNeighborsClassifier of the outcomes 0 and 1, or a KNeighborsRegressor.
    """
    if model.effective_metric_ != "euclidean" or model.weights not in ("uniform", "distance"):
        return _one_by_one(model, prepared)
    outcome = np.asarray(model.classes_[model._y] if hasattr(model, "classes_") else model._y, dtype=float)
    known = np.ascontiguousarray(model._fit_X)
    out = np.empty(len(prepared))
    step = max(1, _CELLS // len(known))
    for start in range(0, len(prepared), step):
        squares = cdist(prepared[start : start + step], known, "sqeuclidean")  # each pair by itself, column by column
        chosen = _smallest(squares, model.n_neighbors)
        out[start : start + step] = _average(outcome[chosen], _weights(model, squares, chosen))
    return out


def _smallest(squares: Floats, count: int) -> NDArray[np.intp]:
    """Return the places (rows, count) of the smallest, of equals the first, each row in ascending order of place."""
    limit = np.partition(squares, count - 1, axis=1)[:, count - 1 : count]
    inside, edge = squares < limit, squares == limit
    wanted = count - inside.sum(axis=1, keepdims=True)
    inside |= edge & (np.cumsum(edge, axis=1) <= wanted)
    return np.nonzero(inside)[1].reshape(len(squares), count)


def _weights(model: Any, squares: Floats, chosen: NDArray[np.intp]) -> Floats:
    if model.weights == "uniform":
        return np.ones(chosen.shape)
    distance = np.sqrt(np.take_along_axis(squares, chosen, axis=1))
    same = distance == 0
    with np.errstate(divide="ignore"):
        return np.where(same.any(axis=1, keepdims=True), same, 1 / distance)


def _average(outcomes: Floats, weights: Floats) -> Floats:
    total, share = np.zeros(len(outcomes)), np.zeros(len(outcomes))
    for outcome, weight in zip(outcomes.T, weights.T, strict=True):
        total += outcome * weight
        share += weight
    return total / share


def _one_by_one(model: Any, prepared: Floats) -> Floats:
    """Ask scikit-learn, always with one row."""
    ask = model.predict_proba if hasattr(model, "classes_") else model.predict
    return np.array([np.ravel(ask(row[None]))[-1] for row in prepared], dtype=float)
