"""Asking a nearest-neighbour model so that no bit of an answer depends on what else is asked.

scikit-learn works distances out by a matrix product, whose last bits decide which of several equally distant patients
are taken. Here each is added up feature by feature, and of equals the first in the training rows are taken. The matrix
product only says who can be among the nearest at all: where it names one more than is wanted, and that one is further
off than its error can make good, the nearest are among those it names.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from wardround.problems.base import Floats

_CELLS = 32_768
"""Distances worked out at a time: they stay in the processor's cache."""
_FEW = 8
"""Up to so many rows, asking scikit-learn takes longer than working all distances out."""


def mean(model: Any, prepared: Floats) -> Floats:
    """Return the mean outcome (n,) of the neighbours of each row, weighted as *model* says (one class: its share).

    *model* is a fitted KNeighborsClassifier of the outcomes 0 and 1, or a KNeighborsRegressor.
    """
    if model.effective_metric_ != "euclidean" or model.weights not in ("uniform", "distance"):
        return _one_by_one(model, prepared)
    outcome = np.asarray(model.classes_[model._y] if hasattr(model, "classes_") else model._y, dtype=float)
    known = np.ascontiguousarray(model._fit_X)
    out, sure = np.empty(len(prepared)), np.zeros(len(prepared), dtype=bool)
    if len(prepared) > _FEW and model.n_neighbors < len(known) and _adds_up_in_order():
        for start in range(0, len(prepared), step := max(1, _CELLS // (model.n_neighbors + 1))):
            part = slice(start, start + step)
            named, squares, sure[part] = _named(model, prepared[part], known)
            out[part] = _weighted(model, outcome, squares, named)
    left = np.flatnonzero(~sure)
    step = max(1, _CELLS // len(known))
    for start in range(0, len(left), step):
        rows = left[start : start + step]
        squares = cdist(prepared[rows], known, "sqeuclidean")  # each pair by itself, column by column
        out[rows] = _weighted(model, outcome, squares, np.broadcast_to(np.arange(len(known)), squares.shape))
    return out


def _named(model: Any, rows: Floats, known: Floats) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Return for each row the places (rows, k + 1) that scikit-learn names, ascending, their squared distances, and
    whether the k nearest are sure to be among them."""
    about, named = model.kneighbors(rows, model.n_neighbors + 1)
    named.sort(axis=1)
    squares = _squares(rows, known, named)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows)), np.sqrt(np.einsum("ij,ij->i", known, known).max())
    error = 8 * (rows.shape[1] + 8) * np.finfo(float).eps * (length[0] + length[1]) ** 2
    nearest = np.partition(squares, model.n_neighbors - 1, axis=1)[:, model.n_neighbors - 1]
    return named, squares, nearest + error < about[:, -1] ** 2 - error


def _squares(rows: Floats, known: Floats, named: NDArray[np.intp]) -> Floats:
    """Return the squared distance (n, k) of each row (n, columns) to those of *known* at its places *named* (n, k)."""
    total = np.zeros(named.shape)
    for column, others in zip(rows.T, known.T, strict=True):
        apart = column[:, None] - np.take(others, named)
        total += apart * apart
    return total


@cache
def _adds_up_in_order() -> bool:
    """Whether SciPy of this machine adds up distances as `_squares` does; a fused multiplication rounds otherwise."""
    x = np.random.default_rng(0).normal(size=(64, 33))
    return np.array_equal(cdist(x, x, "sqeuclidean"), _squares(x, x, np.tile(np.arange(len(x)), (len(x), 1))))


def _weighted(model: Any, outcome: Floats, squares: Floats, places: NDArray[np.intp]) -> Floats:
    """Return the mean outcome (n,) of the nearest of the *places* (n, k) in *outcome*, ascending, that are so far."""
    chosen = _smallest(squares, model.n_neighbors)
    return _average(outcome[np.take_along_axis(places, chosen, axis=1)], _weights(model, squares, chosen))


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
