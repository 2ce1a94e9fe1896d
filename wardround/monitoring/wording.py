"""Numbers, names and tables as people read them; shared by the stories, the pictures and the report."""

from collections.abc import Iterable, Sequence

from wardround.domain import Interval
from wardround.evaluation.wording import metric_name, near_zero

__all__ = ["cell", "joined", "line", "markdown_table", "metric_name", "number", "section", "short", "with_interval"]


def number(value: float | None, *, digits: int = 3) -> str:
    """Return *value* for people: "0.873", "12.4", "1,048"; "not measured" for None and NaN."""
    if value is None or value != value:
        return "not measured"
    size = abs(value)
    if 0 < size < 0.0005:
        return near_zero(value)
    if size >= 1000 or (size >= 10 and value == int(value)):
        return f"{value:,.0f}"
    value += 0.0  # of which -0 is made 0
    return f"{value:.{max(0, digits - (2 if size >= 100 else 1 if size >= 10 else 0))}f}"


def with_interval(value: float | None, interval: Interval | None) -> str:
    """Return the figure and, where there is one, its interval: "0.873 (0.84 to 0.91)"."""
    if interval is None or value is None:
        return number(value)
    return f"{number(value)} ({number(interval.low)} to {number(interval.high)})"


def markdown_table(rows: Sequence[dict[str, str]]) -> str:
    """Return *rows* (all with the same keys) as a markdown table without its empty columns."""
    if not rows:
        return "None."
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(cell(row[name]) for name in names)} |" for row in rows]
    return "\n".join(lines)


def section(title: str, sentences: Iterable[str]) -> list[str]:
    """Return a headed bullet list as lines, or nothing when there is nothing to list."""
    listed = [f"- {line(sentence)}" for sentence in sentences]
    return ["", f"## {title}", "", *listed] if listed else []


def joined(lines: Iterable[str]) -> str:
    """Join markdown lines into one text, without doubled empty lines."""
    text = "\n".join(lines).strip() + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def line(text: str) -> str:
    """Return *text* on one line."""
    return " ".join(text.split())


def cell(text: str) -> str:
    """Return *text* fit for a cell of a markdown table."""
    return line(text).replace("|", "\\|")


def short(version: str | None) -> str:
    """Return a version as people quote it: twelve characters, or "none"."""
    return f"`{version[:12]}`" if version else "none"
