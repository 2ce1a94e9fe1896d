"""The prediction log as a source: each answer in one batch, once, whatever is killed, and held against its model."""

import contextlib
import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround import answers, batches, labels
from wardround.answers import CONTRADICTED
from wardround.domain import Severity
from wardround.errors import InputFault, NotFound, NothingNew, PrivacyBroken
from wardround.sources import read, source_from
from wardround.sources.shipped import window_to_read
from wardround.use_cases.base import Feature, Source, faults


def ship(online, entries) -> None:
    log = online.log()
    log.append(entries)
    log.ship()


def records(online, *found) -> Counter:
    return Counter(name for batch in found for name in batches.rows(online.store, batch)["record_id"])


def said(batch, what):
    return next(outcome for outcome in batch.outcomes if outcome.expectation == what)


def test_log_online_is_a_source_in_words_and_another_log_is_none():
    assert source_from("log:online") == Source(kind="log", location="online")
    with pytest.raises(InputFault, match="there is no such log"):
        source_from("log:offline")
    with pytest.raises(InputFault, match="no outcomes"):
        read(None, Source(kind="log", location="online"), None)


def test_a_use_case_may_be_fed_by_its_own_log_and_by_no_other(trained):
    assert faults(replace(trained.case, source=Source(kind="log", location="online"))) == ()
    wrong = faults(replace(trained.case, source=Source(kind="log", location="mine")))
    assert wrong == ("source.location: the log of predictions is called online",)


def test_what_was_answered_is_the_batch_that_the_same_rows_of_a_file_would_be(online, tmp_path):
    places = range(400, 520)
    ship(online, online.entries(places))
    done = online.ingest()
    assert (done.new, done.batch.refused, done.batch.source) == (True, False, "log:online#1")
    mine = batches.rows(online.store, done.batch).set_index("record_id")
    theirs = online.patients.iloc[list(places)].set_index("record_id")
    columns = [name for name in mine.columns if name != "target"]
    kept = theirs.loc[mine.index, columns]
    pd.testing.assert_frame_equal(mine[columns], kept)
    assert len(mine) + done.batch.rows_quarantined == len(places)
    assert mine["target"].isna().all()
    assert said(done.batch, "answers").passed
    assert said(done.batch, "answers").sentence == "no answers are not what the model gives for their inputs"


def test_late_outcomes_find_the_records(online, tmp_path):
    places = list(range(400, 460))
    ship(online, online.entries(places))
    batch = online.ingest().batch
    told = online.raw.iloc[places][["id", "num"]]
    told.to_csv(tmp_path / "outcomes.csv", index=False)
    found = labels.add_labels(
        online.case, source_from(str(tmp_path / "outcomes.csv")), store=online.store, settings=online.settings,
        now=batch.ingested_at,
    )  # fmt: skip
    assert found.matched == batch.rows_accepted
    assert batches.labelled_count(online.store, batch) == batch.rows_accepted


def test_where_nothing_is_new_the_round_is_refused(online):
    with pytest.raises(NothingNew, match="no prediction was answered") as refused:
        online.ingest()
    assert refused.value.exit_code == 1
    ship(online, online.entries(range(400, 405)))
    online.decide(online.ingest().batch)
    with pytest.raises(NothingNew):
        online.ingest()


def test_a_window_stays_due_until_a_round_has_decided_and_then_the_next_one_has_the_rest(online):
    ship(online, online.entries(range(400, 410)))
    first = online.ingest()
    ship(online, online.entries(range(410, 425)))
    again = online.ingest()
    assert (again.new, again.batch.id) == (False, first.batch.id)
    online.decide(first.batch)
    second = online.ingest()
    assert second.batch.source == "log:online#2"
    assert second.batch.rows_in == 15
    assert not records(online, first.batch).keys() & records(online, second.batch).keys()


@pytest.mark.parametrize("write", range(1, 6))
def test_a_reading_that_was_killed_anywhere_gives_the_same_batch_and_leaves_nothing_out(online, dying, killed, write):
    ship(online, online.entries(range(400, 430)))
    with contextlib.suppress(killed):
        online.ingest(dying(online.store, write))
    ship(online, online.entries(range(430, 440)))
    first = online.ingest().batch
    online.decide(first)
    second = online.ingest().batch
    online.decide(second)
    with pytest.raises(NothingNew):
        online.ingest()
    assert (first.rows_in, second.rows_in) == (30, 10)
    made = [batch.source for batch in batches.listing(online.store, online.case.name)]
    assert sorted(made) == ["cleveland", "log:online#1", "log:online#2"]


def test_a_use_case_that_was_changed_after_a_kill_makes_no_second_batch_of_the_same_answers(online):
    ship(online, online.entries(range(400, 430)))
    first = online.ingest().batch
    other = replace(
        online.case, features=(*online.case.features, Feature(name="weight", kind="numeric", max_missing=1.0))
    )
    assert online.ingest(case=other).batch == first


def test_the_same_answers_a_week_later_are_the_batch_that_is_known_and_do_not_block_the_next(online):
    entries = online.entries(range(400, 430))
    ship(online, entries)
    first = online.ingest().batch
    online.decide(first)
    ship(online, [replace(entry, request=f"{number:032x}") for number, entry in enumerate(entries)])
    again = online.ingest()
    assert (again.new, again.batch.id) == (False, first.id)
    ship(online, online.entries(range(430, 440)))
    assert online.ingest().batch.rows_in == 10


def test_of_answers_about_one_record_the_last_counts_and_the_others_are_told(online):
    early = online.entries(range(400, 420))
    late = [
        replace(entry, features={**entry.features, "age": 99.0}, request=f"{n:032x}") for n, entry in enumerate(early)
    ]
    late = [replace(b, value=a.value) for a, b in zip(online.entries(range(400, 420)), late, strict=True)]
    log = online.log()
    log.append(late[:12])
    log.append(early)
    log.ship()
    batch = online.ingest().batch
    rows = [*batches.rows(online.store, batch)["age"]]
    assert batch.rows_in == 20
    assert 99.0 not in rows
    assert said(batch, "repeats").sentence == "about 10 answers were followed by another about the same record"


def test_an_entry_that_was_shipped_twice_counts_once(online):
    entries = online.entries(range(400, 412))
    ship(online, entries)
    ship(online, entries)
    batch = online.ingest().batch
    assert batch.rows_in == 12
    assert said(batch, "repeats").failed_rows == 0


def test_one_answer_that_is_not_the_models_refuses_the_batch_and_that_row_cannot_be_released(online):
    entries = online.entries(range(400, 430))
    entries[7] = replace(entries[7], value=entries[7].value + 1e-6)
    ship(online, entries)
    batch = online.ingest().batch
    assert batch.refused
    assert batch.faults == (
        "fewer than 10 answers are not what the model gives for their inputs: the log, the model or the server "
        "that answered is not what it was",
    )  # fmt: skip
    held = pd.concat(batches.frames(online.store, batch, quarantined=True))
    assert [row["record_id"] for _, row in held.iterrows() if CONTRADICTED in row["unreadable"]] == [
        entries[7].record_id
    ]


def test_without_the_comparison_a_wrong_answer_would_pass(online, monkeypatch):
    entries = online.entries(range(400, 430))
    ship(online, [replace(entries[0], value=0.999), *entries[1:]])
    nothing = np.zeros(30, dtype=bool)
    monkeypatch.setattr(answers, "_compared", lambda *_: (nothing, nothing, nothing))
    assert not online.ingest().batch.refused


def test_a_difference_in_the_last_digit_is_told_and_refuses_nothing(online):
    entries = online.entries(range(400, 430))
    ship(online, [replace(entry, value=float(np.nextafter(entry.value, 1.0))) for entry in entries])
    batch = online.ingest().batch
    assert not batch.refused
    told = said(batch, "last digits")
    assert (told.severity, told.passed, told.failed_rows) == (Severity.WARNING, False, 30)


def test_an_answer_of_a_version_that_is_not_in_the_store_is_not_believed(online):
    ship(online, online.entries(range(400, 430), version="0123456789abcdef"))
    batch = online.ingest().batch
    assert batch.refused
    assert said(batch, "versions").sentence == "about 30 answers came from another version than today's champion"


def test_features_that_came_or_went_since_are_missing_or_left_out(online):
    ship(online, online.entries(range(400, 430)))
    fewer = replace(online.case, features=online.case.features[:-1])
    window, _ = window_to_read(online.store, online.case.name, now=pd.Timestamp.now("UTC").to_pydatetime())
    frame, _ = answers.delivery(fewer, window, store=online.store, now=window.cut_at, small_cell=10)
    assert "thallium_scan" not in frame.columns
    more = replace(online.case, features=(*online.case.features, Feature(name="weight", kind="numeric")))
    frame, _ = answers.delivery(more, window, store=online.store, now=window.cut_at, small_cell=10)
    assert frame["weight"].isna().all()


def test_a_feature_that_became_another_kind_refuses_the_batch_and_not_every_round_from_now_on(online):
    ship(online, online.entries(range(400, 430)))
    changed = tuple(
        replace(feature, kind="numeric", allowed=None) if feature.name == "sex" else feature
        for feature in online.case.features
    )
    batch = online.ingest(case=replace(online.case, features=changed, expectations=None)).batch
    assert batch.refused
    assert any("sex: 30 of 30 values: not a number" in fault for fault in batch.faults)


def test_two_rounds_at_once_read_the_same_window(online):
    ship(online, online.entries(range(400, 460)))
    found = []
    threads = [threading.Thread(target=lambda: found.append(online.ingest().batch.id)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1


def test_a_name_that_is_no_pseudonym_does_not_leave_the_log(online, monkeypatch):
    from wardround.serving.log import entries as module

    entry = replace(online.entries([400])[0], record_id="MRN-canary-1")
    with pytest.raises(PrivacyBroken):
        online.log().append([entry])
    monkeypatch.setattr(module, "_PSEUDONYM", module.re.compile(".*"))
    ship(online, [entry])
    with pytest.raises(PrivacyBroken, match="no pseudonyms"):
        online.ingest()


def test_an_altered_shipment_is_not_read(online, intruder):
    ship(online, online.entries(range(400, 430)))
    window, _ = window_to_read(online.store, online.case.name, now=pd.Timestamp.now("UTC").to_pydatetime())
    intruder.flip(window.shipments[0][0], 99)
    with pytest.raises(Exception, match="is not used"):
        online.ingest()
    intruder.remove(window.shipments[0][0])
    with pytest.raises(Exception, match="it is gone"):
        online.ingest()
    assert not any(b.source.startswith("log:") for b in batches.listing(online.store, online.case.name))
    with pytest.raises(NotFound):
        batches.load(online.store, online.case.name, "online")
