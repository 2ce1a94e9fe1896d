"""Pictures for the desk: SVG drawn on the server, its colours left to the style sheet, each with a title and a text.

Nothing is told by colour alone: shapes, places, dashes and labels say the same. Drawings are 300 units wide, small
ones 260, so that their text keeps its size on a telephone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from wardround.serving.desk.drawing import (
    WIDTH,
    Change,
    Plot,
    Point,
    Rounds,
    Told,
    label,
    line,
    mark,
    outline,
    padded,
    runs,
    svg,
    ticks,
    titled,
)

__all__ = [
    "Change", "Decided", "Point", "Rounds", "Told", "along", "bar", "calibration", "drift", "heat", "over_time", "span",
    "timeline",
]  # fmt: skip


SMALL = 260.0
_STRENGTHS = 8


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One round on the timeline: in which lane it stands, and the class (a signal) it is coloured by."""

    place: int
    lane: int
    signal: str
    label: str


def timeline(told: Told, rounds: Rounds, lanes: Sequence[tuple[str, str]], decided: Sequence[Decided]) -> Markup:
    """Draw the decisions, one lane per (word, shape) of *lanes*, and the changes of champion."""
    plot = Plot(rounds=rounds, left=96.0, top=22.0, height=26.0 * len(lanes), low=0.0, high=float(len(lanes)))
    parts = []
    for lane, (word, _) in enumerate(lanes):
        y = plot.top + 26.0 * (lane + 0.5)
        parts.append(line(plot.left, y, plot.right, y, "grid"))
        parts.append(label(plot.left - 8, y + 4, word, anchor="end"))
    parts += plot.changes(named=True)
    radius = max(2.5, min(6.0, 0.42 * plot.step))
    for each in decided:
        y = plot.top + 26.0 * (each.lane + 0.5)
        parts.append(titled(mark(lanes[each.lane][1], plot.x(each.place), y, radius), each.label, each.signal))
    parts += plot.ends()
    return svg(told, plot.bottom + 22, parts)


def over_time(
    told: Told,
    rounds: Rounds,
    *,
    estimated: Sequence[Point],
    realised: Sequence[Point] = (),
    reference: Sequence[Point] = (),
) -> Markup:
    """Draw a metric by round: estimated (line with a band), realised (squares with bars), as trained (dashes)."""
    plot = Plot.around((*estimated, *realised, *reference), rounds)
    parts = [*plot.scale(), *plot.changes()]
    for run in runs(reference):
        parts.append(plot.steps(run, "reference"))
    for run in runs(estimated):
        parts += plot.band(run)
        parts.append(plot.path(run, "estimated"))
    for point in estimated:
        parts.append(titled(mark("circle", plot.x(point.place), plot.y(point.value), 3.5), point.label, "estimated"))
    for point in realised:
        x = plot.x(point.place)
        if point.low is not None and point.high is not None:
            parts.append(line(x, plot.y(point.low), x, plot.y(point.high), "realised bar"))
        parts.append(titled(mark("square", x, plot.y(point.value), 4), point.label, "realised"))
    parts += plot.ends()
    return svg(told, plot.bottom + 22, parts)


def drift(told: Told, rounds: Rounds, points: Sequence[Point], *, limit: float, limit_label: str) -> Markup:
    """Draw effects (0 to 1, few beyond) by round against *limit*, a dashed line with a label; alarms are triangles."""
    high = 1.0 if all(point.value <= 1 for point in points) else 1.5
    plot = Plot(rounds=rounds, left=30.0, top=24.0, height=92.0, low=0.0, high=high, right=SMALL - 6)
    parts = [*plot.scale((0.0, 0.5, 1.0)), *plot.changes()]
    parts += [plot.path(run, "quiet") for run in runs(points)]
    parts.append(line(plot.left, plot.y(limit), plot.right, plot.y(limit), "limit"))
    parts.append(line(plot.left, 10, plot.left + 22, 10, "limit"))
    parts.append(label(plot.left + 27, 14, limit_label, anchor="start"))
    for point in points:
        x, y = plot.x(point.place), plot.y(min(point.value, high))
        shape, kind = ("triangle", "alarm") if point.alarm else ("circle", "quiet")
        parts.append(titled(mark(shape, x, y, 5.5 if point.alarm else 3), point.label, kind))
    parts += plot.ends()
    return svg(told, plot.bottom + 22, parts, width=SMALL)


def calibration(told: Told, points: Sequence[tuple[float, float, float, float]], *, across: str, up: str) -> Markup:
    """Draw *points* (predicted, observed, low, high); on the dashes predicted and observed agree."""
    every = [value for point in points for value in point if math.isfinite(value)]
    share = bool(every) and all(-1e-9 <= value <= 1 + 1e-9 for value in every)
    low, high = (0.0, 1.0) if share or not every else padded(min(every), max(every))
    size = 224.0
    plot = Plot(rounds=Rounds(count=1, first="", last=""), left=44.0, top=26.0, height=size, low=low, high=high)

    def x(value: float) -> float:
        return plot.left + size * (value - low) / (high - low)

    parts = [*plot.scale(right=plot.left + size)]
    for value in ticks(low, high):
        parts.append(line(x(value), plot.top, x(value), plot.bottom, "grid"))
        parts.append(label(x(value), plot.bottom + 16, f"{value:g}", anchor="middle"))
    parts.append(line(x(low), plot.y(low), x(high), plot.y(high), "limit"))
    edge = outline([(x(predicted), plot.y(observed)) for predicted, observed, _, _ in points])
    parts.append(f'<path class="estimated line" d="{edge}" fill="none" stroke="currentColor"/>')
    for predicted, observed, bottom, top in points:
        if math.isfinite(bottom) and math.isfinite(top):
            ends = plot.y(max(bottom, low)), plot.y(min(top, high))
            parts.append(line(x(predicted), ends[0], x(predicted), ends[1], "estimated bar"))
        drawn = mark("circle", x(predicted), plot.y(observed), 4.5)
        parts.append(titled(drawn, f"{predicted:.3g}: {observed:.3g} ({bottom:.3g} - {top:.3g})", "estimated"))
    parts.append(label(4, 14, up, anchor="start"))
    parts.append(label(plot.left + size, plot.bottom + 34, across, anchor="end"))
    return svg(told, plot.bottom + 42, parts)


def bar(share: float) -> Markup:
    """Return a bar of *share* (0 to 1) for a table's cell, hidden from readers: the number stands beside it."""
    long = 100.0 * min(max(share, 0.0), 1.0)
    return Markup(
        '<svg class="chart bar" viewBox="0 0 100 10" preserveAspectRatio="none" width="100" height="10" '
        f'aria-hidden="true" focusable="false"><rect width="{long:.1f}" height="10" fill="currentColor"/></svg>'
    )


def span(value: float, low: float, high: float, ends: tuple[float, float]) -> Markup:
    """Return a figure and its interval on the scale of *ends* for a table's cell, hidden from readers as `bar` is."""
    width = (ends[1] - ends[0]) or 1.0
    at, left, right = (4.0 + 92.0 * min(max((each - ends[0]) / width, 0.0), 1.0) for each in (value, low, high))
    return Markup(
        '<svg class="chart span" viewBox="0 0 100 12" width="100" height="12" aria-hidden="true" focusable="false">'
        f"{line(left, 6, right, 6, 'bar')}{titled(mark('circle', at, 6, 3.5), '', 'estimated')}</svg>"
    )


def along(told: Told, values: Sequence[float], *, across: str, up: str) -> Markup:
    """Draw *values* at equal steps along a length, from 0 to 100 %; the dashes are at 1."""
    top = max(*values, 1.0) * 1.08
    plot = Plot(
        rounds=Rounds(count=len(values), first="0 %", last="100 %"),
        left=44.0,
        top=26.0,
        height=130.0,
        low=0.0,
        high=top,
    )
    parts = [*plot.scale(), line(plot.left, plot.y(1.0), plot.right, plot.y(1.0), "limit")]
    edge = outline([(plot.x(n + side), plot.y(value)) for n, value in enumerate(values) for side in (-0.5, 0.5)])
    parts.append(f'<path class="estimated line" d="{edge}" fill="none" stroke="currentColor"/>')
    parts += plot.ends()
    parts.append(label(4, 14, up, anchor="start"))
    parts.append(label((plot.left + plot.right) / 2, plot.bottom + 16, across, anchor="middle"))
    return svg(told, plot.bottom + 22, parts)


def heat(told: Told, values: Sequence[Sequence[float]]) -> Markup:
    """Draw *values* (height, width) as they lie, in eight strengths of one colour, with their scale beneath."""
    size = 224.0 / max(len(values), len(values[0]))
    high = max(max(row) for row in values) or 1.0
    wide, tall, left, top = size * len(values[0]), size * len(values), (WIDTH - size * len(values[0])) / 2, 4.0
    cells: dict[int, list[str]] = {}
    for y, row in enumerate(values):
        strengths = [min(_STRENGTHS - 1, int(_STRENGTHS * value / high)) for value in row]
        x = 0
        for strength, run in groupby(strengths):
            length = len(list(run))
            across = size * length
            cells.setdefault(strength, []).append(
                f"M{left + size * x:.1f} {top + size * y:.1f}h{across:.1f}v{size:.1f}h-{across:.1f}z"
            )
            x += length
    parts = [_shade("".join(cells[strength]), strength) for strength in sorted(cells)]
    parts.append(f'<path class="grid" d="M{left:.1f} {top:.1f}h{wide:.1f}v{tall:.1f}h-{wide:.1f}z" fill="none"/>')
    key, step = top + tall + 10, 112.0 / _STRENGTHS
    first = (WIDTH - 112.0) / 2
    parts += [_shade(f"M{first + step * n:.1f} {key:.1f}h{step:.1f}v10h-{step:.1f}z", n) for n in range(_STRENGTHS)]
    parts.append(f'<path class="grid" d="M{first:.1f} {key:.1f}h112v10h-112z" fill="none"/>')
    parts.append(label(first - 6, key + 10, "0", anchor="end"))
    parts.append(label(first + 118, key + 10, f"{high:.2g}", anchor="start"))
    return svg(told, key + 16, parts)


def _shade(path: str, strength: int) -> str:
    opacity = strength / (_STRENGTHS - 1)
    return (
        f'<path class="estimated shade" d="{path}" fill="currentColor" fill-opacity="{opacity:.2f}" '
        'shape-rendering="crispEdges"/>'
    )
