"""Patients unlike all others, with no right answer needed; the loss of a row is how badly it can be told from the rest.

A prediction's *value* is the anomaly score of a row, its reconstruction error where the family reconstructs; *output*
is "unusual" or "usual". Where the target is known (0 or 1), the ranking is judged by it.
"""

import numpy as np

from wardround.problems.areas import area
from wardround.problems.base import Floats, Metric, Prediction, Problem, Weighted, mean_of, ratio_of

PARTS = ("error", "error_of_mean", "flagged")
"""Of each row: its mean squared reconstruction error, features brought to mean 0 and spread 1 (NaN: the family scores
and does not reconstruct); the same error of the mean of the training rows; whether its score is above the quantile of
the training rows that the family was told to flag (1 or 0)."""

UNUSUAL, USUAL = "unusual", "usual"

_PLACE = {name: number for number, name in enumerate(PARTS)}


def part(prediction: Prediction, name: str) -> Floats:
    """Return the figure *name* of `PARTS` of each row (n,), NaN where there are none."""
    return prediction.part(_PLACE[name])


def losses(_: Floats, prediction: Prediction) -> Floats:
    """Return the anomaly score of each row (n,)."""
    return np.asarray(prediction.value, dtype=float)


def _auroc(target: Floats, prediction: Prediction, _: float) -> Weighted:
    target, value = np.asarray(target, dtype=float), np.asarray(prediction.value, dtype=float)
    if not len(value) or not (np.isfinite(target).all() and np.isfinite(value).all()):
        return lambda weights: np.full(len(weights), np.nan)
    return area(target > 0.5, value)


ANOMALY = Problem(
    name="anomaly",
    supervised=False,
    loss="reconstruction",
    losses=losses,
    parts=PARTS,
    metrics=(
        mean_of("reconstruction", lambda y, p, t: part(p, "error"), higher=False),
        ratio_of(
            "explained",
            lambda y, p, t: (part(p, "error_of_mean") - part(p, "error"), part(p, "error_of_mean")),
            higher=True,
        ),
        Metric(
            name="auroc",
            higher_is_better=True,
            compute=lambda y, p, t: float(_auroc(y, p, t)(np.ones((1, len(p))))[0]),
            weighted=_auroc,
        ),
        mean_of("flagged", lambda y, p, t: part(p, "flagged"), higher=False, is_share=True),
    ),
)
"""``auroc`` needs outcomes in every row: without them it is not measurable, and a gate on it fails."""
