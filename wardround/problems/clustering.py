"""Groups of like patients, with no right answer; the loss of a row is its distance from the centre of its group.

Distances are squared, between features brought to mean 0 and spread 1, and divided by their number. A prediction's
*value* is the distance to the row's own centre, its *output* the group ("cluster 1", the largest in training, first).
"""

from dataclasses import replace

import numpy as np

from wardround.problems.base import Floats, Metric, Prediction, Problem, Weighted, mean_of, ratio_of

PARTS = ("distance", "from_mean", "silhouette", "stability", "cluster", "clusters")
"""Of each row: the distance to its own centre and to the mean of all training rows; the simplified silhouette, which
compares its own centre with the next one (Hruschka et al. 2006), -1 to 1; its stability, 0 to 1: how like its
companions in fits to resampled patients are to its companions here (Jaccard, as Hennig 2007 asks of groups); the number
of its group, from 0; and how many groups there are."""

_PLACE = {name: number for number, name in enumerate(PARTS)}


def part(prediction: Prediction, name: str) -> Floats:
    """Return the figure *name* of `PARTS` of each row (n,), NaN where there are none."""
    return prediction.part(_PLACE[name])


def losses(_: Floats, prediction: Prediction) -> Floats:
    """Return the distance of each row from its own centre (n,)."""
    return np.asarray(prediction.value, dtype=float)


def _smallest(_: Floats, prediction: Prediction, __: float) -> Weighted:
    own, groups = part(prediction, "cluster"), part(prediction, "clusters")
    if not len(own) or not (np.isfinite(own).all() and np.isfinite(groups).all()):
        return lambda weights: np.full(len(weights), np.nan)
    member = (own[:, None] == np.arange(int(groups.max()))).astype(float)
    return lambda weights: np.asarray((weights @ member).min(axis=1) / weights.sum(axis=1))


CLUSTERING = Problem(
    name="clustering",
    supervised=False,
    loss="distance",
    losses=losses,
    parts=PARTS,
    metrics=(
        mean_of("distance", lambda y, p, t: losses(y, p), higher=False),
        ratio_of(
            "explained",
            lambda y, p, t: (part(p, "from_mean") - part(p, "distance"), part(p, "from_mean")),
            higher=True,
        ),
        mean_of("silhouette", lambda y, p, t: part(p, "silhouette"), higher=True),
        replace(mean_of("stability", lambda y, p, t: part(p, "stability"), higher=True), of_fits=True),
        Metric(
            name="smallest_share",
            higher_is_better=True,
            compute=lambda y, p, t: float(_smallest(y, p, t)(np.ones((1, len(p))))[0]),
            weighted=_smallest,
        ),
    ),
)
"""``smallest_share`` is the share of the rows in the smallest group: a group without any row counts as 0."""
