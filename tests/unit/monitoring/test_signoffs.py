"""A round is reviewed by a person, once, and the ledger knows which decision they saw."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wardround import ledger
from wardround.domain import Action, Cause, Decision, Sensitivity, to_json
from wardround.errors import Corrupted, InputFault, NotFound
from wardround.monitoring import signoffs
from wardround.monitoring.rounds import decisions, sha256_of
from wardround.monitoring.signoffs import SignOff, sign_off, sign_offs_of

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
DECISION = Decision(
    use_case="heart_disease", batch="b" * 64, label="march", champion="c" * 16, action=Action.NONE, cause=Cause.NONE,
    reasons=("the batch is like the model's own patients",), what_would_change_it=(), readings=(), decided_at=NOW,
    as_of=NOW,
)  # fmt: skip


@pytest.fixture
def decision(store) -> Decision:
    store.put(DECISION.key, to_json(DECISION), sensitivity=Sensitivity.AGGREGATE)
    return DECISION


def test_a_round_nobody_reviewed_has_no_sign_off(store, decision):
    assert sign_offs_of(store, decision) == ()


def test_a_sign_off_says_who_when_and_what_and_stands_in_the_ledger(store, decision):
    made = sign_off(store, decision, person="nora", comment="  seen, nothing odd\r\n", now=NOW)
    assert made == SignOff(
        use_case="heart_disease", batch="b" * 64, champion="c" * 16, person="nora", comment="seen, nothing odd", at=NOW
    )
    assert sign_offs_of(store, decision) == (made,)
    (entry,) = ledger.entries(store, kind="sign-off")
    assert entry.actor == "nora"
    assert entry.hashes[decision.key] == sha256_of(store, decision.key)
    assert entry.hashes[entry.subject] == sha256_of(store, entry.subject)
    assert ledger.verify(store).intact


def test_the_comment_stays_out_of_the_ledger(store, decision):
    sign_off(store, decision, person="nora", comment="asked the laboratory", now=NOW)
    (entry,) = ledger.entries(store, kind="sign-off")
    assert "laboratory" not in to_json(entry).decode()


def test_pressing_the_button_twice_signs_off_once(store, decision):
    first = sign_off(store, decision, person="nora", comment="seen", now=NOW)
    again = sign_off(store, decision, person="nora", comment="seen", now=NOW + timedelta(minutes=1))
    assert again == first
    assert len(list(ledger.entries(store, kind="sign-off"))) == 1


def test_a_kill_between_the_object_and_the_ledger_is_mended_by_the_next_try(store, decision, monkeypatch):
    with monkeypatch.context() as cut:
        cut.setattr(signoffs.ledger, "append", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sign_off(store, decision, person="nora", comment="seen", now=NOW)
    sign_off(store, decision, person="nora", comment="seen", now=NOW + timedelta(hours=1))
    (entry,) = ledger.entries(store, kind="sign-off")
    assert entry.at == NOW


def test_two_people_and_two_remarks_are_listed_by_time(store, decision):
    for minute, (person, said) in enumerate((("nora", "seen"), ("omar", "seen"), ("nora", "and called them"))):
        sign_off(store, decision, person=person, comment=said, now=NOW + timedelta(minutes=minute))
    assert [(each.person, each.comment) for each in sign_offs_of(store, decision)] == [
        ("nora", "seen"), ("omar", "seen"), ("nora", "and called them")
    ]  # fmt: skip


def test_a_sign_off_belongs_to_one_champion_of_a_batch_and_is_no_decision(store, decision):
    other = replace(decision, champion=None)
    store.put(other.key, to_json(other), sensitivity=Sensitivity.AGGREGATE)
    sign_off(store, decision, person="nora", comment="", now=NOW)
    assert sign_offs_of(store, other) == ()
    assert len(decisions(store, "heart_disease")) == 2


def test_a_decision_that_is_not_stored_cannot_be_reviewed(store):
    with pytest.raises(NotFound):
        sign_off(store, DECISION, person="nora", comment="seen", now=NOW)
    assert list(ledger.entries(store)) == []


def test_a_comment_is_a_remark_and_not_a_file(store, decision):
    with pytest.raises(InputFault, match="comment"):
        sign_off(store, decision, person="nora", comment="x" * 1_001, now=NOW)


def test_a_damaged_sign_off_is_named(store, decision, intruder):
    sign_off(store, decision, person="nora", comment="seen", now=NOW)
    (key,) = store.keys(decision.key.removesuffix("decision.json") + "sign-offs/")
    intruder.write(key, b"{}")
    with pytest.raises(Corrupted, match="not a sign-off"):
        sign_offs_of(store, decision)
