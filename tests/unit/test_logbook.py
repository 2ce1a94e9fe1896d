"""What runs write into the log: outcome first, then why, then what to do; no count that could be one patient's."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wardround.domain import Action, Batch, Cause, CriterionResult, Decision, ExpectationOutcome, Severity, Verdict
from wardround.errors import InputFault, NoChampion, StoreFailed
from wardround.monitoring import logbook
from wardround.unexpected import withheld

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
UNMET = ExpectationOutcome(
    expectation="between", column="cholesterol", severity=Severity.CRITICAL, passed=False, failed_rows=3,
    sentence="cholesterol is plausible (fewer than 10 of 152)", row_level=True,
)  # fmt: skip
BATCH = Batch(
    use_case="heart_disease", id="b" * 64, label="march", source="march.csv", rows_in=152, rows_accepted=149,
    rows_quarantined=3, rows_labelled=0, refused=False, outcomes=(UNMET,), faults=(), ingested_at=NOON,
)  # fmt: skip
CRITERION = CriterionResult(
    criterion="floor", kind="floor", metric="auroc", population="current", figure=0.88, interval=None, limit=0.7,
    passed=True, sentence="it is at least 0.84", reason="so",
)  # fmt: skip
VERDICT = Verdict(
    use_case="heart_disease", challenger="f" * 16, champion="0" * 16, comparison="", criteria=(CRITERION,)
)
REFUSED = replace(VERDICT, criteria=(replace(CRITERION, passed=False, sentence="too low"),))


def order(text: str, *parts: str) -> bool:
    places = [text.index(part) for part in parts]
    return places == sorted(places)


def delivery(**fields: object) -> str:
    return logbook.delivery_story(replace(BATCH, **fields), new=True, small_cell=10, closer="closer")


@pytest.mark.parametrize(
    ("accepted", "quarantined", "shown"),
    [
        (149, 3, "149 rows were accepted, fewer than 10 more are in quarantine"),
        (4, 148, "fewer than 10 rows were accepted, 148 more are in quarantine"),
        (122, 30, "152 rows came in, 122 were accepted, 30 are in quarantine"),
        (152, 0, "152 rows came in, all of them were accepted"),
    ],
)
def test_no_count_of_a_delivery_gives_a_hidden_one_away(accepted: int, quarantined: int, shown: str) -> None:
    text = delivery(rows_accepted=accepted, rows_quarantined=quarantined)
    assert f"{shown}." in text
    small = min(accepted, quarantined)
    hidden = {str(small), str(accepted + quarantined)} if 0 < small < 10 else set()
    assert not hidden & set(re.findall(r"\d+", text.split("## ")[0]))


def test_a_refused_delivery_says_why_and_to_mend_the_source() -> None:
    text = delivery(refused=True, rows_accepted=0, rows_quarantined=152, faults=("cholesterol is in mmol/L",))
    assert text.startswith("# Refused")
    assert order(text, "## Why", "- cholesterol is in mmol/L", "## What to do next", "Mend the source", "closer")
    assert "152 rows came in, all of them are in quarantine" in text


def test_what_was_not_met_is_a_table_of_sentences() -> None:
    assert "| critical | cholesterol | cholesterol is plausible (fewer than 10 of 152) |" in delivery()


def test_rows_that_were_here_before_are_told_so() -> None:
    assert logbook.delivery_headline(BATCH, new=False).startswith("These rows were here before")
    text = logbook.score_story(BATCH, "f" * 16, 149, new=False, small_cell=10, closer="closer")
    assert text.startswith("# Scored before")


def test_a_training_says_what_became_of_the_challenger() -> None:
    def told(verdict: Verdict, *, promoted: bool = False, waits: bool = False) -> str:
        return logbook.training_story(
            verdict, "passed every gate", cause="covariate shift", promoted=promoted, waits=waits, closer="closer"
        )

    assert told(VERDICT, promoted=True).startswith("# A new champion")
    assert told(VERDICT, waits=True).startswith("# A challenger that passed waits for a person")
    refused = told(REFUSED)
    assert refused.startswith("# The challenger did not pass")
    assert order(refused, "covariate shift", "## Why it was refused", "- too low", "## What to do next", "closer")


@pytest.mark.parametrize("outcome", logbook.PROMOTION_HEADLINES)
def test_every_outcome_of_a_promotion_has_a_headline_and_a_next_step(outcome: str) -> None:
    text = logbook.promotion_story(
        "heart_disease", "f" * 16, outcome, "waits for an approver", ("promote by lee: it expired",), closer="closer"
    )
    assert text.startswith(f"# {logbook.PROMOTION_HEADLINES[outcome]}")
    assert order(text, "waits for an approver.", "## What to do next", "closer", "- promote by lee: it expired")


def test_a_failure_says_whose_turn_it_is() -> None:
    said = {
        NoChampion("heart_disease"): "# The answer is no",
        InputFault("march.csv", "2 columns missing", "Add them"): "# Something it was given is wrong",
        StoreFailed("http://s3", "no answer", "Start it"): "# Something outside failed",
        withheld(ValueError("Mary Smith")): "# It failed, and nobody expected that",
    }
    for error, headline in said.items():
        text = logbook.failure_story("round", error)
        assert text.startswith(headline)
        assert order(text, "## Why", "## What to do next")
        assert "Mary Smith" not in text


def test_the_desk_is_linked_where_it_has_an_address_and_else_the_command_is_named() -> None:
    assert logbook.look_closer("https://desk.example/", "/tickets", "wardround tickets list") == (
        "[Open it in the review desk](https://desk.example/tickets)"
    )
    assert logbook.look_closer(None, "tickets", "wardround tickets list") == "Look closer: `wardround tickets list`"


def test_a_runs_name_ends_with_the_decision_in_a_few_words() -> None:
    decision = Decision(
        use_case="heart_disease", batch="b" * 64, label="march", champion="f" * 16, action=Action.RETRAIN,
        cause=Cause.COVARIATE_SHIFT, reasons=(), what_would_change_it=(), readings=(), decided_at=NOON, as_of=NOON,
    )  # fmt: skip
    assert logbook.outcome_of(decision) == "train again (covariate shift)"


def test_what_was_told_and_mended_reads_like_a_log() -> None:
    assert "tried again in ten minutes" in logbook.telling_story("2 wait.", waiting=2, closer="closer")
    assert "Nobody needs to act." in logbook.telling_story("3 went out.", waiting=0, closer="closer")
    assert logbook.mending_story("the run 'x' died and is made again").startswith("# A run died")
    assert "its champion does not serve" in logbook.idle_story("x", "its champion does not serve", closer="closer")
