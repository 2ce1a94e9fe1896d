"""From the spool to the store: all of it, once, whatever is killed, and a clear no when nothing more can be kept."""

import contextlib
import io
import threading
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from wardround.domain import from_json
from wardround.errors import LogFull, StoreFailed
from wardround.serving.log import PredictionLog, shipping
from wardround.serving.log import log as module
from wardround.sources.shipped import Shipment, prefix


def shipped(store, use_case) -> pd.DataFrame:
    """Return all rows of all shipments that have a manifest, each as often as it is there."""
    keys = [key for key in store.keys(prefix(use_case)) if key.endswith(".json")]
    shipments = [from_json(Shipment, store.get(key)) for key in keys]
    tables = [pq.read_table(io.BytesIO(store.get(shipment.key))).to_pandas() for shipment in shipments]
    assert [len(table) for table in tables] == [shipment.rows for shipment in shipments]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"entry": []})


def spools(online) -> list[str]:
    return sorted(
        str(path.relative_to(online.settings.home)) for path in online.settings.home.glob("serving/*/*.spool")
    )


def identities(entries) -> list[str]:
    return sorted(f"{entry.request}-{entry.position}" for entry in entries)


def test_what_was_kept_is_shipped_as_it_was_and_the_spool_is_cut(online):
    entries = online.entries(range(380, 420))
    entries[3] = replace(entries[3], low=0.1, high=0.9, position=4)
    log = online.log()
    log.append(entries[:10])
    log.append(entries[10:])
    assert log.state.waiting == 40
    assert shipped(online.store, online.case.name).empty
    assert log.ship() == 40
    rows = shipped(online.store, online.case.name).set_index("entry")
    assert sorted(rows.index) == identities(entries)
    for entry in entries:
        row = rows.loc[f"{entry.request}-{entry.position}"]
        for name in ("record_id", "patient_id", "site", "input_sha256", "caller", "version", "value"):
            assert row[name] == getattr(entry, name), name
        assert {k: v for k, v in row["features"].items() if pd.notna(v)} == {
            k: v for k, v in entry.features.items() if v is not None
        }
    assert list(rows[["low", "high"]].loc[f"{entries[3].request}-4"]) == [0.1, 0.9]
    assert spools(online) == []
    assert (log.state.waiting, log.state.waiting_bytes, log.state.shipped) == (0, 0, 40)
    assert log.ship() == 0


def test_nothing_finer_than_a_day_and_no_raw_id_is_in_the_spool(online):
    log = online.log()
    log.append(online.entries(range(380, 420)))
    text = b"".join(path.read_bytes() for path in online.settings.home.glob("serving/*/*.spool"))
    assert b"2026-03-02T00:00:00+00:00" in text
    assert b"06:00" not in text


@pytest.mark.parametrize("write", range(5))
def test_shipping_that_was_killed_anywhere_loses_nothing_and_ships_nothing_twice(online, dying, killed, write):
    entries = online.entries(range(380, 400))
    elsewhere = [
        replace(e, answered_at=e.answered_at.replace(day=3), request=f"{n:032x}") for n, e in enumerate(entries)
    ]
    log = PredictionLog(online.settings, dying(online.store, write))
    log.append(entries)
    log.append(elsewhere)
    with contextlib.suppress(killed):
        log.ship()
    log._folder.close()  # as the kernel does for a process that ends
    again = online.log()
    again.ship()
    rows = shipped(online.store, online.case.name)
    assert sorted(rows["entry"]) == identities([*entries, *elsewhere])
    assert spools(online) == []
    assert list((online.settings.home / "serving").iterdir()) == []


def test_rows_that_another_release_wrote_in_other_bytes_are_not_shipped_twice(online, dying, killed, monkeypatch):
    entries = online.entries(range(380, 400))
    log = PredictionLog(online.settings, dying(online.store, 1))
    log.append(entries)
    with pytest.raises(killed):
        log.ship()
    log._folder.close()
    real = pq.write_table
    monkeypatch.setattr(
        pq, "write_table", lambda table, out, **options: real(table, out, **options | {"compression": "gzip"})
    )
    online.log().ship()
    assert sorted(shipped(online.store, online.case.name)["entry"]) == identities(entries)
    assert len(list(online.store.keys(prefix(online.case.name)))) == 2


def test_while_the_store_is_away_one_file_waits_and_all_of_it_arrives_later(online):
    away = replace(online.store, endpoint_url="http://127.0.0.1:9")
    entries = online.entries(range(380, 400))
    log = PredictionLog(online.settings, away)
    for entry in entries:
        log.append([entry])
        if entry in entries[:2]:
            with pytest.raises(StoreFailed):
                log.ship()
    assert len(spools(online)) == 2
    assert log.problem is None, "answers can still be kept"
    log._store = online.store
    assert log.ship() == 20
    assert sorted(shipped(online.store, online.case.name)["entry"]) == identities(entries)


def test_what_waits_is_bounded_and_then_nothing_more_may_be_answered(online):
    away = replace(online.store, endpoint_url="http://127.0.0.1:9")
    log = PredictionLog(online.settings, away, max_bytes=8_000)
    entries = online.entries(range(380, 420))
    kept = entries[:10]
    log.append(kept)
    with pytest.raises(LogFull, match="no more than 0 MB are kept") as full:
        log.append(entries[10:])
    assert full.value.exit_code == 3
    assert log.state.waiting == len(kept)
    log._max_bytes = log.state.waiting_bytes
    assert "wait for the object store" in log.problem
    log._store = online.store
    log.ship()
    assert log.problem is None
    assert sorted(shipped(online.store, online.case.name)["entry"]) == identities(kept)


def test_a_full_disk_is_a_problem_that_readiness_tells(online, monkeypatch):
    log = online.log()
    assert log.problem is None
    monkeypatch.setattr(module, "MIN_FREE", 1 << 60)
    assert "is full" in log.problem


def test_a_damaged_file_is_kept_aside_and_its_other_rows_are_shipped(online, caplog):
    entries = online.entries(range(380, 383))
    log = online.log()
    for entry in entries:
        log.append([entry])
    path = log._folder.segment(1).path
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    assert log.ship() == 2
    assert log.state.damaged_bytes > 0
    assert path.with_suffix(".damaged").exists()
    assert "could not be read" in caplog.text
    assert sorted(shipped(online.store, online.case.name)["entry"]) == identities([entries[0], entries[2]])


def test_the_background_ships_soon_when_many_wait_and_the_rest_when_it_stops(online):
    entries = online.entries(range(380, 480))
    log = PredictionLog(online.settings, online.store, every=3600.0, rows=50).start()
    for entry in entries[:60]:
        log.append([entry])
    for _ in range(600):
        if log.state.shipped >= 50:
            break
        threading.Event().wait(0.05)
    assert log.state.shipped >= 50
    log.append(entries[60:])
    log.stop()
    assert sorted(shipped(online.store, online.case.name)["entry"]) == identities(entries)
    assert list((online.settings.home / "serving").iterdir()) == []


def test_threads_that_append_while_others_ship_lose_nothing(online, monkeypatch):
    monkeypatch.setattr(module, "SEGMENT_BYTES", 4_000)
    entries = online.entries(range(300, 620))
    log = online.log()

    def answer(mine):
        for entry in mine:
            log.append([entry])

    threads = [threading.Thread(target=answer, args=(entries[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        log.ship()
    log.ship()
    assert sorted(shipped(online.store, online.case.name)["entry"]) == identities(entries)
    assert log.state.waiting == log.state.waiting_bytes == 0


def test_what_cannot_be_shipped_is_told_without_a_value(online, caplog, monkeypatch):
    log = online.log()

    def broken(*_, **__):
        raise ValueError("chol 311.7351 of MRN-1")

    monkeypatch.setattr(module, "ship", broken)
    log.append(online.entries(range(380, 400)))
    log._attempt(log.ship)
    assert log.state.fault == "ValueError"
    assert "MRN-1" not in caplog.text
    monkeypatch.undo()
    log._attempt(log.ship)
    assert log.state.fault is None


def test_an_all_missing_feature_and_one_that_is_text_and_number_are_both_shipped(online):
    entries = online.entries(range(380, 384))
    entries[1] = replace(entries[1], features={**entries[1].features, "age": "old"})
    entries = [replace(entry, features={**entry.features, "cholesterol": None}) for entry in entries]
    log = online.log()
    log.append(entries)
    log.ship()
    rows = shipped(online.store, online.case.name)["features"]
    assert [row["cholesterol"] for row in rows] == [None] * 4
    assert rows[1]["age"] == "old"
    assert float(rows[0]["age"]) == entries[0].features["age"]
    assert shipping._kind([]) == shipping._kind([None])
