"""The gate as a value: missing is not passing, and its laws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from wardround.evaluation.comparison import Judged, ScoredRows, improvement
from wardround.evaluation.defaults import default_gates
from wardround.evaluation.evaluate import MISSING, THIRDS, evaluate, levels_of
from wardround.evaluation.gates import judge
from wardround.evaluation.wording import number
from wardround.problems import problem_of
from wardround.problems.base import Prediction
from wardround.use_cases import load
from wardround.use_cases.base import Comparison, Floor, Limit

CASE = load("heart_disease")
FLOOR = Floor(metric="auroc", limit=0.6, reason="r")
BETTER = Comparison(metric="brier", kind="superior", reason="r")
SAFE = Comparison(metric="brier", kind="non-inferior", margin=0.02, reason="r")


def case(*gates):
    return replace(CASE, gates=gates)


def rows(seed=0, n=300, sharpness=1.0, ids=0, sex=None, slips=0.0):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    target = (generator.random(n) < expit(2 * score)).astype(float)
    seen = sharpness * 2 * score + slips * np.random.default_rng(seed + 1).normal(size=n)
    names = (np.arange(n) + ids).astype(str)
    groups = pd.DataFrame({"sex": sex if sex is not None else np.where(np.arange(n) % 3, "Male", "Female")})
    return ScoredRows(
        record_id=names, patient_id=names, target=target, prediction=Prediction(value=expit(seen)), subgroups=groups
    )


def judged(scored, version="new", **more):
    known = {"size": 1000, "latency": 2.0, "features": ("age", "sex")} | more
    if isinstance(scored, ScoredRows):
        scored = {"reference": scored}
    return Judged(version=version, scored=scored, **known)


def verdict(use_case, new, old=None, **more):
    champion = None if old is None else judged(old, "old")
    return judge(use_case, judged(new, **more), champion, seed=1, small_cell=10)


def test_a_good_first_model_passes_its_floors_and_says_what_was_not_compared():
    found = verdict(case(FLOOR, BETTER, SAFE), rows())
    assert found.passed
    assert all("no champion yet" in criterion.sentence for criterion in found.criteria[1:])
    assert "nothing was compared" in found.comparison


@pytest.mark.parametrize("gates", [(), (BETTER,), (Limit(what="size", limit=1e9, reason="r"),), (BETTER, SAFE)])
def test_without_a_floor_nothing_passes(gates):
    first = verdict(case(*gates), rows())
    later = verdict(case(*gates), rows(), rows(slips=2.0))
    assert not first.passed
    assert not later.passed
    assert first.reasons
    assert later.reasons


def test_a_champion_is_not_replaced_without_a_comparison():
    found = verdict(case(FLOOR), rows(), rows(slips=2.0))
    assert not found.passed
    assert "comparison" in found.reasons[0]
    assert verdict(case(FLOOR), rows()).passed


def test_no_superiority_in_stability_since_the_same_procedure_shows_it_in_a_tenth_of_reseeds():
    floor = Floor(metric="stability", limit=0.5, reason="r")
    asked = [Comparison(metric="stability", kind="superior", reason="r")]
    asked += [Comparison(metric="stability", kind="non-inferior", margin=0.1, reason="r")]
    spread = np.random.default_rng(1).normal(0, 0.01, (300, 1))
    good, better = (
        replace(rows(), prediction=Prediction(value=np.ones(300), parts=np.full((300, 6), level) + spread))
        for level in (0.8, 0.9)
    )
    found = verdict(replace(load("patient_clusters"), gates=(floor, *asked)), better, good)
    assert [criterion.passed for criterion in found.criteria] == [True, False, True]
    assert "chance of new fits" in found.reasons[0]


def test_a_better_challenger_passes_and_a_worse_one_fails():
    assert verdict(case(FLOOR, BETTER, SAFE), rows(), rows(slips=2.0)).passed
    assert not verdict(case(FLOOR, BETTER, SAFE), rows(slips=2.0), rows()).passed


@pytest.mark.parametrize(
    "gate",
    [
        Floor(metric="no_such", limit=0.0, reason="r"),
        Comparison(metric="no_such", kind="superior", reason="r"),
        Comparison(metric="brier", kind="non-inferior", margin=9, by=("no_such",), reason="r"),
        Floor(metric="auroc", limit=float("nan"), reason="r"),
        Comparison(metric="brier", kind="non-inferior", margin=float("nan"), reason="r"),
        Limit(what="size", limit=float("nan"), reason="r"),
    ],
)
def test_what_cannot_be_measured_fails_and_never_raises(gate):
    found = verdict(case(FLOOR, BETTER, gate), rows(), rows(slips=2.0))
    assert not found.criteria[2].passed
    assert found.criteria[0].passed
    assert found.criteria[1].passed


@pytest.mark.parametrize(
    ("value", "told_as"),
    [(0.0, "0"), (-0.0, "0"), (-0.00004, "-0.00004"), (-0.00006, "-0.0001"), (0.8731, "0.8731"), (0.5, "0.5"),
     (12.4444, "12.44"), (20_000_000.0, "20,000,000"), (float("nan"), "unknown"), (1e-12, "1e-12")],
)  # fmt: skip
def test_a_figure_keeps_its_sign_however_near_to_zero(value, told_as):
    assert number(value) == told_as


@pytest.mark.parametrize("spoilt", ["nan prediction", "infinite prediction", "one class", "few patients"])
def test_a_figure_that_is_no_number_fails_every_criterion(spoilt):
    new = rows()
    value, target = new.prediction.value.copy(), new.target.copy()
    if spoilt == "nan prediction":
        value[0] = np.nan
    elif spoilt == "infinite prediction":
        value[0] = np.inf
    elif spoilt == "one class":
        target[:] = 0
    new = replace(new, target=target, prediction=Prediction(value=value))
    old = replace(rows(slips=2.0), target=target)
    if spoilt == "few patients":
        new, old = replace(new, patient_id=np.full(300, "a")), replace(old, patient_id=np.full(300, "a"))
    use_case = case(FLOOR, Comparison(metric="auroc", kind="non-inferior", margin=0.9, reason="r"))
    found = verdict(use_case, new, old)
    assert [criterion.passed for criterion in found.criteria] == [False, False]


@pytest.mark.parametrize("missing", ["size", "latency", "features"])
def test_an_unmeasured_cost_fails_its_limit(missing):
    limit = Limit(what=missing, limit=1e9, reason="r")
    assert verdict(case(FLOOR, limit), rows()).passed
    assert not verdict(case(FLOOR, limit), rows(), **{missing: None}).passed


def test_a_feature_the_use_case_does_not_name_fails_the_limit_on_features():
    limit = Limit(what="features", limit=13, reason="r")
    assert not verdict(case(FLOOR, limit), rows(), features=("age", "postcode")).passed


@pytest.mark.parametrize("change", ["other records", "fewer", "twice", "other outcomes", "other patients"])
def test_rows_that_cannot_be_paired_are_not_compared(change):
    old = rows(slips=2.0)
    if change == "other records":
        old = replace(old, record_id=(np.arange(300) + 1).astype(str))
    elif change == "fewer":
        old = rows(slips=2.0, n=299)
    elif change == "twice":
        old = replace(old, record_id=np.where(np.arange(300) == 1, "0", old.record_id))
    elif change == "other outcomes":
        old = replace(old, target=1 - old.target)
    else:
        old = replace(old, patient_id=old.patient_id[::-1])
    assert verdict(case(FLOOR, BETTER), rows(), rows(slips=2.0)).passed
    found = verdict(case(FLOOR, BETTER), rows(), old)
    assert not found.criteria[1].passed
    assert found.criteria[1].figure is None


def test_the_order_of_the_champions_rows_does_not_matter():
    old = rows(slips=2.0)
    order = np.random.default_rng(0).permutation(300)
    mixed = replace(
        old, record_id=old.record_id[order], patient_id=old.patient_id[order], target=old.target[order],
        prediction=Prediction(value=old.prediction.value[order]), subgroups=old.subgroups.iloc[order],
    )  # fmt: skip
    assert verdict(case(FLOOR, BETTER), rows(), mixed) == verdict(case(FLOOR, BETTER), rows(), old)


def test_the_worst_group_decides_and_is_named():
    sex = np.where(np.arange(600) % 3, "Male", "Female")
    old, new = rows(n=600, slips=1.0, sex=sex), rows(n=600, sex=sex)
    women = sex == "Female"
    value = np.where(women, rows(n=600, slips=4.0).prediction.value, new.prediction.value)
    unfair = replace(new, prediction=Prediction(value=value))
    gate = Comparison(metric="brier", kind="non-inferior", margin=0.02, by=("sex",), reason="r")
    assert verdict(case(FLOOR, SAFE, gate), new, old).passed
    found = verdict(case(FLOOR, SAFE, gate), unfair, old)
    assert not found.criteria[2].passed
    assert "sex Female" in found.criteria[2].sentence


def test_small_levels_are_judged_with_the_others_and_no_row_goes_unjudged():
    sex = np.array(["Male"] * 200 + ["Female"] * 60 + ["x"] * 25 + [None] * 15, dtype=object)
    gate = Comparison(metric="brier", kind="non-inferior", margin=0.2, by=("sex",), reason="r")
    found = verdict(case(FLOOR, gate), rows(sex=sex), rows(sex=sex, slips=0.1))
    assert "of 3 groups" in found.criteria[1].sentence
    sex = np.array(["Male"] * 200 + ["Female"] * 88 + ["x"] * 7 + [None] * 5, dtype=object)
    found = verdict(case(FLOOR, gate), rows(sex=sex), rows(sex=sex, slips=0.1))
    assert "of 2 groups" in found.criteria[1].sentence


def test_a_column_without_any_assessable_level_fails():
    sex = np.array([f"level {i // 20}" for i in range(300)])
    gate = Comparison(metric="brier", kind="non-inferior", margin=9, by=("sex",), reason="r")
    found = verdict(case(FLOOR, gate), rows(sex=sex), rows(sex=sex, slips=0.1))
    assert not found.criteria[1].passed
    assert "no level" in found.criteria[1].sentence


@pytest.mark.parametrize(("problem", "assessable"), [("classification", False), ("regression", True)])
def test_a_level_needs_either_outcome_where_the_problem_is_yes_or_no_and_not_where_a_number_happens_to_be(
    problem, assessable
):
    """Nobody stayed a second night in this ward but nine men and nine women: 0 and 1 are numbers of nights."""
    sex = np.where(np.arange(300) % 2, "Male", "Female")
    nights = replace(rows(sex=sex), target=(np.arange(300) < 18).astype(float))
    gate = Comparison(
        metric=problem_of(replace(CASE, problem=problem)).loss, kind="non-inferior", margin=9, by=("sex",), reason="r"
    )
    found = verdict(replace(CASE, problem=problem, gates=(gate,)), nights, nights)
    assert found.criteria[0].passed is assessable
    assert ("with 10 of either outcome" in found.criteria[0].sentence) is not assessable


def test_new_rows_are_the_current_population_and_old_ones_the_reference():
    new = {"current": rows(seed=5, ids=1000), "reference": rows()}
    old = {"current": replace(rows(seed=5, ids=1000, slips=3.0), out_of_fold=False), "reference": rows()}
    reference = Comparison(metric="auroc", kind="non-inferior", margin=0.03, population="reference", reason="r")
    found = verdict(case(FLOOR, BETTER, reference), new, old)
    assert found.passed
    assert [c.population for c in found.criteria] == ["current", "current", "reference"]
    assert "current rows (the champion never learned from them): 300 rows of 300 patients" in found.comparison


def test_without_new_rows_the_champions_own_stand_in_and_the_sentence_says_so():
    found = verdict(case(FLOOR, BETTER), rows(), rows(slips=2.0))
    assert found.criteria[1].population == "reference"
    assert "stand in" in found.criteria[1].sentence
    assert "stand in" in found.comparison


def test_a_verdict_is_the_same_each_time_and_shows_no_small_count():
    small = rows(n=8)
    found = verdict(case(FLOOR, BETTER), small, small)
    assert found == verdict(case(FLOOR, BETTER), small, small)
    assert "8" not in found.comparison + " ".join(c.sentence for c in found.criteria)


@given(seed=st.integers(0, 50), floors=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@settings(max_examples=15, deadline=None)
def test_lowering_a_floor_never_fails_what_passed(seed, floors):
    high, low = max(floors), min(floors)
    new = rows(seed=seed, n=120, slips=1.0)
    for metric, hard, soft in (("auroc", high, low), ("brier", low, high)):
        gates = [case(Floor(metric=metric, limit=limit, reason="r")) for limit in (hard, soft)]
        assert verdict(gates[0], new).passed <= verdict(gates[1], new).passed


@given(seed=st.integers(0, 50), margins=st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)))
@settings(max_examples=15, deadline=None)
def test_widening_a_margin_never_fails_what_passed(seed, margins):
    new, old = rows(seed=seed, n=120, slips=1.0), rows(seed=seed, n=120, slips=0.5)
    passed = [
        verdict(case(FLOOR, replace(SAFE, margin=margin)), new, old).criteria[1].passed for margin in sorted(margins)
    ]
    assert passed[0] <= passed[1]


@pytest.mark.parametrize("metric", [metric.name for metric in problem_of(CASE).metrics])
@given(seed=st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_changing_sides_turns_the_improvement_round(metric, seed):
    one, other = rows(seed=seed, n=120, slips=1.0), rows(seed=seed, n=120, slips=0.5)
    use_case = case(FLOOR, Comparison(metric=metric, kind="superior", reason="r"))
    there, back = verdict(use_case, one, other).criteria[1], verdict(use_case, other, one).criteria[1]
    assert there.figure == pytest.approx(-back.figure)
    assert not (there.passed and back.passed)


@pytest.mark.parametrize("metric", [metric.name for metric in problem_of(CASE).metrics])
@given(seed=st.integers(0, 50), n=st.integers(30, 150))
@settings(max_examples=5, deadline=None)
def test_an_identical_challenger_is_never_superior(metric, seed, n):
    use_case = case(FLOOR, Comparison(metric=metric, kind="superior", reason="r"))
    assert not verdict(use_case, rows(seed=seed, n=n), rows(seed=seed, n=n)).criteria[1].passed


def test_a_calibration_slope_improves_by_coming_nearer_to_one():
    slope = problem_of(CASE).metric("calibration_slope")
    assert improvement(slope, np.array([1.1]), np.array([0.5]))[0] == pytest.approx(0.4)
    assert improvement(slope, np.array([1.9]), np.array([1.1]))[0] < 0


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_proposed_gates_are_sound_and_each_has_its_reason(problem):
    gates = default_gates(problem, ("sex",))
    assert any(isinstance(gate, Floor) for gate in gates)
    assert any(isinstance(gate, Comparison) and gate.by for gate in gates)
    assert all(gate.reason for gate in gates)
    assert not any(isinstance(gate, Comparison) and gate.by for gate in default_gates(problem))


def test_an_evaluation_suppresses_small_subgroups_and_what_would_give_them_away():
    scored = rows(n=200)
    sex = np.array(["Male"] * 120 + ["Female"] * 75 + ["x"] * 5, dtype=object)
    found = evaluate(
        CASE, problem_of(CASE), scored.target, scored.prediction, scored.patient_id, pd.DataFrame({"sex": sex}),
        population="reference", method="m", seed=1, small_cell=10,
    )  # fmt: skip
    levels = {group.level: group for group in found.subgroups}
    assert levels["x"].suppressed
    assert levels["x"].rows is None
    assert levels["Female"].suppressed
    assert not levels["Male"].suppressed
    assert found.figure("auroc").interval.low < found.figure("auroc").value < found.figure("auroc").interval.high
    assert {figure.metric for figure in levels["Male"].figures} == {m.name for m in problem_of(CASE).metrics}


def test_an_evaluation_of_too_few_patients_shows_no_figure():
    scored = rows(n=8)
    found = evaluate(
        CASE, problem_of(CASE), scored.target, scored.prediction, scored.patient_id, scored.subgroups,
        population="reference", method="m", seed=1, small_cell=10,
    )  # fmt: skip
    assert (found.rows, found.subgroups) == (0, ())
    assert all(figure.value is None for figure in found.figures)


def test_a_numeric_subgroup_is_cut_into_thirds_that_name_no_value():
    levels = levels_of(pd.Series([1.0, 2, 3, 4, 5, 6, np.nan]))
    assert list(levels) == [THIRDS[0]] * 2 + [THIRDS[1]] * 2 + [THIRDS[2]] * 2 + [MISSING]
    assert set(levels_of(pd.Series([np.nan, np.nan]))) == {MISSING}
