"""Figures in words a ward nurse can read."""

from collections.abc import Iterable

from wardround.domain import Reading


def percent(share: float) -> str:
    """Return a share as a percentage: ``12 %``, ``0.4 %``."""
    value = 100.0 * share
    return f"{value:.0f} %" if value >= 9.95 or abs(value - round(value)) < 0.05 else f"{value:.1f} %"


def chance(p: float) -> str:
    """Return a p-value in words."""
    return "p below 0.0001" if p < 0.0001 else f"p {p:.4f}" if p < 0.01 else f"p {p:.2f}"


def part(hits: int, rows: int, small_cell: int) -> str:
    """Return *hits* of *rows* as a percentage, as a bound where either side of it is a small count."""
    if 0 < hits < small_cell:
        return f"under {percent(min(1.0, small_cell / rows))}"
    if 0 < rows - hits < small_cell:
        return f"over {percent(max(0.0, 1.0 - small_cell / rows))}"
    return percent(hits / max(rows, 1))


def listed(names: tuple[str, ...], most: int = 5) -> str:
    """Return names in one line, the first *most* of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def alike(readings: Iterable[Reading]) -> tuple[tuple[Reading, ...], ...]:
    """Group readings that say the same of several columns: of one kind, with the same figures."""
    groups: dict[object, list[Reading]] = {}
    for reading in readings:
        figures = (reading.current, reading.reference, reading.effect, reading.limit)
        alone = reading.column is None or figures[0] is None
        key = id(reading) if alone else (reading.kind, reading.alarm, *figures)
        groups.setdefault(key, []).append(reading)
    return tuple(tuple(group) for group in groups.values())


def so_are(group: tuple[Reading, ...]) -> str:
    """Return which other columns of a group from `alike` its first sentence holds for; empty: none."""
    others = tuple(str(reading.column) for reading in group[1:])
    return f"; the same holds for {listed(others, most=3)}" if others else ""
