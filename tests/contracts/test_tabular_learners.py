"""What the families around one scikit-learn estimator promise beyond the contract of all learners."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from wardround import models
from wardround.errors import InputFault, UseCaseInvalid
from wardround.models import estimators, nearest, storage
from wardround.models.base import TabularFamily
from wardround.models.preprocessing import learned, transformed
from wardround.use_cases import load
from wardround.use_cases.base import Feature

ALL = [key for key, family in models.FAMILIES.items() if isinstance(family, TabularFamily)]
SMALLER = {"random_forest": {"n_estimators": 30}, "boosting": {"max_iter": 20}}


def use_case_of(problem):
    return replace(
        load("heart_disease"),
        problem=problem,
        features=(
            Feature(name="age", kind="numeric"),
            Feature(name="pressure", kind="numeric"),
            Feature(name="never", kind="numeric"),
            Feature(name="pain", kind="category"),
            Feature(name="smoker", kind="boolean"),
            Feature(name="unknown", kind="category"),
        ),
    )


def rows(count=160, seed=0):
    """Canonical rows: some patients twice, some values missing, two columns entirely so."""
    generator = np.random.default_rng(seed)
    age, pain = generator.normal(60, 10, count), generator.choice(["none", "some", "much"], count)
    frame = pd.DataFrame(
        {
            "record_id": [f"r{i}" for i in range(count)],
            "patient_id": [f"p{i // 2 if i < 20 else i}" for i in range(count)],
            "age": age,
            "pressure": np.where(generator.random(count) < 0.2, np.nan, generator.normal(130, 15, count)),
            "never": np.full(count, np.nan),
            "pain": pd.array(np.where(generator.random(count) < 0.1, None, pain), dtype="str"),
            "smoker": pd.array(generator.choice(["false", "true"], count), dtype="str"),
            "unknown": pd.array([None] * count, dtype="str"),
        }
    )
    frame.loc[:2, "pain"] = "rare"
    effect = (age - 60) / 10 + (pain == "much") * 1.5
    chance = 1 / (1 + np.exp(-effect))
    return frame, (generator.random(count) < chance).astype(float), 10 + 3 * effect + generator.normal(size=count)


@pytest.fixture(scope="module", params=ALL, ids=[f"{problem}-{family}" for problem, family in ALL])
def case(request):
    """(fitted learner, its rows, its target)."""
    problem, family = request.param
    frame, classes, numbers = rows()
    target = classes if problem == "classification" else numbers
    return models.learner(family, use_case_of(problem), SMALLER.get(family)).fit(frame, target, seed=3), frame, target


def test_it_learns_something(case):
    learner, frame, target = case
    value = learner.predict(frame).value
    assert value.shape == (len(frame),)
    assert np.corrcoef(value, target)[0, 1] > 0.3
    if learner.kind.problem == "classification":
        assert ((value >= 0) & (value <= 1)).all()


def test_rows_are_prepared_to_the_bit_as_scikit_learn_does(case):
    learner, frame, *_ = case
    estimator = learner.estimator
    pipeline = estimator.calibrated_classifiers_[0].estimator if learner.calibrated else estimator
    matrix = learner._matrix(frame)
    assert np.array_equal(transformed(pipeline.named_steps["prepare"], matrix), pipeline[:-1].transform(matrix))


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize(
    "columns",
    [("age",), ("age", "pressure"), ("pressure", "never"), ("never",), ("pain", "unknown"),
     ("age", "pressure", "never", "pain", "smoker", "unknown")],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("count", [160, 33])
def test_a_preparation_is_learned_to_the_bit_as_scikit_learn_does(columns, count, scaled):
    use_case = use_case_of("classification")
    used = replace(use_case, features=tuple(use_case.feature(name) for name in columns))
    frame, *_ = rows(count)
    encoding, matrix = learned(used, frame, frame["patient_id"].to_numpy())
    ours, theirs = encoding.preprocessor(scaled=scaled), encoding.preprocessor(scaled=scaled)
    assert np.array_equal(estimators.prepared(ours, matrix), theirs.fit_transform(matrix))
    assert storage.dumps(ours) == storage.dumps(theirs)


def test_it_predicts_what_scikit_learn_predicts(case):
    learner, frame, *_ = case
    matrix = learner._matrix(frame)
    if learner.kind.problem == "classification":
        theirs = learner.estimator.predict_proba(matrix)[:, 1]
    else:
        theirs = learner.estimator.predict(matrix)
    assert learner.predict(frame).value == pytest.approx(theirs, rel=1e-10, abs=1e-10)


def test_a_missing_column_is_named(case):
    learner, frame, *_ = case
    with pytest.raises(InputFault, match="1 of the 6 columns the model needs are missing: pain"):
        learner.predict(frame.drop(columns="pain"))


def test_text_and_infinities_in_a_number_are_named_without_the_value(case):
    learner, frame, *_ = case
    with pytest.raises(InputFault, match="age holds something that is no number") as caught:
        learner.predict(frame.assign(age="secret"))
    assert "secret" not in str(caught.value)
    with pytest.raises(InputFault, match="age is infinite in 160"):
        learner.predict(frame.assign(age=np.inf))


def test_levels_and_gaps_never_seen_in_training_get_a_prediction(case):
    learner, frame, *_ = case
    strange = frame.iloc[:4].copy()
    strange["pain"] = pd.array(["never seen", None, "rare", "much"], dtype="str")
    strange["unknown"] = pd.array(["now there", None, "x", "y"], dtype="str")
    strange["age"] = [np.nan, 50.0, np.nan, 60.0]
    strange["never"] = [1.0, np.nan, 1e9, 3.0]
    assert np.isfinite(learner.predict(strange).value).all()
    assert np.isfinite(learner.explain(strange).to_numpy()).all()


def test_unseen_levels_are_treated_as_rare_ones(case):
    learner, frame, *_ = case
    rare, unseen = frame.iloc[[5]].copy(), frame.iloc[[5]].copy()
    rare["pain"], unseen["pain"] = "rare", "never seen"
    assert learner.predict(rare).value == learner.predict(unseen).value


def test_no_rare_level_is_named_in_its_files(case):
    learner, *_ = case
    assert all(b"rare" not in body for name, body in learner.save().items() if name == "learner.json")


def test_descriptors_are_its_columns_in_declared_order(case):
    learner, frame, *_ = case
    shuffled = frame[sorted(frame.columns)]
    described = learner.descriptors(shuffled)
    assert tuple(described.columns) == learner.columns == ("age", "pressure", "never", "pain", "smoker", "unknown")
    assert described.equals(learner.descriptors(frame))


def test_an_explanation_has_a_figure_per_row_and_feature(case):
    learner, frame, *_ = case
    explained = learner.explain(frame.iloc[:7])
    assert tuple(explained.columns) == learner.columns
    assert explained.index.equals(frame.index[:7])
    assert explained["unknown"].abs().max() < 1e-9
    assert explained["age"].abs().sum() > 0


def test_a_regression_has_an_interval_that_holds_nine_times_in_ten():
    frame, _, numbers = rows(400, seed=1)
    fresh, _, truth = rows(400, seed=2)
    learner = models.learner("linear", use_case_of("regression")).fit(frame, numbers)
    found = learner.predict(fresh)
    assert ((truth >= found.low) & (truth <= found.high)).mean() == pytest.approx(0.9, abs=0.05)


def test_a_linear_model_is_explained_exactly():
    frame, classes, numbers = rows()
    for family, target, problem in (("logistic", classes, "classification"), ("linear", numbers, "regression")):
        learner = models.learner(family, use_case_of(problem)).fit(frame, target)
        reference = frame.iloc[[0]].copy()
        for name, value in zip(learner.columns, learner.encoding.reference, strict=True):
            levels = learner.encoding.levels.get(name)
            if value is None or (levels is not None and value > len(levels)):
                reference[name] = np.nan
            else:
                reference[name] = value if levels is None else levels[int(value)]
        moved = learner._score(learner.predict(frame).value) - learner._score(learner.predict(reference).value)
        assert learner.explain(frame).sum(axis=1).to_numpy() == pytest.approx(moved, abs=1e-8)


def test_unknown_families_and_parameters_are_refused_by_name():
    with pytest.raises(UseCaseInvalid, match="'oracle' is none for classification"):
        models.learner("oracle", use_case_of("classification"))
    with pytest.raises(UseCaseInvalid, match="logistic has no parameter 'depth'"):
        models.learner("logistic", use_case_of("classification"), {"depth": 3})
    models.learner("rbf_svm", use_case_of("regression"), {"C": 2.0})


def test_probabilities_are_calibrated_by_as_much_as_the_rows_can_carry():
    frame, classes, _ = rows()
    learner = models.learner("random_forest", use_case_of("classification"), {"n_estimators": 10}, calibrate=True)
    learner.learn_columns(frame, frame["patient_id"])
    assert (learner.unfitted(999, 0).method, learner.unfitted(1_000, 0).method) == ("sigmoid", "isotonic")
    learner.fit(frame, classes)
    assert np.array_equal(models.load(learner.save()).predict(frame).value, learner.predict(frame).value)


def test_a_model_that_contains_patients_says_so():
    holding = {family for (_, family), kind in models.FAMILIES.items() if kind.holds_rows}
    assert holding == {"rbf_svm", "neighbours"}
    frame, classes, _ = rows()
    learner = models.learner("neighbours", use_case_of("classification")).fit(frame, classes)
    assert b'"holds_rows": true' in learner.save()["learner.json"]


def test_neighbours_are_scikit_learns_where_no_two_patients_are_equally_near():
    frame, classes, numbers = rows(300, seed=4)
    fresh = rows(40, seed=9)[0]
    for problem, target in (("classification", classes), ("regression", numbers)):
        for parameters in ({}, {"weights": "distance"}, {"metric": "manhattan", "weights": "distance"}):
            learner = models.learner("neighbours", use_case_of(problem), parameters).fit(frame, target)
            ask = learner.estimator.predict_proba if problem == "classification" else learner.estimator.predict
            theirs = np.asarray(ask(learner._matrix(fresh)))
            found = learner.predict(fresh).value
            assert found == pytest.approx(theirs[:, 1] if theirs.ndim == 2 else theirs, abs=1e-9)
            assert found[3] == learner.predict(fresh.iloc[[3]]).value[0]


def test_of_equally_near_patients_the_first_are_taken_alone_and_in_a_batch():
    frame, classes, _ = rows(300, seed=4)
    frame["age"], frame["pressure"] = frame["age"].round(-1), np.nan  # many patients alike
    learner = models.learner("neighbours", use_case_of("classification")).fit(frame, classes)
    together = learner.predict(frame).value
    assert all(learner.predict(frame.iloc[[i]]).value[0] == together[i] for i in range(0, 300, 9))


only_where_products_are_rounded = pytest.mark.skipif(
    not nearest._adds_up_in_order(), reason="on this machine all patients are compared"
)


@only_where_products_are_rounded
@pytest.mark.parametrize("parameters", [{}, {"weights": "distance"}, {"n_neighbors": 1}])
def test_where_no_two_are_equally_near_the_answer_is_that_of_comparing_all_without_doing_so(parameters, monkeypatch):
    frame, _, numbers = rows(300, seed=4)
    fresh, compared = rows(200, seed=9)[0], []
    monkeypatch.setattr(nearest, "cdist", lambda a, *rest: compared.append(len(a)) or cdist(a, *rest))
    learner = models.learner("neighbours", use_case_of("regression"), parameters).fit(frame, numbers)
    compared.clear()
    few = learner.predict(fresh).value
    assert compared == []
    monkeypatch.setattr(nearest, "_adds_up_in_order", lambda: False)
    assert np.array_equal(learner.predict(fresh).value, few)
    assert sum(compared) == len(fresh)


@only_where_products_are_rounded
def test_without_asking_whether_it_is_sure_the_nearest_hang_on_the_batch(monkeypatch):
    frame, classes, _ = rows(300, seed=4)
    frame["age"], frame["pressure"] = frame["age"].round(-1), np.nan
    learner = models.learner("neighbours", use_case_of("classification")).fit(frame, classes)
    named = nearest._named
    monkeypatch.setattr(nearest, "_named", lambda *given: (*named(*given)[:2], True))
    together = learner.predict(frame).value
    assert any(learner.predict(frame.iloc[[i]]).value[0] != together[i] for i in range(0, 300, 9))


def test_without_the_fixed_order_of_additions_a_row_hangs_on_its_neighbours(monkeypatch):
    frame, classes, _ = rows(400)
    learner = models.learner("logistic", use_case_of("classification")).fit(frame, classes)
    monkeypatch.setattr(estimators, "_sum", lambda model, prepared: model.decision_function(prepared))
    together = learner.predict(frame).value
    parts = [learner.predict(frame.iloc[i : i + size]).value for size in (2, 3, 7) for i in range(0, 400 - size, size)]
    whole = [together[i : i + size] for size in (2, 3, 7) for i in range(0, 400 - size, size)]
    if all(np.array_equal(*pair) for pair in zip(parts, whole, strict=True)):
        pytest.skip("this machine's BLAS rounds every shape alike")
