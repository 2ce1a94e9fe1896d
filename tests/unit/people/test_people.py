"""The people on duty: who may come in, what a role lets one do, and what of it the ledger tells."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround import ledger, people
from wardround.domain import Sensitivity
from wardround.errors import CallInvalid, Conflict, Corrupted, NotAllowed, NotFound, SignInRefused
from wardround.people import Right, Role, keys, passphrases, record
from wardround.people.passphrases import Parameters

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRST = "handed over on paper"
OWN = "known to nobody else"

pytestmark = pytest.mark.usefixtures("quick_passphrases")


@pytest.fixture
def employ(store) -> Callable[..., people.Person]:
    def add(name="adams", role=Role.APPROVER, **changes):
        usual = {"full_name": "Eve Adams", "passphrase": FIRST, "by": "chief", "now": NOW}
        return people.add(store, name=name, role=role, **(usual | changes))

    return add


def test_a_person_comes_back_as_added_and_can_sign_in(store, employ):
    added = employ()
    assert people.find(store, "adams") == added
    assert people.listing(store) == (added,)
    assert people.authenticate(store, "adams", FIRST).name == "adams"
    assert not added.own_passphrase
    assert FIRST not in store.get("people/adams/person.json").decode()
    assert FIRST not in repr(added)
    assert added.passphrase_hash not in repr(added)


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (Role.VIEWER, {Right.READ}),
        (Role.OPERATOR, {Right.READ, Right.OPERATE}),
        (Role.APPROVER, {Right.READ, Right.OPERATE, Right.APPROVE}),
        (Role.ADMIN, {Right.READ, Right.ADMINISTER}),
    ],
)
def test_a_role_gives_its_rights_and_no_others(employ, role, rights):
    person = employ(role=role)
    assert {right for right in Right if person.may(right)} == rights
    for right in set(Right) - rights:
        with pytest.raises(NotAllowed, match=f"adams may not {right}"):
            people.require(person, right)
    assert not any(replace(person, disabled=True).may(right) for right in Right)


@pytest.mark.parametrize(
    "name", ["", "a", "Adams", "-adams", "a/b", "../adams", "a" * 40, "adams ", "ädams", "_api-keys"]
)
def test_a_name_that_is_none_is_refused_and_not_found(store, employ, name):
    with pytest.raises(CallInvalid, match="is no name"):
        employ(name)
    with pytest.raises(NotFound):
        people.find(store, name)
    with pytest.raises(SignInRefused):
        people.authenticate(store, name, FIRST)


@pytest.mark.parametrize("sign", ["\x00", "\n", "\u202e", "\ud800"])
def test_a_full_name_that_reads_differently_on_every_screen_is_refused(store, employ, sign):
    with pytest.raises(CallInvalid, match="control character"):
        employ(full_name=f"Eve{sign} Adams")
    assert people.listing(store) == ()


def test_a_name_is_given_once(store, employ):
    first = employ()
    with pytest.raises(CallInvalid, match="already"):
        employ(full_name="Somebody Else")
    assert people.find(store, "adams") == first


@pytest.mark.parametrize(
    ("passphrase", "fault"),
    [
        ("too short", "fewer than 12"),
        ("x" * 300, "more than 256"),
        ("abababababab", "repeats"),
        ("EVELYN ADAMS", "the person's name"),
    ],
)
def test_a_weak_passphrase_is_refused(employ, passphrase, fault):
    with pytest.raises(CallInvalid, match=fault):
        employ(passphrase=passphrase, full_name="Evelyn Adams")


def test_a_passphrase_may_be_any_words_in_any_writing(store, employ):
    employ(passphrase="心电图要在早上六点之前看完")
    people.authenticate(store, "adams", "心电图要在早上六点之前看完")
    employ("brown", passphrase="Cafe\u0301 um zehn Uhr")
    people.authenticate(store, "brown", "Café um zehn Uhr")


def test_unknown_disabled_and_wrong_are_told_alike_and_cost_the_same(store, employ, monkeypatch):
    employ()
    employ("brown")
    people.disable(store, "brown", by="chief", now=NOW)
    verified = []
    matches = passphrases.matches
    monkeypatch.setattr(passphrases, "matches", lambda known, said: verified.append(known) or matches(known, said))
    told = set()
    for name, said in (("adams", OWN), ("brown", FIRST), ("clark", FIRST), ("No Name", FIRST)):
        with pytest.raises(SignInRefused) as refused:
            people.authenticate(store, name, said)
        told.add(str(refused.value))
    assert len(told) == 1
    costs = [known.rsplit("$", 2)[0] for known in verified]
    assert len(costs) == 4, "one evaluation of Argon2 each"
    assert len(set(costs)) == 1, "with the same parameters"


def test_the_parameters_in_force_are_those_of_the_rfc(monkeypatch):
    monkeypatch.undo()
    import argon2

    ours, theirs = passphrases.PRESENT, argon2.profiles.RFC_9106_LOW_MEMORY
    assert (ours.time_cost, ours.memory_cost, ours.parallelism) == (
        theirs.time_cost, theirs.memory_cost, theirs.parallelism,
    )  # fmt: skip


def test_signing_in_renews_a_hash_of_weaker_parameters_and_the_key_stays(store, employ, monkeypatch):
    employ()
    chosen = people.change_passphrase(store, "adams", old=FIRST, new=OWN, now=NOW)
    entries = len(list(ledger.entries(store)))
    monkeypatch.setattr(passphrases, "PRESENT", Parameters(time_cost=2, memory_cost=16, parallelism=1))
    renewed = people.authenticate(store, "adams", OWN)
    assert "m=16,t=2" in renewed.passphrase_hash
    assert "$2,16,1$" in renewed.sealed_key
    assert renewed.key == chosen.key
    assert people.signer(store, "adams", OWN).key == chosen.key
    assert people.authenticate(store, "adams", OWN) == renewed, "once is enough"
    assert len(list(ledger.entries(store))) == entries, "nobody did anything"


def test_a_signature_takes_the_passphrase_and_verifies_with_the_stored_public_key(store, employ):
    employ()
    people.change_passphrase(store, "adams", old=FIRST, new=OWN, now=NOW)
    signer = people.signer(store, "adams", OWN)
    signature = signer.sign(b"a message")
    key = people.public_key(store, "adams", signer.key)
    assert key is not None
    assert people.verifies(key, b"a message", signature)
    assert not people.verifies(key, b"another message", signature)
    assert not people.verifies(key, b"a message", "no hexadecimal digits")
    with pytest.raises(SignInRefused):
        people.signer(store, "adams", FIRST)
    assert "private" not in repr(signer)


def test_a_sealed_key_opens_for_its_person_and_passphrase_only(employ):
    person = employ()
    keys.unseal(person.sealed_key, "adams", FIRST)
    for name, said in (("brown", FIRST), ("adams", OWN)):
        with pytest.raises(SignInRefused):
            keys.unseal(person.sealed_key, name, said)


@given(place=st.integers(min_value=0), flipped=st.integers(min_value=1, max_value=127))
def test_a_sealed_key_with_any_other_character_opens_nothing_else(place, flipped):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    text = bytearray(keys.seal(private, "adams", OWN).encode())
    start = text.index(b"$", text.index(b"$") + 1)  # what it costs to derive the key is not secret, but costs
    place = start + place % (len(text) - start)
    text[place] ^= flipped
    try:
        opened = keys.unseal(text.decode(), "adams", OWN)
    except SignInRefused:
        return
    assert opened.private_bytes_raw() == private.private_bytes_raw(), "only a spelling of the same bytes opens"


def test_choosing_a_passphrase_gives_a_key_of_ones_own_and_changing_it_keeps_that_key(store, employ):
    added = employ()
    chosen = people.change_passphrase(store, "adams", old=FIRST, new=OWN, now=NOW + timedelta(hours=1))
    assert chosen.own_passphrase
    assert chosen.key != added.key
    assert chosen.sessions_from == NOW + timedelta(hours=1)
    changed = people.change_passphrase(store, "adams", old=OWN, new="another one again", now=NOW + timedelta(hours=2))
    assert changed.key == chosen.key
    assert people.signer(store, "adams", "another one again").key == chosen.key
    with pytest.raises(SignInRefused):
        people.change_passphrase(store, "adams", old=OWN, new="whatever it may be", now=NOW)
    with pytest.raises(CallInvalid, match="the old one"):
        people.change_passphrase(store, "adams", old="another one again", new="another one again", now=NOW)
    origins = [people.public_key(store, "adams", key).origin.value for key in (added.key, chosen.key)]
    assert origins == ["added", "chosen"]


def test_a_reset_makes_a_new_key_and_is_in_the_ledger_by_whom(store, employ):
    employ()
    chosen = people.change_passphrase(store, "adams", old=FIRST, new=OWN, now=NOW)
    reset = people.reset_passphrase(store, "adams", new="told by telephone", by="chief", now=NOW)
    assert reset.key != chosen.key
    assert not reset.own_passphrase
    with pytest.raises(SignInRefused):
        people.authenticate(store, "adams", OWN)
    told = [(entry.actor, entry.reason) for entry in ledger.entries(store, kind="person")]
    assert told == [
        ("chief", "added as approver"),
        ("adams", "chose a passphrase and got a key to sign with"),
        ("chief", "passphrase reset, with a new key"),
    ]
    with pytest.raises(CallInvalid, match="nobody resets their own"):
        people.reset_passphrase(store, "adams", new="told by telephone", by="adams", now=NOW)


def test_every_key_is_in_the_ledger_by_its_hash_and_a_swapped_one_is_not(store, employ, intruder):
    person = employ()
    key = people.public_key(store, "adams", person.key)
    entry = people.registration(store, key)
    assert entry is not None
    assert key.stored_at in entry.hashes
    assert ledger.verify(store).intact
    other, _ = keys.new_pair("adams", OWN, origin=keys.Origin.CHOSEN, by="adams", now=NOW)
    store.put(other.stored_at, keys.to_json(other), sensitivity=Sensitivity.CREDENTIAL)
    assert people.registration(store, people.public_key(store, "adams", other.fingerprint)) is None
    intruder.write(key.stored_at, keys.to_json(other))
    assert people.public_key(store, "adams", person.key) is None, "it is not the key it is named after"
    intruder.write(key.stored_at, keys.to_json(replace(key, origin=keys.Origin.CHOSEN)))
    assert people.registration(store, people.public_key(store, "adams", person.key)) is None
    assert not ledger.verify(store).intact


def test_roles_access_and_sessions_change_and_each_act_is_recorded_once(store, employ):
    employ("chief", Role.ADMIN)
    employ()
    people.change_role(store, "adams", Role.OPERATOR, by="chief", now=NOW)
    people.change_role(store, "adams", Role.OPERATOR, by="chief", now=NOW)
    people.disable(store, "adams", by="chief", now=NOW + timedelta(hours=1))
    assert people.find(store, "adams").sessions_from == NOW + timedelta(hours=1)
    people.enable(store, "adams", by="chief", now=NOW)
    people.enable(store, "adams", by="chief", now=NOW)
    people.disable(store, "adams", by="chief", now=NOW)
    ended = people.end_sessions(store, "adams", now=NOW + timedelta(hours=3))
    assert ended.sessions_from == NOW + timedelta(hours=3)
    told = [entry.reason for entry in ledger.entries(store, kind="person") if entry.subject == "adams"]
    assert told == [
        "added as approver", "role changed from approver to operator", "disabled", "enabled again", "disabled",
    ]  # fmt: skip


def test_nobody_raises_themselves_and_the_last_administrator_stays(store, employ):
    employ("chief", Role.ADMIN)
    for act in (
        lambda: people.change_role(store, "chief", Role.APPROVER, by="chief", now=NOW),
        lambda: people.enable(store, "chief", by="chief", now=NOW),
        lambda: people.disable(store, "chief", by="somebody", now=NOW),
        lambda: people.change_role(store, "chief", Role.APPROVER, by="somebody", now=NOW),
    ):
        with pytest.raises(CallInvalid):
            act()
    employ("deputy", Role.ADMIN)
    people.disable(store, "chief", by="deputy", now=NOW)
    assert people.administered(store)


def test_an_act_killed_before_its_ledger_entry_is_recorded_by_the_next_one(store, employ, monkeypatch):
    employ("chief", Role.ADMIN)
    with monkeypatch.context() as patch:
        patch.setattr("wardround.people.acts.settle", lambda *_: None)
        patch.setattr(record, "settle", lambda *_: None)
        employ()
        people.change_role(store, "adams", Role.OPERATOR, by="chief", now=NOW)
    assert len(list(ledger.entries(store))) == 1
    people.authenticate(store, "adams", FIRST)
    assert [entry.reason for entry in ledger.entries(store)][1:] == [
        "added as approver", "role changed from approver to operator",
    ]  # fmt: skip
    assert ledger.verify(store).intact


def test_racing_changes_are_all_kept(store, employ, monkeypatch):
    employ("chief", Role.ADMIN)
    employ()
    swap, raced = type(store).swap, []

    def late(self, key, content, tag, sensitivity=Sensitivity.AGGREGATE):
        if not raced:
            raced.append(True)
            people.disable(store, "adams", by="chief", now=NOW)
        return swap(self, key, content, tag, sensitivity)

    monkeypatch.setattr(type(store), "swap", late)
    person = people.change_role(store, "adams", Role.VIEWER, by="chief", now=NOW)
    assert (person.disabled, person.role) == (True, Role.VIEWER)
    assert len([entry for entry in ledger.entries(store) if entry.subject == "adams"]) == 3


def test_a_passphrase_changed_meanwhile_is_not_written_over(store, employ, monkeypatch):
    employ()
    people.change_passphrase(store, "adams", old=FIRST, new=OWN, now=NOW)
    seal, reset = keys.seal, []

    def slow(private, person, passphrase):
        if not reset:
            reset.append(True)
            people.reset_passphrase(store, "adams", new="the chief was faster", by="chief", now=NOW)
        return seal(private, person, passphrase)

    monkeypatch.setattr(keys, "seal", slow)
    with pytest.raises(Conflict):
        people.change_passphrase(store, "adams", old=OWN, new="a thief was slower", now=NOW)
    people.authenticate(store, "adams", "the chief was faster")


@pytest.mark.parametrize("damage", [b"[]", b'{"name": "adams"}', b"no JSON"])
def test_a_damaged_record_is_named_and_lets_nobody_in(store, employ, intruder, damage):
    employ()
    intruder.write("people/adams/person.json", damage)
    with pytest.raises(Corrupted, match="people/adams"):
        people.authenticate(store, "adams", FIRST)


def test_a_record_of_somebody_else_lets_nobody_in(store, employ, intruder):
    employ()
    employ("brown", passphrase="the intruder knows this")
    intruder.write("people/adams/person.json", store.get("people/brown/person.json"))
    with pytest.raises(Corrupted, match="that name"):
        people.authenticate(store, "adams", "the intruder knows this")


def test_credentials_stay_under_their_prefix(store, employ):
    employ()
    people.change_passphrase(store, "adams", old=FIRST, new=OWN, now=NOW)
    content = json.loads(store.get("people/adams/person.json"))
    secrets = (content["passphrase_hash"], content["sealed_key"])
    for key in store.keys(""):
        if not key.startswith("people/"):
            assert not any(secret in store.get(key).decode() for secret in secrets)
    for key in ("ledger/x.json", "models/x/y.json"):
        with pytest.raises(ValueError, match="credential"):
            store.put(key, b"x", sensitivity=Sensitivity.CREDENTIAL)
