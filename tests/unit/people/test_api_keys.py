"""API keys: shown once, kept as a hash, for their use cases and their time only."""

from datetime import UTC, datetime, timedelta

import pytest

from wardround import ledger, people
from wardround.errors import CallInvalid, Corrupted, NotFound, SignInRefused

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture
def issue(store):
    def add(system="ward-3-emr", use_cases=("heart_disease",), **changes):
        usual = {"by": "chief", "now": NOW, "expires_at": NOW + YEAR}
        return people.add_api_key(store, system=system, use_cases=use_cases, **(usual | changes))

    return add


def test_a_token_lets_its_system_in_for_its_use_cases(store, issue):
    key, token = issue()
    assert token.startswith(f"wr_{key.id}_")
    assert people.authenticate_api_key(store, token, now=NOW) == key
    assert key.serves("heart_disease")
    assert not key.serves("thyroid")
    assert issue(use_cases=("*",))[0].serves("thyroid")


def test_the_secret_is_kept_nowhere(store, issue):
    _, token = issue()
    secret = token.split("_", 2)[2]
    assert not any(secret in store.get(name).decode() for name in store.keys(""))
    assert ledger.verify(store).intact
    assert [(e.kind, e.actor, e.reason) for e in ledger.entries(store)] == [
        ("api key", "chief", "added: ward-3-emr, for heart_disease")
    ]


def test_another_secret_another_id_and_no_token_at_all_are_refused(store, issue):
    key, token = issue()
    other = issue("another")[1]
    wrong = (
        f"wr_{key.id}_{other.split('_', 2)[2]}", token[:-1], token + "A", token.upper(), "", "Bearer", "wr__",
        f"wr_{'0' * 12}_{token.split('_', 2)[2]}", f"wr_../../x_{token.split('_', 2)[2]}",
    )  # fmt: skip
    for said in wrong:
        with pytest.raises(SignInRefused):
            people.authenticate_api_key(store, said, now=NOW)


def test_an_expired_key_is_refused(store, issue):
    _, token = issue()
    people.authenticate_api_key(store, token, now=NOW + YEAR - timedelta(seconds=1))
    with pytest.raises(SignInRefused):
        people.authenticate_api_key(store, token, now=NOW + YEAR)


def test_a_revoked_key_is_refused_for_good_and_once_in_the_ledger(store, issue):
    key, token = issue()
    revoked = people.revoke_api_key(store, key.id, by="chief", now=NOW + timedelta(days=1))
    again = people.revoke_api_key(store, key.id, by="deputy", now=NOW + timedelta(days=2))
    assert revoked.revoked_at == again.revoked_at == NOW + timedelta(days=1)
    with pytest.raises(SignInRefused):
        people.authenticate_api_key(store, token, now=NOW)
    assert [entry.reason.split(":")[0] for entry in ledger.entries(store)] == ["added", "revoked"]
    assert [known.revoked_at for known in people.api_keys(store)] == [revoked.revoked_at]
    with pytest.raises(ValueError, match="quarantined"):
        store.delete(f"people/_api-keys/{key.id}.revoked.json")


def test_a_revocation_killed_before_its_ledger_entry_is_finished_by_the_next(store, issue, monkeypatch):
    key, _ = issue()
    with monkeypatch.context() as patch:
        patch.setattr("wardround.people.systems._record", lambda *_, **__: None)
        people.revoke_api_key(store, key.id, by="chief", now=NOW)
    people.revoke_api_key(store, key.id, by="deputy", now=NOW + YEAR)
    assert [(e.actor, e.at) for e in ledger.entries(store)][1] == ("chief", NOW)


def test_a_damaged_key_is_named(store, issue, intruder):
    key, token = issue()
    intruder.write(f"people/_api-keys/{key.id}.json", b"{}")
    with pytest.raises(Corrupted, match=key.id):
        people.authenticate_api_key(store, token, now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [{"system": ""}, {"system": " x"}, {"system": "a/b"}, {"use_cases": ()}, {"use_cases": ("",)}, {"expires_at": NOW}],
)
def test_a_key_for_nobody_nothing_or_no_time_is_not_made(store, issue, wrong):
    with pytest.raises(CallInvalid):
        issue(**wrong)
    assert people.api_keys(store) == ()


def test_a_key_that_is_none_is_not_found(store):
    for name in ("0" * 12, "../adams", ""):
        with pytest.raises(NotFound):
            people.revoke_api_key(store, name, by="chief", now=NOW)
