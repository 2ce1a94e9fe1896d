"""Groups of patients: what must hold whatever the data are."""

import numpy as np
import pytest

from wardround import models
from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models import groups as module
from wardround.problems import PROBLEMS
from wardround.problems.base import selected
from wardround.problems.clustering import PARTS, part
from wardround.use_cases import load

PROBLEM = PROBLEMS["clustering"]
FAMILIES = ("kmeans", "gaussian_mixture")


def figures(prediction):
    none = np.full(len(prediction), np.nan)
    return {metric.name: metric.compute(none, prediction, 0.5) for metric in PROBLEM.metrics}


def fitted(use_case, frame, family="kmeans", **parameters):
    parameters = {"n_clusters": 3, "resamples": 10, **parameters}
    return models.learner(family, use_case("clustering"), parameters).fit(frame, np.full(len(frame), np.nan), seed=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_groups_far_apart_are_found_whole_and_always_again(two_numbers, groups, family):
    frame, group = groups(apart=30)
    prediction = fitted(two_numbers, frame, family).predict(frame)
    found = figures(prediction)
    assert found["stability"] == 1.0
    assert found["silhouette"] > 0.9
    assert found["explained"] > 0.99
    assert found["smallest_share"] == pytest.approx((group == 2).mean())
    assert list(prediction.output) == [f"cluster {place + 1}" for place in group]  # the largest is called the first


@pytest.mark.parametrize("family", FAMILIES)
def test_the_further_apart_groups_are_the_more_they_are_groups_by_every_figure(two_numbers, groups, family):
    each = []
    for apart in (0, 6, 30):
        frame, _ = groups(apart)
        each.append(figures(fitted(two_numbers, frame, family).predict(frame)))
    assert all(0 <= found["explained"] < 1 for found in each)
    for name in ("silhouette", "explained", "stability"):
        assert each[0][name] < each[1][name] <= each[2][name]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_of_a_row_are_shares_and_distances(two_numbers, groups, family):
    frame, _ = groups(apart=3)
    learner, fresh = fitted(two_numbers, frame, family), groups(apart=3, seed=9)[0]
    prediction = learner.predict(fresh)
    assert prediction.parts.shape == (len(fresh), len(PARTS))
    assert np.array_equal(part(prediction, "distance"), prediction.value)
    assert ((part(prediction, "stability") >= 0) & (part(prediction, "stability") <= 1)).all()
    assert (np.abs(part(prediction, "silhouette")) <= 1).all()
    assert (part(prediction, "clusters") == 3).all()
    assert learner.explain(fresh).sum(axis=1).to_numpy() == pytest.approx(prediction.value)


def test_a_group_that_no_row_belongs_to_is_the_smallest(two_numbers, groups):
    frame, group = groups(apart=30)
    prediction = fitted(two_numbers, frame).predict(frame)
    assert figures(selected(prediction, group != 2))["smallest_share"] == 0.0


def test_a_missing_value_makes_no_group(two_numbers, groups):
    frame, _ = groups(apart=0)
    frame.loc[:60, "one"] = np.nan
    prediction = fitted(two_numbers, frame, n_clusters=2).predict(frame)
    gone = frame["one"].isna().to_numpy()
    shares = [(part(prediction, "cluster")[gone] == place).mean() for place in range(2)]
    assert max(shares) < 0.95


def test_a_group_of_fewer_than_ten_patients_is_refused_since_its_centre_would_be_one(two_numbers, groups):
    frame, _ = groups(apart=1)
    frame.loc[:3, ["one", "other"]] = 500.0
    with pytest.raises(NotTrainable, match="groups of fewer than 10 patients") as caught:
        fitted(two_numbers, frame)
    assert "500" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"n_clusters": 1}, {"resamples": 0}])
def test_one_group_and_no_resample_are_no_question(two_numbers, groups, wrong):
    with pytest.raises(UseCaseInvalid, match="n_clusters >= 2 and resamples >= 1"):
        fitted(two_numbers, groups(apart=3)[0], **wrong)


def test_a_small_group_of_a_resample_keeps_no_centre(two_numbers, groups, monkeypatch):
    frame, _ = groups(apart=4, rows=60)
    learner = fitted(two_numbers, frame, resamples=20)
    lost = ~np.isfinite(learner.model["again_offset"])
    assert lost.any()
    assert (learner.model["again_centres"][lost] == 0).all()
    monkeypatch.setattr(module.Fit, "without", lambda fit, small: fit)
    assert np.isfinite(fitted(two_numbers, frame, resamples=20).model["again_offset"]).all()


def test_patients_are_drawn_with_all_their_rows():
    codes = np.repeat(np.arange(20), 3)
    drawn = module._resample(codes, np.random.default_rng(0))
    times = np.bincount(drawn, minlength=60).reshape(20, 3)
    assert (times == times[:, :1]).all()
    assert len(drawn) == 60


def test_the_groups_of_aspirates_mean_something_that_no_learner_was_shown():
    from sklearn.datasets import load_breast_cancer

    use_case, table = load("patient_clusters"), load_breast_cancer(as_frame=True).frame
    frame = table.rename(columns={feature.source_column: feature.name for feature in use_case.features})
    frame["patient_id"] = [f"p{i}" for i in range(len(frame))]
    learner = models.learner("kmeans", use_case, {"n_clusters": 2, "resamples": 10})
    learner.fit(frame.iloc[:285], np.full(285, np.nan), seed=1)
    prediction = learner.predict(frame.iloc[285:])
    malignant, second = table["target"].to_numpy()[285:] == 0, part(prediction, "cluster") == 1
    assert malignant[second].mean() > 0.85
    assert malignant[~second].mean() < 0.15
    assert figures(prediction)["stability"] > 0.85
    assert figures(prediction)["silhouette"] > 0.5
