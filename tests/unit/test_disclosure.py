import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.monitoring.disclosure import MISSING, OTHER, microaggregated, protect

SMALL = 5
rows = st.integers(0, 14).flatmap(
    lambda people: st.lists(
        st.tuples(
            st.integers(0, people),
            st.one_of(st.none(), st.floats(-5, 5), st.sampled_from([0.0, 1.0, 1e6])),
            st.one_of(st.none(), st.sampled_from("abcdef")),
        ),
        min_size=0,
        max_size=60,
    )
)


def frame(drawn: list[tuple[int, float | None, str | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": pd.Series([f"p{who}" for who, _, _ in drawn], dtype="str"),
            "value": pd.Series([value for _, value, _ in drawn], dtype="float64"),
            "level": pd.Series([level for _, _, level in drawn], dtype="str"),
        }
    )


@settings(deadline=None, max_examples=150)
@given(rows, rows)
def test_every_value_left_is_shared_by_enough_rows_or_by_none(one: list, other: list) -> None:
    reference, current, left_out = protect(frame(one), frame(other), ["value"], ["level"], SMALL)
    assert set(reference.columns) | set(left_out) == {"value", "level"}
    for side in (reference, current):
        for name in side.columns:
            counts = side[name].value_counts(dropna=False)
            assert counts.empty or counts.min() >= SMALL


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.floats(-100, 100), st.integers(0, 9)), min_size=1, max_size=80))
def test_groups_of_neighbours_hold_enough_patients_and_keep_the_mean(pairs: list[tuple[float, int]]) -> None:
    values = np.array([value for value, _ in pairs])
    people = np.array([f"p{who}" for _, who in pairs], dtype=object)
    if len(set(people)) < 3:
        return
    done = microaggregated(values, people, 3)
    for value in np.unique(done):
        assert len(set(people[done == value])) >= 3
    assert done.mean() == pytest.approx(values.mean(), abs=1e-9)
    assert (np.diff(done[np.argsort(values, kind="stable")]) >= -1e-9).all()


def test_one_patient_with_many_rows_is_one_patient() -> None:
    many = pd.DataFrame({"patient_id": ["p"] * 50, "value": np.arange(50.0), "level": ["a"] * 50})
    assert protect(many, many, ["value"], ["level"], SMALL)[2] == ("value", "level")


def test_a_rare_level_is_pooled_and_a_rare_gap_is_filled() -> None:
    people = [f"p{i}" for i in range(40)]
    values = np.arange(40.0)
    values[0] = np.nan
    before = pd.DataFrame(
        {"patient_id": people, "value": values, "level": ["a"] * 20 + ["b"] * 13 + ["c"] * 4 + ["d"] * 3}
    )
    after, _, left_out = protect(before, before, ["value"], ["level"], SMALL)
    assert left_out == ()
    assert after["value"].notna().all()
    assert after["level"].value_counts().to_dict() == {"a": 20, "b": 13, OTHER: 7}


def test_a_gap_that_many_patients_share_is_kept() -> None:
    people = [f"p{i}" for i in range(40)]
    before = pd.DataFrame(
        {
            "patient_id": people,
            "value": [np.nan] * 10 + list(range(30)),
            "level": pd.Series([None] * 10 + ["a"] * 30, dtype="str"),
        }
    )
    after, _, _ = protect(before, before, ["value"], ["level"], SMALL)
    assert after["value"].isna().sum() == 10
    assert after["level"].value_counts().to_dict() == {"a": 30, MISSING: 10}


def test_no_row_of_the_result_is_a_patient() -> None:
    people = [f"p{i}" for i in range(2000)]
    values = np.arange(2000.0)
    before = pd.DataFrame({"patient_id": people, "one": values, "two": values})
    after, _, _ = protect(before, before, ["one", "two"], [], SMALL)
    assert abs(np.corrcoef(after["one"], after["two"])[0, 1]) < 0.2


def test_without_the_guard_the_law_is_broken() -> None:
    people = np.array([f"p{i}" for i in range(20)], dtype=object)
    values = np.append(np.zeros(19), 99.0)
    assert 99.0 in microaggregated(values, people, 1)
    assert 99.0 not in microaggregated(values, people, SMALL)
