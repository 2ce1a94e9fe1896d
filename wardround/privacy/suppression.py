"""Small-cell suppression: an aggregate over a handful of patients is nearly a patient row.

The rule is that of the United States' CMS cell size policy: a count from 1 to one below the limit is not shown,
nor is any figure from which such a count could be computed. Zero says nothing of a person and is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wardround.domain import SubgroupFigures


def suppressed(count: int | None, small_cell: int) -> int | None:
    """Return *count* where it may be shown, else None; a count that was suppressed before stays so."""
    return count if count == 0 or (count is not None and count >= small_cell) else None


def in_words(count: int, small_cell: int) -> str:
    """Return *count* for a sentence: ``1,234``, or ``fewer than 10`` where it may not be shown."""
    shown = suppressed(count, small_cell)
    return f"fewer than {small_cell}" if shown is None else f"{shown:,}"


def suppress_counts(counts: Mapping[str, int], small_cell: int) -> dict[str, int | None]:
    """Return the counts of the levels of one column, suppressed so that the column's total gives none away.

    The total is taken as known. Where small levels would follow from it (a single hidden level, or hidden
    levels that are small even together), the smallest shown levels are hidden too.
    """
    hidden = {level for level, count in counts.items() if suppressed(count, small_cell) is None}
    shown = sorted(
        (level for level in counts if level not in hidden and counts[level]), key=lambda name: (counts[name], name)
    )
    while hidden and shown and (len(hidden) < 2 or sum(counts[level] for level in hidden) < small_cell):
        hidden.add(shown.pop(0))
    return {level: None if level in hidden else count for level, count in counts.items()}


def suppress_subgroups(
    subgroups: Sequence[SubgroupFigures], patients: Mapping[tuple[str, str], int], small_cell: int
) -> tuple[SubgroupFigures, ...]:
    """Return the subgroups, in order, with rows and figures removed where they rest on too few patients.

    *patients* counts the patients of each (column, level); one that is not counted is suppressed. A second level
    of a column is suppressed too where the first could be computed from the total.
    """
    shown: dict[tuple[str, str], int | None] = {}
    for column in {subgroup.column for subgroup in subgroups}:
        levels = {s.level: patients.get((column, s.level), 1) for s in subgroups if s.column == column}
        shown |= {(column, level): count for level, count in suppress_counts(levels, small_cell).items()}
    return tuple(
        subgroup
        if shown[subgroup.column, subgroup.level] is not None and not subgroup.suppressed
        else replace(subgroup, rows=None, figures=(), suppressed=True)
        for subgroup in subgroups
    )
