"""Every decision and reading is told in both languages, and no small count is told in either."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wardround.domain import READING_KINDS, Action, Cause, Decision, Interval, Reading
from wardround.monitoring import story
from wardround.monitoring.performance import EXCESS, EXCESS_AT_NEW_RATE
from wardround.monitoring.wording import metric_name
from wardround.problems import PROBLEMS
from wardround.serving.desk import texts
from wardround.serving.desk.telling import GROUPS, LIGHTS, Teller, loud_first
from wardround.use_cases import load
from wardround.use_cases.base import FAMILIES

CASE = load("heart_disease")
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
CHINESE = re.compile("[\u4e00-\u9fff]")
ROWS = 200
VOLUME = Reading(kind="volume", column=None, effect=None, limit=None, alarm=False, current=ROWS, sentence="200 rows")


def reading(kind: str, **fields) -> Reading:
    usual = {
        "column": "cholesterol", "effect": 0.3, "limit": 0.1, "alarm": True, "sentence": f"the record of {kind}",
        "p": 0.00001, "reference": 0.05, "current": 0.35, "interval": None,
    }  # fmt: skip
    return Reading(kind=kind, **(usual | fields))


WHOLE_BATCH = ("volume", "freshness", "duplicates", "validation", "prediction drift", "multivariate drift")
VARIANTS = [
    *(
        reading(kind, column=None if kind in WHOLE_BATCH else "cholesterol")
        for kind in READING_KINDS
        if not kind.endswith("performance")
    ),
    reading("range", current=None, effect=None),
    reading("units", alarm=False),
    reading("volume", column=None, reference=None),
    reading("freshness", column=None, current=None, effect=None),
    reading("target drift", column=None, reference=None, current=None),
    reading("input drift", column="vessels_coloured", reference=0.1, current=0.4, effect=0.30000000000000004),
    reading("estimated performance", column="brier", interval=Interval(low=0.1, high=0.2)),
    reading("estimated performance", column="mae"),
    reading("realised performance", column="auroc", interval=Interval(low=0.1, high=0.2)),
    reading("realised performance", column="accuracy"),
    reading("realised performance", column=EXCESS),
    reading("realised performance", column=EXCESS_AT_NEW_RATE),
    reading("new levels", reference=None, current=None, effect=None, limit=None, p=None),
]  # fmt: skip


def decided(action: Action = Action.NONE, cause: Cause = Cause.NONE, *readings: Reading, **fields) -> Decision:
    usual = {
        "use_case": CASE.name, "batch": "b" * 64, "label": "march", "champion": "c" * 16,
        "reasons": tuple(r.sentence for r in readings) or ("the record",), "what_would_change_it": ("another record",),
        "decided_at": NOW, "as_of": NOW,
    }  # fmt: skip
    return Decision(action=action, cause=cause, readings=(VOLUME, *readings), **(usual | fields))


def teller(language: str, decision: Decision, small_cell: int = 10) -> Teller:
    return Teller(texts.words(language), CASE, decision, small_cell)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("cool_down", [False, True])
def test_every_decision_is_told_in_every_language(action, cause, language, cool_down):
    told = teller(language, decided(action, cause, *VARIANTS, in_cool_down=cool_down))
    said = [told.headline(), told.meaning(), told.next_step(), told.t(f"action.{action}"), told.t(f"cause.{cause}")]
    said += [each.text for each in (*told.reasons((("cholesterol", 0.2),)), *told.changes())]
    assert all(said)
    assert all(bool(CHINESE.search(text)) == (language == "zh") for text in said), said


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("one", VARIANTS, ids=lambda r: f"{r.kind} {r.column}")
def test_every_kind_of_reading_says_its_figures_in_every_language(one, language):
    told = teller(language, decided(Action.NONE, Cause.NONE, one))
    said = (told.says(one), told.kind(one))
    assert all(bool(CHINESE.search(text)) == (language == "zh") for text in said), said
    assert "{" not in "".join(said)


def test_every_kind_of_reading_has_its_variants_and_its_filter():
    assert {one.kind for one in VARIANTS} == set(READING_KINDS)
    assert {kind for kinds in GROUPS.values() for kind in kinds} == set(READING_KINDS)
    assert set(LIGHTS) == set(Action)


def test_every_metric_and_family_has_a_name_and_every_metric_an_explanation():
    for language in texts.LANGUAGES:
        t = texts.words(language)
        metrics = {metric.name for problem in PROBLEMS.values() for metric in problem.metrics}
        assert all(f"metric.{name}" in t and f"gloss.{name}" in t for name in metrics)
        assert all(f"metric.{name}" in t for name in (EXCESS, EXCESS_AT_NEW_RATE))
        assert all(f"family.{name}" in t for families in FAMILIES.values() for name in families)


def test_the_desk_and_the_report_call_a_metric_by_one_name():
    t = texts.words("en")
    names = {metric.name for problem in PROBLEMS.values() for metric in problem.metrics}
    assert {name: metric_name(name) for name in names} == {name: t(f"metric.{name}") for name in names}


MEASURED = load("clinical_entities_zh")
NAMES = [feature.name for feature in MEASURED.features if feature.of]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_content_that_is_missing_is_told_in_one_sentence_not_in_one_per_measure(language):
    gone = [reading("missing", column=name, current=1.0, reference=0.0, effect=1.0) for name in NAMES]
    decision = replace(decided(Action.QUARANTINE, Cause.DATA_FAULT, *gone), use_case=MEASURED.name)
    told = Teller(texts.words(language), MEASURED, decision, 10)
    (together,) = told.together(gone)
    assert f"{len(NAMES) - 1}" in together
    assert NAMES[0] in together
    assert NAMES[-1] not in together
    if language != "en":
        assert [len(told.reasons(())), len(told.changes())] == [2, 2]


def test_columns_with_other_figures_are_told_one_by_one():
    loud = [reading("missing", column=name, current=0.3 + n / 100) for n, name in enumerate(NAMES)]
    assert len(teller("en", decided(Action.QUARANTINE, Cause.DATA_FAULT, *loud)).together(loud)) == len(NAMES)


def test_what_was_measured_of_a_content_is_explained_and_a_column_of_the_ward_is_not():
    told = Teller(texts.words("en"), MEASURED, decided(), 10)
    assert told.meaning_of(reading("input drift", column=NAMES[-1])).startswith("record: a fixed random projection")
    assert told.meaning_of(reading("volume", column=None)) == ""
    assert teller("en", decided()).meaning_of(reading("input drift")) == ""


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("cause", Cause)
def test_the_english_words_are_those_of_the_report(action, cause):
    for decision in (decided(action, cause), decided(action, cause, champion=None)):
        said, desk = story.told(decision), teller("en", decision)
        assert said.meaning == desk.meaning()
        assert said.next_step == desk.next_step()
        assert desk.headline().startswith(said.headline.split(" (")[0])


def test_english_reasons_are_the_record_and_chinese_ones_are_made_from_the_figures():
    loud = reading("missing", current=0.28, reference=0.011)
    decision = decided(Action.QUARANTINE, Cause.DATA_FAULT, loud)
    assert [(each.text, each.record) for each in teller("en", decision).reasons(())] == [(loud.sentence, True)]
    chinese = teller("zh", decision).reasons(())
    assert "28 %" in chinese[0].text
    assert not chinese[0].record
    assert teller("zh", decision).record() == (loud.sentence, "another record")


FEW = reading(
    "missing", column="sex", current=3 / ROWS, effect=3 / ROWS, sentence="sex is missing in 1.5 % of the rows"
)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("kind", ["missing", "new levels", "duplicates", "validation", "range"])
def test_a_share_that_gives_a_small_count_away_is_not_told(kind, language):
    told = teller(language, decided(Action.QUARANTINE, Cause.DATA_FAULT, few := replace(FEW, kind=kind)))
    everything = [told.says(few), told.effect(few), *told.record(), *(each.text for each in told.reasons(()))]
    everything += [each.text for each in told.changes()]
    assert "1.5 %" not in " ".join(everything)
    assert "5 %" in told.effect(few)  # under 10 of 200


def test_a_share_of_rows_that_are_not_recorded_is_withheld_like_one_that_is_missing():
    few = reading(
        "input drift", column="thallium_scan", reference=0.5, current=0.01, effect=0.49, sentence="thallium_scan 1 %"
    )
    told = teller("en", decided(Action.RETRAIN, Cause.COVARIATE_SHIFT, few))
    assert told.hidden(few)
    assert "under 5 %" in told.says(few)
    assert "thallium_scan 1 %" not in told.record()


def test_without_the_check_the_small_count_would_be_told(monkeypatch):
    monkeypatch.setattr(Teller, "hidden", lambda *_: False)
    told = teller("en", decided(Action.QUARANTINE, Cause.DATA_FAULT, FEW))
    assert any("1.5 %" in each.text for each in told.reasons(()))


def test_a_batch_of_few_rows_is_told_without_their_number():
    tiny = replace(VOLUME, current=7.0, sentence="the batch has 7 rows")
    decision = replace(
        decided(Action.INSUFFICIENT_DATA, reasons=("the batch has 7 rows, fewer than 50",)), readings=(tiny,),
        what_would_change_it=("with at least 50 rows (there are 7)",),
    )  # fmt: skip
    told = teller("en", decision)
    said = [told.says(tiny), *(each.text for each in (*told.reasons(()), *told.changes()))]
    assert not re.search(r"\b7\b", " ".join(said)), said


def test_a_median_is_not_mistaken_for_a_share():
    few = reading("input drift", column="age", reference=54.0, current=0.01, effect=0.3)
    assert not teller("en", decided(Action.NONE, Cause.NONE, few)).hidden(few)


def test_alarms_come_first_and_the_largest_of_them_on_top():
    ordered = loud_first(
        [reading("missing", alarm=False, effect=9.0), reading("range", effect=0.2), reading("units", effect=0.9)]
    )
    assert [(one.kind, one.alarm) for one in ordered] == [("units", True), ("range", True), ("missing", False)]
