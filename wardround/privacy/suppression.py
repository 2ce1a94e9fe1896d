"""Small-cell suppression: an aggregate over a handful of patients is nearly a patient row.

The rule is that of the United States' CMS cell size policy: a count from 1 to one below the limit is not shown,
nor is any figure from which such a count could be computed. Zero says nothing of a person and is shown.

Of a batch the accepted rows are told exactly, wherever rows are counted. So that no small count follows by subtraction,
the rows that came are not told beside a small part of them (complementary suppression), and rows that break a rule are
told rounded, since rules overlap and no total of them could be held back (Hundepool et al., Statistical Disclosure
Control, Wiley 2012, chapter 4).
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


def rounded_in_words(count: int, small_cell: int) -> str:
    """Return *count* to the next multiple of *small_cell*: ``about 1,230``, or ``fewer than 10``."""
    if suppressed(count, small_cell) is None or not count:
        return in_words(count, small_cell)
    return f"about {near(count, small_cell):,}"


def beside(count: int, total: int, small_cell: int) -> str:
    """Return *count*, of a *total* that is told exactly, so that it does not tell a small rest."""
    few = suppressed(total - count, small_cell) is None and suppressed(count, small_cell) is not None
    return f"all but fewer than {small_cell} of {total:,}" if few else in_words(count, small_cell)


def near(count: int, base: int) -> int:
    """Return the multiple of *base* next to *count*."""
    return base * ((count + base // 2) // base)


def whole(parts: Sequence[int], small_cell: int) -> int | None:
    """Return the sum of *parts*, None where it would tell a small one by the others."""
    small = len([part for part in parts if part]) > 1 and any(suppressed(part, small_cell) is None for part in parts)
    return None if small else suppressed(sum(parts), small_cell)


def delivery_in_words(accepted: int, quarantined: int, small_cell: int) -> str:
    """Return how many rows came and what became of them."""
    came, kept, held = (in_words(count, small_cell) for count in (accepted + quarantined, accepted, quarantined))
    if not accepted or not quarantined:
        return f"{came} rows came in, all of them {'were accepted' if accepted else 'are in quarantine'}"
    if whole((accepted, quarantined), small_cell) is None:
        return f"{kept} rows were accepted, {held} more are in quarantine"
    return f"{came} rows came in, {kept} were accepted, {held} are in quarantine"


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
