"""What a stored decision may tell of a few patients: that they are few."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.domain import to_json
from wardround.monitoring import quality, words
from wardround.monitoring.rounding import blurred_share, open_share

FEW = 10


def few_missing(clinic, number: int):
    """The same arriving rows, of which exactly *number* lack the blood pressure."""
    values = clinic.arriving["resting_blood_pressure"].fillna(130.0).to_numpy(copy=True)
    values[:number] = np.nan
    return clinic.arriving.assign(resting_blood_pressure=values)


def told_of_blood_pressure(clinic, number: int) -> bytes:
    found = clinic.decide(few_missing(clinic, number))
    return to_json(
        [r for r in found.readings if r.kind == "missing" and r.column == "resting_blood_pressure"]
    )  # fmt: skip


def test_a_decision_does_not_tell_how_few_lacked_a_value(clinic):
    assert told_of_blood_pressure(clinic, 3) == told_of_blood_pressure(clinic, 8)
    assert told_of_blood_pressure(clinic, 12) != told_of_blood_pressure(clinic, 20)


def test_without_the_rule_the_decision_would_tell_it(clinic, monkeypatch):
    monkeypatch.setattr(quality, "open_share", lambda hits, rows, _: hits / rows)
    assert told_of_blood_pressure(clinic, 3) != told_of_blood_pressure(clinic, 8)


def test_a_decision_does_not_tell_how_few_had_the_outcome(clinic):
    def told(number: int) -> bytes:
        target = np.zeros(len(clinic.arriving))
        target[:number] = 1.0
        found = clinic.decide(clinic.arriving.assign(target=target))
        return to_json([r for r in found.readings if r.kind == "target drift"])

    assert told(2) == told(9)
    assert told(15) != told(30)


@given(rows=st.integers(20, 5_000), one=st.integers(1, FEW - 1), other=st.integers(1, FEW - 1), usual=st.floats(0, 1))
def test_two_small_counts_look_the_same_on_either_side(rows, one, other, usual):
    for hits in ((one, other), (rows - one, rows - other)):
        assert open_share(hits[0], rows, FEW) is None
        assert len({words.part(each, rows, FEW) for each in hits}) == 1
        assert len({blurred_share(each, rows, FEW, usual=usual) for each in hits}) == 1


@given(rows=st.integers(20, 5_000), share=st.floats(0, 1), usual=st.floats(0, 1))
def test_other_counts_are_told_as_they_are(rows, share, usual):
    hits = round(rows * share)
    if hits in (0, rows) or FEW <= hits <= rows - FEW:
        assert blurred_share(hits, rows, FEW, usual=usual) == open_share(hits, rows, FEW) == pytest.approx(hits / rows)
