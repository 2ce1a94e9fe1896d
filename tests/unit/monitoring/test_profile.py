import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.domain import from_json, to_json
from wardround.monitoring.budget import Levels, suspicion_level
from wardround.monitoring.estimate import at_new_rate, auroc_of, build_estimator, estimate_from_histogram, fine
from wardround.monitoring.multivariate import build_embedding, features
from wardround.monitoring.profile import Profile, category_profile, numeric_profile
from wardround.use_cases.base import Monitoring


def test_a_profile_comes_back_from_its_json(clinic):
    assert from_json(Profile, to_json(clinic.profile)) == clinic.profile


def test_a_profile_does_not_grow_with_its_rows(clinic):
    from wardround.monitoring.profile import build_profile

    random = np.random.default_rng(1)
    sizes = []
    for times in (20, 200):
        picked = random.integers(0, len(clinic.reference), len(clinic.reference) * times)
        frame = clinic.reference.iloc[picked].assign(patient_id=[f"p{i}" for i in range(len(picked))])
        predicted = type("P", (), {"value": clinic.out_of_fold[picked]})()
        profile = build_profile(clinic.use_case, frame, predicted, frame["target"].to_numpy(), {}, 1)
        sizes.append(len(to_json(profile)))
    assert sizes[1] < sizes[0] * 1.1
    assert sizes[1] < 100_000


@given(st.lists(st.floats(-1e4, 1e4, allow_nan=False), min_size=0, max_size=300), st.integers(2, 20))
@settings(max_examples=150, deadline=None)
def test_no_cell_of_a_numeric_profile_holds_a_few_patients(values, smallest):
    found = numeric_profile("x", np.array(values), smallest)
    assert all(count == 0 or count >= smallest for count in found.counts)
    assert len(found.counts) == len(found.edges) + 1 <= 100
    assert list(found.edges) == sorted(found.edges)
    assert found.missing == 0 or found.missing >= smallest // 2


@given(st.lists(st.sampled_from("abcdefgh"), max_size=200), st.integers(2, 20))
@settings(max_examples=150, deadline=None)
def test_no_level_of_a_category_profile_holds_a_few_patients(levels, smallest):
    found = category_profile("x", pd.Series(levels, dtype="str"), smallest, None)
    assert all(count >= smallest for count in (*found.counts, found.other) if count)


def test_rare_levels_are_not_written_down(clinic):
    column = pd.Series(["common"] * 50 + ["a very rare disease"] * 3, dtype="str")
    text = json.dumps([category_profile("x", column, 10, None).levels, category_profile("x", column, 10, None).known])
    assert "rare disease" not in text


def test_the_extremes_are_not_stored(clinic):
    random = np.random.default_rng(2)
    values = random.normal(100, 15, 5_000)
    values[17] = 987.654
    assert "987.6" not in json.dumps(numeric_profile("x", values, 10).edges)


def test_a_changed_edge_rule_would_be_seen(clinic):
    """The guard above fails for a profile that stores single patients."""
    assert any(0 < count < 10 for count in numeric_profile("x", np.arange(90.0), 1).counts)


def test_the_joint_reading_keeps_its_level_and_sees_what_no_column_shows():
    random = np.random.default_rng(3)

    def rows(n, rho):
        common = random.standard_normal((n, 1))
        return (np.sqrt(rho) * common + np.sqrt(1 - rho) * random.standard_normal((n, 10))).astype(np.float32)

    def p(reference, batch):
        embedding = build_embedding(reference, 1, 1.0)
        return embedding.compare(features(batch, embedding.frequencies()).mean(axis=0, dtype=np.float64), len(batch))

    still = [p(rows(400, 0.3), rows(200, 0.3)).p for _ in range(400)]
    assert np.mean(np.array(still) <= 0.05) <= 0.09
    assert np.mean(np.array(still) <= 0.001) <= 0.01
    moved = p(rows(1_000, 0.0), rows(1_000, 0.6))
    assert moved.p < 1e-6


def test_auroc_of_histograms_is_that_of_the_values():
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(4)
    target = random.random(800) < 0.4
    value = np.clip(random.normal(0.4 + 0.2 * target, 0.2), 0, 1)
    found, error = auroc_of(fine(value[target]), fine(value[~target]))
    assert found == pytest.approx(roc_auc_score(target, value), abs=0.002)
    assert 0.005 < error < 0.03
    assert np.isnan(auroc_of(fine(value), fine(np.array([])))[0])


@pytest.mark.parametrize("rows", [400, 5_000])
def test_the_estimate_follows_a_covariate_shift_and_is_blind_to_a_flip(clinic, rows):
    random = np.random.default_rng(6)
    x = random.normal(size=rows)
    truth = 1 / (1 + np.exp(-1.5 * x))
    target = (random.random(rows) < truth).astype(float)
    crooked = np.clip(truth**2, 0.001, 0.999)
    estimator = build_estimator(clinic.use_case, crooked, target, np.zeros((rows, 1), dtype=np.float32), 1.0)
    moved = random.normal(0.8, 0.5, 20_000)
    p = 1 / (1 + np.exp(-1.5 * moved))
    outcome = (random.random(20_000) < p).astype(float)
    estimated = estimate_from_histogram(estimator, fine(np.clip(p**2, 0.001, 0.999)), 0.3)
    realised = float(((np.clip(p**2, 0.001, 0.999) - outcome) ** 2).mean())
    assert estimated["brier"] == pytest.approx(realised, abs=0.03)
    assert abs(estimated["brier"] - float(((np.clip(p**2, 0, 1) - (1 - outcome)) ** 2).mean())) > 0.1


def test_a_new_rate_moves_probabilities_by_its_odds(clinic):
    estimator = clinic.profile.estimator
    assert at_new_rate(estimator, 0.4, 0.4) == pytest.approx(np.clip(estimator.probability(_middles()), 1e-6, 1 - 1e-6))
    assert (at_new_rate(estimator, 0.4, 0.7) > at_new_rate(estimator, 0.4, 0.4)).all()


def _middles():
    from wardround.monitoring.estimate import MIDDLES

    return MIDDLES


def test_the_budget_is_spent_once():
    levels = Levels.of(Monitoring(false_alarms_per_year=1.0, rounds_per_year=52.0))
    assert sum(vars(levels).values()) == pytest.approx(1 / 52)


def test_a_suspicion_is_stricter_the_smaller_the_reference():
    endless = suspicion_level(0.004, 30, 1e9, 300)
    assert endless == pytest.approx(np.sqrt(0.004 / 60), rel=0.01)
    finite = [suspicion_level(0.004, 30, reference, 300) for reference in (3_000, 300, 30)]
    assert endless > finite[0] > finite[1] > finite[2] > 0.004 / 60 / 2


def test_suspicions_of_rounds_that_share_a_reference_cost_what_is_promised():
    random = np.random.default_rng(8)
    level, tests, reference, batch = 0.2, 1, 150, 150
    z = abs(float(__import__("scipy.stats").stats.norm.ppf(suspicion_level(level, tests, reference, batch) / 2)))
    shared = random.normal(0, 1 / np.sqrt(reference), 40_000)
    rounds = np.stack([random.normal(0, 1 / np.sqrt(batch), 40_000) - shared for _ in range(3)])
    beyond = np.abs(rounds / np.sqrt(1 / batch + 1 / reference)) > z
    assert (beyond[2] & (beyond[0] | beyond[1])).mean() <= level
    assert (beyond[2] & (beyond[0] | beyond[1])).mean() >= level / 2


def test_regression_losses_are_estimated_from_the_inputs(clinic):
    random = np.random.default_rng(9)
    case = replace(clinic.use_case, problem="regression")
    x = random.normal(size=(3_000, 3)).astype(np.float32)
    value = x[:, 0].astype(float)
    target = value + random.normal(size=3_000) * (1 + 0.5 * np.clip(x[:, 1], -1.5, 4))
    estimator = build_estimator(case, value, target, x, 1.0)
    later = x[x[:, 1] > 0.5]
    expected = np.abs(target - value)[x[:, 1] > 0.5].mean()
    assert estimator.expected_loss(value[x[:, 1] > 0.5], later).mean() == pytest.approx(expected, rel=0.15)
