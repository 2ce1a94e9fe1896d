"""Make rows safe to be drawn: every value that is left is shared by enough patients, or was measured in none.

A histogram gives an extreme patient away (one bar, one person). Numbers are therefore replaced by the mean of groups of
neighbours (microaggregation: Domingo-Ferrer and Mateo-Sanz, IEEE TKDE 14(1), 2002), rare levels are pooled, and a
handful of missing values is filled. Columns are treated one by one and must be shown one by one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = "(missing)"
OTHER = "(small groups)"


def protect(
    reference: pd.DataFrame, current: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str], small_cell: int
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Return both frames with only the protected columns, and the columns that had to be left out.

    Each column is shuffled for itself, so that no row of the result is a patient. Patients are counted by
    ``patient_id``, each frame for itself. A numeric column that fewer than *small_cell* patients have in one of the
    frames is left out, and so is a categorical one that pools into a single level.
    """
    people = [frame["patient_id"].to_numpy() for frame in (reference, current)]
    sides: list[dict[str, object]] = [{}, {}]
    left_out: list[str] = []
    for name in (*numeric, *categorical):
        columns = [frame[name] for frame in (reference, current)]
        done: Sequence[NDArray[Any] | None]
        if name in numeric:
            done = [_numbers(column, who, small_cell) for column, who in zip(columns, people, strict=True)]
        else:
            done = _levels(columns, people, small_cell)
        if any(column is None for column in done):
            left_out.append(name)
            continue
        for number, (side, column) in enumerate(zip(sides, done, strict=True)):
            assert column is not None
            side[name] = np.random.default_rng([number, len(side), len(column)]).permutation(column)
    return pd.DataFrame(sides[0]), pd.DataFrame(sides[1]), tuple(left_out)


def microaggregated(
    values: "NDArray[np.float64]", people: "NDArray[np.object_]", small_cell: int
) -> "NDArray[np.float64]":
    """Return *values* (no NaN, of at least *small_cell* patients), each replaced by its group's mean.

    Groups are neighbours in value, equal values never parted, each of at least *small_cell* different patients.
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    codes = pd.factorize(people[order])[0]
    last_of_value = np.append(ranked[1:] != ranked[:-1], True)
    group = np.empty(len(values), dtype=np.int64)
    seen: set[int] = set()
    number = start = 0
    for place, (code, may_end) in enumerate(zip(codes.tolist(), last_of_value.tolist(), strict=True)):
        seen.add(code)
        if may_end and len(seen) >= small_cell:
            group[start : place + 1] = number
            number, start, seen = number + 1, place + 1, set()
    group[start:] = max(number - 1, 0)  # too few are left over at the top: they join their neighbours
    means = np.bincount(group, weights=ranked) / np.bincount(group)
    done = np.empty_like(values)
    done[order] = means[group]
    return done


def _numbers(column: pd.Series, people: "NDArray[np.object_]", small_cell: int) -> "NDArray[np.float64] | None":
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    there = np.isfinite(values)
    if len(set(people[there])) < small_cell:
        return None
    done = np.full(len(values), np.nan)
    done[there] = microaggregated(values[there], people[there], small_cell)
    if 0 < len(set(people[~there])) < small_cell:
        done[~there] = np.median(done[there])
    return done


def _levels(
    columns: "Sequence[pd.Series]", people: "Sequence[NDArray[np.object_]]", small_cell: int
) -> "tuple[NDArray[np.object_] | None, ...]":
    filled = [column.astype(object).where(column.notna(), MISSING).to_numpy() for column in columns]
    who = [
        {level: set(persons[values == level]) for level in set(values)}
        for values, persons in zip(filled, people, strict=True)
    ]
    levels = sorted(set().union(*who), key=lambda level: (sum(len(side.get(level, ())) for side in who), str(level)))
    kept = [level for level in levels if all(_shown(len(side.get(level, ())), small_cell) for side in who)]
    pooled = [level for level in levels if level not in kept]
    while pooled and kept and not all(_shown(_together(side, pooled), small_cell) for side in who):
        pooled.append(kept.pop(0))
    if not kept or not all(_shown(_together(side, pooled), small_cell) for side in who):
        return None, None
    return tuple(np.array([level if level in kept else OTHER for level in values], dtype=object) for values in filled)


def _shown(count: int, small_cell: int) -> bool:
    return count == 0 or count >= small_cell


def _together(side: dict[str, set[str]], levels: Sequence[str]) -> int:
    return len(set().union(*(side.get(level, set()) for level in levels)))
