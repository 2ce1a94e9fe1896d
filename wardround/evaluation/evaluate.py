"""How good predictions are: every metric of the problem with its interval, for all patients and by subgroup."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wardround.domain import Evaluation, Figure, SubgroupFigures
from wardround.evaluation.intervals import REPLICATES
from wardround.evaluation.measure import figure_of, measured
from wardround.privacy import suppress_subgroups
from wardround.problems.base import selected
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.problems.base import Prediction, Problem

SUBGROUP_REPLICATES = 1_000
MISSING = "not recorded"
THIRDS = ("lowest third", "middle third", "highest third")
"""Bands of a numeric column. They are named by rank: an edge would be the value of a patient."""


def evaluate(
    use_case: UseCase,
    problem: "Problem",
    target: ArrayLike,
    prediction: "Prediction",
    patients: ArrayLike,
    subgroups: "pd.DataFrame",
    *,
    population: str,
    method: str,
    seed: int,
    small_cell: int,
) -> Evaluation:
    """Return the evaluation of *prediction* against *target* (both n rows) of *patients* (n,).

    *subgroups* holds one column per subgroup (n rows). Rows without an outcome (NaN) are left out, where the problem
    asks for one. Levels with fewer than *small_cell* patients are suppressed, and a second one where the first could be
    computed from the total. Calibration slope and intercept are those of logistic recalibration (Cox 1958), the
    expected calibration error has ten equal-width bins (Naeini et al. 2015), the net benefit is that at the use case's
    threshold (Vickers & Elkin 2006); intervals: see `wardround.evaluation.intervals`.
    """
    target = np.asarray(target, dtype=np.float64)
    patients = np.asarray(patients, dtype=str)
    known = np.flatnonzero(np.isfinite(target) | (not problem.supervised))
    target, prediction, patients = target[known], selected(prediction, known), patients[known]
    metrics = tuple(problem.metrics)
    count = len(np.unique(patients))

    def figures(index: NDArray[np.intp], replicates: int) -> tuple[Figure, ...]:
        found = measured(
            metrics, target[index], selected(prediction, index), patients[index], use_case.threshold,
            seed=seed, replicates=replicates,
        )  # fmt: skip
        return tuple(figure_of(name, estimate, len(index)) for name, estimate in found.items())

    base: dict[str, Any] = {"population": population, "method": method, "seed": seed}
    base["threshold"] = use_case.threshold if problem.two_classes else None
    if count < small_cell:
        note = f"suppressed: fewer than {small_cell} patients"
        unsaid = tuple(Figure(metric=metric.name, value=None, note=note) for metric in metrics)
        return Evaluation(rows=0, patients=0, figures=unsaid, **base)
    found, sizes = [], {}
    for column in subgroups.columns:
        levels = levels_of(subgroups[column].iloc[known])
        for level in sorted(set(levels)):
            index = np.flatnonzero(levels == level)
            size = len(np.unique(patients[index]))
            sizes[str(column), level] = size
            shown = figures(index, SUBGROUP_REPLICATES) if size >= small_cell else ()
            found.append(SubgroupFigures(column=str(column), level=level, rows=len(index), figures=shown))
    return Evaluation(
        rows=len(target), patients=count, figures=figures(np.arange(len(target)), REPLICATES),
        subgroups=suppress_subgroups(found, sizes, small_cell), **base,
    )  # fmt: skip


def levels_of(column: "pd.Series[Any]") -> NDArray[Any]:
    """Return the level of each row as text: a number's third, a category's level, or `MISSING`."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    present = column.notna().to_numpy()
    levels = np.full(len(column), MISSING, dtype=object)
    if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64)
        if present.any():
            edges = np.quantile(values[present], [1 / 3, 2 / 3])
            bands = np.searchsorted(edges, values[present], side="left")
            levels[present] = np.array(THIRDS, dtype=object)[bands]
    else:
        levels[present] = column.to_numpy(dtype=object)[present].astype(str)
    return levels
