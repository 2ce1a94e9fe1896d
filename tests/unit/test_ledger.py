"""The ledger: gapless, once per act, and every damage is named."""

import hashlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from wardround import ledger
from wardround.domain import LedgerEntry, Sensitivity, to_json
from wardround.store import Store

NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def append(store: Store, act: str, **changes: Any) -> LedgerEntry:
    content = {
        "kind": "ingest", "use_case": "heart_disease", "actor": "tester", "subject": "batch", "hashes": {},
        "reason": "a delivery", "now": NOW,
    }  # fmt: skip
    return ledger.append(store, act=act, **(content | changes))


def named_object(store: Store, key: str, body: bytes) -> dict[str, str]:
    return {key: store.put(key, body, sensitivity=Sensitivity.AGGREGATE)}


def test_an_empty_ledger_is_intact(store: Store) -> None:
    assert list(ledger.entries(store)) == []
    assert ledger.verify(store) == ledger.Verification(
        count=0, first_bad=None, detail="0 entries and 0 objects are intact"
    )


def test_each_entry_holds_the_hash_of_the_one_before(store: Store) -> None:
    for number in range(1, 6):
        assert append(store, f"act {number}").number == number
    previous = ledger.GENESIS
    for entry in ledger.entries(store):
        assert entry.previous == previous
        previous = hashlib.sha256(store.get(ledger.entry_key(entry.number))).hexdigest()
    assert ledger.verify(store).intact


def test_an_act_is_recorded_once_however_often_it_is_retried(store: Store) -> None:
    first = append(store, "the act")
    append(store, "another")
    assert append(store, "the act", reason="tried again", now=datetime.now(UTC)) == first
    assert [entry.act for entry in ledger.entries(store)] == ["the act", "another"]


def test_an_act_killed_before_its_seal_is_not_recorded_twice(store: Store, intruder: Any) -> None:
    append(store, "before")
    append(store, "the act")
    seal = f"ledger/acts/{hashlib.sha256(b'the act').hexdigest()}.json"
    intruder.remove(seal)
    ledger._HEADS.clear()  # the killed process took what it knew with it
    assert not ledger.recorded(store, "the act")
    assert ledger.verify(store).intact, "a last entry without its seal is what a kill leaves"
    assert append(store, "the act").number == 2
    assert store.exists(seal)
    assert ledger.verify(store).count == 2


def test_whoever_appends_next_seals_the_entry_a_kill_left_unsealed(store: Store, intruder: Any) -> None:
    append(store, "the act")
    intruder.remove(f"ledger/acts/{hashlib.sha256(b'the act').hexdigest()}.json")
    ledger._HEADS.clear()
    append(store, "another")
    assert append(store, "the act").number == 1
    assert ledger.verify(store).intact


def test_entries_can_be_asked_by_use_case_and_kind(store: Store) -> None:
    append(store, "1")
    append(store, "2", kind="decision")
    append(store, "3", use_case="thyroid", kind="decision")
    assert [entry.act for entry in ledger.entries(store, kind="decision")] == ["2", "3"]
    assert [entry.act for entry in ledger.entries(store, use_case="heart_disease")] == ["1", "2"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"kind": "party"}, "kind"), ({"hashes": {"models/a": "md5"}}, "sha256"), ({"now": datetime(2026, 1, 1)}, "zone")],
)
def test_an_entry_that_could_not_be_checked_later_is_not_written(
    store: Store, changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        append(store, "act", **changes)
    assert ledger.verify(store).count == 0


def test_forty_threads_append_a_gapless_chain(store: Store) -> None:
    gate = threading.Barrier(40)

    def act(number: int) -> int:
        gate.wait()
        return append(store, f"act {number}").number

    with ThreadPoolExecutor(40) as pool:
        assert sorted(pool.map(act, range(40))) == list(range(1, 41))
    assert ledger.verify(store) == ledger.Verification(
        count=40, first_bad=None, detail="40 entries and 0 objects are intact"
    )


def _append_ten(store: Store, name: str) -> None:
    for number in range(10):
        append(store, f"{name} {number}")
        append(store, f"shared {number}")


def test_three_processes_append_a_gapless_chain_and_shared_acts_once(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_ten, args=(store, f"process {index}")) for index in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert ledger.verify(store).intact
    assert ledger.verify(store).count == 3 * 10 + 10


def _append_forever(store: Store) -> None:
    for number in range(10_000):
        append(store, f"act {number}")


def test_killed_appenders_leave_an_intact_chain_that_goes_on(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    for moment in (0.02, 0.07):
        before = ledger.verify(store).count
        worker = context.Process(target=_append_forever, args=(store,))
        worker.start()
        assert worker.pid is not None
        while ledger.verify(store).count <= before and before < 10_000:
            pass
        worker.join(moment)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        assert ledger.verify(store).intact
    acts = [entry.act for entry in ledger.entries(store)]
    assert acts == [f"act {number}" for number in range(len(acts))]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("place", [0, 7, 40, 101, 202, -1])
def test_one_flipped_bit_in_an_entry_is_named(store: Store, intruder: Any, number: int, place: int) -> None:
    for act in range(4):
        append(store, f"act {act}")
    intruder.flip(ledger.entry_key(number), place)
    found = ledger.verify(store)
    assert found.first_bad == number, found.detail
    assert not found.intact


def test_every_single_flipped_byte_of_an_entry_is_named(store: Store, intruder: Any) -> None:
    append(store, "act 1")
    append(store, "act 2")
    for number in (1, 2):
        whole = store.get(ledger.entry_key(number))
        for place in range(0, len(whole), 11):
            intruder.flip(ledger.entry_key(number), place)
            assert ledger.verify(store).first_bad == number, place
            intruder.write(ledger.entry_key(number), whole)
    assert ledger.verify(store).intact


def test_a_rewritten_entry_is_named_even_as_the_last(store: Store, intruder: Any) -> None:
    append(store, "act 1")
    last = append(store, "act 2")
    intruder.write(ledger.entry_key(2), to_json(replace(last, actor="somebody else")))
    assert ledger.verify(store).first_bad == 2


@pytest.mark.parametrize("same_process", [True, False])
def test_appending_after_an_alteration_does_not_hide_it(store: Store, intruder: Any, same_process: bool) -> None:
    append(store, "act 1")
    last = append(store, "act 2")
    intruder.write(ledger.entry_key(2), to_json(replace(last, reason="another reason")))
    if not same_process:
        ledger._HEADS.clear()
    append(store, "act 3")
    assert ledger.verify(store).first_bad == 2


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_removed_entry_is_named_and_its_number_never_given_again(store: Store, intruder: Any, number: int) -> None:
    for act in range(5):
        append(store, f"act {act}")
    intruder.remove(ledger.entry_key(number))
    assert ledger.verify(store).first_bad == number
    if number < 5:
        append(store, "later")
        assert not store.exists(ledger.entry_key(number))
        assert ledger.verify(store).first_bad == number


def test_a_forged_entry_at_the_end_is_named(store: Store, intruder: Any) -> None:
    append(store, "act 1")
    forged = replace(append(store, "act 2"), number=3, act="forged")
    intruder.write(ledger.entry_key(3), to_json(forged))
    assert ledger.verify(store).first_bad == 2, "the link of entry 3 does not fit entry 2"


@pytest.mark.parametrize("number", [1, 2])
def test_a_flipped_byte_in_a_seal_is_named(store: Store, intruder: Any, number: int) -> None:
    append(store, "act 1")
    append(store, "act 2")
    seal = f"ledger/acts/{hashlib.sha256(f'act {number}'.encode()).hexdigest()}.json"
    whole = store.get(seal)
    for place in range(0, len(whole), 7):
        intruder.flip(seal, place)
        assert ledger.verify(store).first_bad == number, place
        intruder.write(seal, whole)


def test_an_altered_or_missing_object_names_the_entry_that_holds_its_hash(store: Store, intruder: Any) -> None:
    append(store, "1", hashes=named_object(store, "models/a/file", b"weights"))
    append(store, "2", hashes=named_object(store, "rounds/a/decision.json", b"decision"))
    assert ledger.verify(store).detail == "2 entries and 2 objects are intact"
    intruder.flip("rounds/a/decision.json", 3)
    assert ledger.verify(store) == ledger.Verification(
        count=2, first_bad=2, detail="entry 2: the object rounds/a/decision.json was altered"
    )
    intruder.remove("models/a/file")
    assert ledger.verify(store).detail == "entry 1: the object models/a/file is missing"


def test_rows_a_person_dropped_may_be_missing_but_not_altered(store: Store, intruder: Any) -> None:
    key = "quarantine/heart_disease/1/rows.parquet"
    hashes = {key: store.put(key, b"rows", sensitivity=Sensitivity.ROW_LEVEL)}
    append(store, "ingest", hashes=hashes)
    store.delete(key)
    assert ledger.verify(store).first_bad == 1
    append(store, "drop", kind="quarantine drop", hashes=hashes)
    assert ledger.verify(store).intact
    intruder.write(key, b"other rows")
    assert ledger.verify(store).first_bad == 1
