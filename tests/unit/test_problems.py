"""Metrics: as published, as the evaluation weighs them, and NaN where they say nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from wardround.contents.arrays import packed
from wardround.evaluation.intervals import interval
from wardround.evaluation.statistics import weighted
from wardround.problems import PROBLEMS, Prediction
from wardround.problems.base import judged
from wardround.use_cases.base import METRICS

CLASSES, NUMBERS = PROBLEMS["classification"], PROBLEMS["regression"]


def compute(name, target, value, threshold=0.5, **bounds):
    problem = CLASSES if name in METRICS["classification"] else NUMBERS
    return problem.metric(name).compute(
        np.array(target, float), Prediction(value=np.array(value, float), **bounds), threshold
    )


@pytest.fixture(scope="module")
def probabilities():
    generator = np.random.default_rng(4)
    value = generator.random(300).round(2)
    return (generator.random(300) < value).astype(float), value


def test_the_metrics_are_those_a_use_case_may_name():
    assert {name: tuple(m.name for m in problem.metrics) for name, problem in PROBLEMS.items()} == dict(METRICS)


def test_classification_agrees_with_scikit_learn(probabilities):
    target, value = probabilities
    assert compute("auroc", target, value) == pytest.approx(sk.roc_auc_score(target, value))
    assert compute("auprc", target, value) == pytest.approx(sk.average_precision_score(target, value))
    assert compute("brier", target, value) == pytest.approx(sk.brier_score_loss(target, value))
    assert compute("log_loss", target, value) == pytest.approx(sk.log_loss(target, value))
    assert compute("accuracy", target, value) == pytest.approx(sk.accuracy_score(target, value >= 0.5))
    assert compute("sensitivity", target, value, 0.3) == pytest.approx(sk.recall_score(target, value >= 0.3))


def test_honest_probabilities_have_slope_one_and_intercept_nought(probabilities):
    generator = np.random.default_rng(0)
    value = generator.random(40_000)
    target = (generator.random(40_000) < value).astype(float)
    assert compute("calibration_slope", target, value) == pytest.approx(1, abs=0.03)
    assert compute("calibration_intercept", target, value) == pytest.approx(0, abs=0.05)
    assert compute("ece", target, value) < 0.015


def test_the_calibration_of_very_sure_and_very_wrong_probabilities_is_found():
    """Newton's method without a brake goes to and fro on them for ever; scikit-learn's search does not."""
    generator = np.random.default_rng(0)
    target = np.arange(400) % 2.0
    score = np.where(target > 0, generator.normal(7, 2, 400), generator.normal(-1.5, 3.5, 400))
    prediction = Prediction(value=expit(score))
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(prediction.value)[:, None], target)
    assert compute("calibration_slope", target, prediction.value) == pytest.approx(reference.coef_[0, 0], abs=1e-4)
    shift = compute("calibration_intercept", target, prediction.value)
    assert expit(score + shift).sum() == pytest.approx(target.sum())
    for name in ("calibration_slope", "calibration_intercept"):
        found = interval(weighted(CLASSES.metric(name), target, prediction, 0.5), np.arange(400), seed=1, replicates=99)
        assert found.interval is not None


def test_nobody_treated_has_no_net_benefit():
    assert compute("net_benefit", [0, 1, 1], [0.1, 0.1, 0.2], 0.3) == 0
    assert compute("net_benefit", [0, 1, 1, 1], [0.9] * 4, 0.5) == pytest.approx(0.5)


def test_regression_agrees_with_scikit_learn():
    generator = np.random.default_rng(1)
    target = generator.normal(size=100)
    value = target + generator.normal(size=100)
    assert compute("mse", target, value) == pytest.approx(sk.mean_squared_error(target, value))
    assert compute("rmse", target, value) == pytest.approx(sk.root_mean_squared_error(target, value))
    assert compute("mae", target, value) == pytest.approx(sk.mean_absolute_error(target, value))
    assert compute("r2", target, value) == pytest.approx(sk.r2_score(target, value))
    assert compute("coverage", target, value, low=value - 1e9, high=value + 1e9) == 1


@pytest.mark.parametrize("name", [*METRICS["classification"], *METRICS["regression"]])
def test_what_cannot_be_measured_is_nan_and_never_an_error(name):
    assert np.isnan(compute(name, [], []))
    assert np.isnan(compute(name, [1.0, 0.0], [0.5, np.nan]))
    assert np.isnan(compute(name, [np.nan, 0.0], [0.5, 0.5]))


@pytest.mark.parametrize("name", ["auroc", "calibration_slope", "calibration_intercept"])
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_single_class_has_no_ranking_and_no_calibration(name, outcome):
    assert np.isnan(compute(name, [outcome] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]))


@pytest.mark.parametrize(
    ("name", "target", "truth", "output", "parts"),
    [
        ("multiclass", 1.0, None, "b", [0.2, 0.8]),
        ("tagging", 1.0, '[[0,4,"x"]]', '[[0, 4, "x", "present"]]', None),
        ("segmentation", 0.25, packed(np.eye(4, dtype=np.uint16)), packed(np.eye(4, dtype=np.uint16)), None),
    ],
)
def test_a_row_without_a_value_has_no_prediction_whatever_else_came_with_it(name, target, truth, output, parts):
    problem, rows = PROBLEMS[name], 6
    given = Prediction(
        value=np.array([0.5, np.nan, *[0.5] * (rows - 2)]), output=np.array([output] * rows, dtype=object),
        parts=None if parts is None else np.array([parts] * rows),
    )  # fmt: skip
    truths, targets = np.array([truth] * rows, dtype=object), np.full(rows, target)
    found = judged(problem, truths, given)
    assert np.isnan(problem.losses(targets, found)[1])
    assert np.isfinite(problem.losses(targets, found)[2])
    assert all(np.isnan(metric.compute(targets, found, 0.5)) for metric in problem.metrics)


def test_a_constant_target_has_no_r2_and_no_interval_no_coverage():
    assert np.isnan(compute("r2", [2.0, 2.0], [1.0, 3.0]))
    assert np.isnan(compute("coverage", [2.0, 2.0], [1.0, 3.0]))


def test_the_mean_of_the_losses_is_the_metric_that_carries_its_name(probabilities):
    target, value = probabilities
    for problem in (CLASSES, NUMBERS):
        mean = problem.losses(target, Prediction(value=value)).mean()
        assert compute(problem.loss, target, value) == pytest.approx(mean)


def test_more_worth_is_better_whatever_the_metric():
    assert CLASSES.metric("brier").worth(0.1) > CLASSES.metric("brier").worth(0.2)
    assert CLASSES.metric("auroc").worth(0.9) > CLASSES.metric("auroc").worth(0.8)
    slope = CLASSES.metric("calibration_slope")
    assert slope.worth(1.1) > slope.worth(0.8) > slope.worth(1.3)
    assert NUMBERS.choosing("coverage").name == "mae"
    assert CLASSES.choosing("").name == "brier"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.99)), min_size=4, max_size=40).filter(
        lambda rows: 0 < sum(outcome for outcome, _ in rows) < len(rows)
    )
)
def test_evaluation_weighs_each_metric_as_the_problem_defines_it(rows):
    target = np.array([float(outcome) for outcome, _ in rows])
    prediction = Prediction(value=np.array([value for _, value in rows]))
    for metric in CLASSES.metrics:
        own = metric.compute(target, prediction, 0.3)
        with np.errstate(all="ignore"):
            found = weighted(metric, target, prediction, 0.3)(np.ones((1, len(target))))[0]
        if metric.name == "calibration_slope" and (np.isnan(own) or np.isnan(found)):
            continue  # nearly separated outcomes: the two searches may give up at different places
        assert found == pytest.approx(own, abs=1e-6, nan_ok=True), metric.name
