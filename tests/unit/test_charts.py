"""Charts are well-formed SVG that says in words what it shows, and never by colour alone."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from wardround.serving.desk import charts
from wardround.serving.desk.charts import Change, Decided, Point, Rounds, Told

TOLD = Told(name="c", title='AUROC < 1 & "all"', text="what it shows")
ROUNDS = Rounds(count=4, first="2026-01-01", last="2026-01-22", changes=(Change(place=2, label="a7d9a0"),))
POINTS = [Point(place=place, value=0.8 + place / 50, low=0.75, high=0.95, label=f"round {place}") for place in range(4)]
NAMESPACE = "{http://www.w3.org/2000/svg}"


def parsed(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(drawn).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def each(drawn: str, tag: str, kind: str) -> list[ElementTree.Element]:
    return [found for found in parsed(drawn).iter(NAMESPACE + tag) if kind in found.get("class", "").split()]


DRAWN = {
    "timeline": charts.timeline(
        TOLD, ROUNDS, (("fine", "circle"), ("hold", "square")),
        [Decided(place=0, lane=0, signal="good", label="ok"), Decided(place=3, lane=1, signal="bad", label="<b>")],
    ),
    "over time": charts.over_time(TOLD, ROUNDS, estimated=POINTS, realised=POINTS[1:2], reference=POINTS),
    "drift": charts.drift(TOLD, ROUNDS, POINTS, limit=0.1, limit_label="matters from 0.1"),
    "calibration": charts.calibration(
        TOLD, [(0.1, 0.12, 0.05, 0.2), (0.8, 0.7, 0.5, 0.9)], across="predicted", up="observed"
    ),
    "along": charts.along(TOLD, [0.5, 3.0, 0.5, 0.0], across="length <", up="weight"),
    "heat": charts.heat(TOLD, [[0.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.2, 2.0]]),
}  # fmt: skip


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
def test_a_chart_is_one_image_with_a_name_and_a_text(drawn):
    root = parsed(drawn)
    assert root.get("role") == "img"
    named, described = root.get("aria-labelledby"), root.get("aria-describedby")
    texts = {found.get("id"): found.text for found in root.iter() if found.get("id")}
    assert (texts[named], texts[described]) == (TOLD.title, TOLD.text)


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
def test_a_chart_takes_its_colours_from_the_page_and_its_text_fits_a_telephone(drawn):
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b|style=|rgb\(", drawn)
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn)) <= {"currentColor", "none"}
    assert parsed(drawn).get("viewBox", "").split()[2] in ("300", "260")
    assert {found.get("font-size") for found in parsed(drawn).iter(NAMESPACE + "text")} == {"12"}


def test_nothing_from_outside_becomes_markup():
    assert "<b>" not in DRAWN["timeline"]
    assert "&lt;b&gt;" in DRAWN["timeline"]


def test_a_decision_stands_in_its_lane_with_its_shape():
    drawn = DRAWN["timeline"]
    assert len(each(drawn, "g", "good")[0].findall(f"{NAMESPACE}circle")) == 1
    assert len(each(drawn, "g", "bad")[0].findall(f"{NAMESPACE}rect")) == 1
    assert len(each(drawn, "line", "change")) == 1


def test_intervals_are_a_band_and_a_round_without_a_figure_leaves_a_gap():
    with_gap = charts.over_time(TOLD, ROUNDS, estimated=[POINTS[0], POINTS[1], POINTS[3]])
    assert len(each(DRAWN["over time"], "path", "band")) == 1
    assert len(each(with_gap, "path", "line")) == 2
    assert len(each(with_gap, "line", "bar")) == 1  # a lone round shows its interval as a bar
    assert len(each(DRAWN["over time"], "line", "realised")) == 1


def test_an_alarm_has_another_shape_than_a_quiet_round_and_the_limit_a_label():
    loud = charts.drift(
        TOLD, ROUNDS, [POINTS[0], Point(place=1, value=0.4, alarm=True)], limit=0.1, limit_label="limit 0.1"
    )
    assert each(loud, "g", "alarm")[0].find(f"{NAMESPACE}path") is not None
    assert each(loud, "g", "quiet")[0].find(f"{NAMESPACE}circle") is not None
    in_the_key, at_the_limit = each(loud, "line", "limit")
    assert in_the_key.get("stroke-dasharray") == at_the_limit.get("stroke-dasharray") != ""
    assert "limit 0.1" in [found.text for found in parsed(loud).iter(NAMESPACE + "text")]


def test_an_effect_beyond_the_scale_stays_inside_the_picture():
    drawn = charts.drift(TOLD, ROUNDS, [Point(place=0, value=7.0)], limit=0.1, limit_label="")
    (circle,) = parsed(drawn).iter(NAMESPACE + "circle")
    assert float(circle.get("cy", "")) >= 0


@pytest.mark.parametrize("points", [[], POINTS[:1], [Point(place=0, value=float(0))]])
def test_few_or_equal_figures_are_drawn_as_well(points):
    rounds = Rounds(count=len(points), first="a", last="a")
    assert parsed(charts.over_time(TOLD, rounds, estimated=points)) is not None


def test_calibration_of_numbers_gets_a_scale_that_holds_them():
    drawn = charts.calibration(TOLD, [(150.0, 160.0, 140.0, 180.0), (90.0, 80.0, 70.0, float("nan"))], across="", up="")
    places = [float(found.get("cx", "")) for found in parsed(drawn).iter(NAMESPACE + "circle")]
    assert all(44 <= place <= 290 for place in places)


def test_a_heat_map_draws_a_run_of_like_places_once_and_the_strongest_fully():
    cells = [found for found in each(DRAWN["heat"], "path", "shade") if "v56.0" in found.get("d")]
    drawn = {found.get("fill-opacity"): found.get("d").count("M") for found in cells}
    assert drawn == {"0.00": 2, "0.57": 1, "1.00": 1}


def test_small_drawings_beside_a_number_are_hidden_from_screen_readers():
    for drawn in (charts.bar(2.0), charts.span(0.8, 0.7, 0.9, (0.0, 1.0))):
        assert parsed(drawn).get("aria-hidden") == "true"
    assert parsed(charts.bar(2.0)).find(f"{NAMESPACE}rect").get("width") == "100.0"
