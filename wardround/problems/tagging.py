"""Entities in a text, answered with their spans; the loss of a row is one less the F1 of its spans.

A span is right when its start, end and type all are (strict matching, as in the CoNLL-2003 shared task). The target is
the number of spans per 100 characters, and so is `Prediction.value`; *output* is the answer, JSON ``[[start, end,
type], ...]`` in characters of the text, a fourth element may say whether what it names is present, absent or possible.
"""

import json
from typing import Any

import numpy as np

from wardround.problems.base import Floats, Objects, Prediction, Problem, mean_of, ratio_of

_FOUND, _INVENTED, _MISSED = 0, 1, 2


def spans(cell: str) -> set[tuple[int, int, str]]:
    """Return the spans in *cell* as (start, end, type), without what else is said of them.

    Raises:
        ValueError, TypeError: *cell* is not what this module's docstring says.
    """
    return {(int(start), int(end), str(kind)) for start, end, kind, *_ in json.loads(cell)}


def judged(truths: Objects, prediction: Prediction) -> Prediction:
    """Return *prediction* with its parts: how many spans of a row were found, invented and missed.

    NaN where a row has no answer or no truth.
    """
    parts = np.full((len(prediction), 3), np.nan)
    outputs: Any = [None] * len(prediction) if prediction.output is None else prediction.output
    for row, (output, truth) in enumerate(zip(outputs, truths, strict=True)):
        if isinstance(output, str) and isinstance(truth, str):
            given, true = spans(output), spans(truth)
            parts[row] = len(given & true), len(given - true), len(true - given)
    return Prediction(value=prediction.value, parts=parts, output=prediction.output)


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return one less the F1 of each row's spans (n,); 0 where there was nothing to find and nothing was found."""
    found, invented, missed = (prediction.part(number) for number in (_FOUND, _INVENTED, _MISSED))
    either = 2 * found + invented + missed
    return np.asarray(1 - np.divide(2 * found, either, out=np.where(np.isnan(either), np.nan, 1.0), where=either > 0))


def _ratio(*others: int) -> Any:
    def sums(target: Floats, prediction: Prediction, _: float) -> tuple[Floats, Floats]:
        found = len(others) * prediction.part(_FOUND)
        return found, found + np.asarray(sum(prediction.part(number) for number in others))

    return sums


TAGGING = Problem(
    name="tagging",
    truth="spans",
    judged=judged,
    parts=("found", "invented", "missed"),
    suspicious="f1",
    loss="f1_loss",
    losses=losses,
    metrics=(
        mean_of("f1_loss", lambda target, prediction, _: losses(target, prediction), higher=False),
        ratio_of("precision", _ratio(_INVENTED), higher=True),
        ratio_of("recall", _ratio(_MISSED), higher=True),
        ratio_of("f1", _ratio(_INVENTED, _MISSED), higher=True),
    ),
)
"""Precision, recall and F1 are those of all spans of the rows together (micro-averaged)."""
