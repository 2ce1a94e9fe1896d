"""What is read of outcomes and losses where the answer is neither yes or no nor a number."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround.monitoring.performance import performance_readings
from wardround.monitoring.profile import build_profile
from wardround.monitoring.summary import BatchSummary
from wardround.problems.base import Prediction
from wardround.use_cases import load
from wardround.use_cases.base import Feature

BEATS = load("ecg_beats")
CASE = replace(BEATS, contents=(), features=(Feature(name="one", kind="numeric"), Feature(name="two", kind="numeric")))


def readings(target, loss, inputs, later_target, later_loss, later):
    """Return the readings, by kind and column, of later rows against a reference."""
    frame, batch = (pd.DataFrame(rows, columns=["one", "two"]) for rows in (inputs, later))
    profile = build_profile(
        CASE, frame, Prediction(value=np.full(len(frame), 0.5)), target, (), seed=1, loss=loss, small_cell=10
    )
    summary = BatchSummary(profile)
    summary.update(batch.assign(target=later_target), np.full(len(batch), 0.5), later_loss)
    return {(one.kind, one.column): one for one in performance_readings(CASE, profile, summary)}


@pytest.mark.parametrize("numbers", [(0, 1, 2, 3), (3, 0, 1, 2), (0, 2, 1, 3)])
def test_classes_that_become_more_frequent_are_found_whatever_their_numbers(numbers):
    """By numbers in their order the changes of neighbours cancel out, and 0.2 looks like 0.1."""
    before, after = np.repeat(numbers, 250), np.repeat(numbers, (140, 60, 140, 60))
    blank = np.zeros((1000, 2))
    found = readings(before.astype(float), np.ones(1000), blank, after.astype(float), np.ones(400), blank[:400])
    drift = found["target drift", None]
    assert drift.effect == pytest.approx(0.2)
    assert drift.p < 1e-8
    assert drift.alarm


def test_an_estimate_says_how_much_the_inputs_tell_of_the_loss_and_is_never_below_nothing():
    generator = np.random.default_rng(0)
    inputs, later = generator.normal(size=(300, 2)), np.full((100, 2), -9.0)
    classes = generator.integers(0, 3, 300).astype(float)
    unknown = np.full(100, np.nan)
    told = np.maximum(0.0, 0.5 + 0.3 * inputs[:, 0])
    for loss, share in ((told, "tell 84 %"), (generator.permutation(told), "tell 0 %")):
        estimate = readings(classes, loss, inputs, unknown, unknown, later)["estimated performance", "brier"]
        assert share in estimate.sentence
        assert (estimate.current == 0) == (share == "tell 84 %")
