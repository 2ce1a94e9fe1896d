"""Which pixels belong to what: answered with a mask of numbered instances; the loss of a row is 1 less its Dice.

A mask is npy bytes, (height, width) of instance numbers, 0 is background. `Prediction.output` is the mask and *value*
the share of its pixels that are foreground. Where both masks are empty, every overlap is perfect and every distance 0;
where one of them is, overlaps are 0 and the surface distance is the picture's diagonal. NaN where a row has no truth,
no mask, or one of another size.
"""

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import unpacked
from wardround.problems.base import Floats, Metric, Objects, Prediction, Problem, mean_of

Mask = NDArray[np.int64]
PARTS = ("dice_loss", "dice", "iou", "surface_distance", "instance_f1", "count_error")
MATCHED = 0.5
"""Intersection over union above which a found instance is a true one; above a half, each has one partner at most."""


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return 1 less the Dice coefficient of each row (n,), from 0 to 1."""
    return prediction.part(0)


def judged(truths: Objects, prediction: Prediction) -> Prediction:
    """Return *prediction* with the figures of each row, (n, 6) in the order of `PARTS`."""
    outputs = [None] * len(truths) if prediction.output is None else prediction.output
    parts = np.full((len(truths), len(PARTS)), np.nan)
    for row, (truth, output) in enumerate(zip(truths, outputs, strict=True)):
        if not (isinstance(truth, bytes) and isinstance(output, bytes)):
            continue
        true, found = unpacked(truth).astype(np.int64), unpacked(output).astype(np.int64)
        if true.shape == found.shape:
            parts[row] = figures(true, found)
    return Prediction(
        value=prediction.value, low=prediction.low, high=prediction.high, parts=parts, output=prediction.output
    )


def figures(true: Mask, found: Mask) -> tuple[float, ...]:
    """Return the figures of `PARTS` for two masks of one size."""
    overlap = dice(true > 0, found > 0)
    return (
        1.0 - overlap, overlap, iou(true > 0, found > 0), surface_distance(true > 0, found > 0),
        instance_f1(true, found), float(abs(_count(true) - _count(found))),
    )  # fmt: skip


def dice(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Return twice the intersection over the sum of the areas (Dice 1945)."""
    areas = np.count_nonzero(true) + np.count_nonzero(found)
    return 2.0 * np.count_nonzero(true & found) / areas if areas else 1.0


def iou(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Return the intersection over the union (Jaccard 1912)."""
    union = int((true | found).sum())
    return int((true & found).sum()) / union if union else 1.0


def surface_distance(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Return the average symmetric surface distance in pixels: the mean over both outlines of the way to the other.

    Source: Heimann et al. (2009), "Comparison and evaluation of methods for liver segmentation from CT datasets".
    """
    from scipy.ndimage import distance_transform_edt

    if not true.any() and not found.any():
        return 0.0
    if not true.any() or not found.any():
        return float(np.hypot(*true.shape))
    one, other = _outline(true), _outline(found)
    ways = np.concatenate([distance_transform_edt(~other)[one], distance_transform_edt(~one)[other]])
    return float(ways.mean())


def instance_f1(true: Mask, found: Mask) -> float:
    """Return the F1 of instances, matched where their intersection over union is above `MATCHED`.

    Source: Caicedo et al. (2019), "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl".
    """
    rows, true = np.unique(true, return_inverse=True)
    columns, found = np.unique(found, return_inverse=True)
    table = np.zeros((len(rows), len(columns)))
    np.add.at(table, (true.ravel(), found.ravel()), 1.0)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    instances = np.ix_(rows > 0, columns > 0)
    hits = int((table[instances] / union[instances] > MATCHED).sum())
    total = int((rows > 0).sum()) + int((columns > 0).sum())
    return 2.0 * hits / total if total else 1.0


def _count(mask: Mask) -> int:
    return len(np.unique(mask[mask > 0]))


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_erosion

    return np.asarray(mask & ~binary_erosion(mask))


def _mean(name: str, *, higher: bool) -> Metric:
    place = PARTS.index(name)
    return mean_of(name, lambda target, prediction, threshold: prediction.part(place), higher=higher)


SEGMENTATION = Problem(
    name="segmentation",
    suspicious="dice",
    loss="dice_loss",
    losses=losses,
    parts=PARTS,
    truth="mask",
    judged=judged,
    metrics=tuple(_mean(name, higher=name in ("dice", "iou", "instance_f1")) for name in PARTS),
)
