"""A page shows a model of any problem by that problem's own figures, in both languages, and draws no false chart."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wardround import registry
from wardround.ingest import ingest
from wardround.serving.desk.site import site
from wardround.training import train
from wardround.use_cases.base import Candidate, Floor, Target
from wardround.use_cases.heart_disease import USE_CASE
from wardround.validation import derived_suite

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CHINESE = re.compile("[\u4e00-\u9fff]")
GROUPS = replace(
    USE_CASE, name="groups", problem="clustering", target=Target(column="", description="groups of like patients"),
    candidates=(Candidate(family="kmeans", parameters={"n_clusters": 3, "resamples": 5, "n_init": 1}),),
    primary_metric="explained",
    gates=(Floor(metric="explained", limit=0.1, reason="a test"),), subgroups=("sex",), expectations=None,
    ignored=(*USE_CASE.ignored, "num"), identifiers=(),
)  # fmt: skip
QUESTIONS = {
    "clustering": (
        GROUPS,
        ("distance from the own centre", "silhouette", "the group a patient is most like", "k-means"),
        ("轮廓系数", "患者最相似的组", "k 均值"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("problem", QUESTIONS)
def test_a_model_of_any_problem_is_shown_by_its_own_figures(problem, hospital, clock, visit):
    case, english, chinese = QUESTIONS[problem]
    store, settings = hospital.store, hospital.settings
    done = ingest(case, case.source, derived_suite(case), label="first", store=store, settings=settings, now=NOW)
    assert not done.batch.refused, done.batch.outcomes
    version = train(case, (done.batch.id,), store=store, settings=settings, seed=1, cause="first", parent=None, now=NOW)
    desk = site(settings, {case.name: case}, clock=clock)
    reader = visit("vera", to=desk)
    for path in ("/", f"/use-cases/{case.name}", f"/use-cases/{case.name}/models/{version.version}"):
        assert reader.get(path).status_code == 200, path
    page = reader.get(f"/use-cases/{case.name}/models/{version.version}").text
    for told in (*english, "no single number that could be held against an outcome"):
        assert told in page, told
    for wrong in (
        "Do the probabilities hold?",
        "needless alarms",
        "AUROC",
        "metric.",
        "gloss.",
        "family.",
        "model.use",
    ):
        assert wrong not in page, wrong
    reader.post("/look", {"language": "zh", "theme": "dark", "next": "/"})
    page = reader.get(f"/use-cases/{case.name}/models/{version.version}").text
    for told in (*chinese, "没有这张图"):
        assert told in page, told
    card = registry.read_file(store, version, "card.md").decode()
    assert "It answers with the group of patients a patient is most like" in card
    assert "rows with an outcome" not in card
    assert "feature(s)." in card
