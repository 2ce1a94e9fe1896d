"""Guards stop training by name; take one out and the leak goes through. What cannot be trained is told with counts."""

import importlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround import training
from wardround.errors import LeakFound, NotTrainable, UseCaseInvalid
from wardround.training import fitting, guards, search
from wardround.use_cases import load
from wardround.use_cases.base import Candidate, Feature, Split

ROWS = 120


def use_case_of(problem="classification", extra=(), **changes):
    base = {
        "problem": problem,
        "features": (Feature(name="age", kind="numeric"), Feature(name="ward", kind="category"), *extra),
        "candidates": (Candidate(family="logistic" if problem == "classification" else "linear"),),
        "subgroups": (), "split": Split(kind="grouped", folds=4), "primary_metric": "", "too_good": 0.98,
    }  # fmt: skip
    return replace(load("heart_disease"), **(base | changes))


def frame_of(problem="classification", **columns):
    generator = np.random.default_rng(0)
    age = generator.normal(60, 10, ROWS)
    number = (age - 60) / 10 + generator.normal(size=ROWS)
    return pd.DataFrame(
        {
            "record_id": [f"r{i}" for i in range(ROWS)],
            "patient_id": [f"p{i}" for i in range(ROWS)],
            "age": age,
            "ward": pd.array(generator.choice(["a", "b", "c"], ROWS), dtype="str"),
            **columns,
            "target": (number > 0).astype(float) if problem == "classification" else number,
        }
    )


def fit(use_case, frame):
    return training.fit_and_evaluate(use_case, frame, 1, small_cell=5)


def test_honest_rows_train():
    trained = fit(use_case_of(), frame_of())
    assert trained.evaluation.method.startswith("4-fold, grouped by patient, no patient on both sides")
    assert np.isfinite(trained.out_of_fold.value).all()


def test_a_patient_on_both_sides_stops_training(monkeypatch):
    def careless(use_case, frame, seed):
        half = np.arange(len(frame))
        return fitting.Splitting(pairs=((half[:80], half[60:]),), sentence="careless")

    monkeypatch.setattr(fitting, "splitting", careless)
    with pytest.raises(LeakFound, match=r"'patient overlap'.* 20 patient\(s\)"):
        fit(use_case_of(), frame_of())
    monkeypatch.setattr(guards, "no_patient_overlap", lambda *_: None)
    fit(use_case_of(), frame_of())


def test_a_feature_known_only_afterwards_stops_training(monkeypatch):
    extra = Feature(name="discharge_code", kind="numeric", after_index=True)
    frame = frame_of(discharge_code=np.random.default_rng(1).normal(size=ROWS))
    with pytest.raises(LeakFound, match=r"'feature after index'.*discharge_code"):
        fit(use_case_of(extra=(extra,)), frame)
    monkeypatch.setattr(guards, "no_feature_after_index", lambda *_: None)
    fit(use_case_of(extra=(extra,)), frame)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_a_number_that_is_the_target_in_disguise_stops_training(problem, monkeypatch):
    frame = frame_of(problem)
    frame["billed"] = frame["target"] * -3 + 7 + (0.001 if problem == "regression" else 0.01) * frame["age"]
    use_case = use_case_of(problem, extra=(Feature(name="billed", kind="numeric"),))
    with pytest.raises(LeakFound, match=r"'target in disguise'.*billed"):
        fit(use_case, frame)
    monkeypatch.setattr(guards, "no_target_in_disguise", lambda *_, **__: None)
    with pytest.raises(LeakFound, match="'too good to be true'"):
        fit(use_case, frame)
    monkeypatch.setattr(guards, "not_too_good", lambda *_: None)
    fit(use_case, frame)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_a_category_that_is_the_target_in_disguise_stops_training(problem):
    frame = frame_of(problem)
    if problem == "regression":
        frame["target"] = np.sign(np.round(frame["target"]))
    frame["code"] = frame["target"].map(lambda value: f"c{value:g}").astype("str")
    with pytest.raises(LeakFound, match=r"'target in disguise'.*code"):
        fit(use_case_of(problem, extra=(Feature(name="code", kind="category"),)), frame)


def test_a_value_that_is_missing_exactly_where_the_outcome_is_no_stops_training():
    frame = frame_of()
    frame["biopsy"] = np.where(frame["target"] > 0, frame["age"], np.nan)
    with pytest.raises(LeakFound, match=r"biopsy .where it is missing"):
        fit(use_case_of(extra=(Feature(name="biopsy", kind="numeric"),)), frame)


def test_a_column_of_nearly_unique_levels_is_not_taken_for_the_answer():
    frame = frame_of(ticket=[f"t{i // 2}" for i in range(ROWS)])
    fit(use_case_of(extra=(Feature(name="ticket", kind="category"),)), frame)


def test_a_figure_too_good_to_be_true_stops_training_and_can_be_allowed(monkeypatch):
    monkeypatch.setattr(guards, "no_target_in_disguise", lambda *_, **__: None)
    with pytest.raises(LeakFound, match=r"'too good to be true'.*AUROC is 0\.\d{4}, above 0.6"):
        fit(use_case_of(too_good=0.6), frame_of())
    fit(use_case_of(too_good=0.9999), frame_of())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.iloc[:0], "there are 0 accepted rows"),
        (lambda frame: frame.assign(target=np.nan), "none of 120 rows has an outcome"),
        (lambda frame: frame.assign(target=1.0), "all rows with an outcome, 120, have one class"),
        (lambda frame: frame.iloc[:3].assign(target=1.0), "all rows with an outcome, fewer than 5, have one class"),
        (lambda frame: frame.assign(target=np.arange(ROWS) % 3.0), "the target has 3 classes"),
        (lambda frame: frame.iloc[[0, 1, 2]].assign(target=[0.0, 1.0, 0.0]), "fewer than 5 patients have an outcome"),
        (lambda frame: frame.assign(target=np.r_[1.0, np.zeros(ROWS - 1)]), "fewer patients than the 4 folds"),
    ],
)
def test_rows_that_can_teach_nothing_are_refused_with_counts(change, said):
    with pytest.raises(NotTrainable, match=said):
        fit(use_case_of(), change(frame_of()))


def test_a_constant_number_is_no_target():
    with pytest.raises(NotTrainable, match="a constant target"):
        fit(use_case_of("regression"), frame_of("regression").assign(target=4.0))


def test_rows_without_an_outcome_are_left_out_and_counted():
    frame = frame_of()
    frame.loc[:19, "target"] = np.nan
    trained = fit(use_case_of(), frame)
    assert (trained.unlabelled, len(trained.frame), trained.evaluation.rows) == (20, 100, 100)


@pytest.mark.parametrize("kind", ["grid", "randomized", "halving"])
def test_every_search_finds_the_setting_that_predicts(kind):
    grid = {"alpha": (1e6, 1.0), "fit_intercept": (True,)}
    candidate = Candidate(family="ridge", search=kind, grid=grid, iterations=2)
    use_case = use_case_of("regression", candidates=(candidate,), primary_metric="rmse")
    trained = fit(use_case, frame_of("regression"))
    assert trained.parameters == {"alpha": 1.0, "fit_intercept": True}
    assert "searched inside each training part" in trained.evaluation.method


@pytest.mark.parametrize("calibrate", [False, True])
def test_halving_begins_with_enough_of_a_rare_outcome(calibrate):
    frame = pd.concat([frame_of()] * 3, ignore_index=True)
    frame["record_id"] = frame["patient_id"] = [f"p{i}" for i in range(len(frame))]
    frame["target"] = 0.0
    frame.loc[frame["age"].nlargest(9).index, "target"] = 1.0
    candidate = Candidate(family="logistic", search="halving", grid={"C": (0.1, 1.0)}, calibrate=calibrate)
    use_case = use_case_of(candidates=(candidate,), split=Split(kind="grouped", folds=2), too_good=1.0)
    use_case = replace(use_case, features=use_case.features[1:])
    assert np.isfinite(fit(use_case, frame).out_of_fold.value).all()


def test_rows_that_cannot_be_searched_with_calibration_are_told_and_not_a_traceback():
    frame = frame_of()
    frame["target"] = [1.0] * 4 + [0.0] * (ROWS - 4)
    candidate = Candidate(family="linear_svm", search="grid", grid={"C": (0.1, 1.0)})
    with pytest.raises(NotTrainable, match="linear_svm cannot be fitted to some part of the rows"):
        fit(use_case_of(candidates=(candidate,), split=Split(kind="grouped", folds=2)), frame)


def test_numbers_too_large_to_calculate_with_are_told_and_not_a_traceback():
    frame = frame_of("regression")
    frame["age"] *= 1e200
    with pytest.raises(NotTrainable, match=r"RuntimeWarning.*plausible range"):
        fit(use_case_of("regression"), frame)


def test_what_scikit_learn_warns_of_is_a_note_and_stops_nothing():
    candidate = Candidate(family="lasso", parameters={"alpha": 0.0})
    trained = fit(use_case_of("regression", candidates=(candidate,)), frame_of("regression"))
    assert "scikit-learn warned of a parameter" in trained.learner.notes


def test_a_search_of_a_calibrated_machine_keeps_patients_apart():
    candidate = Candidate(family="linear_svm", search="grid", grid={"C": (0.01, 1.0)})
    frame = frame_of()
    frame["patient_id"] = [f"p{i // 2}" for i in range(ROWS)]
    split = Split(kind="grouped", folds=2)
    trained = fit(use_case_of(candidates=(candidate,), split=split), frame)
    assert trained.learner.calibrated
    assert ((trained.out_of_fold.value >= 0) & (trained.out_of_fold.value <= 1)).all()


def test_a_dear_search_is_done_once_and_the_method_says_so(monkeypatch):
    monkeypatch.setattr(search, "NESTED_WORK", 1)
    candidate = Candidate(family="ridge", search="grid", grid={"alpha": (1.0, 10.0)})
    trained = fit(use_case_of("regression", candidates=(candidate,)), frame_of("regression"))
    assert "chosen on all rows, which flatters" in trained.evaluation.method


def test_the_better_candidate_wins_and_a_tie_goes_to_the_first():
    worse, better = Candidate(family="ridge", parameters={"alpha": 1e7}), Candidate(family="linear")
    trained = fit(use_case_of("regression", candidates=(worse, better)), frame_of("regression"))
    assert trained.learner.family == "linear"
    same = Candidate(family="ridge", parameters={"alpha": 1.0})
    twice = Candidate(family="ridge", parameters={"alpha": 1.0, "tol": 1e-5})
    assert "tol" not in fit(use_case_of("regression", candidates=(same, twice)), frame_of("regression")).parameters


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (Candidate(family="ridge", search="grid", grid={"alpha": (-1.0,)}), "does not take one of the values"),
        (Candidate(family="ridge", parameters={"alpha": -1.0}), "does not take one of the values"),
        (Candidate(family="ridge", search="grid", grid={"depth": (1,)}), "no parameter 'depth'"),
    ],
)
def test_wrong_parameters_are_a_fault_of_the_use_case(candidate, said):
    with pytest.raises(UseCaseInvalid, match=said):
        fit(use_case_of("regression", candidates=(candidate,)), frame_of("regression"))


@pytest.mark.parametrize(
    ("family", "parameters", "learns"),
    [
        ("logistic", {}, False), ("self_training", {"confidence": 0.6}, True),
        ("autoencoder_features", {"epochs": 1}, True),
    ],
)  # fmt: skip
def test_rows_without_an_outcome_teach_the_families_that_say_so(family, parameters, learns):
    frame = frame_of()
    frame.loc[60:, "target"] = np.nan
    use_case = use_case_of(candidates=(Candidate(family=family, parameters=parameters),))
    trained, without = fit(use_case, frame), fit(use_case, frame[:60])
    assert (trained.unlabelled, without.unlabelled) == (60, 0)
    assert (trained.learner.save() != without.learner.save()) is learns


TOO_MANY = Candidate(family="neighbours", parameters={"n_neighbors": 80})
OUT_OF_RANGE = Candidate(family="logistic", parameters={"C": -1.0})
HONEST = Candidate(family="logistic")


def test_a_candidate_that_cannot_be_trained_is_told_with_its_reason_and_the_others_go_on(monkeypatch):
    real, told = importlib.import_module, []
    monkeypatch.setattr(importlib, "import_module", lambda name: without_torch(real, name))
    use_case = use_case_of(candidates=(TOO_MANY, Candidate(family="dense"), HONEST))
    trained = training.fit_and_evaluate(
        use_case, frame_of(), 1, small_cell=5, progress=lambda s, share=None: told.append(s)
    )
    assert trained.learner.family == "logistic"
    assert trained.parameters == {}
    assert [family for family, _ in trained.scores] == ["logistic"]
    assert dict(trained.failed) == {
        "neighbours": "neighbours asks 80 neighbours of 90 rows. Lower n_neighbors or add rows",
        "dense": "the family dense needs torch, which is not installed: run `pip install 'wardround[deep]'`",
    }
    assert "2 of 3 candidates cannot be trained here and were left out" in trained.evaluation.method
    assert "the best of" not in trained.evaluation.method
    for family, reason in trained.failed:
        assert [line for line in told if f"{family.replace('_', ' ')} cannot be trained: {reason}" in line]


def without_torch(real, name):
    if name.startswith("wardround.models.neural"):
        raise ModuleNotFoundError(name="torch")
    return real(name)


def test_a_candidate_that_fails_on_all_rows_only_hands_over_to_the_next_best(monkeypatch):
    fitted = fitting._Data.fitted

    def failing(self, candidate, parameters, train, test, tell):
        if candidate.family == "linear" and not len(test):
            raise NotTrainable("heart_disease", "it did not converge", "Add rows")
        return fitted(self, candidate, parameters, train, test, tell)

    monkeypatch.setattr(fitting._Data, "fitted", failing)
    worse, better = Candidate(family="ridge", parameters={"alpha": 1e7}), Candidate(family="linear")
    trained = fit(use_case_of("regression", candidates=(worse, better)), frame_of("regression"))
    assert (trained.learner.family, [family for family, _ in trained.scores]) == ("ridge", ["ridge"])
    assert trained.failed == (("linear", "it did not converge. Add rows"),)


def test_where_no_candidate_can_be_trained_each_reason_is_told():
    also = Candidate(family="neighbours", parameters={"n_neighbors": 70})
    with pytest.raises(NotTrainable, match=r"none of its 2 .*80 neighbours of 90 rows.*70 neighbours of 90 rows"):
        fit(use_case_of(candidates=(TOO_MANY, also)), frame_of())


def test_every_mistake_in_a_candidate_refuses_the_training_before_anything_is_fitted(monkeypatch):
    monkeypatch.setattr(fitting._Data, "fitted", lambda *_: pytest.fail("a candidate was fitted"))
    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda name: without_torch(real, name))
    misspelt = Candidate(family="logistic", parameters={"c": 1.0})
    searched = Candidate(family="logistic", search="grid", grid={"depth": (1,)})
    use_case = use_case_of(
        candidates=(HONEST, Candidate(family="dense"), misspelt, searched, Candidate(family="oracle"))
    )
    with pytest.raises(UseCaseInvalid) as refused:
        fit(use_case, frame_of())
    for fault in ("no parameter 'c'", "no parameter 'depth'", "'oracle' is none for classification"):
        assert fault in str(refused.value)
    assert "torch" not in str(refused.value)


@pytest.mark.parametrize(
    "impossible", [OUT_OF_RANGE, Candidate(family="linear_svm", search="grid", grid={"C": (-1.0,)})]
)
def test_an_impossible_value_refuses_the_training_though_another_candidate_could_be_trained(impossible):
    with pytest.raises(UseCaseInvalid, match="does not take one of the values in grid or parameters"):
        fit(use_case_of(candidates=(HONEST, impossible)), frame_of())


@pytest.mark.parametrize("broken", [ValueError, TypeError, KeyError, AssertionError, ZeroDivisionError, MemoryError])
def test_a_fault_of_the_program_in_one_candidate_stops_the_training(monkeypatch, broken):
    real = fitting.learner

    def faulty(family, *given, **named):
        if family == "neighbours":
            raise broken
        return real(family, *given, **named)

    monkeypatch.setattr(fitting, "learner", faulty)
    with pytest.raises(broken):
        fit(use_case_of(candidates=(Candidate(family="neighbours"), HONEST)), frame_of())


def test_more_neighbours_than_half_the_rows_are_refused():
    with pytest.raises(NotTrainable, match="asks 80 neighbours of 90 rows"):
        fit(use_case_of(candidates=(Candidate(family="neighbours", parameters={"n_neighbors": 80}),)), frame_of())


def test_importance_names_what_the_outcome_hangs_on():
    trained = fit(use_case_of(), frame_of())
    assert trained.evaluation.importance[0][0] == "age"
    assert trained.evaluation.importance[0][1] > 0.05
