"""Intervals: patients are the unit, the weighted metrics are the problem's own, and what is missing stays missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit

from wardround.evaluation.calibration import calibration_points
from wardround.evaluation.intervals import estimates, interval, paired_interval
from wardround.evaluation.measure import measured
from wardround.evaluation.statistics import weighted
from wardround.problems import CLASSIFICATION, REGRESSION
from wardround.problems.base import Prediction, selected


def patients(n):
    return np.arange(n).astype(str)


def clinic(seed, n, slope=1.2):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    return (generator.random(n) < expit(slope * score)).astype(float), Prediction(value=expit(score))


@pytest.mark.parametrize("metric", CLASSIFICATION.metrics, ids=lambda m: m.name)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 80), rounded=st.booleans())
@settings(max_examples=15, deadline=None)
def test_a_weighted_metric_is_the_problems_own_on_repeated_rows(metric, seed, n, rounded):
    target, prediction = clinic(seed, n)
    if rounded:
        prediction = Prediction(value=np.round(prediction.value, 1))
    times = np.random.default_rng(seed).integers(0, 4, size=n)
    index = np.repeat(np.arange(n), times)
    expected = metric.compute(target[index], selected(prediction, index), 0.3)
    with np.errstate(all="ignore"):
        found = weighted(metric, target, prediction, 0.3)(times[None, :].astype(float))[0]
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("metric", REGRESSION.metrics, ids=lambda m: m.name)
@given(
    target=arrays.arrays(float, 30, elements=st.floats(-100, 100)),
    value=arrays.arrays(float, 30, elements=st.floats(-100, 100)),
    times=arrays.arrays(int, 30, elements=st.integers(0, 3)),
)
@settings(max_examples=30, deadline=None)
def test_a_weighted_error_is_the_problems_own_on_repeated_rows(metric, target, value, times):
    prediction = Prediction(value=value, low=value - 5, high=value + 5)
    index = np.repeat(np.arange(30), times)
    expected = metric.compute(target[index], selected(prediction, index), 0.5)
    if metric.name == "r2" and (len(index) == 0 or np.var(target[index]) < 1e-6):
        return
    with np.errstate(all="ignore"):
        found = weighted(metric, target, prediction, 0.5)(times[None, :].astype(float))[0]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("metric", CLASSIFICATION.metrics, ids=lambda m: m.name)
def test_a_row_without_a_prediction_makes_the_figure_unmeasured(metric):
    target, prediction = clinic(1, 60)
    value = prediction.value.copy()
    value[7] = np.nan
    found = measured((metric,), target, Prediction(value=value), patients(60), 0.3, seed=1)[metric.name]
    assert np.isnan(found.value)
    assert found.interval is None


def test_other_pseudonyms_of_the_same_patients_change_nothing():
    target, prediction = clinic(3, 200)
    numbers = np.random.default_rng(0).integers(0, 90, size=200)
    other_names = np.random.default_rng(1).permutation(90).astype(str)[numbers]
    one = measured(CLASSIFICATION.metrics, target, prediction, numbers.astype(str), 0.3, seed=5)
    assert measured(CLASSIFICATION.metrics, target, prediction, other_names, 0.3, seed=5) == one


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    target, prediction = clinic(4, 150)
    statistic = weighted(CLASSIFICATION.metric("auroc"), target, prediction, 0.3)
    assert interval(statistic, patients(150), seed=1) == interval(statistic, patients(150), seed=1)
    assert interval(statistic, patients(150), seed=1).interval != interval(statistic, patients(150), seed=2).interval


def test_rows_of_one_patient_are_drawn_together():
    """Every row ten times says nothing new: the interval by patient stays, the one by row shrinks."""
    target, prediction = clinic(5, 120)
    ten = np.repeat(np.arange(120), 10)
    statistic = weighted(CLASSIFICATION.metric("brier"), target[ten], selected(prediction, ten), 0.3)

    def width(names):
        found = interval(statistic, names, seed=1).interval
        return found.high - found.low

    once = interval(weighted(CLASSIFICATION.metric("brier"), target, prediction, 0.3), patients(120), seed=1).interval
    assert width(patients(120)[ten]) == pytest.approx(once.high - once.low, rel=0.1)
    assert width(patients(1200)) < 0.5 * width(patients(120)[ten])


def test_a_figure_that_is_often_undefined_has_no_interval():
    target, prediction = clinic(6, 60)
    target[:] = 0
    target[:2] = 1  # e**-2 of the resamples draw neither
    found = measured(CLASSIFICATION.metrics, target, prediction, patients(60), 0.3, seed=1)
    assert found["auroc"].interval is None
    assert found["auroc"].undefined > 0.05 * found["auroc"].replicates
    assert found["brier"].interval is not None


def test_a_single_class_and_a_single_patient_have_no_interval():
    target, prediction = clinic(7, 40)
    assert measured(CLASSIFICATION.metrics, target * 0, prediction, patients(40), 0.3, seed=1)["auroc"].interval is None
    one = measured(CLASSIFICATION.metrics, target, prediction, np.repeat("a", 40), 0.3, seed=1)
    assert all(estimate.interval is None for estimate in one.values())


@pytest.mark.parametrize(("found", "low"), [(3, 0.2924), (20, 0.8316), (200, 0.9817)])
def test_finding_all_of_a_few_is_not_certainty(found, low):
    target = np.array([1.0] * found + [0.0] * 30)
    prediction = Prediction(value=np.where(target > 0, 0.9, np.linspace(0, 1, len(target))))
    estimate = measured((CLASSIFICATION.metric("sensitivity"),), target, prediction, patients(len(target)), 0.5, seed=1)
    assert estimate["sensitivity"].interval.low == pytest.approx(low, abs=1e-3)


def test_identical_predictions_differ_by_nothing():
    target, prediction = clinic(8, 100)
    statistic = weighted(CLASSIFICATION.metric("auroc"), target, prediction, 0.3)
    found = paired_interval(statistic, statistic, patients(100), seed=1, trained=2)
    assert (found.value, found.interval.low, found.interval.high) == (0, 0, 0)


def test_training_anew_widens_a_comparison_of_out_of_fold_predictions():
    target, prediction = clinic(9, 300)
    noise = np.random.default_rng(2).normal(0, 0.02, 300)
    other = Prediction(value=np.clip(prediction.value + noise, 0, 1))
    brier = CLASSIFICATION.metric("brier")
    one, two = weighted(brier, target, prediction, 0.3), weighted(brier, target, other, 0.3)

    def width(trained):
        found = paired_interval(one, two, patients(300), seed=1, trained=trained).interval
        return found.high - found.low

    assert width(0) < width(1) < width(2)
    assert width(2) == pytest.approx(2.3 * width(0), rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["auroc", "brier"])
def test_the_intervals_cover_what_they_say(metric):
    n, runs = 120, 400
    big, guess = clinic(99, 400_000)
    truth = CLASSIFICATION.metric(metric).compute(big, guess, 0.3)
    below = above = 0
    for run in range(runs):
        target, prediction = clinic(1_000 + run, n)
        found = interval(
            weighted(CLASSIFICATION.metric(metric), target, prediction, 0.3), patients(n), seed=run, replicates=1_000
        ).interval
        below += truth < found.low
        above += truth > found.high
    assert (below + above) / runs <= 0.08, (below, above)
    assert max(below, above) / runs <= 0.05, (below, above)


def test_two_thousand_resamples_share_their_weights_between_metrics():
    target, prediction = clinic(10, 300)
    statistics = {m.name: weighted(m, target, prediction, 0.3) for m in CLASSIFICATION.metrics}
    together = estimates(statistics, patients(300), seed=3)
    alone = interval(statistics["auprc"], patients(300), seed=3)
    assert together["auprc"] == alone


def test_calibration_points_are_of_enough_patients_and_lose_no_row():
    target, prediction = clinic(11, 400)
    names = np.random.default_rng(0).integers(0, 60, size=400).astype(str)
    points = calibration_points(target, prediction.value, 20, patients=names, small_cell=30)
    assert sum(point.rows for point in points) == 400
    assert all(point.rows >= 30 for point in points)
    assert all(point.low <= point.observed <= point.high for point in points)
    assert [p.predicted for p in points] == sorted(p.predicted for p in points)
    assert calibration_points(target[:9], prediction.value[:9], 3, small_cell=10) == ()
    assert calibration_points([], [], 3) == ()


@given(seed=st.integers(0, 10_000), n=st.integers(60, 300))
@settings(max_examples=10, deadline=None)
def test_every_interval_that_is_shown_holds_its_own_figure(seed, n):
    target, prediction = clinic(seed, n)
    found = measured(CLASSIFICATION.metrics, target, prediction, patients(n), 0.3, seed=seed, replicates=400)
    for name, estimate in found.items():
        if estimate.interval is not None:
            assert estimate.interval.low <= estimate.value <= estimate.interval.high, name
    assert found["ece"].interval is None
