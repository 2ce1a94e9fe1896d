"""Pictures of a model on duty, as PNG bytes, each with a sentence for those who cannot see it.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; shape and text always say the same.
"""

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wardround.domain import Decision, Reading
from wardround.monitoring.wording import metric_name, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from wardround.evaluation.calibration import CalibrationPoint

BLUE, _ORANGE, GREY, _INK = "#0072B2", "#D55E00", "#8A939C", "#1B1F24"
_STYLE: dict[Any, Any] = {
    "font.size": 12, "font.family": "DejaVu Sans", "savefig.dpi": 130, "figure.facecolor": "white",
    "axes.titlesize": 14, "axes.titleweight": "bold", "axes.titlepad": 14, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY, "axes.labelcolor": _INK,
    "text.color": _INK, "xtick.color": _INK, "ytick.color": _INK,
}  # fmt: skip
_MOST_COLUMNS = 30
_FULL_COLOUR = 3.0


def drift_heat_map(rounds: Sequence[Decision]) -> bytes:
    """Draw input drift, columns of the table down and rounds across, in multiples of what is material.

    A dot marks an alarm, a dash what was not measured. At most 30 columns are drawn, those that drifted most.
    """
    import numpy as np

    columns, values, alarms = _drift(rounds)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.set_title("How far each column lies\nfrom what the model learned")
        if not columns:
            _nothing(axes, "No column was compared in these rounds.")
            return
        shown = np.ma.masked_invalid(np.clip(values, 0, _FULL_COLOUR))
        mesh = axes.imshow(shown, cmap=shades(), vmin=0, vmax=_FULL_COLOUR, aspect="auto")
        for y, x in zip(*np.nonzero(alarms), strict=True):
            dark = values[y, x] > _FULL_COLOUR / 2
            axes.plot(x, y, "o", markersize=8, color="white" if dark else _INK)
        for y, x in zip(*np.nonzero(np.isnan(values) & ~alarms), strict=True):
            axes.text(x, y, "-", ha="center", va="center", color=GREY)
        axes.set_xticks(
            range(len(rounds)), [_label(r) for r in rounds], rotation=30, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(columns)), columns)
        axes.set_xticks(np.arange(len(rounds) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(columns) + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=2)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(mesh, ax=axes, shrink=0.8, ticks=[0, 1, 2, 3], pad=0.03)
        bar.ax.set_yticklabels(["none", "1: material", "2", "3 or more"])
        bar.outline.set_visible(False)
        bar.set_label("drift, in multiples of what matters (dot: alarm)", labelpad=10)

    return png(draw, width=max(7.5, 4.6 + 0.85 * len(rounds)), height=max(3.4, 1.9 + 0.36 * len(columns)))


def drift_heat_map_alt(rounds: Sequence[Decision]) -> str:
    """Say in a sentence what `drift_heat_map` shows."""
    parts = [f"{_label(r)}: {', '.join(r.drifted) if r.drifted else 'none'}" for r in rounds]
    return f"Heat map of input drift over {_counted(rounds)}. Columns with an alarm: {'; '.join(parts) or 'none'}."


def calibration_curve(points: "Sequence[CalibrationPoint]", *, title: str = "Do the probabilities hold?") -> bytes:
    """Draw observed against predicted, with 95 % intervals, beside the line where both agree."""

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.set_title(title)
        if not points:
            _nothing(axes, "Too few patients to draw a calibration curve.")
            return
        predicted, observed = [p.predicted for p in points], [p.observed for p in points]
        low = [max(0.0, p.observed - p.low) if math.isfinite(p.low) else 0.0 for p in points]
        high = [max(0.0, p.high - p.observed) if math.isfinite(p.high) else 0.0 for p in points]
        share = all(0 <= value <= 1 for value in (*predicted, *observed))
        ends = (0.0, 1.0) if share else (min(*predicted, *observed), max(*predicted, *observed))
        axes.plot(ends, ends, color=GREY, linewidth=1.5, linestyle="--", label="predicted = observed")
        axes.errorbar(
            predicted, observed, yerr=[low, high], fmt="o-", color=BLUE, markersize=7, linewidth=2, capsize=4,
            label="patients in groups, with 95 % interval",
        )  # fmt: skip
        axes.set_xlabel("predicted probability" if share else "predicted")
        axes.set_ylabel("share observed" if share else "observed")
        if share:
            axes.set_xlim(-0.02, 1.02)
            axes.set_ylim(-0.02, 1.02)
            axes.set_aspect("equal")
        axes.grid(color="#E3E7EB")
        axes.set_axisbelow(True)
        axes.legend(loc="upper left", frameon=False)

    return png(draw, width=7.0, height=6.8)


def calibration_curve_alt(points: "Sequence[CalibrationPoint]") -> str:
    """Say in a sentence what `calibration_curve` shows."""
    if not points:
        return "Calibration curve: too few patients to draw one."
    off = sum(not (p.low <= p.predicted <= p.high) for p in points)
    told = "; ".join(f"predicted {number(p.predicted)}, observed {number(p.observed)}" for p in points)
    return f"Calibration curve of {len(points)} groups, {off} of which lie off the line beyond chance: {told}."


def performance_over_time(rounds: Sequence[Decision], metric: str) -> bytes:
    """Draw *metric* round by round: estimated without outcomes (with its band), realised, and changes of champion.

    The dashed line is what the champion on duty reached on the patients it learned from (out of fold).
    """

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.set_title(f"{metric_name(metric)}, round by round")
        places = range(len(rounds))
        estimated = [_reading(r, "estimated performance", metric) for r in rounds]
        realised = [_reading(r, "realised performance", metric) for r in rounds]
        known = [_first(e, r) for e, r in zip(estimated, realised, strict=True)]
        if not any(known):
            _nothing(axes, f"{metric_name(metric)} was neither estimated nor realised in these rounds.")
            return
        axes.step(places, _figures(known, "reference"), where="mid", color=GREY, linestyle="--", label="when trained")
        _series(axes, estimated, -0.07, BLUE, "o", "estimated without outcomes, with band")
        _series(axes, realised, 0.07, _ORANGE, "s", "realised, with 95 % interval")
        for place in _changes(rounds):
            axes.axvline(place - 0.5, color=_INK, linewidth=1.2, linestyle=":")
            axes.annotate(
                f"new champion {_short(rounds[place])}", (place - 0.5, 0.02), xycoords=axes.get_xaxis_transform(),
                rotation=90, va="bottom", ha="right", fontsize=10,
            )  # fmt: skip
        axes.set_xticks(places, [_label(r) for r in rounds], rotation=30, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, len(rounds) - 0.5)
        axes.set_ylabel(metric_name(metric))
        axes.grid(axis="y", color="#E3E7EB")
        axes.set_axisbelow(True)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=3, frameon=False, fontsize=11)

    return png(draw, width=max(8.5, 3.0 + 1.1 * len(rounds)), height=5.4)


def performance_over_time_alt(rounds: Sequence[Decision], metric: str) -> str:
    """Say in a sentence what `performance_over_time` shows."""
    parts = []
    for told in rounds:
        figures = [
            f"{word} {number(reading.current)}"
            for word, reading in (
                ("estimated", _reading(told, "estimated performance", metric)),
                ("realised", _reading(told, "realised performance", metric)),
            )
            if reading is not None
        ]
        parts.append(f"{_label(told)}: {', '.join(figures) or 'not measured'}")
    changes = [
        f" From {_label(rounds[place])} on by a new champion, {_short(rounds[place])}." for place in _changes(rounds)
    ]
    return f"{metric_name(metric)} over {_counted(rounds)}. {'; '.join(parts)}.{''.join(changes)}"


def _changes(rounds: Sequence[Decision]) -> list[int]:
    """Return the places of the rounds whose champion is another one than in the round before."""
    return [place for place in range(1, len(rounds)) if rounds[place].champion != rounds[place - 1].champion]


def _counted(rounds: Sequence[Decision]) -> str:
    return "1 round" if len(rounds) == 1 else f"{len(rounds)} rounds"


def _short(decision: Decision) -> str:
    return decision.champion[:6] if decision.champion else "none"


def _drift(rounds: Sequence[Decision]) -> tuple[list[str], Any, Any]:
    import numpy as np

    found = {
        (reading.column, place): reading
        for place, told in enumerate(rounds)
        for reading in told.readings
        if reading.kind == "input drift" and reading.column
    }
    strength: dict[str, float] = {}
    for (column, _), reading in found.items():
        strength[str(column)] = max(strength.get(str(column), 0.0), _multiple(reading), 1.0 * reading.alarm)
    columns = sorted(strength, key=lambda column: (-strength[column], column))[:_MOST_COLUMNS]
    values = np.full((len(columns), len(rounds)), np.nan)
    alarms = np.zeros_like(values, dtype=bool)
    for (column, place), reading in found.items():
        if column in columns:
            values[columns.index(column), place] = _multiple(reading)
            alarms[columns.index(column), place] = reading.alarm
    return columns, values, alarms


def shades() -> Any:
    """Return the colours of a heat map, from calm to loud."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("calm to loud", ["#EDF2F6", "#9CC3DF", "#2C7FB8", "#0B2A4A"])


def _multiple(reading: Reading) -> float:
    if reading.effect is None or not reading.limit:
        return math.nan
    return abs(reading.effect) / reading.limit


def _reading(decision: Decision, kind: str, metric: str) -> Reading | None:
    return next((r for r in decision.readings if r.kind == kind and r.column == metric and r.current is not None), None)


def _first(*readings: Reading | None) -> Reading | None:
    return next((reading for reading in readings if reading is not None), None)


def _figures(readings: Sequence[Reading | None], name: str) -> list[float]:
    held = [None if reading is None else getattr(reading, name) for reading in readings]
    return [math.nan if value is None else float(value) for value in held]


def _series(axes: Any, readings: Sequence[Reading | None], shift: float, colour: str, marker: str, label: str) -> None:
    there = [(place + shift, reading) for place, reading in enumerate(readings) if reading is not None]
    if not there:
        return
    current = _figures([reading for _, reading in there], "current")
    spans = [reading.interval for _, reading in there]
    low = [max(0.0, v - s.low) if s is not None else 0.0 for v, s in zip(current, spans, strict=True)]
    high = [max(0.0, s.high - v) if s is not None else 0.0 for v, s in zip(current, spans, strict=True)]
    axes.errorbar(
        [place for place, _ in there], current, yerr=[low, high], fmt=marker, color=colour, markersize=8, capsize=5,
        linewidth=2, label=label,
    )  # fmt: skip


def _label(decision: Decision) -> str:
    return decision.label if len(decision.label) <= 22 else decision.label[:21] + "…"


def _nothing(axes: Any, sentence: str) -> None:
    axes.set_axis_off()
    axes.text(0.0, 0.8, sentence, transform=axes.transAxes, va="top")


def png(draw: Any, *, width: float, height: float) -> bytes:
    """Return the figure that *draw* fills, *width* by *height* inches, in the style of all pictures."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")  # no pyplot: flows draw in threads
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
