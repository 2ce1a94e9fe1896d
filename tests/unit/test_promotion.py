"""The one road to the champion's place: every attack on an approval is refused, and succeeds without its check."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wardround import approvals, ledger, people, registry
from wardround.approvals import Act, checks, counting
from wardround.domain import to_json
from wardround.errors import ApprovalNeeded, ApprovalRefused, Corrupted, NotFound, PromotionRefused
from wardround.people import Role
from wardround.people.keys import Origin, keep, new_pair
from wardround.use_cases import load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CASE = load("heart_disease")
DAY = timedelta(days=1)
ROOT = Path(__file__).parents[2]


def test_the_gate_promotes_by_itself_where_the_use_case_leaves_it_to_the_gate(duty):
    version = duty.model()
    moved = duty.promote(version, case=CASE)
    assert (moved.version, moved.moved_by) == (version, "gate, run by tester")
    with pytest.raises(PromotionRefused, match="champion already"):
        duty.promote(version, case=CASE)


def test_a_version_waits_for_a_person_and_one_approval_promotes_it(duty):
    version = duty.model()
    with pytest.raises(ApprovalNeeded, match="waits for an approver who did not train it"):
        duty.promote(version)
    given = duty.give(version, "adams")
    moved = duty.promote(version, now=NOW + DAY)
    assert (moved.version, moved.moved_by) == (version, "adams, run by tester")
    assert moved.history[-1]["hashes"][given.stored_at] == given.sha256
    promotion = next(ledger.entries(duty.store, kind="promotion"))
    assert promotion.hashes[given.stored_at] == given.sha256
    assert ledger.verify(duty.store).intact


def test_a_failed_verdict_is_overridden_by_two_persons_and_not_by_one(duty):
    version = duty.model(passed=False)
    with pytest.raises(PromotionRefused, match="was looked at"):
        duty.promote(version, case=CASE)
    duty.give(version, "adams", "override")
    with pytest.raises(ApprovalNeeded, match="a second person for the override besides adams"):
        duty.promote(version, case=CASE)
    duty.give(version, "adams", "override", reason="I still think so")
    with pytest.raises(ApprovalNeeded, match="a second person"):
        duty.promote(version, case=CASE)
    duty.give(version, "brown", "override")
    moved = duty.promote(version, case=CASE)
    assert (moved.version, moved.moved_by) == (version, "adams and brown, run by tester")
    assert moved.reason == "failed verdict overridden: it is time"
    assert sum(key.startswith("approvals/") for key in moved.history[-1]["hashes"]) == 3
    assert ledger.verify(duty.store).intact


def test_if_persons_were_not_counted_one_could_override_alone(duty, monkeypatch):
    version = duty.model(passed=False)
    duty.give(version, "adams", "override")
    duty.give(version, "adams", "override", reason="I still think so")
    monkeypatch.setattr(counting, "persons_of", lambda valid: frozenset(it.stored_at for it in valid))
    assert duty.promote(version).version == version


def test_a_rejection_stops_an_approved_and_an_overridden_version(duty):
    for seed, passed, act in ((1, True, "promote"), (2, False, "override")):
        version = duty.model(seed, passed=passed)
        duty.give(version, "adams", act)
        duty.give(version, "brown", act)
        duty.give(version, "brown", "reject", reason="it is blind to the young", now=NOW + DAY)
        with pytest.raises(PromotionRefused, match="brown rejected it: it is blind to the young"):
            duty.promote(version, now=NOW + DAY)
    assert registry.champion(duty.store, CASE.name) is None


def test_a_rejection_stops_what_the_gate_alone_would_promote(duty):
    version = duty.model()
    duty.give(version, "adams", "reject")
    with pytest.raises(PromotionRefused, match="adams rejected it"):
        duty.promote(version, case=CASE)
    assert duty.promote(version, case=CASE, now=NOW + 8 * DAY).version == version, "a rejection expires, too"


def test_a_verdict_without_criteria_is_overridden_by_nobody(duty):
    version = duty.model(criteria=())
    ungated = replace(CASE, gates=())
    with pytest.raises(ApprovalRefused, match="an ungated model is never promoted"):
        duty.give(version, "adams", "override", case=ungated)
    with pytest.raises(PromotionRefused, match="ungated"):
        duty.promote(version, case=ungated)


def test_a_failed_verdict_is_not_promoted_past_the_registry_without_two_approvals(duty):
    version = duty.model(passed=False)
    verdict = duty.standing(version).verdict
    once = duty.give(version, "adams", "override")
    for counted, override in ((), True), ((once,), True), ((once,), False):
        with pytest.raises(PromotionRefused, match="was looked at"):
            registry.promote(
                duty.store, CASE.name, version, verdict=verdict, actor="a", reason="r", expected=None, now=NOW,
                approvals={it.stored_at: it.sha256 for it in counted}, override=override,
            )  # fmt: skip
    twice = duty.give(version, "brown", "override")
    for counted in ({once.stored_at: once.sha256, twice.stored_at: "0" * 64}, {"models/a": "0" * 64, "b": "1" * 64}):
        with pytest.raises(Corrupted):
            registry.promote(
                duty.store, CASE.name, version, verdict=verdict, actor="a", reason="r", expected=None, now=NOW,
                approvals=counted, override=True,
            )  # fmt: skip


def test_if_the_registry_asked_for_no_approvals_a_failed_verdict_would_promote(duty, monkeypatch):
    version = duty.model(passed=False)
    monkeypatch.setattr(registry.pointer, "OVERRIDES", 0)
    moved = registry.promote(
        duty.store, CASE.name, version, verdict=duty.standing(version).verdict, actor="a", reason="r", expected=None,
        now=NOW, override=True,
    )  # fmt: skip
    assert moved.version == version


def test_nothing_but_the_one_road_moves_the_champion_forward():
    elsewhere = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("wardround", "flows", "tasks")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.relative_to(ROOT) != Path("wardround/promotion.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr == "promote" and ast.unparse(node.value).endswith("registry"))
        or (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("wardround.registry")
            and any(name.name == "promote" for name in node.names)
            and path.parent.name != "registry"
        )
    ]
    assert elsewhere == []


# Each attack leaves a version for which `promote` would be allowed but for one check, and says when it is tried.


def replayed(duty, intruder):
    approved, other = duty.model(1), duty.model(2)
    given = duty.give(approved, "adams")
    duty.plant(given, f"approvals/{CASE.name}/{other}/000001.json")
    return other, NOW


def expired(duty, intruder):
    version = duty.model()
    duty.give(version, "adams", valid_for=timedelta(hours=1))
    return version, NOW + timedelta(hours=1)


def edited(duty, intruder):
    version = duty.model()
    given = duty.give(version, "adams", valid_for=timedelta(hours=1))
    later = replace(given, number=2, expires_at=NOW + 30 * DAY)
    duty.plant(later, later.stored_at)
    return version, NOW + DAY


def given_by_the_trainer(duty, intruder):
    version = duty.model(trainer="Adams")
    duty.give_unchecked(version, "adams")
    return version, NOW


def stale(duty, intruder):
    first, second = duty.model(1), duty.model(2)
    duty.give(second, "adams")
    duty.give(first, "brown")
    duty.promote(first)
    duty.judge(second, champion=first)
    return second, NOW


def about_another_verdict(duty, intruder):
    version = duty.model()
    duty.give(version, "adams")
    key = f"models/{CASE.name}/{version}/verdicts/none.json"
    intruder.write(key, duty.store.get(key).replace(b"was looked at", b"was not looked at"))
    return version, NOW


def of_nobody(duty, intruder):
    version = duty.model()
    duty.give(version, "adams")
    intruder.remove("people/adams/person.json")
    return version, NOW


def of_somebody_disabled(duty, intruder):
    version = duty.model()
    duty.give(version, "adams")
    people.disable(duty.store, "adams", by="chief", now=NOW)
    return version, NOW


def of_somebody_without_the_right(duty, intruder):
    version = duty.model()
    duty.give(version, "adams")
    people.change_role(duty.store, "adams", Role.OPERATOR, by="chief", now=NOW)
    return version, NOW


def of_somebody_not_named(duty, intruder):
    version = duty.model()
    duty.give(version, "adams", case=replace(duty.case, retraining=replace(duty.case.retraining, may_promote=("*",))))
    return version, NOW


def by_a_swapped_key(duty, intruder):
    version = duty.model()
    pair, sealed = new_pair("adams", "a passphrase of the intruder", origin=Origin.CHOSEN, by="adams", now=NOW)
    keep(duty.store, pair)
    record = people.find(duty.store, "adams")
    swapped = replace(
        record, key=pair.fingerprint, sealed_key=sealed,
        passphrase_hash=people.passphrases.hashed("a passphrase of the intruder"),
    )  # fmt: skip
    intruder.write("people/adams/person.json", to_json(swapped))
    duty.give_unchecked(version, "adams", passphrase="a passphrase of the intruder")
    return version, NOW


def by_a_key_left_behind(duty, intruder):
    version = duty.model()
    duty.give(version, "adams")
    people.reset_passphrase(duty.store, "adams", new="the chief chose this", by="chief", now=NOW)
    return version, NOW


def by_a_reset(duty, intruder):
    version = duty.model()
    people.reset_passphrase(duty.store, "adams", new="the chief chose this", by="chief", now=NOW)
    duty.give_unchecked(version, "adams", passphrase="the chief chose this")
    return version, NOW


def by_the_first_passphrase(duty, intruder):
    version = duty.model()
    duty.employ("clark", own=False)
    duty.give_unchecked(version, "clark", passphrase="given to clark by the chief")
    return version, NOW


def used_twice(duty, intruder):
    first, second = duty.model(1), duty.model(2)
    duty.give(first, "brown")
    duty.promote(first)
    duty.judge(second, champion=first)
    duty.give(second, "adams")
    duty.promote(second)
    registry.rollback(duty.store, CASE.name, actor="chief", reason="alarms at night", now=NOW + DAY)
    return second, NOW + DAY


def from_the_future(duty, intruder):
    version = duty.model()
    duty.give(version, "adams", now=NOW + 2 * DAY)
    return version, NOW


def exchanged(duty, intruder):
    version = duty.model()
    first = duty.give(version, "adams", valid_for=timedelta(hours=1))
    intruder.remove(first.stored_at)
    longer = duty.sign(first, "adams", expires_at=NOW + 30 * DAY)
    intruder.write(longer.stored_at, to_json(longer))
    return version, NOW + DAY


ATTACKS: dict[str, tuple[Callable[[Any, Any], tuple[str, datetime]], str]] = {
    "for_this_model": (replayed, "it is for version .*, not for this one"),
    "not_expired": (expired, "it expired at 2026-11-21 13:00 UTC"),
    "signed": (edited, "it was altered after adams signed it"),
    "not_by_trainer": (given_by_the_trainer, "adams trained the model"),
    "against_this_champion": (stale, "the champion is .* now and was none when it was given"),
    "on_this_verdict": (about_another_verdict, "the verdict is not the one its person saw"),
    "known_person": (of_nobody, "there is no person adams"),
    "enabled_person": (of_somebody_disabled, "adams is disabled"),
    "person_with_the_right": (of_somebody_without_the_right, "adams is operator and may not approve promotions"),
    "named_person": (of_somebody_not_named, "the use case lets brown approve, not adams"),
    "registered_key": (by_a_swapped_key, "not in the ledger as adams's"),
    "present_key": (by_a_key_left_behind, "is not adams's present one"),
    "own_key": (by_a_reset, "signed with a passphrase that chief gave out"),
    "first_use": (used_twice, "it was used for the promotion of 2026-11-21 12:00 UTC"),
    "not_from_the_future": (from_the_future, "which is still to come"),
    "recorded": (exchanged, "the ledger knows another approval in its place"),
}
NAMED = replace(CASE, retraining=replace(CASE.retraining, promotion="person", may_promote=("brown",)))


@pytest.mark.parametrize("check", ATTACKS)
def test_an_attack_is_refused_and_its_reason_is_told(check, duty, intruder):
    attack, reason = ATTACKS[check]
    version, now = attack(duty, intruder)
    case = NAMED if attack is of_somebody_not_named else duty.case
    with pytest.raises(ApprovalNeeded, match=reason):
        duty.promote(version, now=now, case=case)
    _, reasons = duty.standing(version, now=now, case=case).refused[-1]
    assert len(reasons) == 1, "no other check would have stopped it"
    serving = registry.champion(duty.store, CASE.name)
    assert serving is None or serving.version != version


@pytest.mark.parametrize("check", ATTACKS)
def test_the_attack_succeeds_when_its_check_is_taken_out(check, duty, intruder, without):
    attack, _ = ATTACKS[check]
    version, now = attack(duty, intruder)
    without(check)
    case = NAMED if attack is of_somebody_not_named else duty.case
    assert duty.promote(version, now=now, case=case).version == version


def test_every_check_has_its_attack():
    from wardround.approvals.checks import CHECKS

    assert {check.__name__ for check in CHECKS} - set(ATTACKS) == {"fits_the_verdict"}


def test_a_key_that_came_with_being_added_signs_nothing(duty, intruder, without):
    version, now = by_the_first_passphrase(duty, intruder)
    with pytest.raises(ApprovalNeeded, match="clark signed with a passphrase that chief gave out"):
        duty.promote(version, now=now)
    without("own_key")
    assert duty.promote(version, now=now).version == version


def test_two_approvals_are_no_override(duty):
    version = duty.model(passed=False)
    for name in ("adams", "brown"):
        duty.give_unchecked(version, name, "promote")
    with pytest.raises(PromotionRefused, match="it takes overrides by two persons"):
        duty.promote(version)
    assert duty.standing(version).counting == ()


def test_an_edited_approval_at_its_own_place_is_refused(duty, intruder):
    version = duty.model()
    given = duty.give(version, "adams", valid_for=timedelta(hours=1))
    intruder.write(given.stored_at, to_json(replace(given, expires_at=NOW + 30 * DAY)))
    with pytest.raises(ApprovalNeeded, match="it was altered after adams signed it"):
        duty.promote(version, now=NOW + DAY)
    duty.give(version, "brown", now=NOW + DAY)
    assert duty.promote(version, now=NOW + DAY).version == version, "an honest one is not held up by it"


def test_a_rejection_cannot_be_removed_edited_or_written_over(duty, intruder):
    version = duty.model()
    rejected = duty.give(version, "brown", "reject")
    body = duty.store.get(rejected.stored_at)
    other = duty.sign(rejected, "adams", act=Act.PROMOTE, person="adams")
    for written in (to_json(replace(rejected, act=Act.PROMOTE)), to_json(other), b"{}"):
        intruder.write(rejected.stored_at, written)
        with pytest.raises(Corrupted, match="000001"):
            duty.promote(version, case=CASE)
    intruder.remove(rejected.stored_at)
    with pytest.raises(Corrupted, match="it is missing"):
        duty.promote(version, case=CASE)
    intruder.write(rejected.stored_at, body)
    duty.give(version, "adams")
    intruder.remove(rejected.stored_at)
    with pytest.raises(Corrupted, match="it is missing"):
        duty.promote(version, case=CASE)


def test_without_these_guards_a_rejection_could_be_made_to_disappear(duty, intruder, monkeypatch):
    edited, removed = duty.model(1), duty.model(2)
    rejected = duty.give(edited, "brown", "reject")
    intruder.write(rejected.stored_at, to_json(replace(rejected, act=Act.PROMOTE)))
    intruder.remove(duty.give(removed, "brown", "reject").stored_at)
    with monkeypatch.context() as patch:
        patch.setattr(counting, "require_no_lost_rejection", lambda *_: None)
        assert duty.promote(edited, case=CASE).version == edited
    duty.judge(removed, champion=edited)
    with pytest.raises(Corrupted, match="it is missing"):
        duty.promote(removed, case=CASE)
    monkeypatch.setattr(ledger, "recorded", lambda *_: False)
    assert duty.promote(removed, case=CASE).version == removed


GONE = {
    "is disabled": lambda duty: people.disable(duty.store, "brown", by="chief", now=NOW),
    "approves no more": lambda duty: people.change_role(duty.store, "brown", Role.VIEWER, by="chief", now=NOW),
    "was given another passphrase": lambda duty: people.reset_passphrase(
        duty.store, "brown", new="another one that the chief knows", by="chief", now=NOW
    ),
}


@pytest.mark.parametrize("what", GONE)
def test_a_rejection_counts_whatever_becomes_of_its_person(duty, what):
    version = duty.model()
    duty.give(version, "brown", "reject")
    GONE[what](duty)
    with pytest.raises(PromotionRefused, match="brown rejected it"):
        duty.promote(version, case=CASE)


@pytest.mark.parametrize("what", GONE)
def test_asked_about_the_person_as_they_are_now_a_rejection_would_disappear(duty, what, monkeypatch):
    version = duty.model()
    duty.give(version, "brown", "reject")
    GONE[what](duty)
    monkeypatch.setattr(checks, "OF_THE_PERSON_NOW", ())
    assert duty.promote(version, case=CASE).version == version


@pytest.mark.parametrize("written", ["adams", "Adams", " adams\t", "Adams the First", "ADAMS  the first", "\uff41dams"])
def test_the_trainer_is_known_however_the_name_was_written(duty, written):
    version = duty.model(trainer=written)
    with pytest.raises(ApprovalRefused, match="adams trained the model"):
        duty.give(version, "adams")


def test_who_trained_a_model_may_reject_it(duty):
    version = duty.model(trainer="adams")
    with pytest.raises(ApprovalRefused, match="adams trained the model"):
        duty.give(version, "adams")
    duty.give(version, "adams", "reject")
    assert duty.standing(version).rejected is not None


def test_a_model_nobody_is_known_to_have_trained_is_approved_by_nobody(duty, monkeypatch):
    version = duty.model()
    monkeypatch.setattr(ledger, "find", lambda *_: None)
    assert "does not say who trained" in str(duty.refusal_of(version, "adams"))


def test_an_approval_that_may_have_been_used_is_not_used_again(duty, monkeypatch):
    monkeypatch.setattr(registry.pointer, "HISTORY", 2)
    version, now = used_twice(duty, None)
    former = registry.champion(duty.store, CASE.name).version
    for _ in range(2):
        for target in (version, former):
            registry.rollback(duty.store, CASE.name, to=target, actor="chief", reason="r", now=now)
    with pytest.raises(ApprovalNeeded, match="nobody can say whether it was used"):
        duty.promote(version, now=now)


def test_an_approval_killed_before_its_ledger_entry_counts_at_promotion(duty, monkeypatch):
    version = duty.model()
    with monkeypatch.context() as patch:
        patch.setattr("wardround.approvals.giving.record", lambda *_: None)
        duty.give(version, "adams")
    assert duty.standing(version).refused[0][1] == ("it is not in the ledger",)
    assert duty.promote(version).version == version
    assert [entry.actor for entry in ledger.entries(duty.store, kind="approval")] == ["adams"]


def test_a_version_that_does_not_exist_is_not_found(duty):
    with pytest.raises(NotFound):
        duty.promote("0" * 16)
    assert approvals.of(duty.store, CASE.name, "0" * 16) == ()
