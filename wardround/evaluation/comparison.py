"""Challenger against champion on the same rows: paired, resampled by patient, overall or in every subgroup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.evaluation.evaluate import levels_of
from wardround.evaluation.intervals import Array, Estimate, Statistic, interval
from wardround.evaluation.measure import IDEAL
from wardround.evaluation.statistics import rows_of, weighted

if TYPE_CHECKING:
    import pandas as pd

    from wardround.problems.base import Metric, Prediction

ASSESSABLE = 30
"""Patients a subgroup level needs to be judged by itself; smaller levels are judged together."""


@dataclass(frozen=True, kw_only=True)
class ScoredRows:
    """Rows with an outcome and one model's predictions of them, made without their patients' outcomes.

    *record_id*, *patient_id*, *target* are (n,), *subgroups* has n rows and a column per subgroup. *how* says in words
    where the predictions are from.
    """

    record_id: NDArray[Any]
    patient_id: NDArray[Any]
    target: Array
    prediction: "Prediction"
    subgroups: "pd.DataFrame"
    how: str = "its predictions"

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


def improvement(
    metric: "Metric", target: Array, challenger: "Prediction", champion: "Prediction", threshold: float
) -> Statistic:
    """Return the improvement in *metric*, positive where the challenger is better, as a function of row weights.

    A metric with an ideal value is improved by coming nearer to it.
    """
    new = weighted(metric, target, challenger, threshold)
    old = weighted(metric, target, champion, threshold)
    if metric.name in IDEAL:
        ideal = IDEAL[metric.name]
        return lambda weights: np.abs(old(weights) - ideal) - np.abs(new(weights) - ideal)
    if metric.higher_is_better:
        return lambda weights: new(weights) - old(weights)
    return lambda weights: old(weights) - new(weights)


def compare(
    metric: "Metric",
    challenger: ScoredRows,
    champion: ScoredRows,
    by: tuple[str, ...],
    threshold: float,
    *,
    seed: int,
    assessable: int,
) -> tuple[tuple[Part, ...], str | None]:
    """Return the comparison in each group, and why a group cannot be judged (None: all can).

    The rows must be pairable (`pairing_fault`). Without *by* there is one group. With it, each level of each column
    with at least *assessable* patients is one; the smaller levels are one together, and join the smallest
    of the others where even together they are too few: no patient goes unjudged. A column without any
    assessable level is a fault.
    """
    order = _aligned(challenger, champion)
    target = np.asarray(challenger.target, dtype=np.float64)
    patients = np.asarray(challenger.patient_id, dtype=str)
    other = rows_of(champion.prediction, order)
    groups: list[tuple[str, str, NDArray[np.intp]]] = []
    if not by:
        groups = [("", "", np.arange(len(target)))]
    for column in by:
        if column not in challenger.subgroups.columns:
            return (), f"the rows have no column {column!r}"
        found = _groups(levels_of(challenger.subgroups[column]), patients, assessable)
        if not found:
            return (), f"no level of {column!r} has {assessable} patients"
        groups += [(column, level, index) for level, index in found]
    parts = []
    for column, level, index in groups:
        statistic = improvement(
            metric, target[index], rows_of(challenger.prediction, index), rows_of(other, index), threshold
        )
        estimate = interval(statistic, patients[index], seed=seed, paired=True)
        parts.append(Part(column=column, level=level, rows=len(index), estimate=estimate))
    return tuple(parts), None


def _aligned(challenger: ScoredRows, champion: ScoredRows) -> NDArray[np.intp]:
    """Return where each of the challenger's records stands among the champion's."""
    names = np.asarray(champion.record_id, dtype=str)
    order = np.argsort(names)
    found = np.searchsorted(names[order], np.asarray(challenger.record_id, dtype=str))
    return np.asarray(order[found])


def _groups(levels: NDArray[Any], patients: NDArray[np.str_], assessable: int) -> list[tuple[str, NDArray[np.intp]]]:
    large: list[tuple[str, NDArray[np.intp]]] = []
    small: list[NDArray[np.intp]] = []

    def size(index: NDArray[np.intp]) -> int:
        return len(np.unique(patients[index]))

    for level in sorted(set(levels)):
        index = np.flatnonzero(levels == level)
        if size(index) >= assessable:
            large.append((level, index))
        else:
            small.append(index)
    if not small or not large:
        return large
    pool = np.sort(np.concatenate(small))
    if size(pool) >= assessable:
        return [*large, ("other levels", pool)]
    least = min(range(len(large)), key=lambda number: (size(large[number][1]), large[number][0]))
    level, index = large[least]
    large[least] = (f"{level} or another small level", np.sort(np.concatenate([index, pool])))
    return large
