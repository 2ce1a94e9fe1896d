from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wardround.domain import (
    Action,
    Cause,
    CriterionResult,
    Decision,
    Evaluation,
    Figure,
    Interval,
    ModelVersion,
    Reading,
    SubgroupFigures,
    Verdict,
)
from wardround.monitoring.story import (
    decision_markdown,
    evaluation_markdown,
    readings_table,
    told,
    verdict_markdown,
)
from wardround.monitoring.wording import markdown_table, number, with_interval

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DECISION = Decision(
    use_case="heart_disease",
    batch="ab" * 32,
    label="hungary",
    champion="0123456789abcdef",
    action=Action.RETRAIN,
    cause=Cause.COVARIATE_SHIFT,
    reasons=("cholesterol drifted, and with it 24 % of what the model relies on",),
    what_would_change_it=("less than 10 % of the importance in drifted columns: none",),
    readings=(
        Reading(kind="volume", column=None, effect=None, limit=None, alarm=False, sentence="293 rows"),
        Reading(
            kind="input drift", column="cholesterol", effect=0.4, limit=0.1, alarm=True, sentence="0.4 apart | far",
            reference=243.1, current=198.2,
        ),
        Reading(kind="input drift", column="age", effect=0.9, limit=0.1, alarm=True, sentence="0.9 apart"),
        Reading(
            kind="estimated performance", column="auroc", effect=0.01, limit=0.02, alarm=False, sentence="as before",
            current=0.88, interval=Interval(low=0.85, high=0.91),
        ),
    ),
    decided_at=NOON,
    as_of=NOON,
)  # fmt: skip
CRITERION = CriterionResult(
    criterion="floor", kind="floor", metric="auroc", population="current", figure=0.88,
    interval=Interval(low=0.84, high=0.92), limit=0.7, passed=True, sentence="it is at least 0.84", reason="so",
)  # fmt: skip
VERDICT = Verdict(
    use_case="heart_disease",
    challenger="f" * 16,
    champion="0" * 16,
    comparison="on 293 new rows",
    criteria=(CRITERION,),
)
EVALUATION = Evaluation(
    population="reference",
    method="5-fold, grouped by patient",
    rows=1303,
    patients=303,
    figures=(
        Figure(metric="auroc", value=0.903, interval=Interval(low=0.867, high=0.935)),
        Figure(metric="auprc", value=None, note="one class only"),
    ),
    subgroups=(
        SubgroupFigures(column="sex", level="Female", rows=97, figures=(Figure(metric="auroc", value=0.92),)),
        SubgroupFigures(column="site", level="Basel", rows=None, suppressed=True),
    ),
    importance=(("age", 0.01),),
    threshold=0.3,
)
VERSION = ModelVersion(
    use_case="heart_disease", version="f" * 16, problem="classification", family="random_forest",
    parameters={"n_estimators": 200}, features=("age", "sex"), batches=("a" * 64,), label_sets=(), rows=1303,
    patients=303,
    data_hash="d" * 64, use_case_hash="e" * 64, seed=1, code_version="0.1.0", packages={"scikit-learn": "1.9.1"},
    files={}, cause="first model", parent=None, created_at=NOON,
)  # fmt: skip


def order(text: str, *parts: str) -> bool:
    places = [text.index(part) for part in parts]
    return places == sorted(places)


def test_a_decision_is_told_decision_first_then_why_then_what_to_do_then_what_would_have_changed_it() -> None:
    text = decision_markdown(DECISION)
    assert text.startswith("# Train again (covariate shift)")
    assert order(text, "# Train again", "## Why", "## What to do next", "## What would have changed", "## Readings")
    assert "hungary" in text
    assert DECISION.reasons[0] in text
    assert DECISION.what_would_change_it[0] in text


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("cause", Cause)
def test_every_decision_and_cause_has_words(action: Action, cause: Cause) -> None:
    words = told(replace(DECISION, action=action, cause=cause))
    assert words.headline
    assert words.meaning.endswith(".")
    assert words.next_step.endswith(".")


def test_broken_data_is_never_told_as_a_reason_to_train() -> None:
    broken = replace(DECISION, action=Action.QUARANTINE, cause=Cause.DATA_FAULT)
    text = decision_markdown(broken)
    assert "Nothing was learned from it" in text
    assert f"**Ticket:** {broken.ticket}" in text
    assert "is trained" not in text


def test_a_cool_down_says_that_no_second_training_starts() -> None:
    words = told(replace(DECISION, in_cool_down=True))
    assert "no second one starts" in words.meaning
    assert words.next_step.startswith("Wait")


def test_without_a_champion_the_next_step_is_a_first_model() -> None:
    assert "train a first one" in told(replace(DECISION, champion=None)).next_step


def test_where_to_look_closer_stands_with_what_to_do() -> None:
    text = decision_markdown(DECISION, closer="[Open it in the review desk](https://desk.example/x)")
    assert order(text, "## What to do next", "https://desk.example/x", "## What would have changed", "## Readings")


def test_readings_stand_loudest_first() -> None:
    assert [row["column"] for row in readings_table(DECISION)] == ["age", "cholesterol", "AUROC", "whole batch"]
    assert [row["alarm"] for row in readings_table(DECISION)] == ["ALARM", "ALARM", "", ""]


def test_a_bar_in_a_sentence_does_not_break_the_table() -> None:
    lines = [line for line in decision_markdown(DECISION).splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_a_passed_verdict_says_so() -> None:
    assert verdict_markdown(VERDICT).startswith("# Passed")


def test_a_refused_verdict_gives_the_failed_sentence() -> None:
    text = verdict_markdown(
        replace(VERDICT, criteria=(CRITERION, replace(CRITERION, passed=False, sentence="too low")))
    )
    assert text.startswith("# Refused")
    assert "- too low" in text
    assert "1 of 2 criteria held" in text


def test_a_verdict_without_criteria_is_told_as_a_refusal() -> None:
    text = verdict_markdown(replace(VERDICT, criteria=(), champion=None))
    assert text.startswith("# Refused")
    assert "an ungated model is never promoted" in text


def test_a_figure_that_was_not_measured_is_not_told_as_zero() -> None:
    text = evaluation_markdown(EVALUATION)
    assert "| AUPRC | not measured | one class only |" in text
    assert "0.903 (0.867 to 0.935)" in text


def test_a_small_group_shows_neither_rows_nor_figures() -> None:
    row = next(line for line in evaluation_markdown(EVALUATION).splitlines() if "Basel" in line)
    assert "too few to show" in row
    assert not any(character.isdigit() for character in row)


def test_a_suppressed_group_with_figures_left_in_by_mistake_still_shows_none() -> None:
    leaky = replace(EVALUATION.subgroups[0], suppressed=True)
    row = next(t for t in evaluation_markdown(replace(EVALUATION, subgroups=(leaky,))).splitlines() if "Female" in t)
    assert "0.92" not in row
    assert "97" not in row


@pytest.mark.parametrize(
    ("value", "told_as"),
    [(None, "not measured"), (float("nan"), "not measured"), (0.0, "0.000"), (0.8731, "0.873"), (-0.02, "-0.020"),
     (0.00004, "0.00004"), (-0.0, "0.000"), (-0.00004, "-0.00004"), (12.44, "12.44"), (243.1, "243.1"),
     (300.0, "300"), (1048.2, "1,048"), (10.0, "10")],
)  # fmt: skip
def test_numbers_are_told_for_people(value: float | None, told_as: str) -> None:
    assert number(value) == told_as


def test_an_interval_without_a_figure_is_not_a_figure() -> None:
    assert with_interval(None, Interval(low=0, high=1)) == "not measured"


def test_an_empty_table_says_so() -> None:
    assert markdown_table([]) == "None."
