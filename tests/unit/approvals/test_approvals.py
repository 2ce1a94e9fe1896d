"""Approvals as stored values: what is signed, what is refused at once, and what still waits for whom."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardround import approvals, gating, ledger, people, registry
from wardround.approvals import Act, Approval
from wardround.approvals.approval import SIGNED
from wardround.domain import from_json, to_json
from wardround.errors import (
    AlreadyExists,
    ApprovalRefused,
    CallInvalid,
    Corrupted,
    NotAllowed,
    PromotionRefused,
    SignInRefused,
)
from wardround.people import Role
from wardround.use_cases import load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CASE = load("heart_disease")
DAY = timedelta(days=1)


def test_an_approval_comes_back_from_the_store_as_it_was_given(duty):
    version = duty.model()
    given = duty.give(version, "adams", reason="  looked at with cardiology, 心内科  ")
    assert approvals.of(duty.store, CASE.name, version) == (given,)
    assert given.reason == "looked at with cardiology, 心内科"
    assert given.stored_at == f"approvals/{CASE.name}/{version}/000001.json"
    assert from_json(Approval, to_json(given)) == given
    standing = duty.standing(version)
    assert (standing.valid, standing.refused, standing.allowed, standing.missing) == ((given,), (), True, "")


def test_an_approval_is_bound_to_the_model_the_verdict_and_the_champion(duty):
    version = duty.model()
    given = duty.give(version, "adams")
    key = f"models/{CASE.name}/{version}/"
    assert given.manifest_sha256 == duty.store.sha256(f"{key}manifest.json")
    assert (given.verdict_key, given.verdict_sha256) == (
        f"{key}verdicts/none.json",
        duty.store.sha256(f"{key}verdicts/none.json"),
    )
    assert given.champion is None
    assert given.expires_at == NOW + timedelta(days=7)
    entry = next(ledger.entries(duty.store, kind="approval"))
    assert (entry.actor, entry.subject, entry.reason) == ("adams", version, "promote: adams looked at it")
    assert entry.hashes == {
        given.stored_at: given.sha256, given.verdict_key: given.verdict_sha256,
        f"{key}manifest.json": given.manifest_sha256,
    }  # fmt: skip
    assert ledger.verify(duty.store).intact


def test_anybody_can_check_the_signature_with_the_public_key_alone(duty):
    import json

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    given = duty.give(duty.model(), "adams")
    fields = json.loads(duty.store.get(given.stored_at))
    signature = bytes.fromhex(fields.pop("signature"))
    public = json.loads(duty.store.get(f"people/adams/keys/{fields['key']}.json"))["public"]
    message = SIGNED + json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, message)


def test_every_field_is_signed(duty):
    given = duty.give(duty.model(), "adams")
    changes = {
        "use_case": "thyroid", "version": "f" * 16, "number": 2, "manifest_sha256": "0" * 64, "verdict_key": "models/x",
        "verdict_sha256": "0" * 64, "champion": "f" * 16, "act": Act.OVERRIDE, "reason": "another", "person": "brown",
        "key": "0" * 64, "given_at": NOW - DAY, "expires_at": NOW + 30 * DAY,
    }  # fmt: skip
    assert set(changes) == set(Approval.__dataclass_fields__) - {"signature"}
    messages = {replace(given, **{field: value}).message for field, value in changes.items()}
    assert len(messages | {given.message}) == len(changes) + 1
    assert replace(given, signature="").message == given.message


@pytest.fixture
def one_given(duty):
    version = duty.model()
    given = duty.give(version, "adams")
    return version, given.stored_at, duty.store.get(given.stored_at)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(min_value=0), flipped=st.integers(min_value=1, max_value=255))
def test_a_stored_approval_with_any_flipped_byte_does_not_count(duty, intruder, one_given, at, flipped):
    version, place, body = one_given
    altered = bytearray(body)
    altered[at % len(body)] ^= flipped
    intruder.write(place, bytes(altered))
    counted = ()
    with contextlib.suppress(Corrupted):  # what cannot be read stops the promotion altogether
        counted = duty.standing(version).valid
    assert counted == ()


def test_a_signature_in_other_letters_is_another_approval(duty, intruder, one_given):
    version, place, body = one_given
    given = from_json(Approval, body)
    shouted = replace(given, signature=given.signature.upper())
    assert shouted != given
    intruder.write(place, to_json(shouted))
    assert duty.standing(version).refused[0][1] == ("the ledger knows another approval in its place",)


def test_the_same_content_in_another_spelling_is_not_read(duty, intruder, one_given):
    version, place, body = one_given
    for spelt in (
        body.replace(b": ", b":"),
        body + b"\n",
        body.replace(b"+00:00", b"Z"),
        body.replace(b"Z", b"+00:00"),
    ):
        if spelt != body:
            intruder.write(place, spelt)
            with pytest.raises(Corrupted, match="as one is written"):
                duty.standing(version)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"reason": "  "}, CallInvalid, "give the reason"),
        ({"reason": "x" * 2001}, CallInvalid, "give the reason"),
        ({"valid_for": timedelta(0)}, CallInvalid, "at most 90 days"),
        ({"valid_for": timedelta(days=91)}, CallInvalid, "at most 90 days"),
        ({"passphrase": "not that of adams"}, SignInRefused, "do not let anybody in"),
        ({"person": "nobody"}, SignInRefused, "do not let anybody in"),
        ({"act": "override"}, ApprovalRefused, "nothing to override"),
    ],
)
def test_what_would_not_count_is_not_taken(duty, wrong, error, said):
    version = duty.model()
    content = {"person": "adams"} | wrong
    with pytest.raises(error, match=said):
        duty.give(version, content.pop("person"), **content)
    assert approvals.of(duty.store, CASE.name, version) == ()
    assert list(ledger.entries(duty.store, kind="approval")) == []


def test_an_operator_and_an_administrator_approve_nothing(duty):
    version = duty.model()
    for name, role in (("olsen", Role.OPERATOR), ("chief", Role.ADMIN), ("visitor", Role.VIEWER)):
        duty.employ(name, role)
        with pytest.raises(NotAllowed, match=f"{name} may not approve promotions"):
            duty.give(version, name)


def test_an_approval_with_a_handed_out_passphrase_is_not_taken(duty):
    version = duty.model()
    duty.employ("clark", own=False)
    with pytest.raises(ApprovalRefused, match="it counts after they changed it themselves"):
        duty.give(version, "clark", passphrase="given to clark by the chief")


def test_a_promote_of_what_failed_is_told_to_be_an_override(duty):
    version = duty.model(passed=False)
    with pytest.raises(ApprovalRefused, match="overrides by two persons"):
        duty.give(version, "adams")


def test_approvals_of_many_persons_at_once_are_all_kept_in_order(duty, monkeypatch):
    version = duty.model(passed=False)
    put, raced = type(duty.store).put, []

    def late(self, key, body, *, sensitivity):
        if key.startswith("approvals/") and not raced:
            raced.append(key)
            duty.give(version, "brown", "override")
        return put(self, key, body, sensitivity=sensitivity)

    monkeypatch.setattr(type(duty.store), "put", late)
    duty.give(version, "adams", "override")
    given = approvals.of(duty.store, CASE.name, version)
    assert [(it.number, it.person) for it in given] == [(1, "brown"), (2, "adams")]
    assert duty.standing(version).allowed


def test_nothing_is_signed_when_the_champion_moves_while_the_passphrase_is_typed(duty):
    first, second = duty.model(1), duty.model(2)
    seen = duty.standing(second).verdict
    duty.give(first, "brown")
    duty.promote(first)
    duty.judge(second, champion=first)
    with pytest.raises(ApprovalRefused, match="another verdict counts now than the one you saw"):
        duty.give(second, "adams", seen=seen)
    assert approvals.of(duty.store, duty.case.name, second) == ()
    assert duty.give(second, "adams", seen=duty.standing(second).verdict).champion == first


def test_a_killed_attempt_is_finished_and_not_given_twice(duty, monkeypatch):
    version = duty.model()
    with monkeypatch.context() as patch:
        patch.setattr("wardround.approvals.giving.record", lambda *_: None)
        first = duty.give(version, "adams")
    assert duty.give(version, "adams") == first
    assert approvals.of(duty.store, CASE.name, version) == (first,)
    assert len(list(ledger.entries(duty.store, kind="approval"))) == 1


def test_an_approval_is_never_written_over(duty, one_given):
    _, place, _ = one_given
    with pytest.raises(AlreadyExists):
        duty.plant(from_json(Approval, duty.store.get(place).replace(b"adams", b"brown")), place)


def test_what_is_missing_is_said_in_words(duty):
    passed, failed = duty.model(1), duty.model(2, passed=False, trainer="brown")
    assert duty.standing(passed, case=CASE).missing == ""
    assert not duty.standing(passed, case=CASE).needs_person
    assert duty.standing(passed).missing == "an approver who did not train it"
    two = "overrides of its failed verdict by 2 persons, each an approver who did not train it"
    assert duty.standing(failed).missing == two
    duty.give(failed, "adams", "override")
    second = "a second person for the override besides adams: an approver who did not train it"
    assert duty.standing(failed).missing == second
    named = replace(duty.case, retraining=replace(duty.case.retraining, may_promote=("adams", "brown", "clark")))
    assert duty.standing(failed, case=named).missing == "a second person for the override besides adams: clark"
    assert duty.standing(passed, case=named).missing == "adams or brown or clark"
    alone = replace(named, retraining=replace(named.retraining, may_promote=("brown",)))
    assert "and none of them is left" in duty.standing(failed, case=alone).missing
    duty.give(passed, "brown", "reject")
    assert duty.standing(passed).missing == "another version: brown rejected this one"
    assert not duty.standing(passed, case=CASE).allowed


def test_those_wait_that_passed_or_that_somebody_began_to_override(duty):
    passed, failed, begun, rejected = (duty.model(n, passed=n not in (2, 3)) for n in (1, 2, 3, 4))
    assert set(duty.waiting()) == {passed, rejected}
    assert duty.waiting(case=CASE) == ()
    duty.give(begun, "adams", "override")
    duty.give(rejected, "adams", "reject")
    assert duty.waiting() == (begun, passed), "the newest first"
    assert duty.waiting(case=CASE) == (begun,)
    duty.give(begun, "brown", "override")
    duty.give(passed, "brown")
    assert duty.waiting() == ()
    assert duty.waiting(now=NOW + 8 * DAY) == (rejected, passed), "what was signed has expired"
    assert failed not in duty.waiting()


def test_those_judged_against_a_former_champion_and_former_champions_do_not_wait(duty):
    first, second, third = (duty.model(n) for n in (1, 2, 3))
    duty.give(first, "adams")
    duty.promote(first)
    assert duty.waiting() == ()
    duty.judge(second, champion=first)
    assert duty.waiting() == (second,)
    duty.give(second, "brown")
    duty.promote(second)
    registry.rollback(duty.store, CASE.name, actor="chief", reason="alarms at night", now=NOW)
    assert duty.waiting() == ()
    assert third not in duty.waiting()
    with pytest.raises(PromotionRefused, match="champion already"):
        duty.standing(first)


def test_looking_judges_no_model_and_reads_no_row(duty, monkeypatch):
    version = duty.model()
    duty.give(version, "adams")
    keys = []
    read = type(duty.store)._read
    monkeypatch.setattr(gating, "_judged", lambda *_, **__: pytest.fail("it was judged again"))
    monkeypatch.setattr(
        type(duty.store), "_read", lambda self, key, **more: keys.append(key) or read(self, key, **more)
    )
    before = len(list(duty.store.keys("")))
    assert duty.standing(version).allowed
    duty.waiting()
    assert not any(key.startswith(("batches/", "labels/", "predictions/")) for key in keys)
    assert len(keys) < 40
    assert len(list(duty.store.keys(""))) == before, "looking writes nothing"


def test_a_reset_leaves_unused_approvals_behind_and_the_person_gives_them_again(duty):
    version = duty.model()
    duty.give(version, "adams")
    people.reset_passphrase(duty.store, "adams", new="told by telephone", by="chief", now=NOW)
    assert "present one" in duty.standing(version).refused[0][1][0]
    people.change_passphrase(duty.store, "adams", old="told by telephone", new="a new one of mine", now=NOW)
    assert not duty.standing(version).allowed
    duty.give(version, "adams", passphrase="a new one of mine")
    assert duty.standing(version).allowed


def test_a_changed_passphrase_leaves_approvals_as_they_are(duty):
    version = duty.model()
    duty.give(version, "adams")
    people.change_passphrase(
        duty.store, "adams", old="the passphrase of adams", new="another passphrase", now=NOW + DAY
    )
    assert duty.standing(version, now=NOW + DAY).allowed
