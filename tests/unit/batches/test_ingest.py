"""A delivery becomes one batch, whatever interrupts it, and no row is lost on the way."""

import dataclasses
import io
import itertools
import logging
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from wardround import batches, ledger, quarantine, rows
from wardround.arrivals import described
from wardround.domain import Sensitivity
from wardround.errors import AlreadyExists, Corrupted, InputFault, NotFound, StoreFailed
from wardround.ingest import ingest
from wardround.monitoring.logbook import delivery_story
from wardround.monitoring.quality import _validation
from wardround.sources.canonical import canonical
from wardround.store import Store
from wardround.use_cases.base import Source
from wardround.validation import validate


@pytest.fixture
def faulty(visits):
    table = visits()
    table.loc[[3, 4], "glucose"] = 5000
    table["glucose"] = table["glucose"].astype(object)
    table.loc[8, "glucose"] = "pending"
    return table


def snapshot(store):
    return {key: store.get(key) for key in store.keys("") if not key.startswith(".probe")}


def test_a_delivery_becomes_a_batch_whose_rows_are_accounted_for(deliver, store, clinic, faulty):
    told = []
    done = deliver(faulty, progress=told.append)
    batch = done.batch
    assert done.new
    assert (batch.rows_in, batch.rows_accepted, batch.rows_quarantined, batch.refused) == (60, 57, 3, False)
    assert batch.label == "march"
    assert batch.source == "march.csv"
    assert batches.load(store, "clinic", batch.id) == batch
    assert quarantine.account(store, batch).balanced
    assert quarantine.show(store, clinic, batch, small_cell=2) == {
        "glucose: outside 20 to 700 mg/dL": "~2", "glucose: not a number": "<2",
    }  # fmt: skip
    assert told[0] == "reading march.csv"
    entry = [entry for entry in ledger.entries(store) if entry.kind == "ingest"]
    assert [(each.subject, each.actor) for each in entry] == [(batch.id, "tester")]
    assert ledger.verify(store).intact


def test_the_ledger_tells_of_a_few_quarantined_rows_only_that_they_are_few(deliver, store, faulty):
    deliver(faulty)
    told = [entry.reason for entry in ledger.entries(store) if entry.kind == "ingest"]
    assert told == ["march from march.csv: 57 rows were accepted, fewer than 10 more are in quarantine"]


def test_two_deliveries_that_differ_in_how_few_rows_were_held_back_tell_the_same(deliver, store, clinic, visits):
    def told(few):
        bad = visits(few, first=900).assign(glucose=5000, stage="z")
        said = []
        batch = deliver(pd.concat([visits(200), bad]), label=f"few-{few}", progress=said.append).batch
        assert (batch.rows_accepted, batch.rows_quarantined) == (200, few)
        said += [entry.reason for entry in ledger.entries(store) if entry.subject == batch.id]
        said.append(delivery_story(batch, new=True, small_cell=10, closer=""))
        said += [repr(reading) for reading in _validation(clinic, batch, 10)]
        said.append(str(quarantine.show(store, clinic, batch, small_cell=10)))
        said += [outcome.sentence for outcome in batch.outcomes]
        return [text.replace(batch.label, "few") for text in said]

    assert told(1) == told(9)


def test_the_accepted_rows_come_back_exactly_as_they_were_made_canonical(
    deliver, store, clinic, suite, visits, settings, now
):
    table = visits()
    batch = deliver(table).batch
    frame = canonical(clinic, table.astype(str).replace("nan", ""), settings, place="x", now=now)
    frame.attrs = {}
    pd.testing.assert_frame_equal(batches.rows(store, batch), frame)


def test_ingesting_the_same_rows_again_changes_nothing_whatever_their_order_or_label(deliver, store, faulty):
    first = deliver(faulty)
    before = snapshot(store)
    again = deliver(faulty.iloc[::-1], "april")
    assert not again.new
    assert again.batch == first.batch
    assert snapshot(store) == before


def test_a_refused_batch_has_all_its_rows_in_quarantine_and_none_accepted(deliver, store, visits):
    table = visits()
    table["glucose"] = table["glucose"] / 18.016
    batch = deliver(table).batch
    assert batch.refused
    assert (batch.rows_accepted, batch.rows_quarantined) == (0, 60)
    assert batch.faults[0].startswith("glucose looks like mmol/L instead of mg/dL")
    assert len(batches.rows(store, batch)) == 0
    assert list(batches.rows(store, batch).columns)[:2] == ["record_id", "patient_id"]
    assert sum(len(piece) for piece in batches.frames(store, batch, quarantined=True)) == 60
    assert quarantine.account(store, batch).balanced


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_an_ingest_killed_at_any_write_leaves_no_half_batch_and_is_completed_by_the_next(
    deliver, store, faulty, dying, killed, after
):
    deliver(faulty.iloc[20:40].assign(visit=lambda table: table["visit"] + "x"), "february")
    clean = dataclasses.replace(store, prefix=store.prefix + "clean/")
    deliver(faulty, into=clean)
    expected = batches.listing(clean, "clinic")[0]
    for at in itertools.count():
        room = dataclasses.replace(store, prefix=f"{store.prefix}{at}/")
        try:
            deliver(faulty, into=dying(room, at, after))
            break
        except killed:
            pass
        for batch in batches.listing(room, "clinic"):
            assert quarantine.account(room, batch).balanced
        done = deliver(faulty, into=room)
        assert done.batch == expected
        assert snapshot(room).keys() == snapshot(clean).keys()
        assert quarantine.account(room, done.batch).balanced
        assert ledger.verify(room).intact
        assert len([entry for entry in ledger.entries(room) if entry.kind == "ingest"]) == 1
    assert at >= 5


def test_a_manifest_written_first_would_leave_a_batch_without_rows(deliver, store, faulty):
    """The order is the guard: with the manifest before its rows, a kill leaves a batch that cannot be read."""
    from wardround.domain import to_json

    batch = deliver(faulty).batch
    room = dataclasses.replace(store, prefix=store.prefix + "wrong/")
    room.put(batch.manifest_key, to_json(batch), sensitivity=Sensitivity.ROW_LEVEL)
    with pytest.raises(Corrupted):
        batches.rows(room, batches.load(room, "clinic", batch.id))


def test_a_killed_run_with_other_rules_or_order_does_not_stop_the_next(deliver, store, faulty, dying, killed):
    for at in range(3):
        room = dataclasses.replace(store, prefix=f"{store.prefix}{at}/")
        with pytest.raises(killed):
            deliver(faulty, into=dying(room, at, after=True))
        done = deliver(faulty.iloc[::-1], into=room)
        assert done.new
        assert quarantine.account(room, done.batch).balanced
        assert batches.rows(room, done.batch)["record_id"].nunique() == 57
        assert ledger.verify(room).intact


def test_two_runs_at_once_make_one_batch(deliver, store, faulty, monkeypatch):
    def load_nothing(*_):
        raise NotFound("batch", "x", "")

    first = deliver(faulty).batch
    with monkeypatch.context() as patch:
        patch.setattr("wardround.ingest.batches.load", load_nothing)
        patch.setattr("wardround.arrivals.batches.load", lambda *_: first)
        second = deliver(faulty, "april")
    assert not second.new
    assert second.batch == first


@pytest.mark.parametrize("label", ["", "March", "a b", "-a", "a-", "ä", "a" * 64, "a/b"])
def test_a_label_that_is_not_one_is_refused_before_anything_is_written(
    clinic, suite, store, settings, visits, now, tmp_path, label
):
    visits().to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(InputFault, match="a label has"):
        ingest(
            clinic, Source(kind="csv", location=str(tmp_path / "x.csv")), suite, label=label, store=store,
            settings=settings, now=now,
        )  # fmt: skip
    assert list(store.keys("")) == []


def test_a_table_without_rows_is_named_and_nothing_is_written(deliver, store, visits):
    with pytest.raises(InputFault, match="rows"):
        deliver(visits().iloc[:0])
    assert list(store.keys("")) == []


def test_one_row_is_enough_for_a_batch(deliver, store, visits):
    batch = deliver(visits(1)).batch
    assert (batch.rows_in, batch.rows_accepted, batch.refused) == (1, 1, False)


def test_a_store_that_fails_leaves_nothing_that_the_next_run_cannot_finish(deliver, store, faulty, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", lambda *_, **__: (_ for _ in ()).throw(StoreFailed("x", "disk full", "free some")))
        with pytest.raises(StoreFailed, match="disk full"):
            deliver(faulty)
    assert deliver(faulty).new


def test_a_batch_is_found_by_id_label_or_the_beginning_of_its_id(deliver, store, visits):
    old = deliver(visits(seed=1), "march").batch
    other = deliver(visits(seed=2, first=100), "april", now=old.ingested_at + timedelta(days=1)).batch
    newest = deliver(visits(seed=3, first=200), "march", now=old.ingested_at + timedelta(days=2)).batch
    assert batches.listing(store, "clinic") == (old, other, newest)
    assert batches.load(store, "clinic", old.id) == old
    assert batches.load(store, "clinic", "march") == newest
    assert batches.load(store, "clinic", other.id[:6]) == other
    for unknown in ("may", other.id[:5], "0" * 64):
        with pytest.raises(NotFound, match="no batch of clinic"):
            batches.load(store, "clinic", unknown)
    assert batches.listing(store, "clini") == ()


def test_rows_are_streamed_in_pieces_in_order(deliver, store, visits):
    batch = deliver(visits()).batch
    pieces = list(batches.frames(store, batch, chunk_rows=25))
    assert [len(piece) for piece in pieces] == [25, 25, 10]
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), batches.rows(store, batch))


def test_altered_rows_are_named_and_not_used(deliver, store, visits):
    batch = deliver(visits()).batch
    body = bytearray(store.get(batch.data_key))
    body[len(body) // 3] ^= 1
    room = dataclasses.replace(store, prefix=store.prefix + "altered/")
    room.put(batch.data_key, bytes(body), sensitivity=Sensitivity.ROW_LEVEL)
    with pytest.raises(Corrupted, match="sha256"):
        batches.rows(room, batch)
    room.put(batch.manifest_key, b'{"use_case": 1', sensitivity=Sensitivity.ROW_LEVEL)
    with pytest.raises(Corrupted, match="not a batch manifest"):
        batches.load(room, "clinic", batch.id)


def test_large_objects_are_read_in_ranges_and_every_page_is_checked(deliver, store, visits, monkeypatch):
    batch = deliver(visits(2000)).batch
    whole = batches.rows(store, batch)
    monkeypatch.setattr(rows, "WHOLE", 0)
    pd.testing.assert_frame_equal(batches.rows(store, batch), whole)
    body = bytearray(store.get(batch.data_key))
    place = pq.ParquetFile(pa.BufferReader(bytes(body))).metadata.row_group(0).column(3)
    body[(place.dictionary_page_offset or place.data_page_offset) + place.total_compressed_size - 5] ^= 1
    room = dataclasses.replace(store, prefix=store.prefix + "altered/")
    room.put(batch.data_key, bytes(body), sensitivity=Sensitivity.ROW_LEVEL)
    with pytest.raises(Corrupted, match="page"):
        batches.rows(room, batch)


def test_the_same_rows_give_the_same_bytes(clinic, visits, settings, now, suite):
    frame = canonical(clinic, visits().astype(str), settings, place="x", now=now)
    form = rows.schema(clinic)
    assert rows.encode(frame, form) == rows.encode(frame.copy(), form)
    other = frame.iloc[::-1].reset_index(drop=True)
    assert rows.encode(frame, form) != rows.encode(other, form)


def test_no_value_of_a_row_is_outside_the_row_level_parquet(deliver, store, visits, caplog):
    caplog.set_level(logging.DEBUG, logger="wardround")
    table = visits()
    table.loc[5, "glucose"] = 98765.5
    table.loc[6, "stage"] = "canary-level"
    table["patient"] = [f"canary-patient-{name}" for name in table["patient"]]
    told = []
    batch = deliver(table, progress=told.append).batch
    pseudonym = batches.rows(store, batch)["record_id"][0]
    shown = caplog.text + repr(told) + repr(batch)
    shown += "".join(store.get(key).decode() for key in store.keys("") if not key.endswith(".parquet"))
    for canary in ("98765", "canary-level", "canary-patient", pseudonym):
        assert canary not in shown
    for key in store.keys(""):
        assert b"canary-patient" not in store.get(key)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Source(kind="csv", location="/home/anna/ward 7/march.csv.gz"), "march.csv.gz"),
        (
            Source(kind="sql", location="postgresql://me:secret@db.local/ehr", options={"table": "visits"}),
            "postgresql:db.local/ehr#visits",
        ),
        (Source(kind="sql", location="sqlite:////data/ehr.db", options={"table": "visits"}), "sqlite:ehr.db#visits"),
        (Source(kind="package", location="sklearn:diabetes"), "sklearn:diabetes"),
    ],
)
def test_a_source_is_named_without_folders_and_credentials(source, name):
    assert described(source) == name


@given(
    faults=st.lists(
        st.tuples(
            st.integers(0, 29),
            st.sampled_from([("glucose", 9999), ("glucose", "n/d"), ("stage", "z"), ("visit", "v0"), ("seen", "x")]),
        ),
        max_size=12,
    )
)
@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_row_is_in_exactly_one_place_whatever_is_wrong_with_it(clinic, visits, suite, settings, now, faults):
    table = visits(30).astype(object)
    for row, (column, value) in faults:
        table.loc[row, column] = value
    frame = canonical(clinic, table.astype(str), settings, place="x", now=now)
    result = validate(clinic, frame, suite, now=now)
    assert len(result.accepted) + len(result.quarantined) == len(frame)
    divided = pd.concat([result.accepted["record_id"], result.quarantined["record_id"]])
    assert sorted(divided) == sorted(frame["record_id"])
    assert all(result.quarantined["reasons"].map(len) > 0)
    touched = {row for row, _ in faults}
    if not result.refused:
        untouched = frame["record_id"][[row for row in range(1, 30) if row not in touched]]
        assert untouched.isin(result.accepted["record_id"]).all()


def test_a_store_key_is_never_overwritten(deliver, store, visits):
    batch = deliver(visits()).batch
    with pytest.raises(AlreadyExists):
        store.put(batch.manifest_key, b"{}", sensitivity=Sensitivity.ROW_LEVEL)


class Recorder(io.BytesIO):
    """A file that remembers how many bytes were read of it."""

    read_bytes = 0

    def read(self, size=-1):
        body = super().read(size)
        self.read_bytes += len(body)
        return body


def test_only_what_is_needed_of_a_large_object_is_fetched(deliver, store, visits, monkeypatch):
    monkeypatch.setattr(rows, "WHOLE", 0)
    monkeypatch.setattr(rows, "ROW_GROUP", 100)
    batch = deliver(visits(3000)).batch
    opened = []

    def record(self, key):
        opened.append(Recorder(self.get(key)))
        return opened[-1]

    monkeypatch.setattr(Store, "open", record)
    pieces = batches.frames(store, batch, chunk_rows=100)
    next(pieces)
    first = opened[0].read_bytes
    assert sum(len(piece) for piece in pieces) == 2900
    assert first < opened[0].read_bytes / 2
