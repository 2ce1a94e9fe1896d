import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wardround.domain import Action, Cause, Decision, Interval, Reading
from wardround.evaluation.calibration import CalibrationPoint
from wardround.monitoring import pictures

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_round(label: str, drift: dict[str, float], champion: str = "a", estimated: float | None = 0.9) -> Decision:
    readings = [
        Reading(kind="input drift", column=name, effect=size, limit=0.1, alarm=size > 0.1, sentence="")
        for name, size in drift.items()
    ]
    if estimated is not None:
        for kind, value in (("estimated performance", estimated), ("realised performance", estimated - 0.05)):
            readings.append(
                Reading(
                    kind=kind, column="auroc", effect=0.0, limit=None, alarm=False, sentence="", reference=0.9,
                    current=value, interval=Interval(low=value - 0.03, high=value + 0.03),
                )
            )  # fmt: skip
    return Decision(
        use_case="x", batch="b" * 64, label=label, champion=champion, action=Action.NONE, cause=Cause.NONE, reasons=(),
        what_would_change_it=(), readings=tuple(readings), decided_at=NOON, as_of=NOON,
    )  # fmt: skip


ROUNDS = [
    a_round("january", {"age": 0.01, "chol": 0.05}),
    a_round("february", {"age": 0.4, "chol": float("nan")}, estimated=None),
    a_round("march", {"age": 0.2}, champion="b", estimated=0.85),
]
POINTS = [
    CalibrationPoint(predicted=0.2, observed=0.1, low=0.05, high=0.15, rows=40),
    CalibrationPoint(predicted=0.7, observed=0.7, low=0.6, high=0.8, rows=40),
]


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("rounds", [[], ROUNDS[:1], ROUNDS, ROUNDS * 12])
def test_pictures_of_any_number_of_rounds_are_drawn(rounds: list[Decision]) -> None:
    for png in (pictures.drift_heat_map(rounds), pictures.performance_over_time(rounds, "auroc")):
        width, height = size(png)
        assert width >= 900
        assert height >= 400


@pytest.mark.parametrize("points", [[], POINTS[:1], POINTS])
def test_calibration_is_drawn_from_any_number_of_points(points: list[CalibrationPoint]) -> None:
    assert min(size(pictures.calibration_curve(points))) >= 800


def test_an_infinite_interval_does_not_stop_the_picture() -> None:
    assert pictures.calibration_curve([replace(POINTS[0], low=float("nan"), high=float("inf"))])


def test_a_picture_of_a_regression_has_its_own_scale() -> None:
    assert pictures.calibration_curve([CalibrationPoint(predicted=90, observed=120, low=100, high=140, rows=40)] * 2)


def test_a_metric_nobody_measured_is_said_not_drawn() -> None:
    assert size(pictures.performance_over_time(ROUNDS, "r2"))


def test_the_same_rounds_give_the_same_picture() -> None:
    assert pictures.drift_heat_map(ROUNDS) == pictures.drift_heat_map(ROUNDS)


def test_the_words_beside_a_picture_say_what_it_shows() -> None:
    assert "february: age" in pictures.drift_heat_map_alt(ROUNDS)
    assert "1 of which lie off the line" in pictures.calibration_curve_alt(POINTS)
    told = pictures.performance_over_time_alt(ROUNDS, "auroc")
    assert "january: estimated 0.900, realised 0.850" in told
    assert "february: not measured" in told


def test_a_change_of_champion_is_told_in_words_too() -> None:
    told = pictures.performance_over_time_alt(ROUNDS, "auroc")
    assert told.endswith("From march on by a new champion, b.")
    assert "new champion" not in pictures.performance_over_time_alt(ROUNDS[:2], "auroc")
    assert pictures.performance_over_time(ROUNDS, "auroc") != pictures.performance_over_time(
        [*ROUNDS[:2], replace(ROUNDS[2], champion="a")], "auroc"
    )
