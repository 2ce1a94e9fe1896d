"""Long tables become a series per stay, and nothing in one became known after the prediction was due."""

import gzip
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround.contents.arrays import unpacked
from wardround.contents.series import KIND
from wardround.errors import InputFault
from wardround.sources import events as module
from wardround.sources import read
from wardround.use_cases import load
from wardround.use_cases.base import Content, Source, Target

ICU = load("icu_labs")
LABS = Content(
    name="labs", kind="series", channels=("sodium", "urea"),
    options={"irregular": True, "item.urea": "BUN", "unit.sodium": "mmol/L", "unit.urea": "mg/dL"},
)  # fmt: skip
CASE = replace(
    ICU, record_id="stay", patient_id="person", contents=(LABS,), target=Target(column="died", positive=("yes",)),
    features=tuple(
        replace(ICU.feature("sodium_last"), name=f"feature_{number}", column=column)
        for number, column in enumerate(("sodium last", "sodium first", "sodium lowest", "urea highest", "urea count"))
    ),
    source=Source(
        kind="events", location="labs.csv",
        options={
            "stays": "stays.csv", "stay": "stay", "time": "minute", "known": "known", "item": "item", "value": "value",
            "unit": "unit", "window_from": -60, "window_until": 600, "ended": "left",
        },
    ),
)  # fmt: skip
STAYS = "stay,person,left,died\n1,a,2000,no\n2,a,,yes\n3,b,600,no\n4,c,900,no\n"
LINES = (
    "1,0,30,sodium,140,mmol/L",
    "1,300,330,sodium,138,mmol/L",
    "1,300,330,BUN,20,mg/dL",
    "1,580,620,sodium,99,mmol/L",  # taken in time, known too late
    "1,601,601,sodium,98,mmol/L",
    "1,-61,-30,sodium,97,mmol/L",
    "1,200,210,lactate,3,mmol/L",
    "2,600,600,BUN,30,mg/dL",
    "2,500,400,BUN,25,mg/dL",
    "3,0,0,sodium,150,mmol/L",
)


def reads(tmp_path, here, *lines, table=STAYS, case=CASE, **options):
    (tmp_path / "labs.csv").write_text("\n".join(("stay,minute,known,item,value,unit", *lines)) + "\n")
    (tmp_path / "stays.csv").write_text(table)
    return read(case, replace(case.source, options={**case.source.options, **options}), here)


def test_a_stay_is_a_series_of_its_items_in_seconds_after_the_window_opens(tmp_path, here):
    frame = reads(tmp_path, here, *LINES)
    assert frame["stay"].tolist() == ["1", "2", "4"]  # 3 was over before the prediction was due
    first, second, third = (unpacked(cell) for cell in frame["labs"])
    np.testing.assert_equal(first, np.array([[3600, 140, np.nan], [21600, 138, 20]], dtype=np.float32))
    np.testing.assert_equal(second, np.array([[33600, np.nan, 25], [39600, np.nan, 30]], dtype=np.float32))
    assert third.shape == (0, 3)
    assert {f.reason: f.rows.tolist() for f in KIND.read(LABS, frame["labs"]).rows} == {"labs: of zero length": [2]}
    assert frame.attrs["row_faults"] == {}


def test_columns_are_made_of_the_channels_that_features_name(tmp_path, here):
    frame = reads(tmp_path, here, *LINES)
    made = [feature.source_column for feature in CASE.features]
    np.testing.assert_equal(frame[made].to_numpy()[:2], [[138, 140, 138, 20, 1], [np.nan, np.nan, np.nan, 30, 2]])


def latest(frame, place):
    return max((unpacked(cell)[:, 0].max(initial=0) for cell in frame[place]), default=0)


def test_no_value_measured_or_known_after_the_prediction_is_in_a_series(tmp_path, here):
    frame = reads(tmp_path, here, *LINES)
    assert latest(frame, "labs") <= 660 * 60
    assert not {97.0, 98.0, 99.0} & set(unpacked(frame["labs"][0])[:, 1].tolist())
    assert not {97.0, 98.0, 99.0} & set(frame[["sodium last", "sodium first", "sodium lowest"]].to_numpy().ravel())


def test_without_the_guard_later_values_would_be_in_a_series(tmp_path, here, monkeypatch):
    monkeypatch.setattr(module, "_in_time", lambda source, events: events.assign(second=(events["minute"] + 61) * 60.0))
    frame = reads(tmp_path, here, *LINES)
    assert {97.0, 98.0, 99.0} <= set(unpacked(frame["labs"][0])[:, 1].tolist())


def test_no_laboratory_value_of_the_real_stays_became_known_later(shared_data, here):
    frame = read(ICU, ICU.source, here.model_copy(update={"data": shared_data}))
    window = ICU.source.options
    assert latest(frame, "labs") <= (float(window["window_until"]) - float(window["window_from"])) * 60
    labs = pd.read_csv(shared_data / "eicu_demo" / "lab.csv.gz")
    late = labs[(labs["labresultoffset"] <= 1440) & (labs["labresultrevisedoffset"] > 1440)]
    assert len(late) > 100, "the guard of the time of knowledge has nothing to guard here"
    channel_of = {str(ICU.contents[0].options.get(f"item.{name}", name)): n for n, name in
                  enumerate(ICU.contents[0].channels, start=1)}  # fmt: skip
    series = {str(stay): unpacked(cell) for stay, cell in zip(frame["patientunitstayid"], frame["labs"], strict=True)}
    for stay, minute, item, value in late[["patientunitstayid", "labresultoffset", "labname", "labresult"]].itertuples(
        index=False
    ):
        if (held := series.get(str(stay))) is not None and item in channel_of and np.isfinite(value):
            there = held[held[:, 0] == (minute + 720) * 60][:, channel_of[item]]
            same = labs[(labs["patientunitstayid"] == stay) & (labs["labresultoffset"] == minute)
                        & (labs["labname"] == item) & (labs["labresultrevisedoffset"] <= 1440)]  # fmt: skip
            assert np.isnan(there).all() or len(same)


def test_of_two_values_at_one_time_the_one_known_last_counts(tmp_path, here):
    frame = reads(tmp_path, here, "1,10,90,sodium,141,mmol/L", "1,10,30,sodium,139,mmol/L")
    assert unpacked(frame["labs"][0])[:, 1].tolist() == [141]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,10,10,sodium,0.14,mol/L", "labs: a value in another unit than declared, or in none"),
        ("1,10,10,sodium,140,", "labs: a value in another unit than declared, or in none"),
        ("1,10,10,sodium,high,mmol/L", "labs: a value that is no number"),
        ("1,10,10,sodium,inf,mmol/L", "labs: a value that is infinite"),
        ("1,soon,10,sodium,140,mmol/L", "labs: a time that is no number"),
        ("1,10,,sodium,140,mmol/L", "labs: a value without its time"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_fault_of_its_stay_alone(tmp_path, here, line, why):
    frame = reads(tmp_path, here, *LINES, line)
    assert frame.attrs["row_faults"][why] == [0]


def test_an_item_the_use_case_does_not_know_may_hold_anything(tmp_path, here):
    assert reads(tmp_path, here, *LINES, "1,x,x,culture,positive,").attrs["row_faults"] == {}


def test_an_outcome_may_be_a_later_measurement_and_never_an_earlier_one(tmp_path, here):
    options = {"outcome_item": "sodium", "outcome_below": 130, "outcome_until": 2000}
    table = STAYS.replace(",died", "").replace(",no", "").replace(",yes", "")
    frame = reads(
        tmp_path, here, "1,500,500,sodium,120,mmol/L", "1,700,800,sodium,135,mmol/L", "2,700,700,sodium,128,mmol/L",
        "2,3000,3000,sodium,140,mmol/L", "4,2001,2001,sodium,120,mmol/L", table=table, **options,
    )  # fmt: skip
    assert frame["died"].tolist()[:2] == ["no", "yes"]
    assert frame["died"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"window_until": -60}, "the window is not two numbers"),
        ({"window_until": "600"}, "the window is not two numbers"),
        ({"item": "test"}, "the column 'test' is missing"),
        ({"ended": "gone"}, "the column 'gone' is missing"),
        ({"stays": "nowhere.csv"}, "there is no such file"),
        ({"stays": "stays.doc"}, "does not tell what kind of file"),
        ({"outcome_item": "sodium"}, "outcome_below, outcome_until is missing"),
    ],
)
def test_a_source_that_is_not_as_declared_is_refused_as_a_whole(tmp_path, here, options, why):
    with pytest.raises(InputFault, match=why):
        reads(tmp_path, here, *LINES, **options)


def test_values_that_are_mostly_no_numbers_refuse_the_table(tmp_path, here):
    with pytest.raises(InputFault, match="values: not a number"):
        reads(tmp_path, here, "1,10,10,sodium,high,mmol/L", "1,20,20,sodium,low,mmol/L")


def test_a_table_cut_short_is_refused_in_words(tmp_path, here):
    reads(tmp_path, here, *LINES)
    whole = gzip.compress((tmp_path / "labs.csv").read_bytes() * 50)
    (tmp_path / "labs.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputFault, match="cut short or damaged"):
        read(CASE, replace(CASE.source, location="labs.csv.gz"), here)
