"""Learning from few outcomes: what is taken over, what is not, and what the demo withholds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround import models
from wardround.cli.visits.few_labels import ONE_IN, is_read
from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.problems.classification import auroc
from wardround.use_cases import load
from wardround.use_cases.base import Feature

CASE = replace(load("heart_disease"), features=(Feature(name="one", kind="numeric"),))


@pytest.fixture
def rows():
    """Two classes far apart, six outcomes known."""
    generator = np.random.default_rng(0)
    truth = np.arange(200) % 2.0
    frame = pd.DataFrame({"one": 4 * truth + generator.normal(size=200), "patient_id": [f"p{i}" for i in range(200)]})
    return frame, truth, np.where(np.arange(200) < 6, truth, np.nan)


def fitted(frame, target, **parameters):
    return models.learner("self_training", CASE, parameters).fit(frame, target, seed=1)


@pytest.mark.parametrize("base", ["logistic", "boosting"])
def test_rows_without_an_outcome_are_learned_from(rows, base):
    frame, truth, few = rows
    learner = fitted(frame, few, base=base, confidence=0.6, min_samples_leaf=2)
    assert auroc(truth, learner.predict(frame).value) > 0.95
    assert any("took over its own answer" in note for note in learner.notes)
    known = np.isfinite(few)
    alone = fitted(frame[known], few[known], base=base, min_samples_leaf=2)
    assert not np.array_equal(alone.predict(frame).value, learner.predict(frame).value)


def test_nothing_is_taken_over_where_it_is_never_sure(rows):
    frame, _, few = rows
    learner = fitted(frame, few, C=1e-6, confidence=0.99)
    assert any("took over its own answer for 0%" in note for note in learner.notes)


def test_with_every_outcome_known_it_is_its_base(rows):
    frame, truth, _ = rows
    logistic = models.learner("logistic", CASE, {"C": 0.5}).fit(frame, truth, seed=1)
    learner = fitted(frame, truth, C=0.5)
    assert learner.predict(frame).value == pytest.approx(logistic.predict(frame).value)
    assert any("nothing to take over" in note for note in learner.notes)


def test_outcomes_of_one_kind_teach_nothing(rows):
    frame, _, few = rows
    with pytest.raises(NotTrainable, match="all have the same one"):
        fitted(frame, np.where(few == 1, np.nan, few))


def test_what_it_does_not_have_is_refused_by_name(rows):
    frame, _, few = rows
    with pytest.raises(UseCaseInvalid, match="one of logistic, boosting"):
        fitted(frame, few, base="oracle")
    with pytest.raises(UseCaseInvalid, match="has no calibration"):
        models.learner("self_training", CASE, {}, calibrate=True)


def test_one_comment_in_twenty_is_there_by_a_rule_that_anybody_can_repeat():
    read = [is_read(f"84080{number:04d}") for number in range(4000)]
    assert np.mean(read) == pytest.approx(1 / ONE_IN, abs=0.01)
    assert read == [is_read(f"84080{number:04d}") for number in range(4000)]
