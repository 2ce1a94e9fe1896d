"""Outcomes that arrive late are joined to the rows they belong to, and never contradict what is known."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from wardround import batches, labels, ledger
from wardround.errors import Corrupted, InputFault
from wardround.use_cases.base import Candidate, Source, Target


@pytest.fixture
def add(clinic, store, settings, now, tmp_path):
    number = itertools.count()

    def go(table, *, into=None, of=clinic):
        path = tmp_path / f"outcomes-{next(number)}.csv"
        table.to_csv(path, index=False)
        return labels.add_labels(
            of, Source(kind="csv", location=str(path)), store=into or store, settings=settings, now=now
        )

    return go


@pytest.fixture
def unlabelled(visits):
    return visits().assign(admitted=np.nan)


def outcomes_of(table, value="yes"):
    return table[["visit"]].assign(admitted=value)


def test_late_outcomes_fill_the_targets_of_the_rows_they_belong_to(deliver, add, store, unlabelled):
    batch = deliver(unlabelled).batch
    assert (batch.rows_labelled, batches.labelled_count(store, batch)) == (0, 0)
    added = add(pd.concat([outcomes_of(unlabelled[:20]), outcomes_of(unlabelled[20:30], "no")]))
    assert (added.rows, added.matched, added.unmatched, added.new) == (30, 30, 0, True)
    target = batches.rows(store, batch)["target"]
    assert target[:20].eq(1).all()
    assert target[20:30].eq(0).all()
    assert target[30:].isna().all()
    assert batches.labelled_count(store, batch) == 30
    assert batches.rows(store, batch, late_labels=False)["target"].isna().all()
    streamed = pd.concat(batches.frames(store, batch, chunk_rows=7), ignore_index=True)
    pd.testing.assert_series_equal(streamed["target"], target)


def test_the_same_outcomes_again_are_no_new_set_whatever_their_order(deliver, add, store, unlabelled):
    deliver(unlabelled)
    first = add(outcomes_of(unlabelled))
    keys = list(store.keys(""))
    again = add(outcomes_of(unlabelled.iloc[::-1]))
    assert again == dataclasses.replace(first, new=False)
    assert list(store.keys("")) == keys


def test_outcomes_of_records_not_seen_yet_are_counted_and_kept_for_their_batch(deliver, add, store, unlabelled, visits):
    deliver(unlabelled)
    later = visits(10, first=500).assign(admitted=np.nan)
    added = add(outcomes_of(pd.concat([unlabelled[:5], later])))
    assert (added.matched, added.unmatched) == (5, 10)
    assert batches.labelled_count(store, deliver(later, "april").batch) == 10


def test_an_outcome_that_contradicts_a_known_one_is_refused_with_counts_and_nothing_is_added(
    deliver, add, store, visits
):
    table = visits()
    batch = deliver(table).batch
    before = list(store.keys(""))
    wrong = table[["visit", "admitted"]].copy()
    wrong.loc[:2, "admitted"] = wrong["admitted"][:3].map({"yes": "no", "no": "yes"})
    with pytest.raises(InputFault, match="3 of 60 records have another outcome already"):
        add(wrong)
    assert list(store.keys("")) == before
    assert add(table[["visit", "admitted"]]).matched == 60
    assert batches.labelled_count(store, batch) == 60


def test_an_outcome_that_contradicts_an_earlier_set_is_refused(deliver, add, unlabelled):
    deliver(unlabelled)
    add(outcomes_of(unlabelled[:10]))
    with pytest.raises(InputFault, match="4 of 14 records have another outcome already"):
        add(pd.concat([outcomes_of(unlabelled[6:10], "no"), outcomes_of(unlabelled[10:20])]))


def test_an_outcome_for_a_record_of_no_batch_yet_may_not_be_contradicted_either(deliver, add, unlabelled, visits):
    deliver(unlabelled)
    later = visits(3, first=500)
    add(outcomes_of(pd.concat([unlabelled[:5], later])))
    with pytest.raises(InputFault, match="3 of 8 records"):
        add(pd.concat([outcomes_of(unlabelled[:5]), outcomes_of(later, "no")]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: pd.concat([table, table[:2].assign(admitted="no")]), "more than one outcome and they differ"),
        (lambda table: table.assign(admitted=np.nan), "no row has an outcome"),
        (lambda table: table.assign(visit=table["visit"] + "x"), "none of its 60 records belongs"),
        (
            lambda table: table.assign(admitted=["maybe"] * 3 + ["yes"] * 57),
            "target: new outcome class in 3 of 60 rows, so nothing was added",
        ),
        (
            lambda table: table.assign(visit=table["visit"].where(table.index != 4)),
            "record id missing in 1 of 60 rows",
        ),
    ],
)
def test_outcomes_that_cannot_be_used_are_named_and_nothing_is_written(deliver, add, store, unlabelled, change, told):
    deliver(unlabelled)
    before = list(store.keys(""))
    with pytest.raises(InputFault, match=told):
        add(change(outcomes_of(unlabelled)))
    assert list(store.keys("")) == before


def test_a_row_without_record_and_outcome_says_nothing_and_hinders_nothing(deliver, add, unlabelled):
    deliver(unlabelled)
    table = outcomes_of(unlabelled)
    table.loc[4] = np.nan
    assert add(table).rows == 59


def test_an_outcome_that_is_not_plausible_is_refused_as_ingest_would(clinic, deliver, add, store, unlabelled, visits):
    days = dataclasses.replace(
        clinic, problem="regression", target=Target(column="admitted", unit="days", plausible=(0, 60)),
        candidates=(Candidate(family="ridge"),), gates=(), primary_metric="mae",
    )  # fmt: skip
    table = outcomes_of(visits()[:20], 3).assign(admitted=[999, *[3] * 19])
    with pytest.raises(InputFault, match="target: outside 0 to 60 days in 1 of 20 rows, so nothing was added"):
        add(table, of=days)
    assert not list(store.keys("labels/"))


def test_adding_outcomes_may_be_killed_at_any_write(deliver, add, store, unlabelled, dying, killed):
    for after in (False, True):
        for at in itertools.count():
            room = dataclasses.replace(store, prefix=f"{store.prefix}{after}{at}/")
            batch = deliver(unlabelled, into=room).batch
            try:
                add(outcomes_of(unlabelled), into=dying(room, at, after))
                break
            except killed:
                pass
            assert batches.labelled_count(room, batch) in (0, 60)
            add(outcomes_of(unlabelled), into=room)
            assert batches.labelled_count(room, batch) == 60
            assert len(labels.listing(room, "clinic")) == 1
            assert ledger.verify(room).intact
            assert [entry.kind for entry in ledger.entries(room)] == ["ingest", "labels"]
        assert at >= 4


def test_a_damaged_set_of_outcomes_is_named(deliver, add, store, unlabelled):
    from wardround.domain import Sensitivity

    batch = deliver(unlabelled).batch
    store.put("labels/clinic/abc/manifest.json", b"{", sensitivity=Sensitivity.ROW_LEVEL)
    with pytest.raises(Corrupted, match="not a manifest of outcomes"):
        batches.rows(store, batch)


def test_rows_in_quarantine_do_not_count_as_known(deliver, add, visits):
    table = visits().assign(admitted=np.nan)
    table.loc[:2, "stage"] = "z"
    deliver(table)
    added = add(outcomes_of(table))
    assert (added.matched, added.unmatched) == (57, 3)
