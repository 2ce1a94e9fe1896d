"""Challenger against champion on the same rows: paired, resampled by patient, overall or in every subgroup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.evaluation.evaluate import levels_of
from wardround.evaluation.intervals import Array, Estimate, paired_interval
from wardround.evaluation.statistics import weighted
from wardround.problems.base import selected

if TYPE_CHECKING:
    import pandas as pd

    from wardround.problems.base import Metric, Prediction

ASSESSABLE = 30
"""Patients a subgroup level needs to be judged by itself; smaller levels are judged together."""
OF_EACH = 10
"""Patients with either outcome it needs too, where the target is yes or no."""


@dataclass(frozen=True, kw_only=True)
class ScoredRows:
    """Rows with an outcome and one model's predictions of them, made without their patients' outcomes.

    *record_id*, *patient_id*, *target* are (n,), *subgroups* has n rows and a column per subgroup. *how* says in words
    where the predictions are from; *out_of_fold* whether they judge a way of training and not one fitted model.
    """

    record_id: NDArray[Any]
    patient_id: NDArray[Any]
    target: Array
    prediction: "Prediction"
    subgroups: "pd.DataFrame"
    how: str = "its predictions"
    out_of_fold: bool = True

    def __len__(self) -> int:
        return len(self.record_id)

    @property
    def patients(self) -> int:
        """How many patients the rows are of."""
        return len(np.unique(np.asarray(self.patient_id, dtype=str)))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a gate must know of one model: its scored rows by population, and the artifact's cost.

    *size* is in bytes, *latency* in ms for one row; None (not measured) fails a limit.
    """

    version: str
    scored: Mapping[str, ScoredRows]
    size: int | None = None
    latency: float | None = None
    features: tuple[str, ...] | None = field(default=None)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A comparison in one group of patients, ``""`` for all of them."""

    column: str
    level: str
    rows: int
    estimate: Estimate

    @property
    def name(self) -> str:
        """The group in words."""
        return f"{self.column} {self.level}" if self.column else "all patients"


def pairing_fault(challenger: ScoredRows, champion: ScoredRows) -> str | None:
    """Return why the two were not scored on the same rows, or None when they were."""
    one, other = np.asarray(challenger.record_id, dtype=str), np.asarray(champion.record_id, dtype=str)
    if len(np.unique(one)) != len(one) or len(np.unique(other)) != len(other):
        return "a record stands there twice, so rows cannot be paired"
    if len(one) != len(other) or not np.array_equal(np.sort(one), np.sort(other)):
        return "the two models were not scored on the same records"
    a, b = np.argsort(one), np.argsort(other)
    if not np.array_equal(np.asarray(challenger.target)[a], np.asarray(champion.target)[b], equal_nan=True):
        return "the two models were judged by different outcomes of the same records"
    if not np.array_equal(
        np.asarray(challenger.patient_id)[a].astype(str), np.asarray(champion.patient_id)[b].astype(str)
    ):
        return "the two models' rows belong to different patients"
    return None


def improvement(metric: "Metric", challenger: Array, champion: Array) -> Array:
    """Return how much better the challenger's figures are than the champion's, negative where they are worse.

    A metric with an ideal value is improved by coming nearer to it.
    """
    if metric.ideal is not None:
        return np.abs(champion - metric.ideal) - np.abs(challenger - metric.ideal)
    return challenger - champion if metric.higher_is_better else champion - challenger


def compare(
    metric: "Metric",
    challenger: ScoredRows,
    champion: ScoredRows,
    by: tuple[str, ...],
    threshold: float,
    *,
    seed: int,
    assessable: int,
    two_classes: bool,
) -> tuple[tuple[Part, ...], str | None]:
    """Return the comparison in each group, and why a group cannot be judged (None: all can).

    The rows must be pairable (`pairing_fault`). Without *by* there is one group. With it, each level of each column
    with at least *assessable* patients (and `OF_EACH` of either outcome, where there are *two_classes*) is one; the
    smaller levels are one together, and join the smallest of the others where even together they are too few: no
    patient goes unjudged. A column without any assessable level is a fault.
    """
    order = _aligned(challenger, champion)
    target = np.asarray(challenger.target, dtype=np.float64)
    patients = np.asarray(challenger.patient_id, dtype=str)
    other = selected(champion.prediction, order)
    groups: list[tuple[str, str, NDArray[np.intp]]] = []
    if not by:
        groups = [("", "", np.arange(len(target)))]
    for column in by:
        if column not in challenger.subgroups.columns:
            return (), f"the rows have no column {column!r}"
        found = _groups(levels_of(challenger.subgroups[column]), patients, target, assessable, two_classes)
        if not found:
            each = f" with {OF_EACH} of either outcome" if two_classes else ""
            return (), f"no level of {column!r} has {assessable} patients{each}"
        groups += [(column, level, index) for level, index in found]
    trained = challenger.out_of_fold + champion.out_of_fold
    parts = []
    for column, level, index in groups:
        new, old = (
            weighted(metric, target[index], selected(prediction, index), threshold)
            for prediction in (challenger.prediction, other)
        )
        estimate = paired_interval(
            new, old, patients[index], seed=seed, difference=partial(improvement, metric), trained=trained
        )
        parts.append(Part(column=column, level=level, rows=len(index), estimate=estimate))
    return tuple(parts), None


def _aligned(challenger: ScoredRows, champion: ScoredRows) -> NDArray[np.intp]:
    """Return where each of the challenger's records stands among the champion's."""
    names = np.asarray(champion.record_id, dtype=str)
    order = np.argsort(names)
    found = np.searchsorted(names[order], np.asarray(challenger.record_id, dtype=str))
    return np.asarray(order[found])


def _groups(
    levels: NDArray[Any], patients: NDArray[np.str_], target: Array, assessable: int, two_classes: bool
) -> list[tuple[str, NDArray[np.intp]]]:
    large: list[tuple[str, NDArray[np.intp]]] = []
    small: list[NDArray[np.intp]] = []

    def size(index: NDArray[np.intp]) -> int:
        return len(np.unique(patients[index]))

    def is_assessable(index: NDArray[np.intp]) -> bool:
        each = min(size(index[target[index] == outcome]) for outcome in (0.0, 1.0)) if two_classes else OF_EACH
        return size(index) >= assessable and each >= OF_EACH

    for level in sorted(set(levels)):
        index = np.flatnonzero(levels == level)
        if is_assessable(index):
            large.append((level, index))
        else:
            small.append(index)
    if not small or not large:
        return large
    pool = np.sort(np.concatenate(small))
    if is_assessable(pool):
        return [*large, ("other levels", pool)]
    least = min(range(len(large)), key=lambda number: (size(large[number][1]), large[number][0]))
    level, index = large[least]
    large[least] = (f"{level} or another small level", np.sort(np.concatenate([index, pool])))
    return large
