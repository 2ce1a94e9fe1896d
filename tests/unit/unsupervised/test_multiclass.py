"""One of several classes: the figures are scikit-learn's, for any weighting, and NaN where they are not defined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as theirs

from wardround.evaluation.measure import measured
from wardround.problems import PROBLEMS, Prediction
from wardround.problems.base import selected

PROBLEM = PROBLEMS["multiclass"]


def answered(rows=300, classes=4, seed=0):
    """Targets, and probabilities that know a little of them."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, classes, rows).astype(float)
    scores = generator.normal(size=(rows, classes))
    scores[np.arange(rows), target.astype(int)] += 1
    each = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return target, Prediction(value=each.max(axis=1), parts=each)


def figure(name, target, prediction):
    return PROBLEM.metric(name).compute(target, prediction, 0.5)


def test_its_figures_are_those_of_scikit_learn():
    target, prediction = answered()
    each, best = prediction.parts, prediction.parts.argmax(axis=1)
    expected = {
        "log_loss": theirs.log_loss(target, each),
        "accuracy": theirs.accuracy_score(target, best),
        "balanced_accuracy": theirs.balanced_accuracy_score(target, best),
        "macro_auroc": theirs.roc_auc_score(target, each, multi_class="ovr", average="macro"),
        "macro_f1": theirs.f1_score(target, best, average="macro"),
        "brier": theirs.brier_score_loss(target, each, scale_by_half=False),
    }
    assert {name: figure(name, target, prediction) for name in expected} == pytest.approx(expected)


def test_the_mean_loss_of_the_rows_is_the_metric_called_loss():
    target, prediction = answered()
    assert PROBLEM.losses(target, prediction).mean() == pytest.approx(figure(PROBLEM.loss, target, prediction))


@pytest.mark.parametrize("name", [metric.name for metric in PROBLEM.metrics])
def test_a_row_of_weight_two_counts_as_two_rows(name):
    target, prediction = answered()
    times = np.random.default_rng(1).integers(0, 3, len(target))
    index = np.repeat(np.arange(len(target)), times)
    weighted = PROBLEM.metric(name).weighted(target, prediction, 0.5)(times[None].astype(float))
    assert weighted[0] == pytest.approx(figure(name, target[index], selected(prediction, index)))


def test_what_cannot_be_measured_is_not_a_number_and_no_error():
    target, prediction = answered()
    blank = np.full(len(target), np.nan)
    alone = Prediction(value=prediction.value)
    assert all(np.isnan(figure(metric.name, target, alone)) for metric in PROBLEM.metrics)
    assert np.isnan(PROBLEM.losses(target, alone)).all()
    assert all(np.isnan(figure(metric.name, blank, prediction)) for metric in PROBLEM.metrics)
    nobody = selected(prediction, slice(0, 0))
    assert all(np.isnan(figure(metric.name, target[:0], nobody)) for metric in PROBLEM.metrics)
    assert np.isnan(figure("macro_auroc", np.zeros(len(target)), prediction))


def test_a_class_that_does_not_occur_is_left_out_of_the_average():
    target, prediction = answered()
    kept = target < 3
    found = figure("balanced_accuracy", target[kept], selected(prediction, kept))
    best = prediction.parts[kept].argmax(axis=1)
    assert found == pytest.approx(np.mean([(best[target[kept] == k] == k).mean() for k in range(3)]))
    areas = [theirs.roc_auc_score(target[kept] == k, prediction.parts[kept, k]) for k in range(3)]
    assert figure("macro_auroc", target[kept], selected(prediction, kept)) == pytest.approx(np.mean(areas))


@settings(max_examples=60, deadline=None)
@given(arrays(np.int8, (3, 12), elements=st.integers(0, 2)), st.integers(0, 99))
def test_a_weighting_without_a_class_has_no_average_and_every_other_that_of_its_rows(times, seed):
    target, prediction = answered(rows=12, classes=3, seed=seed)
    best = prediction.parts.argmax(axis=1)
    classes, named = np.unique(target), np.union1d(target, best)
    for weight in times:
        index = np.repeat(np.arange(12), weight)
        expected = dict.fromkeys(("balanced_accuracy", "macro_f1", "macro_auroc"), np.nan)
        if set(target[index]) == set(target):
            pair, how = (target[index], best[index]), {"average": "macro", "zero_division": 0}
            expected = {
                "balanced_accuracy": theirs.recall_score(*pair, labels=classes, **how),
                "macro_f1": theirs.f1_score(*pair, labels=named, **how),
                "macro_auroc": figure("macro_auroc", target[index], selected(prediction, index)),
            }
        for name, wanted in expected.items():
            value = PROBLEM.metric(name).weighted(target, prediction, 0.5)(weight[None].astype(float))[0]
            assert value == pytest.approx(wanted, nan_ok=True), name


def test_a_class_of_two_rows_leaves_no_interval_since_that_of_fewer_classes_would_lie_too_high():
    """Averaged over those drawn, the other classes alone (0.75 of them found) would be in the interval of all (0.6)."""
    target = np.repeat(np.arange(5.0), [250, 186, 40, 22, 2])
    found = np.where((np.arange(500) % 4 > 0) & (target < 4), target, (target + 1) % 5).astype(int)
    each = np.full((500, 5), 0.05)
    each[np.arange(500), found] = 0.8
    prediction = Prediction(value=each.max(axis=1), parts=each)
    patients = np.arange(500).astype(str)
    for name in ("balanced_accuracy", "macro_f1", "macro_auroc"):
        estimate = measured([PROBLEM.metric(name)], target, prediction, patients, 0.5, seed=1, replicates=400)[name]
        assert estimate.interval is None
        assert 0.08 < estimate.undefined / 400 < 0.2  # (1 - 2 / 500) ** 500 = 0.13
    accuracy = measured([PROBLEM.metric("accuracy")], target, prediction, patients, 0.5, seed=1, replicates=400)
    assert accuracy["accuracy"].interval is not None
