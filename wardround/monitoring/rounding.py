"""Counts and moments so rounded that subtracting one stored table from another gives no exact small cell."""

from dataclasses import replace
from math import floor, log10
from typing import TYPE_CHECKING

from wardround.privacy import near

if TYPE_CHECKING:
    from wardround.monitoring.profile import CategoryProfile, NumericProfile


def open_share(hits: int, rows: int, small_cell: int) -> float | None:
    """Return *hits* of *rows*, None where the share would tell a count below *small_cell* on either side of it."""
    few = 0 < hits < small_cell or 0 < rows - hits < small_cell
    return None if few else hits / max(rows, 1)


def blurred_share(hits: int, rows: int, small_cell: int, *, usual: float) -> float:
    """Return *hits* of *rows*; a small count on either side becomes the small count that is nearest to *usual*.

    What is computed from it (an effect, a p-value) tells no more of the count than that it is small.
    """
    share = open_share(hits, rows, small_cell)
    if share is not None:
        return share
    low, high = (1, small_cell - 1) if hits < small_cell else (rows - small_cell + 1, rows - 1)
    return min(max(usual, low / rows), min(high, rows) / rows)


def rounded_number(column: "NumericProfile", base: int) -> "NumericProfile":
    """Round counts to multiples of *base*, the SD to two digits and the mean to a twentieth of it."""
    sd = round(column.sd, 1 - floor(log10(column.sd))) if column.sd > 0 else column.sd
    mean = round(column.mean / (sd / 20.0)) * sd / 20.0 if sd > 0 else column.mean
    counts = tuple(near(count, base) for count in column.counts)
    return replace(column, counts=counts, missing=near(column.missing, base), mean=mean, sd=sd)


def rounded_category(column: "CategoryProfile", base: int) -> "CategoryProfile":
    """Round counts to multiples of *base*."""
    counts = tuple(near(count, base) for count in column.counts)
    return replace(column, counts=counts, other=near(column.other, base), missing=near(column.missing, base))
