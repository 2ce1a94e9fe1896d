"""The course of a use case over its rounds, drawn: decisions, performance, drift; each chart with its table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from wardround.domain import Action, Reading
from wardround.monitoring.drift import DRIFT_KINDS
from wardround.monitoring.wording import number
from wardround.serving.desk import charts
from wardround.serving.desk.charts import Change, Decided, Point, Rounds, Told
from wardround.serving.desk.history import Round
from wardround.serving.desk.telling import LIGHTS
from wardround.serving.desk.texts import Words
from wardround.use_cases.base import UseCase

SHOWN = 52
"""Rounds a chart shows: a year of weekly ones."""
SHAPES = {
    Action.NONE: "circle",
    Action.INSUFFICIENT_DATA: "dash",
    Action.RETRAIN: "triangle",
    Action.RETRAIN_WITH_HUMAN: "diamond",
    Action.QUARANTINE: "square",
}
"""Action -> its mark on the timeline, from the best lane to the worst."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing and the table that says the same: the *head* of its columns and its *rows*.

    *meaning* is what the title stands for, in English as the use case says it, where its name is not the ward's own.
    """

    title: str
    drawn: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    meaning: str = ""


def timeline(t: Words, made: Sequence[Round]) -> Chart:
    """Draw what was decided and when the champion changed."""
    lanes = list(SHAPES)
    told = Told(
        name="timeline", title=t("chart.timeline"),
        text=t("chart.timeline.text", n=len(made), decisions=t("content.comma").join(_tally(t, made)) or "0"),
    )  # fmt: skip
    drawn = charts.timeline(
        told, along(made), [(t(f"lane.{action}"), SHAPES[action]) for action in lanes],
        [
            Decided(
                place=place, lane=lanes.index(each.decision.action), signal=LIGHTS[each.decision.action],
                label=f"{each.decision.label}: {t(f'action.{each.decision.action}')}",
            )
            for place, each in enumerate(made)
        ],
    )  # fmt: skip
    rows = tuple(
        (
            _day(each), each.decision.label, t(f"action.{each.decision.action}"), t(f"cause.{each.decision.cause}"),
            (each.decision.champion or "")[:12],
        )
        for each in made
    )  # fmt: skip
    head = tuple(t(f"column.{name}") for name in ("date", "round", "decision", "cause", "champion"))
    return Chart(title=told.title, drawn=drawn, head=head, rows=rows)


def performance(t: Words, made: Sequence[Round]) -> tuple[Chart, ...]:
    """Draw each metric that was estimated or realised, the deciding one (it has a limit) first."""
    deciding = {r.column for each in made for r in each.decision.readings if _is_estimate(r) and r.limit is not None}
    metrics = dict.fromkeys(r.column for each in made for r in each.decision.readings if _is_estimate(r) and r.column)
    return tuple(_metric(t, made, metric) for metric in sorted(metrics, key=lambda name: name not in deciding))


def drift(t: Words, use_case: UseCase, made: Sequence[Round]) -> tuple[Chart, ...]:
    """Draw the drift of each column, and of all together, round by round; what moved most in alarm comes first."""
    courses: dict[tuple[str, str], list[tuple[int, Reading]]] = {}
    for place, each in enumerate(made):
        for reading in each.decision.readings:
            if reading.kind in (*DRIFT_KINDS, "target drift") and reading.effect is not None and reading.limit:
                courses.setdefault((reading.kind, reading.column or ""), []).append((place, reading))
    worst_first = sorted(courses.items(), key=lambda item: (_loudness(item[1]), item[0]))
    meant = {feature.name: feature.description for feature in use_case.features if feature.of}
    return tuple(
        replace(_drift(t, made, f"drift-{number_}", kind, column, course), meaning=meant.get(column, ""))
        for number_, ((kind, column), course) in enumerate(worst_first)
    )


def along(made: Sequence[Round]) -> Rounds:
    """Return the rounds as a chart's lower edge."""
    changes = tuple(
        Change(place=place, label=(made[place].decision.champion or "-")[:6])
        for place in range(1, len(made))
        if made[place].decision.champion != made[place - 1].decision.champion
    )
    return Rounds(
        count=len(made), first=_day(made[0]) if made else "", last=_day(made[-1]) if made else "", changes=changes
    )


def _metric(t: Words, made: Sequence[Round], metric: str) -> Chart:
    name = t(f"metric.{metric}")
    estimated: list[Point] = []
    realised: list[Point] = []
    reference: list[Point] = []
    rows = []
    for place, each in enumerate(made):
        guess, seen, truth = each.estimated(metric), each.realised(metric), each.truth(metric)
        if guess is not None:
            estimated.append(_point(place, each, guess, guess.current))
        if truth is not None:
            realised.append(_point(place, each, seen if seen is not None and seen.current == truth else None, truth))
        known = next((r.reference for r in (guess, seen) if r is not None and r.reference is not None), None)
        if known is not None:
            reference.append(Point(place=place, value=known))
        if guess is not None or truth is not None:
            rows.append((_day(each), each.decision.label, _in_words(t, guess), _figure(truth), _figure(known)))
    told = Told(
        name=f"performance-{metric}", title=t("chart.performance", metric=name),
        text=t("chart.performance.text", metric=name, estimated=len(estimated), realised=len(realised)),
    )  # fmt: skip
    drawn = charts.over_time(told, along(made), estimated=estimated, realised=realised, reference=reference)
    head = tuple(t(f"column.{each}") for each in ("date", "round", "estimated", "realised", "at_training"))
    return Chart(title=told.title, drawn=drawn, head=head, rows=tuple(rows))


def _drift(
    t: Words, made: Sequence[Round], name: str, kind: str, column: str, course: Sequence[tuple[int, Reading]]
) -> Chart:
    title = column or t(f"reading.{kind}")
    limit = course[-1][1].limit or 0.0
    alarms = sum(reading.alarm for _, reading in course)
    told = Told(
        name=name, title=t("chart.drift", column=title),
        text=t("chart.drift.text", n=len(course), alarms=alarms, limit=f"{limit:g}"),
    )  # fmt: skip
    points = [_point(place, made[place], reading, reading.effect) for place, reading in course]
    drawn = charts.drift(told, along(made), points, limit=limit, limit_label=t("chart.matters", limit=f"{limit:g}"))
    rows = tuple(
        (
            _day(made[place]), made[place].decision.label, _figure(reading.effect), _figure(reading.limit),
            t("content.alarm" if reading.alarm else "content.quiet"),
        )
        for place, reading in course
    )  # fmt: skip
    head = tuple(t(f"column.{each}") for each in ("date", "round", "effect", "limit", "alarm"))
    return Chart(title=title, drawn=drawn, head=head, rows=rows)


def _point(place: int, each: Round, reading: Reading | None, value: float | None) -> Point:
    interval = reading.interval if reading is not None else None
    return Point(
        place=place, value=value or 0.0,
        low=interval.low if interval else None, high=interval.high if interval else None,
        alarm=reading is not None and reading.alarm, label=f"{each.decision.label}: {_figure(value)}",
    )  # fmt: skip


def _is_estimate(reading: Reading) -> bool:
    return reading.kind == "estimated performance" and reading.current is not None


def _loudness(course: Iterable[tuple[int, Reading]]) -> tuple[int, float]:
    alarms = [abs(reading.effect or 0.0) for _, reading in course if reading.alarm]
    return -len(alarms), -max((abs(reading.effect or 0.0) for _, reading in course), default=0.0)


def _tally(t: Words, made: Sequence[Round]) -> list[str]:
    counts = {action: sum(each.decision.action is action for each in made) for action in SHAPES}
    return [f"{t(f'action.{action}')} {count}" for action, count in counts.items() if count]


def _in_words(t: Words, reading: Reading | None) -> str:
    if reading is None or reading.interval is None:
        return "" if reading is None else _figure(reading.current)
    return t(
        "content.with_band", value=_figure(reading.current), low=_figure(reading.interval.low),
        high=_figure(reading.interval.high),
    )  # fmt: skip


def _figure(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else number(value)


def _day(each: Round) -> str:
    return f"{each.decision.as_of:%Y-%m-%d}"
