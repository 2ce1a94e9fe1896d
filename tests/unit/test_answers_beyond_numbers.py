"""Training and monitoring where the answer is no number, the truth is partly unknown, or an input is a content."""

import sys
from dataclasses import replace
from types import ModuleType
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from wardround import models, predicted
from wardround.domain import Reading
from wardround.models.base import Family
from wardround.models.whole import WholeLearner
from wardround.monitoring.decision import findings
from wardround.monitoring.profile import build_profile
from wardround.monitoring.summary import BatchSummary
from wardround.problems import PROBLEMS
from wardround.problems.base import Prediction, joined, mean_of, ratio_of, selected, with_answer
from wardround.rows import encode
from wardround.training import fit_and_evaluate
from wardround.use_cases import load
from wardround.use_cases.base import Candidate, Feature, Split

NOT_SCALAR = sorted(name for name, problem in PROBLEMS.items() if not problem.scalar)


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_predictions_come_back_from_parquet_as_they_were(name):
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    problem = PROBLEMS[name]
    answers = np.array([b"\x00\xff", None, b"x"] if problem.truth == "mask" else ["a", None, "ü"], dtype=object)
    given = Prediction(
        value=np.array([0.1, np.nan, 0.3]),
        low=np.array([0.0, np.nan, 0.2]),
        high=np.array([0.2, np.nan, 0.5]),
        parts=None if problem.scalar else np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 0.1]]),
        output=None if problem.scalar else answers,
    )
    table = pd.DataFrame(predicted.columns(problem, given, output=True))
    body = encode(table, pa.schema(predicted.fields(problem, output=True)))
    read = predicted.prediction_of(problem, pq.read_table(io.BytesIO(body)).to_pandas())
    for part in ("value", "low", "high"):
        assert np.array_equal(getattr(read, part), getattr(given, part), equal_nan=True), part
    if problem.scalar:
        assert read.parts is None
        assert read.output is None
    else:
        assert np.array_equal(read.parts, given.parts, equal_nan=True)
        assert read.output.tolist() == answers.tolist()


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_what_a_prediction_does_not_have_it_does_not_have_when_it_is_read_again(name):
    problem = PROBLEMS[name]
    table = pd.DataFrame(predicted.columns(problem, Prediction(value=np.array([0.1, np.nan])), output=True))
    read = predicted.prediction_of(problem, table)
    assert (read.low, read.high, read.parts, read.output) == (None, None, None, None)


def test_parts_of_a_split_are_put_together_and_what_was_never_tested_stays_unknown():
    one = Prediction(value=np.array([1.0]), parts=np.array([[1.0, 2.0]]))
    other = Prediction(value=np.array([3.0]), parts=np.array([[5.0, 6.0]]))
    both = joined(3, [(np.array([2]), one), (np.array([0]), other)])
    assert both.value.tolist()[::2] == [3.0, 1.0]
    assert both.parts[[0, 2]].tolist() == [[5.0, 6.0], [1.0, 2.0]]
    assert np.isnan(both.value[1])
    assert np.isnan(both.parts[1]).all()
    assert selected(both, [2]).parts.tolist() == [[1.0, 2.0]]


def test_a_ratio_of_sums_is_the_same_row_by_row_and_weighted_and_is_unknown_when_a_part_is():
    prediction = Prediction(value=np.ones(3), parts=np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 4.0]]))
    ratio = ratio_of("ratio", lambda t, p, c: (p.part(0), p.part(1)), higher=True)
    assert ratio.compute(np.zeros(3), prediction, 0.5) == pytest.approx(4 / 7)
    twice = ratio.weighted(np.zeros(3), prediction, 0.5)(np.array([[2.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    assert twice[0] == pytest.approx(5 / 8)
    assert np.isnan(twice[1])
    unknown = replace(prediction, parts=np.array([[1.0, 2.0], [np.nan, 1.0], [3.0, 4.0]]))
    mean = mean_of("mean", lambda t, p, c: p.part(0), higher=True)
    assert np.isnan(mean.compute(np.zeros(3), unknown, 0.5))
    assert np.isnan(mean.compute(np.zeros(3), replace(prediction, parts=None), 0.5))


def test_where_nothing_is_asked_every_row_can_be_judged():
    frame = pd.DataFrame({"target": [np.nan, 1.0], "truth": ["a", None]})
    assert with_answer(PROBLEMS["clustering"], frame).tolist() == [True, True]
    assert with_answer(PROBLEMS["classification"], frame).tolist() == [False, True]
    assert with_answer(PROBLEMS["tagging"], frame).tolist() == [True, False]


class Watching(WholeLearner):
    """Answers with the rate of the outcome, and remembers whose rows it was given."""

    given: ClassVar[list] = []

    def learn(self, frame, target, patients, *, seed, progress):
        self.columns = ("age",)
        self.rate = float(np.nanmean(target))
        Watching.given.append((frozenset(frame["patient_id"]), int(np.isnan(target).sum())))
        if progress:
            progress("epoch 1 of 1", 1.0)

    def predict(self, frame):
        return Prediction(value=np.clip(self.rate + frame["age"].to_numpy() / 1e4, 0, 1))

    def explain(self, frame):
        return frame[["age"]] * 0.0

    def files(self):
        return {}

    def facts(self):
        return {"rate": self.rate}

    def take(self, files, facts, *, place):
        self.rate = facts["rate"]


@pytest.fixture
def watching(monkeypatch):
    home = ModuleType("tests_watching_home")
    home.Watching = Watching
    monkeypatch.setitem(sys.modules, home.__name__, home)
    family = Family(name="watching", problem="classification", home=f"{home.__name__}:Watching", uses_unlabelled=True)
    monkeypatch.setitem(models.FAMILIES, ("classification", "watching"), family)
    monkeypatch.setattr(Watching, "given", [])
    return Watching


def rows(labelled=60, more=60):
    count = labelled + more
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "record_id": [f"r{i}" for i in range(count)],
            # every patient has a row with an outcome and one without
            "patient_id": [f"p{i % labelled}" for i in range(count)],
            "age": generator.normal(60, 10, count),
            "target": [*(generator.random(labelled) < 0.5).astype(float), *[np.nan] * more],
        }
    )


def case(**changes):
    base = {
        "features": (Feature(name="age", kind="numeric"),), "candidates": (Candidate(family="watching"),),
        "subgroups": (), "split": Split(kind="grouped", folds=4), "primary_metric": "brier", "too_good": 0.99,
    }  # fmt: skip
    return replace(load("heart_disease"), **(base | changes))


def test_a_family_that_learns_from_rows_without_outcome_never_sees_those_of_the_patients_it_is_tested_on(watching):
    told = []
    trained = fit_and_evaluate(case(), rows(), 1, progress=lambda sentence, share=None: told.append((sentence, share)))
    *parts, final = watching.given
    assert len(parts) == 4
    for patients, unlabelled in parts:
        assert len(patients) == 45
        assert unlabelled == 45
    assert final == (frozenset(f"p{i}" for i in range(60)), 60)
    assert len(trained.frame) == 60
    assert trained.unlabelled == 60
    shares = [share for _, share in told if share is not None]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


def test_a_family_that_does_not_ask_for_them_never_sees_rows_without_outcome(watching, monkeypatch):
    plain = replace(models.FAMILIES["classification", "watching"], uses_unlabelled=False)
    monkeypatch.setitem(models.FAMILIES, ("classification", "watching"), plain)
    fit_and_evaluate(case(), rows(), 1)
    assert {unlabelled for _, unlabelled in watching.given} == {0}


def test_where_a_measure_of_an_input_moved_the_input_counts_as_moved():
    use_case = load("chest_xray")
    measure = next(feature for feature in use_case.features if feature.of == use_case.contents[0].name)
    moved = Reading(kind="input drift", column=measure.name, effect=0.4, limit=0.1, alarm=True, sentence="it moved")
    assert findings(use_case, (moved,), ((use_case.contents[0].name, 0.2),)).share == 1.0
    strange = replace(use_case, features=tuple(replace(feature, of=None) for feature in use_case.features))
    assert findings(strange, (moved,), ((use_case.contents[0].name, 0.2),)).share == 0.0


@pytest.mark.parametrize("problem", NOT_SCALAR)
def test_a_batch_is_judged_by_the_losses_of_its_rows_where_value_and_target_say_nothing(problem):
    use_case = case(problem=problem)
    generator = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "record_id": [f"r{i}" for i in range(400)], "patient_id": [f"p{i}" for i in range(400)],
            "age": generator.normal(60, 10, 400), "target": np.nan,
        }
    )  # fmt: skip
    value, loss = generator.random(400), generator.gamma(2.0, 0.1, 400)
    profile = build_profile(use_case, frame, Prediction(value=value), frame["target"].to_numpy(), (), 1, loss=loss)
    assert profile.estimator.loss_metric == PROBLEMS[problem].loss
    assert profile.estimator.figures[0].value == pytest.approx(loss.mean())
    assert [known.metric for known in profile.estimator.figures] == [PROBLEMS[problem].loss]
    summary = BatchSummary(profile)
    summary.update(frame, value, np.where(np.arange(400) < 100, loss, np.nan))
    assert summary.loss.total == 100
    assert summary.loss.mean == pytest.approx(loss[:100].mean())
