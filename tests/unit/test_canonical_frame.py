"""What a cell means, which rows are told apart as faulty, and what the name of a table hangs on."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from wardround.errors import InputFault
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical, canonical_id, canonical_labels
from wardround.use_cases import load
from wardround.use_cases.base import Feature, Source, Target, UseCase

NOW = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
USE_CASE = UseCase(
    name="ward",
    question="?",
    problem="regression",
    source=Source(kind="csv", location="ward.csv"),
    record_id="id",
    target=Target(column="y"),
    features=(
        Feature(name="x", kind="numeric", missing_codes=(-9, "unknown")),
        Feature(name="c", kind="category", missing_codes=("99",), allowed=("a", "b", "None")),
        Feature(name="b", kind="boolean"),
    ),
    candidates=(),
    gates=(),
)
TIMED = replace(USE_CASE, time="t", time_zone="America/New_York")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), pseudonym_key="y" * 32)  # type: ignore[arg-type]


def table(**columns: list) -> pd.DataFrame:
    rows = max((len(values) for values in columns.values()), default=1)
    full = {"id": list(range(rows)), "x": [1.5] * rows, "c": ["a"] * rows, "b": ["t"] * rows, "y": [1.0] * rows}
    return pd.DataFrame(full | columns)


def made(settings: Settings, use_case: UseCase = USE_CASE, **columns: list) -> pd.DataFrame:
    return canonical(use_case, table(**columns), settings, place="ward.csv", now=NOW)


def same(values: pd.Series, expected: list) -> None:
    assert [None if pd.isna(value) else value for value in values] == expected


def test_the_columns_stand_in_their_order_with_their_types(settings):
    frame = canonical(
        replace(TIMED, site="s"), table(t=["2025-01-01"], s=["north"]), settings, place="ward.csv", now=NOW
    )
    assert list(frame) == ["record_id", "patient_id", "time", "site", "x", "c", "b", "target"]
    assert [str(kind) for kind in frame.dtypes] == [
        "str", "str", "datetime64[us, UTC]", "str", "float64", "str", "str", "float64",
    ]  # fmt: skip
    assert isinstance(frame.index, pd.RangeIndex)


def test_the_usual_words_for_missing_and_the_use_cases_codes_are_missing(settings):
    words = ["", " ", "NA", "nan", "NULL", "None", "?", None, "-9", "-9.0", "unknown", "7"]
    same(made(settings, x=words)["x"], [None] * 11 + [7.0])
    same(made(settings, x=[-9, 0, 7])["x"], [None, 0.0, 7.0])
    same(made(settings, b=["?", "N/A", None, "Y", "no", "1", "0.0", True, "FALSE"])["b"],
         [None, None, None, "true", "false", "true", "false", "true", "false"])  # fmt: skip


def test_a_word_for_missing_that_the_use_case_allows_is_a_level(settings):
    same(made(settings, c=["None", "NA", " a ", 99, "99.0"])["c"], ["None", None, "a", None, None])


@pytest.mark.parametrize("spelling", [1, 1.0, "1", " 1 ", "1.0", np.int16(1)])
def test_a_record_has_one_name_however_its_number_is_written(spelling, settings):
    assert made(settings, id=[spelling])["record_id"][0] == made(settings, id=["1"])["record_id"][0]


def test_leading_zeros_tell_records_apart(settings):
    assert made(settings, id=["007", "7"])["record_id"].is_unique


def test_long_numbers_that_became_decimal_are_refused(settings):
    with pytest.raises(InputFault, match=r"record id: 1 value\(s\) in 'id' are decimal numbers too long to be exact"):
        made(settings, id=[1e17, 5.0])
    assert made(settings, id=[10**17, 10**17 + 1])["record_id"].is_unique


def test_a_bad_cell_is_missing_and_its_row_is_named(settings):
    frame = made(
        settings,
        x=[1, 2, "fat", 4, "-inf", "1e999", 7, 8],
        b=["t", "t", "t", "maybe", "t", "t", "t", "t"],
        y=[1, "two", 3, 4, 5, 6, np.inf, 8],
    )
    assert frame.attrs["row_faults"] == {
        "x: not a number": [2],
        "x: infinite": [4, 5],
        "b: not a truth value": [3],
        "target: not a number": [1],
        "target: infinite": [6],
    }
    same(frame["x"], [1, 2, None, 4, None, None, 7, 8])
    assert set(frame.attrs["row_marks"]) == {"1", "2", "3", "4", "5", "6"}


def test_infinities_in_typed_columns_are_faults_too(settings):
    frame = made(settings, x=[1.0, np.inf, 3.0, 4.0])
    assert frame.attrs["row_faults"] == {"x: infinite": [1]}
    assert canonical_id(frame) == canonical_id(made(settings, x=["1", "inf", "3", "4"]))


def test_two_differently_broken_tables_have_two_names(settings):
    names = {canonical_id(made(settings, x=[1, 2, cell, 4])) for cell in ("fat", "thin", None, "inf", "-inf", "3")}
    assert len(names) == 6


def test_few_commas_are_rows_many_are_a_refusal(settings):
    frame = made(settings, x=["1.5", "2,5", "3.5", "4.5"])
    assert frame.attrs["row_faults"] == {"x: not a number": [1]}
    with pytest.raises(InputFault, match="x: 2 of 5 numbers have a comma"):
        made(settings, x=["1", "2,5", "3", "4", "5,5"])


def test_records_without_id_are_kept_each_under_its_own_name(settings):
    frame = made(settings, id=[1, None, "", 4], x=[1.0, 2.0, 2.0, 4.0])
    assert frame["record_id"].is_unique
    assert frame["patient_id"].is_unique
    assert frame.attrs["row_faults"] == {"record id missing": [1, 2]}
    turned = made(settings, id=["", 4, None, 1], x=[2.0, 4.0, 2.0, 1.0])
    assert canonical_id(turned) == canonical_id(frame)


def test_records_without_patient_are_named_faulty(settings):
    frame = made(settings, replace(USE_CASE, patient_id="p"), p=["1", None, "1", 1.0])
    assert frame.attrs["row_faults"] == {"patient id missing": [1]}
    assert frame["patient_id"].nunique() == 2


def test_duplicates_are_kept_and_counted_in_the_name(settings):
    once, twice = made(settings, id=[1, 2], x=[1, 2]), made(settings, id=[1, 2, 2], x=[1, 2, 2])
    assert len(twice) == 3
    assert canonical_id(once) != canonical_id(twice)
    turned = made(settings, id=[2, 1, 2], x=[3, 1, 2])
    assert canonical_id(turned) == canonical_id(made(settings, id=[2, 2, 1], x=[2, 3, 1]))


@settings_of(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 5), st.one_of(st.none(), st.floats(-1e9, 1e9), st.just("fat")),
            st.sampled_from(["a", "b", "é", None]), st.sampled_from(["t", "f", None]),
        ),
        min_size=9, max_size=24,
    ),
    data=st.data(),
)  # fmt: skip
def test_the_order_of_rows_never_changes_the_name_and_no_row_is_lost(rows, data, settings):
    rows += [(9, 1.0, "a", "t")] * len(rows)  # so that bad cells stay the minority
    order = data.draw(st.permutations(range(len(rows))))
    names = ["id", "x", "c", "b"]
    raw = pd.DataFrame(rows, columns=names, dtype=object)
    first = canonical(USE_CASE, raw, settings, place="ward.csv")
    second = canonical(USE_CASE, raw.iloc[order], settings, place="ward.csv")
    assert len(first) == len(second) == len(rows)
    assert canonical_id(first) == canonical_id(second)


@settings_of(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_number_is_the_same_typed_or_written(settings, numbers):
    typed, written = made(settings, x=numbers), made(settings, x=[repr(number) for number in numbers])
    assert canonical_id(typed) == canonical_id(written)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-07-01", "2025-07-01T04:00Z"),
        ("2025-07-01T23:30", "2025-07-02T03:30Z"),
        ("2025-07-01 23:30:15.25", "2025-07-02T03:30:15Z"),
        ("2025-07-01T23:30:00Z", "2025-07-01T23:30Z"),
        ("2025-07-01T23:30:00+02:00", "2025-07-01T21:30Z"),
        ("2025-11-02T01:30", "2025-11-02T05:30Z"),
        ("2025-03-09T02:30", "2025-03-09T07:00Z"),
        (dt.datetime(2025, 7, 1, 23, 30), "2025-07-02T03:30Z"),
        (dt.date(2025, 7, 1), "2025-07-01T04:00Z"),
        (pd.Timestamp("2025-07-01 23:30", tz="Asia/Tokyo"), "2025-07-01T14:30Z"),
    ],
)
def test_a_time_is_brought_from_its_zone_to_utc(text, instant, settings):
    frame = made(settings, replace(TIMED, keep_time="second"), t=[text])
    assert frame["time"][0] == pd.Timestamp(instant)


@pytest.mark.parametrize(
    ("keep", "instant"),
    [("day", "2025-07-01T04:00Z"), ("month", "2025-07-01T04:00Z"), ("year", "2025-01-01T05:00Z")],
)
def test_a_time_is_cut_down_in_the_use_cases_zone(keep, instant, settings):
    assert made(settings, replace(TIMED, keep_time=keep), t=["2025-07-01T23:30"])["time"][0] == pd.Timestamp(instant)


@pytest.mark.parametrize(
    ("time_format", "cells"),
    [
        ("%y%m%d", ["840801013", 840801014, "840801"]),
        ("%d.%m.%Y", ["01.08.1984", "1.8.1984", "01.08.1984 14:00"]),
        ("%d/%m/%Y %H:%M", ["01/08/1984 14:00", "01/08/1984 23:59", None]),
    ],
)
def test_a_declared_format_reads_the_beginning_of_the_text(time_format, cells, settings):
    frame = made(settings, replace(TIMED, time_format=time_format), t=cells)
    assert frame["time"].dropna().eq(pd.Timestamp("1984-08-01T04:00Z")).all()
    assert frame.attrs["row_faults"] == {}


def test_impossible_mixed_old_and_future_times_are_told_apart(settings):
    days = [
        *(f"2025-01-{day:02d}" for day in range(1, 10)),
        "2025-02-30",
        "03/04/2025",
        "1012-05-01",
        "2062-05-01",
        None,
    ]
    frame = made(settings, TIMED, t=days)
    assert frame.attrs["row_faults"] == {
        "time: not possible": [9], "time: in another format": [10],
        "time: before 1900": [11], "time: in the future": [12],
    }  # fmt: skip
    frame = made(settings, replace(TIMED, time_format="%y%m%d"), t=["840801013", "840802013", "841301013", "x"])
    assert frame.attrs["row_faults"] == {"time: not possible": [2], "time: in another format": [3]}


def test_the_clock_does_not_change_the_name(settings):
    raw = table(t=["2027-01-01", "2025-01-01"])
    early, late = (
        canonical(TIMED, raw, settings, place="ward.csv", now=NOW.replace(year=year)) for year in (2026, 2030)
    )
    assert early.attrs["row_faults"]
    assert not late.attrs["row_faults"]
    assert canonical_id(early) == canonical_id(late)


def test_a_feature_measured_after_the_prediction_was_due_is_named(settings):
    case = replace(TIMED, features=(replace(USE_CASE.features[0], measured_at="drawn"), *USE_CASE.features[1:]))
    days = ["2025-01-01T10:00"] * 3
    frame = made(settings, case, t=days, drawn=["2025-01-01T09:59", "2025-01-01T10:01", None])
    assert frame.attrs["row_faults"] == {"x: measured after the prediction was due": [1]}
    mended = made(settings, case, t=days, drawn=["2025-01-01T09:59", "2025-01-01T09:58", None])
    assert canonical_id(mended) != canonical_id(frame), "the corrected table must not pass for the one before"
    assert "drawn" not in frame
    with pytest.raises(InputFault, match="the column 'drawn' is missing"):
        made(settings, case, t=days)


@pytest.mark.parametrize(
    ("target", "cells", "values", "new"),
    [
        (Target(column="y", positive_above=0, allowed=(0, 1, 2)), ["0", 1, "2.0", 3, "?"], [0, 1, 1, None, None], [3]),
        (Target(column="y", positive_above=0.5), ["0", "1.5", "high", ".4"], [0, 1, None, 0], None),
        (Target(column="y", positive=("yes",), allowed=("yes", "no")), ["yes", "no", "Yes"], [1, 0, None], [2]),
        (Target(column="y", positive=(True,)), ["TRUE", "f", True, "false"], [1, 0, 1, 0], None),
        (Target(column="y", negative=("-",)), ["-", "K", "", "-"], [0, 1, None, 0], None),
        (Target(column="y", negative=("none",), missing_codes=(9,)), ["none", "mi", 9, ""], [0, 1, None, None], None),
    ],
)  # fmt: skip
def test_an_outcome_becomes_one_or_nothing(target, cells, values, new, settings):
    frame = made(settings, replace(USE_CASE, problem="classification", target=target), y=cells)
    same(frame["target"], values)
    assert frame.attrs["row_faults"].get("target: new outcome class") == new


def test_an_outcome_that_is_not_there_yet_is_missing_not_a_fault(settings):
    frame = canonical(USE_CASE, table().drop(columns="y"), settings, place="ward.csv")
    assert frame["target"].isna().all()
    assert frame["target"].dtype == np.float64


def test_late_outcomes_need_two_columns_and_match_their_records(settings):
    raw = pd.DataFrame({"extra": ["Wilhelmina"] * 3, "id": ["2", "1", None], "y": ["5", "x", "6"]})
    labels = canonical_labels(USE_CASE, raw, settings, place="late.csv")
    assert list(labels) == ["record_id", "target"]
    assert labels["record_id"][0] == made(settings, id=[2])["record_id"][0]
    assert labels.attrs["row_faults"] == {"record id missing": [2], "target: not a number": [1]}
    with pytest.raises(InputFault, match="the column 'y' is missing"):
        canonical_labels(USE_CASE, raw.drop(columns="y"), settings, place="late.csv")


def test_the_index_of_the_table_does_not_matter(settings):
    raw = table(id=[1, 2, 3], x=[1, 2, 3])
    frame = canonical(USE_CASE, raw.set_index(pd.Index([7, 7, 3])), settings, place="ward.csv")
    pd.testing.assert_frame_equal(frame, canonical(USE_CASE, raw, settings, place="ward.csv"))


def test_an_all_missing_column_is_read_as_missing(settings):
    for nothing in ([None, None], ["", "?"], [np.nan, np.nan]):
        frame = made(settings, TIMED, x=nothing, c=nothing, b=nothing, y=nothing, t=nothing)
        assert frame[["x", "c", "b", "target", "time"]].isna().all().all()
        assert str(frame["time"].dtype) == "datetime64[us, UTC]"
        assert frame.attrs["row_faults"] == {}


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("heart_disease", "71fec539516c211d0dcb4bc2895958b44c12e3ede86081100fd3de1d798274e9"),
        ("diabetes_progression", "08c3ee6bb6518ada3b03ef55db633410eacb39f3831c8de5e150498f77199b49"),
    ],
)
def test_a_table_keeps_the_name_it_had_in_earlier_versions(name, batch, tmp_path):
    use_case = load(name)
    key = Settings(home=tmp_path, pseudonym_key="a fixed key, for tests and nothing else")  # type: ignore[arg-type]
    frame = canonical(use_case, read(use_case, use_case.source, key), key, place="package", now=NOW)
    assert canonical_id(frame) == batch
