"""Points of a calibration curve, drawn from groups that are large enough to be shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class CalibrationPoint:
    """One group of patients with similar predictions: mean prediction, observed mean, and its 95 % interval."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


def calibration_points(
    target: ArrayLike, value: ArrayLike, bins: int = 10, *, patients: ArrayLike | None = None, small_cell: int = 10
) -> tuple[CalibrationPoint, ...]:
    """Return at most *bins* points, groups of about equal size in the order of the prediction.

    Equal predictions stay together. A group with fewer than *small_cell* patients (None: every row is one) is joined to
    the next, the last one to the one before it; no group is shown when all together are too few. The interval is
    Wilson's for a share, the normal one for a mean.
    """
    outcome, guess = np.asarray(target, dtype=np.float64), np.asarray(value, dtype=np.float64)
    names = np.arange(len(outcome)).astype(str) if patients is None else np.asarray(patients, dtype=str)
    usable = np.isfinite(outcome) & np.isfinite(guess)
    outcome, guess, names = outcome[usable], guess[usable], names[usable]
    if not len(outcome):
        return ()
    edges = np.unique(np.quantile(guess, np.linspace(0, 1, bins + 1)[1:-1]))
    group = np.searchsorted(edges, guess, side="left")
    members: list[NDArray[np.intp]] = []
    for number in range(len(edges) + 1):
        index = np.flatnonzero(group == number)
        if members and _patients(names, members[-1]) < small_cell:
            members[-1] = np.concatenate([members[-1], index])
        elif len(index):
            members.append(index)
    if len(members) > 1 and _patients(names, members[-1]) < small_cell:
        last = members.pop()
        members[-1] = np.concatenate([members[-1], last])
    if _patients(names, members[0]) < small_cell:
        return ()
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    return tuple(_point(outcome[index], guess[index], binary) for index in members)


def _patients(names: NDArray[np.str_], index: NDArray[np.intp]) -> int:
    return len(np.unique(names[index]))


def _point(target: NDArray[np.float64], value: NDArray[np.float64], binary: bool) -> CalibrationPoint:
    rows, observed = len(target), float(target.mean())
    if binary:
        centre = (observed + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
        half = Z / (1 + Z**2 / rows) * np.sqrt(observed * (1 - observed) / rows + Z**2 / (4 * rows**2))
    else:
        centre, half = observed, Z * target.std(ddof=1) / np.sqrt(rows) if rows > 1 else np.nan
    return CalibrationPoint(
        predicted=float(value.mean()), observed=observed, low=float(centre - half), high=float(centre + half), rows=rows
    )
