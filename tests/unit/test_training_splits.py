"""Splits: no patient on both sides, no row tested twice, the past before the future, a clear word when none fits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.errors import NotTrainable
from wardround.models.folds import PatientFolds
from wardround.training.splits import splitting
from wardround.use_cases import load
from wardround.use_cases.base import Split

KINDS = ("k-fold", "grouped", "temporal", "by site", "last rows")


def use_case_of(kind, folds=3, problem="classification"):
    split = Split(kind=kind, folds=folds, last=10 if kind == "last rows" else None)
    return replace(load("heart_disease"), problem=problem, time="when", split=split)


def frame_of(seed, patients=40, rows=80):
    generator = np.random.default_rng(seed)
    who = generator.integers(0, patients, rows)
    return pd.DataFrame(
        {
            "patient_id": [f"p{i}" for i in who],
            "time": pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(generator.integers(0, 50, rows), unit="D"),
            "site": generator.choice(["north", "south", "west"], rows),
            "target": ((who + generator.integers(0, 2, rows)) % 2).astype(float),
        }
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 10_000), st.sampled_from(["classification", "regression"]))
def test_no_patient_is_on_both_sides_and_no_row_is_tested_twice(kind, seed, problem):
    frame = frame_of(seed)
    found = splitting(use_case_of(kind, problem=problem), frame, seed)
    patients = frame["patient_id"].to_numpy()
    tested = np.concatenate([test for _, test in found.pairs])
    assert len(tested) == len(set(tested.tolist()))
    for train, test in found.pairs:
        assert len(train)
        assert len(test)
        assert not set(patients[train]) & set(patients[test])
    if kind in ("k-fold", "grouped", "by site") and "left out" not in found.sentence:
        assert len(tested) == len(frame)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_a_temporal_split_learns_from_the_past_only(seed):
    frame = frame_of(seed)
    frame.loc[:3, "time"] = pd.NaT
    for train, test in splitting(use_case_of("temporal"), frame, seed).pairs:
        assert frame["time"].iloc[train].max() < frame["time"].iloc[test].min()
        assert frame["time"].iloc[np.concatenate([train, test])].notna().all()


def test_by_site_holds_out_one_site_at_a_time():
    frame = frame_of(1)
    found = splitting(use_case_of("by site"), frame, 1)
    assert sorted(frame["site"].iloc[test].unique().tolist() for _, test in found.pairs) == [
        ["north"],
        ["south"],
        ["west"],
    ]


def test_last_rows_holds_out_the_last_rows_in_order():
    frame = frame_of(1, patients=100_000)
    ((train, test),) = splitting(use_case_of("last rows"), frame, 1).pairs
    assert test.tolist() == list(range(70, 80))
    assert train.tolist() == list(range(70))


def test_folds_are_balanced_by_outcome():
    frame = frame_of(2, rows=300).assign(patient_id=[f"p{i}" for i in range(300)])
    shares = [frame["target"].iloc[test].mean() for _, test in splitting(use_case_of("k-fold", 5), frame, 0).pairs]
    assert np.ptp(shares) < 0.03


def test_the_same_seed_gives_the_same_folds_and_another_gives_others():
    frame = frame_of(3)
    one, same, other = (splitting(use_case_of("k-fold"), frame, seed).pairs for seed in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("k-fold", {"target": 1.0}, "fewer patients than the 3 folds"),
        ("by site", {"site": "north"}, "all rows come from one"),
        ("temporal", {"time": pd.Timestamp("2020-01-01", tz="UTC")}, "1 blocks of time can be told apart"),
        (
            "temporal",
            {"time": pd.Series([pd.NaT] * 80, dtype="datetime64[us, UTC]")},
            "blocks of time can be told apart",
        ),
        ("by site", {"target": 1.0}, "none of the 3 parts"),
    ],
)
def test_a_split_that_cannot_be_made_says_why(kind, change, said):
    frame = frame_of(4).assign(**change)
    frame["time"] = frame["time"].astype("datetime64[us, UTC]")
    with pytest.raises(NotTrainable, match=said):
        splitting(use_case_of(kind), frame, 0)


def test_more_last_rows_than_rows_are_refused():
    with pytest.raises(NotTrainable, match="last 10 rows are to be held out and there are 10 rows"):
        splitting(use_case_of("last rows"), frame_of(1).iloc[:10], 0)


def test_a_part_without_both_outcomes_is_left_out_and_said_so():
    frame = frame_of(5).sort_values("time", ignore_index=True)
    frame.loc[:30, "target"] = 0.0
    found = splitting(use_case_of("temporal"), frame, 0)
    assert len(found.pairs) == 2
    assert "1 of 3 parts had too little to learn from" in found.sentence


def test_inner_folds_read_the_patient_from_the_last_column():
    patients = np.repeat(np.arange(10.0), 3)
    matrix = np.column_stack([np.zeros(30), patients])
    for train, test in PatientFolds(5).split(matrix, np.zeros(30)):
        assert not set(patients[train]) & set(patients[test])
