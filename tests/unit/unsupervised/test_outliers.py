"""Patients unlike the rest: scores, what is flagged, and what can be measured without and with outcomes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround import models
from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.problems import PROBLEMS
from wardround.problems.anomaly import UNUSUAL
from wardround.use_cases.base import Feature

PROBLEM = PROBLEMS["anomaly"]


def fitted(use_case, frame, family, **parameters):
    return models.learner(family, use_case("anomaly"), parameters).fit(frame, np.full(len(frame), np.nan), seed=1)


@pytest.fixture
def line(groups):
    """Two numbers that go together, and three patients in whom they do not."""
    frame, _ = groups(apart=0, rows=400)
    frame["other"] = frame["one"] + 0.1 * frame["other"]
    strange = np.zeros(len(frame))
    strange[:3] = 1
    frame.loc[:2, "one"], frame.loc[:2, "other"] = 1.5, -1.5
    return frame, strange


@pytest.mark.parametrize("family", ["principal_components", "isolation_forest"])
def test_what_does_not_go_together_scores_highest_and_is_flagged(two_numbers, line, family):
    frame, strange = line
    prediction = fitted(two_numbers, frame, family, flag=0.02).predict(frame)
    assert PROBLEM.metric("auroc").compute(strange, prediction, 0.5) > 0.95
    assert 0 < PROBLEM.metric("flagged").compute(strange, prediction, 0.5) <= 0.025
    assert (prediction.output[:3] == UNUSUAL).all() or family == "isolation_forest"


def test_without_outcomes_the_ranking_cannot_be_measured_and_the_rest_can(two_numbers, line):
    frame, _ = line
    learner = fitted(two_numbers, frame, "principal_components")
    prediction, none = learner.predict(frame), np.full(len(frame), np.nan)
    found = {metric.name: metric.compute(none, prediction, 0.5) for metric in PROBLEM.metrics}
    assert np.isnan(found["auroc"])
    assert 0 <= found["explained"] < 1
    assert found["reconstruction"] == pytest.approx(PROBLEM.losses(none, prediction).mean())
    assert learner.explain(frame).sum(axis=1).to_numpy() == pytest.approx(prediction.value)


def test_a_family_that_does_not_reconstruct_has_no_reconstruction_to_be_chosen_by(two_numbers, line):
    frame, strange = line
    prediction = fitted(two_numbers, frame, "isolation_forest").predict(frame)
    assert np.isnan(PROBLEM.metric("reconstruction").compute(strange, prediction, 0.5))
    assert np.isnan(PROBLEM.metric("explained").compute(strange, prediction, 0.5))


def test_components_that_leave_nothing_over_are_refused(two_numbers, groups):
    with pytest.raises(NotTrainable, match="nothing is left over"):
        fitted(two_numbers, groups(apart=0)[0], "principal_components", variance=0.9999)


def test_the_share_to_flag_is_that_of_new_patients_and_not_of_those_it_learned_from(two_numbers):
    """By the scores of the 100 rows it learned from, 0.26 of the new ones would be flagged."""
    generator = np.random.default_rng(0)
    names = [f"x{number}" for number in range(30)]
    spread = generator.normal(size=(3, 30))
    rows = generator.normal(size=(3_100, 3)) @ spread + generator.normal(size=(3_100, 30))
    frame = pd.DataFrame(rows, columns=names).assign(patient_id=[f"p{row}" for row in range(3_100)])

    def case(problem):
        return replace(two_numbers(problem), features=tuple(Feature(name=name, kind="numeric") for name in names))

    prediction = fitted(case, frame[:100], "principal_components").predict(frame[100:])
    assert 0.02 < PROBLEM.metric("flagged").compute(np.full(3_000, np.nan), prediction, 0.5) < 0.08


def test_a_share_to_flag_that_is_none_is_refused(two_numbers, groups):
    with pytest.raises(UseCaseInvalid, match="flag is above 0 and below 1"):
        fitted(two_numbers, groups(apart=0)[0], "principal_components", flag=1.5)


def test_a_value_that_is_no_number_or_that_the_library_does_not_take_is_of_the_candidate(two_numbers, groups):
    with pytest.raises(UseCaseInvalid, match="isolation_forest: max_samples is a number"):
        fitted(two_numbers, groups(apart=0)[0], "isolation_forest", max_samples="auto")
    with pytest.raises(UseCaseInvalid, match="does not take one of the values"):
        fitted(two_numbers, groups(apart=0)[0], "isolation_forest", n_estimators=-1)


def test_one_patient_alone_is_compared_with_nobody(two_numbers, groups):
    frame, _ = groups(apart=0)
    with pytest.raises(NotTrainable, match="one patient cannot be compared"):
        fitted(two_numbers, frame.assign(patient_id="one"), "principal_components")
