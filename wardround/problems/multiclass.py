"""One of several classes, answered with a probability for each; the loss of a row is its Brier score over the classes.

The target is the number of the class in the order of ``target.allowed``. `Prediction.parts` (n, classes) are the
probabilities, *value* is the largest of them and *output* the name of its class. A figure of single classes is averaged
over those that occur among the rows, each counting alike, as scikit-learn does (in the F1, those that are given, too).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wardround.problems.areas import area
from wardround.problems.base import Floats, Metric, Prediction, Problem, Weighted, macro
from wardround.problems.classification import BINS

_Made = Callable[[NDArray[np.bool_], Floats], Weighted]


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return the Brier loss of each row (n,), summed over the classes, from 0 to 2 (Brier 1950).

    NaN where the row has no probabilities or no class.
    """
    read = _read(target, prediction)
    if read is None:
        return np.full(len(prediction), np.nan)
    truth, probability, known = read
    return np.where(known, ((probability - truth) ** 2).sum(axis=1), np.nan)


def _read(target: Floats, prediction: Prediction) -> tuple[NDArray[np.bool_], Floats, NDArray[np.bool_]] | None:
    """Return which class each row has (n, K), its probabilities (n, K) and which rows have both; None without parts."""
    if prediction.parts is None:
        return None
    target, probability = np.asarray(target, dtype=float), np.asarray(prediction.parts, dtype=float)
    truth = target[:, None] == np.arange(probability.shape[1])
    return truth, probability, truth.any(axis=1) & np.isfinite(probability).all(axis=1)


def _brier(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    return _mean(((probability - truth) ** 2).sum(axis=1))


def _log_loss(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    return _mean(-np.log(np.clip(probability[truth], np.finfo(np.float64).eps, 1.0)))


def _hits(truth: NDArray[np.bool_], probability: Floats) -> NDArray[np.bool_]:
    return np.asarray(probability.argmax(axis=1) == truth.argmax(axis=1))


def _accuracy(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    return _mean(_hits(truth, probability).astype(float))


def _balanced_accuracy(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    found = (truth & _hits(truth, probability)[:, None]).astype(float)
    return macro(found, truth.astype(float), truth.astype(float))


def _macro_f1(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    given = probability.argmax(axis=1)[:, None] == np.arange(probability.shape[1])
    return macro(2.0 * (truth & given), truth.astype(float) + given, truth.astype(float))


def _macro_auroc(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    """Each class against all others (one versus rest, Fawcett 2006, section 10.1, without weights)."""
    present = truth.any(axis=0) & ~truth.all(axis=0)
    areas = [area(truth[:, k], probability[:, k]) for k in np.flatnonzero(present)]
    if not areas:
        return lambda weights: np.full(len(weights), np.nan)
    return lambda weights: np.asarray(np.mean([one(weights) for one in areas], axis=0))


def _top_ece(truth: NDArray[np.bool_], probability: Floats) -> Weighted:
    """How far the largest probability is from how often it is right, in equal-width bins (Guo et al. 2017)."""
    top = probability.max(axis=1)
    bins = np.clip((top * BINS).astype(np.intp), 0, BINS - 1)
    surplus = np.zeros((len(top), BINS))
    surplus[np.arange(len(top)), bins] = _hits(truth, probability) - top
    return lambda weights: np.asarray(np.abs(weights @ surplus).sum(axis=1) / weights.sum(axis=1))


def _mean(rows: Floats) -> Weighted:
    return lambda weights: np.asarray(weights @ rows / weights.sum(axis=1))


def _metric(name: str, make: _Made, *, higher: bool, is_share: bool = False) -> Metric:
    def weighted(target: Floats, prediction: Prediction, _: float) -> Weighted:
        read = _read(target, prediction)
        if read is None or not len(prediction) or not read[2].all():
            return lambda weights: np.full(len(weights), np.nan)
        return make(read[0], read[1])

    def compute(target: Floats, prediction: Prediction, threshold: float) -> float:
        return float(weighted(target, prediction, threshold)(np.ones((1, len(prediction))))[0])

    return Metric(name=name, higher_is_better=higher, compute=compute, weighted=weighted, is_share=is_share)


MULTICLASS = Problem(
    name="multiclass",
    suspicious="macro_auroc",
    loss="brier",
    losses=losses,
    metrics=(
        _metric("brier", _brier, higher=False),
        _metric("log_loss", _log_loss, higher=False),
        _metric("accuracy", _accuracy, higher=True, is_share=True),
        _metric("balanced_accuracy", _balanced_accuracy, higher=True),
        _metric("macro_auroc", _macro_auroc, higher=True),
        _metric("macro_f1", _macro_f1, higher=True),
        _metric("top_ece", _top_ece, higher=False),
    ),
)
