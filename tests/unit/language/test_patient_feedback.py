"""Sentiment and topics of patients' comments, in English and Chinese, with the use cases of the how-to page."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.training.fitting import Trained, fit_and_evaluate
from wardround.use_cases import load
from wardround.use_cases.base import UseCase

ROOT = Path(__file__).resolve().parents[3]
COMMENTS = ROOT / "tests" / "golden" / "feedback"
SYNTHETIC = "synthetic: put together from phrases"


def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_feedback", COMMENTS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asked(file: str, language: str) -> UseCase:
    """The use case of the page, about the comments in *language*."""
    use_case = load(str(ROOT / "docs" / "how-to" / file))
    (content,) = use_case.contents
    source = replace(use_case.source, location=str(COMMENTS / f"feedback-{language}.csv"))
    return replace(use_case, source=source, contents=(replace(content, language=language, deidentified=SYNTHETIC),))


def trained(use_case: UseCase) -> Trained:
    settings = Settings(pseudonym_key="a fixed key, for tests and nothing else")
    rows = canonical(use_case, read(use_case, use_case.source, settings), settings, place="the comments")
    return fit_and_evaluate(use_case, rows, seed=1)


def figure(found: Trained, metric: str) -> float:
    (interval,) = (each.interval for each in found.evaluation.figures if each.metric == metric)
    assert interval is not None
    return interval.low


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_committed_comments_are_those_that_the_script_writes(language: str) -> None:
    assert (COMMENTS / f"feedback-{language}.csv").read_bytes() == make().table(language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_complaints_are_told_from_praise(language: str) -> None:
    found = trained(asked("patient_feedback_sentiment.py", language))
    assert found.learner.calibrated
    assert figure(found, "auroc") > 0.85
    assert [name for name, _ in found.evaluation.importance] == ["comment"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_topic_of_a_comment_is_named(language: str) -> None:
    assert figure(trained(asked("patient_feedback_topics.py", language)), "micro_f1") > 0.9


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_topic_is_one_of_several_classes(language: str) -> None:
    topics = asked("patient_feedback_topics.py", language)
    one = replace(
        topics, problem="multiclass", target=replace(topics.target, column="first_topic"),
        ignored=("topics", "sentiment"), primary_metric="brier", gates=(),
    )  # fmt: skip
    assert figure(trained(one), "accuracy") > 0.7  # of two topics, nothing tells which was the first
