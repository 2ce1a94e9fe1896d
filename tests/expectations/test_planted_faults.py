"""Faults planted in the real heart disease table are each named; the rows beside them are accepted."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations import suite_for
from wardround import batches, quarantine
from wardround.errors import InputFault
from wardround.ingest import ingest
from wardround.sources import read
from wardround.use_cases import load
from wardround.use_cases.base import Source

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def heart():
    return load("heart_disease")


@pytest.fixture(scope="module")
def suite(heart):
    return suite_for(heart)


@pytest.fixture
def cleveland(heart, settings):
    table = read(heart, heart.source, settings)
    return table[table["dataset"] == "Cleveland"].reset_index(drop=True)


@pytest.fixture
def deliver(heart, suite, store, settings, tmp_path):
    def go(table, *, use_case=None, rules=None):
        path = tmp_path / "delivery.csv"
        table.to_csv(path, index=False)
        return ingest(
            use_case or heart, Source(kind="csv", location=str(path)), rules or suite, label="delivery", store=store,
            settings=settings, now=NOW,
        ).batch  # fmt: skip

    return go


def failed(batch):
    return [outcome.sentence for outcome in batch.outcomes if not outcome.passed]


def test_clean_data_passes(deliver, cleveland, store):
    batch = deliver(cleveland)
    assert (batch.rows_in, batch.rows_accepted, batch.rows_quarantined) == (303, 303, 0)
    assert (batch.refused, batch.faults, failed(batch)) == (False, (), [])
    assert len(batches.rows(store, batch)) == 303


def plant(column, rows, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[: rows - 1, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "rows", "reason"),
    [
        (plant("thalch", 12, 900), 12, "max_heart_rate: outside 50 to 230 1/min"),
        (plant("age", 12, -4), 12, "age: outside 18 to 110 years"),
        (plant("trestbps", 12, "about 140"), 12, "resting_blood_pressure: not a number"),
        (plant("chol", 12, "inf"), 12, "cholesterol: infinite"),
        (plant("cp", 12, "toothache"), 12,
         "chest_pain: not one of typical angina, atypical angina, non-anginal, asymptomatic"),
        (plant("exang", 12, "sometimes"), 12, "exercise_angina: not a truth value"),
        (plant("num", 12, 7), 12, "target: new outcome class"),
        (plant("id", 12, "1"), 12, "record id: more than one row has the same"),
        (plant("id", 12, ""), 12, "record id missing"),
    ],
    ids=["range", "sign", "type", "infinity", "level", "truth value", "class", "duplicate", "no id"],
)  # fmt: skip
def test_a_fault_of_some_rows_puts_exactly_those_in_quarantine_and_is_named(
    deliver, cleveland, store, heart, change, rows, reason
):
    clean = deliver(cleveland)
    batch = deliver(change(cleveland.copy()))
    assert (batch.refused, batch.rows_accepted, batch.rows_quarantined) == (False, 303 - rows, rows)
    assert dict(quarantine.show(store, heart, batch, small_cell=10)) == {reason: "~10"}
    assert quarantine.account(store, batch).balanced
    expected = batches.rows(store, clean)[rows:].reset_index(drop=True)
    pd.testing.assert_frame_equal(batches.rows(store, batch), expected)


def test_a_change_of_unit_refuses_the_batch_and_is_named(deliver, cleveland):
    cleveland["chol"] = (cleveland["chol"].astype(float) / 38.67).round(2)
    batch = deliver(cleveland)
    assert batch.refused
    assert batch.faults[0].startswith("cholesterol looks like mmol/L instead of mg/dL")
    assert batch.rows_quarantined == 303


def test_a_feed_gone_null_refuses_the_batch_and_is_named(deliver, cleveland):
    cleveland["chol"] = np.nan
    assert deliver(cleveland).faults == ("cholesterol: not one value in 303 rows",)


def test_more_missing_than_usual_is_shown_and_takes_no_row(deliver, cleveland):
    cleveland.loc[:99, "chol"] = np.nan
    batch = deliver(cleveland)
    assert batch.rows_accepted == 303
    assert failed(batch) == ["cholesterol: missing more often than the usual 10% (about 100 rows)"]


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop(columns="chol"),
        lambda table: table.rename(columns={"chol": "cholest"}),
        lambda table: table.assign(insurer="x"),
        lambda table: table.assign(chol="unknown to us"),
    ],
    ids=["column missing", "column renamed", "column extra", "column of text"],
)
def test_a_fault_of_the_schema_is_named_and_nothing_is_written(deliver, cleveland, store, change):
    with pytest.raises(InputFault, match=r"delivery\.csv") as refusal:
        deliver(change(cleveland))
    assert any(word in str(refusal.value) for word in ("chol", "insurer"))
    assert list(store.keys("")) == []


def test_impossible_and_future_dates_are_named(deliver, cleveland, store, heart):
    from dataclasses import replace

    dated = replace(heart, time="examined", expectations=None)
    cleveland["examined"] = "1987-05-04"
    cleveland.loc[:11, "examined"] = "1987-02-30"
    cleveland.loc[12:23, "examined"] = "2087-05-04"
    batch = deliver(cleveland, use_case=dated, rules=suite_for(dated))
    assert (batch.refused, batch.rows_quarantined) == (False, 24)
    assert dict(quarantine.show(store, heart, batch, small_cell=10)) == {
        "time: missing": "~10", "time: not possible": "~10", "time: in the future": "~10",
    }  # fmt: skip


def test_without_its_suite_a_planted_range_fault_would_be_accepted(deliver, cleveland, heart):
    from wardround.validation.suites import expectation, suite_from

    only = suite_from("only", [expectation("expect_table_row_count_to_be_between", "no rows", min_value=1)])
    assert deliver(plant("thalch", 12, 900)(cleveland), rules=only).rows_accepted == 303
