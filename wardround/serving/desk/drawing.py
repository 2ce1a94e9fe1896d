"""The strokes of the desk's charts: scales, marks, lines and labels as SVG text."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

WIDTH = 300.0
TEXT_SIZE = 12
_MARKS: dict[str, str] = {
    "circle": '<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>',
    "square": '<rect x="{left:.1f}" y="{top:.1f}" width="{d:.1f}" height="{d:.1f}"/>',
    "triangle": '<path d="M{x:.1f} {top:.1f}L{right:.1f} {bottom:.1f}H{left:.1f}Z"/>',
    "diamond": '<path d="M{x:.1f} {top:.1f}L{right:.1f} {y:.1f}L{x:.1f} {bottom:.1f}L{left:.1f} {y:.1f}Z"/>',
    "dash": '<rect x="{left:.1f}" y="{y:.1f}" width="{d:.1f}" height="3" transform="translate(0 -1.5)"/>',
}
"""Shape -> its drawing around (x, y) with the radius r."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a drawing is called and says, for those who do not see it; *name* is its id, one of its kind on a page."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Point:
    """A figure at round number *place* (from 0), with the ends of its interval; *label* is shown when pointed at."""

    place: int
    value: float
    low: float | None = None
    high: float | None = None
    alarm: bool = False
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A new champion from round number *place* on."""

    place: int
    label: str


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """The rounds along the lower edge: how many, what the first and last are called, and where the champion changed."""

    count: int
    first: str
    last: str
    changes: Sequence[Change] = ()


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A rectangle with a scale from *low* (at the bottom) to *high*, rounds from left to right."""

    rounds: Rounds
    left: float
    top: float
    height: float
    low: float
    high: float
    right: float = WIDTH - 8

    @classmethod
    def around(cls, points: Sequence[Point], rounds: Rounds) -> "Plot":
        """Return a plot whose scale holds every figure and interval of *points*."""
        ends = [end for p in points for end in (p.value, p.low, p.high) if end is not None and math.isfinite(end)]
        low, high = padded(min(ends, default=0.0), max(ends, default=1.0))
        return cls(rounds=rounds, left=44.0, top=10.0, height=150.0, low=low, high=high)

    @property
    def bottom(self) -> float:
        """Where the scale begins, counted downwards."""
        return self.top + self.height

    @property
    def step(self) -> float:
        """How far apart two rounds are."""
        return (self.right - self.left) / max(self.rounds.count, 1)

    def x(self, place: float) -> float:
        """Return where round number *place* is."""
        return self.left + self.step * (place + 0.5)

    def y(self, value: float) -> float:
        """Return where *value* is on the scale."""
        return self.bottom - self.height * (value - self.low) / (self.high - self.low)

    def scale(self, marks: Sequence[float] | None = None, *, right: float | None = None) -> Iterator[str]:
        """Draw the grid lines and their figures, at *marks* or at round figures."""
        for value in ticks(self.low, self.high) if marks is None else marks:
            yield line(self.left, self.y(value), self.right if right is None else right, self.y(value), "grid")
            yield label(self.left - 6, self.y(value) + 4, f"{value:g}", anchor="end")

    def changes(self, *, named: bool = False) -> Iterator[str]:
        """Draw where the champion changed; *named*: with the label above the line."""
        for change in self.rounds.changes:
            x = self.x(change.place - 0.5)
            yield titled(line(x, self.top, x, self.bottom, "change"), change.label, "")
            if named:
                yield label(x, self.top - 8, change.label, anchor="end" if x > self.right - 60 else "middle")

    def ends(self) -> Iterator[str]:
        """Write the names of the first and the last round under the plot."""
        if self.rounds.count:
            yield label(self.left, self.bottom + 16, self.rounds.first, anchor="start")
        if self.rounds.count > 1:
            yield label(self.right, self.bottom + 16, self.rounds.last, anchor="end")

    def band(self, run: Sequence[Point]) -> Iterator[str]:
        """Draw the intervals of successive rounds as one band."""
        held = [(p.place, p.low, p.high) for p in run if p.low is not None and p.high is not None]
        if len(held) == 1:
            place, low, high = held[0]
            yield line(self.x(place), self.y(low), self.x(place), self.y(high), "estimated bar")
        elif held:
            edge = [(self.x(p), self.y(high)) for p, _, high in held]
            edge += [(self.x(p), self.y(low)) for p, low, _ in reversed(held)]
            yield f'<path class="estimated band" d="{outline(edge)}Z" fill="currentColor" fill-opacity="0.2"/>'

    def path(self, run: Sequence[Point], kind: str) -> str:
        """Draw a line through the figures of successive rounds."""
        edge = [(self.x(p.place), self.y(min(p.value, self.high))) for p in run]
        return f'<path class="{kind} line" d="{outline(edge)}" fill="none" stroke="currentColor"/>'

    def steps(self, run: Sequence[Point], kind: str) -> str:
        """Draw dashes at the figures of successive rounds, each as wide as its round."""
        edge = outline([(self.x(p.place + side), self.y(p.value)) for p in run for side in (-0.5, 0.5)])
        return f'<path class="{kind} line" d="{edge}" fill="none" stroke="currentColor" stroke-dasharray="5 4"/>'


def runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Cut where a round has no figure: a line across would claim one."""
    run: list[Point] = []
    for point in points:
        if run and point.place != run[-1].place + 1:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def mark(shape: str, x: float, y: float, radius: float = 4.5) -> str:
    """Return the *shape* (circle, square, triangle, diamond, dash) around (*x*, *y*), without colour."""
    return _MARKS[shape].format(
        x=x, y=y, r=radius, d=2 * radius, left=x - radius, right=x + radius, top=y - radius, bottom=y + radius
    )


def padded(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a scale with some room beyond *low* and *high*."""
    room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
    return low - room, high + room


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return *about* so many round figures between *low* and *high*."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(step * number, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def outline(edge: Sequence[tuple[float, float]]) -> str:
    """Return the path along the points of *edge*."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in edge) if edge else ""


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Draw a straight line; a *limit* is dashed, a *change* dotted."""
    dashes = {"limit": ' stroke-dasharray="6 4"', "change": ' stroke-dasharray="2 3"'}.get(kind, "")
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{kind}" {place} stroke="currentColor"{dashes}/>'


def label(x: float, y: float, words: str, *, anchor: str, kind: str = "label") -> str:
    """Write *words* at (*x*, *y*), which is their start, middle or end as *anchor* says."""
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{TEXT_SIZE}" '
        f'fill="currentColor">{escape(words)}</text>'
    )


def titled(drawn: str, words: str, kind: str) -> str:
    """Return *drawn* as a mark of the class *kind* that says *words* when pointed at."""
    title = f"<title>{escape(words)}</title>" if words else ""
    return f'<g class="mark {escape(kind)}" fill="currentColor">{title}{drawn}</g>'


def svg(told: Told, height: float, parts: Sequence[str], *, width: float = WIDTH) -> Markup:
    """Return the whole drawing, one image to a screen reader, named and described by *told*."""
    name = escape(told.name)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-text" focusable="false"><title id="{name}-title">{escape(told.title)}</title>'
        f'<desc id="{name}-text">{escape(told.text)}</desc>{"".join(parts)}</svg>'
    )
