"""Quarantined rows are shown with care, released or dropped once, and always accounted for."""

import contextlib
import dataclasses
import itertools
import secrets
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from wardround import batches, ledger, quarantine
from wardround.errors import Corrupted, InputFault, NotFound, NothingReleased
from wardround.validation import derived_suite


@pytest.fixture(scope="session")
def wider(clinic):
    """The clinic after it learned that stage z exists and that glucose may reach 6000."""
    changed = tuple(
        dataclasses.replace(feature, allowed=("a", "b", "c", "z"))
        if feature.name == "stage"
        else dataclasses.replace(feature, plausible=(1, 6000)) if feature.name == "glucose" else feature
        for feature in clinic.features
    )  # fmt: skip
    return dataclasses.replace(clinic, features=changed)


@pytest.fixture(scope="session")
def wider_suite(wider):
    return derived_suite(wider)


@pytest.fixture
def faulty(visits):
    table = visits().astype(object)
    table.loc[[3, 4], "stage"] = "z"
    table.loc[[5], "glucose"] = "pending"
    table.loc[[6, 7], "visit"] = "v6"
    return table


@pytest.fixture
def release(wider, wider_suite, store, settings, now):
    def go(batch, *, use_case=wider, suite=wider_suite, into=None, reason="stage z exists"):
        return quarantine.release(
            into or store, use_case, batch, suite, settings=settings, now=now + timedelta(days=1), reason=reason
        )

    return go


@pytest.fixture
def drop(clinic, store, settings, now):
    def go(batch, *, into=None, reason="sent again"):
        return quarantine.drop(
            into or store, clinic, batch, settings=settings, now=now + timedelta(days=2), reason=reason
        )

    return go


def places(store, batch):
    account = quarantine.account(store, batch)
    assert account.balanced
    return account.accepted, account.remaining, account.released, account.dropped


def test_reasons_are_shown_with_counts_and_small_ones_are_not_spelled_out(deliver, store, clinic, faulty):
    batch = deliver(faulty).batch
    shown = quarantine.show(store, clinic, batch, small_cell=2)
    assert dict(shown) == {
        "record id: more than one row has the same": "~2",
        "stage: not one of a, b, c": "~2",
        "glucose: not a number": "<2",
    }
    assert set(quarantine.show(store, clinic, batch, small_cell=10).values()) == {"<10"}


def test_a_batch_without_quarantined_rows_is_not_listed(deliver, store, visits, faulty):
    deliver(visits(first=500), "clean")
    bad = deliver(faulty).batch
    assert [account.batch for account in quarantine.listing(store, "clinic")] == [bad.id]


def test_rows_that_pass_now_become_a_new_batch_and_the_others_stay(deliver, store, faulty, release):
    batch = deliver(faulty).batch
    assert places(store, batch) == (55, 5, 0, 0)
    made = release(batch)
    assert (made.parent, made.label, made.rows_in, made.rows_accepted) == (batch.id, "march-released", 2, 2)
    assert batches.load(store, "clinic", "march-released") == made
    assert places(store, batch) == (55, 3, 2, 0)
    assert places(store, made) == (2, 0, 0, 0)
    released = batches.rows(store, made)
    assert released["stage"].tolist() == ["z", "z"]
    assert not released["record_id"].isin(batches.rows(store, batch)["record_id"]).any()
    assert ledger.verify(store).intact
    assert [entry.kind for entry in ledger.entries(store)] == ["ingest", "quarantine release"]


def test_releasing_again_gives_the_same_batch_and_writes_nothing(deliver, store, faulty, release):
    batch = deliver(faulty).batch
    made = release(batch)
    keys = list(store.keys(""))
    assert release(batch) == made
    assert list(store.keys("")) == keys


def test_a_value_that_could_not_be_read_is_never_released_as_missing(deliver, store, faulty, release, wider):
    batch = deliver(faulty).batch
    release(batch)
    left = pd.concat(batches.frames(store, batch, quarantined=True))
    assert ("glucose: not a number",) in left["unreadable"].tolist()
    assert places(store, batch)[1] == 3


def test_rows_that_still_fail_are_not_released_and_the_rules_are_named(deliver, store, faulty, release, clinic, suite):
    batch = deliver(faulty).batch
    with pytest.raises(NothingReleased, match="stage: not one of a, b, c"):
        release(batch, use_case=clinic, suite=suite)
    assert places(store, batch) == (55, 5, 0, 0)


def test_a_wholly_refused_batch_may_be_released_under_another_id(deliver, store, visits, release):
    table = visits()
    table["stage"] = "z"
    batch = deliver(table).batch
    assert batch.refused
    made = release(batch)
    assert made.id != batch.id
    assert (made.rows_accepted, made.refused) == (60, False)
    assert places(store, batch) == (0, 0, 60, 0)
    with pytest.raises(NotFound, match="no row in quarantine"):
        quarantine.drop(store, None, batch, settings=None, now=None, reason="x")  # type: ignore[arg-type]


def test_rows_of_a_refused_batch_that_pass_by_themselves_may_be_released(
    deliver, store, visits, release, clinic, suite
):
    table = visits()
    table.loc[:19, "stage"] = "z"
    batch = deliver(table).batch
    assert batch.refused
    assert release(batch, use_case=clinic, suite=suite).rows_accepted == 40
    assert places(store, batch) == (0, 20, 40, 0)


def test_a_release_that_would_not_make_a_sound_batch_is_refused(deliver, store, visits, release):
    table = visits()
    table["glucose"] = None
    batch = deliver(table).batch
    with pytest.raises(NothingReleased, match="glucose: not one value"):
        release(batch)
    assert places(store, batch) == (0, 60, 0, 0)


def test_dropped_rows_are_gone_their_counts_and_the_reason_stay(deliver, store, faulty, drop, release):
    batch = deliver(faulty).batch
    release(batch)
    assert drop(batch) == 3
    assert places(store, batch) == (55, 0, 2, 3)
    assert not store.exists(batch.quarantine_key)
    assert list(batches.frames(store, batch, quarantined=True)) == []
    (act,) = (act for act in quarantine.acts_on(store, batch) if act.kind == "drop")
    assert (act.reason, act.actor, len(act.rows)) == ("sent again", "tester", 3)
    assert ledger.verify(store).intact
    assert drop(batch) == 3
    with pytest.raises(NotFound):
        drop(deliver(faulty.iloc[20:40], "clean").batch)


def test_a_reason_is_required(deliver, faulty, drop, release):
    batch = deliver(faulty).batch
    for act in (drop, release):
        with pytest.raises(InputFault, match="reason"):
            act(batch, reason="  ")


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_release_and_drop_killed_at_any_write_lose_no_row_and_are_completed_by_the_next(
    deliver, store, faulty, release, drop, dying, killed, after
):
    for act, expected, writes in ((release, (55, 3, 2, 0), 5), (drop, (55, 0, 0, 5), 4)):
        for at in itertools.count():
            room = dataclasses.replace(store, prefix=f"{store.prefix}{act is drop}{at}/")
            batch = deliver(faulty, into=room).batch
            try:
                act(batch, into=dying(room, at, after))
                break
            except killed:
                pass
            assert quarantine.account(room, batch).balanced
            assert ledger.verify(room).intact
            act(batch, into=room)
            assert places(room, batch) == expected
            assert ledger.verify(room).intact
            assert len(list(ledger.entries(room))) == 2
        assert at >= writes


def test_a_drop_first_finishes_a_release_that_was_killed(deliver, store, faulty, release, drop, dying, killed):
    batch = deliver(faulty).batch
    with pytest.raises(killed):
        release(batch, into=dying(store, 0, True))
    assert places(store, batch) == (55, 5, 0, 0)
    assert drop(batch) == 3
    assert places(store, batch) == (55, 0, 2, 3)
    assert batches.load(store, "clinic", "march-released").rows_accepted == 2


def test_two_people_cannot_dispose_of_the_same_row(deliver, store, faulty, release, drop, monkeypatch):
    batch = deliver(faulty).batch
    take = quarantine.take
    raced = []

    def drop_first(*arguments):
        if not raced:
            raced.append(1)
            drop(batch)
        return take(*arguments)

    monkeypatch.setattr(quarantine, "take", drop_first)
    with pytest.raises(NotFound):
        release(batch)
    assert places(store, batch) == (55, 0, 0, 5)
    assert [label.label for label in batches.listing(store, "clinic")] == ["march"]


def test_quarantined_rows_that_are_gone_without_an_act_are_named(deliver, store, faulty):
    batch = deliver(faulty).batch
    store.delete(batch.quarantine_key)
    with pytest.raises(Corrupted, match="it is gone"):
        quarantine.account(store, batch)


@given(
    faults=st.dictionaries(
        st.integers(0, 39), st.sampled_from([("glucose", "5000"), ("glucose", "n/d"), ("stage", "z"), ("visit", "v0")]),
        max_size=10,
    ),
    acts=st.lists(st.sampled_from(["release", "drop", "again"]), max_size=3),
)  # fmt: skip
@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip
def test_rows_in_are_accepted_or_quarantined_and_the_quarantined_are_there_released_or_dropped(
    deliver, visits, store, release, drop, faults, acts
):
    room = dataclasses.replace(store, prefix=f"{store.prefix}{secrets.token_hex(4)}/")
    table = visits(40).astype(object)
    for row, (column, value) in faults.items():
        table.loc[row, column] = value
    batch = deliver(table, into=room).batch
    assert places(room, batch) == (batch.rows_accepted, batch.rows_quarantined, 0, 0)
    for act in acts:
        with contextlib.suppress(NotFound, NothingReleased):
            {"release": release, "drop": drop, "again": release}[act](batch, into=room)
        accepted, remaining, released, dropped = places(room, batch)
        children = [child for child in batches.listing(room, "clinic") if child.parent == batch.id]
        assert released == sum(child.rows_accepted for child in children)
        assert accepted + remaining + released + dropped == len(table)
        for child in children:
            assert places(room, child) == (child.rows_in, 0, 0, 0)
    names = pd.concat(
        [batches.rows(room, each)["record_id"] for each in batches.listing(room, "clinic") if each.rows_accepted]
        or [pd.Series(dtype="str")]
    )
    assert not names.duplicated().any()
    assert ledger.verify(room).intact
