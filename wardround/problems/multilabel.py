"""Any number of labels at once, answered with a probability for each; the loss of a row is its Brier score, averaged
over the labels.

The target is the number of labels. `Prediction.value` is the expected number, *output* the answer: a JSON object from
the name of each label, in the order of ``target.allowed``, to its probability. Judged, *parts* (n, 2K) are the K
probabilities, then the K truths (0 or 1). A label is given where its probability reaches the use case's threshold.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from wardround.problems.areas import area
from wardround.problems.base import Floats, Metric, Objects, Prediction, Problem, Weighted, macro, mean_of, ratio_of

SEPARATOR = "|"
"""What stands between two labels of a row."""

_Pair = tuple[Floats, Floats]


def judged(truths: Objects, prediction: Prediction) -> Prediction:
    """Return *prediction* with its parts: the probabilities its output gives, and which labels the truths name.

    A label of the truth that the answer does not know is a label it missed for certain, so the row cannot be judged:
    its parts are NaN, as those of a row without answer or truth.
    """
    answers = [_answer(cell) for cell in _outputs(prediction)]
    names = next((tuple(answer) for answer in answers if answer), ())
    parts = np.full((len(prediction), 2 * len(names)), np.nan)
    for row, (answer, truth) in enumerate(zip(answers, truths, strict=True)):
        if answer is None or tuple(answer) != names or not isinstance(truth, str):
            continue
        given = set(truth.split(SEPARATOR)) - {""}
        if given <= set(names):
            parts[row] = [*answer.values(), *(float(name in given) for name in names)]
    return Prediction(value=prediction.value, parts=parts, output=prediction.output)


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return the Brier loss of each row (n,), averaged over the labels, from 0 to 1; NaN where it was not judged."""
    probability, truth = _pair(prediction)
    if not probability.shape[1]:
        return np.full(len(prediction), np.nan)
    return np.asarray(((probability - truth) ** 2).mean(axis=1))


def _outputs(prediction: Prediction) -> Any:
    return [None] * len(prediction) if prediction.output is None else prediction.output


def _answer(cell: Any) -> dict[str, float] | None:
    return json.loads(cell) if isinstance(cell, str) else None


def _pair(prediction: Prediction) -> _Pair:
    """Return probabilities and truths, (n, K) each; without parts K is 0."""
    parts = np.empty((len(prediction), 0)) if prediction.parts is None else np.asarray(prediction.parts, dtype=float)
    half = parts.shape[1] // 2
    return parts[:, :half], parts[:, half:]


def _agreement(prediction: Prediction, threshold: float) -> tuple[Floats, Floats]:
    """Return, per row and label, twice the labels rightly given, and those given plus those true: F1 is their ratio."""
    probability, truth = _pair(prediction)
    given = np.where(np.isfinite(probability), probability >= threshold, np.nan)
    return 2 * given * truth, given + truth


def _micro_f1(target: Floats, prediction: Prediction, threshold: float) -> _Pair:
    both, either = _agreement(prediction, threshold)
    if not both.shape[1]:
        return np.full(len(prediction), np.nan), np.ones(len(prediction))
    return both.sum(axis=1), either.sum(axis=1)


def _exact_match(target: Floats, prediction: Prediction, threshold: float) -> Floats:
    both, either = _agreement(prediction, threshold)
    if not both.shape[1]:
        return np.full(len(prediction), np.nan)
    wrong = (either - both).sum(axis=1)
    return np.where(np.isnan(wrong), np.nan, wrong == 0)


def _macro_f1(target: Floats, prediction: Prediction, threshold: float) -> Weighted:
    """The mean of the labels' F1, over those that are given or true somewhere among the rows."""
    return macro(*_agreement(prediction, threshold), _pair(prediction)[1])


def _micro_auroc(target: Floats, prediction: Prediction, _: float) -> Weighted:
    """The area under the curve of all pairs of row and label, each a case of its own."""
    probability, truth = _pair(prediction)
    labels = probability.shape[1]
    pairs = area(truth.ravel() > 0.5, probability.ravel())
    return lambda weights: pairs(np.repeat(weights, labels, axis=1))


def _over_labels(name: str, make: Callable[[Floats, Prediction, float], Weighted]) -> Metric:
    def weighted(target: Floats, prediction: Prediction, threshold: float) -> Weighted:
        probability, truth = _pair(prediction)
        if not probability.size or not (np.isfinite(probability).all() and np.isfinite(truth).all()):
            return lambda weights: np.full(len(weights), np.nan)
        return make(target, prediction, threshold)

    def compute(target: Floats, prediction: Prediction, threshold: float) -> float:
        return float(weighted(target, prediction, threshold)(np.ones((1, len(prediction))))[0])

    return Metric(name=name, higher_is_better=True, compute=compute, weighted=weighted)


MULTILABEL = Problem(
    name="multilabel",
    truth="labels",
    judged=judged,
    suspicious="micro_auroc",
    loss="brier",
    losses=losses,
    metrics=(
        mean_of("brier", lambda target, prediction, _: losses(target, prediction), higher=False),
        ratio_of("micro_f1", _micro_f1, higher=True),
        _over_labels("macro_f1", _macro_f1),
        _over_labels("micro_auroc", _micro_auroc),
        mean_of("exact_match", _exact_match, higher=True, is_share=True),
    ),
)
