"""Figures in words a ward nurse can read."""


def percent(share: float) -> str:
    """Return a share as a percentage: ``12 %``, ``0.4 %``."""
    value = 100.0 * share
    return f"{value:.0f} %" if value >= 9.95 or abs(value - round(value)) < 0.05 else f"{value:.1f} %"


def chance(p: float) -> str:
    """Return a p-value in words."""
    return "p below 0.0001" if p < 0.0001 else f"p {p:.4f}" if p < 0.01 else f"p {p:.2f}"


def count(number: int, small_cell: int, of: str) -> str:
    """Return a count of *of*, hidden when it is below *small_cell*."""
    return f"fewer than {small_cell} {of}" if 0 < number < small_cell else f"{number} {of}"


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
