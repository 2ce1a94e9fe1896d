"""A series that a reader of tracings would not read is a row with a fault that says why, and never a traceback."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround.contents import features, kind
from wardround.contents.arrays import packed, unpacked
from wardround.contents.series import KIND, cell
from wardround.use_cases.base import MEASURES

TIMES = np.arange(100) / 50
WAVE = np.sin(2 * np.pi * 5 * TIMES)


def faults(content, *cells):
    return {fault.reason: fault.rows.tolist() for fault in KIND.read(content, pd.Series(cells, dtype=object)).rows}


def with_burst(first, end):
    wave = WAVE.copy()
    wave[first:end] = np.nan
    return cell(TIMES, wave)


def test_a_sound_series_comes_back_as_single_precision_with_time_first(lead):
    read = KIND.read(lead, pd.Series([packed(np.column_stack([TIMES, WAVE]))], dtype=object))
    series = unpacked(read.values[0])
    assert read.rows == ()
    assert series.dtype == np.float32
    np.testing.assert_allclose(series, np.column_stack([TIMES, WAVE]), atol=1e-6)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (cell([], []), "of zero length"),
        (None, "missing"),
        (float("nan"), "missing"),
        ("0.1 0.2", "no series but another kind of value"),
        (b"\x93NUMPY\x01\x00", "no npy array of numbers, or damaged"),
        (b"", "no npy array of numbers, or damaged"),
        (packed(np.zeros(5)), "no table of numbers with time first"),
        (packed(np.array([["a", "b"]])), "no table of numbers with time first"),
        (cell(TIMES, np.column_stack([WAVE, WAVE])), "another number of channels than the 1 declared"),
        (cell(TIMES[::-1], WAVE), "time does not ascend"),
        (cell(np.zeros(100), WAVE), "time does not ascend"),
        (cell(TIMES + 1.7e9, WAVE), "time does not ascend"),
        (cell(np.where(TIMES > 1, np.nan, TIMES), WAVE), "a time is missing or infinite"),
        (cell(TIMES, np.where(TIMES > 1.9, np.inf, WAVE)), "an infinite value"),
        (packed(np.column_stack([TIMES, 1e300 * WAVE])), "an infinite value"),
        (cell(TIMES, np.full(100, np.nan)), "no value at all"),
        (cell(TIMES, np.full(100, 0.5)), "a channel never changes, as when a lead is off"),
        (with_burst(10, 40), "a larger share of a channel is missing than may be"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_fault_of_its_row_and_of_no_other(lead, raw, why):
    sound = cell(TIMES, WAVE)
    read = KIND.read(lead, pd.Series([sound, raw, sound], dtype=object))
    assert {fault.reason: fault.rows.tolist() for fault in read.rows} == {f"ecg: {why}": [1]}
    assert read.values[1] is None
    assert read.values[0] == read.values[2] == sound


def test_one_lead_off_among_two_is_found(lead):
    two = replace(lead, channels=("i", "ii"))
    assert faults(two, cell(TIMES, np.column_stack([WAVE, 0 * WAVE]))) == {
        "ecg: a channel never changes, as when a lead is off": [0]
    }


def test_a_burst_of_missing_values_is_a_fault_only_where_it_is_longer_than_declared(lead):
    half_a_second = replace(lead, options={"longest_missing": 0.25})
    assert faults(lead, with_burst(20, 35)) == {}
    assert faults(half_a_second, with_burst(20, 30)) == {}
    assert faults(half_a_second, with_burst(20, 35)) == {"ecg: a longer burst of missing values than may be": [0]}
    assert faults(half_a_second, with_burst(0, 15)) == {"ecg: a longer burst of missing values than may be": [0]}
    assert faults(half_a_second, with_burst(85, 100)) == {"ecg: a longer burst of missing values than may be": [0]}


def test_gaps_and_values_that_stay_are_ordinary_in_an_irregular_series(items):
    held = cell([0, 60, 7000], [[140, np.nan], [np.nan, 7.0], [140, np.nan]])
    assert faults(items, held, cell([0], [[140, np.nan]])) == {}
    assert faults(replace(items, options={}), held) != {}


def test_two_unreadable_cells_differ_in_their_marks_and_neither_is_quoted(lead):
    read = KIND.read(lead, pd.Series([b"one", b"two"], dtype=object))
    (fault,) = read.rows
    assert fault.texts is not None
    assert len(set(fault.texts)) == 2
    assert not {"one", "two"} & set(fault.texts)


def test_the_kind_is_registered_and_declares_every_measure_as_a_feature(lead):
    assert kind("series") is KIND
    declared = features(lead)
    assert [feature.measure for feature in declared] == list(MEASURES["series"])
    assert all(feature.of == "ecg" and feature.name == f"ecg_{feature.measure}" for feature in declared)
    (rate,) = features(lead, measures=("rate",), plausible={"rate": (45, 55)}, max_missing=0.1, missing_reason="x")
    assert (rate.plausible, rate.unit, rate.max_missing) == ((45, 55), "Hz", 0.1)
