import inspect
from dataclasses import replace

import numpy as np
import pytest

from wardround.domain import Action, Cause, Reading
from wardround.monitoring import counterfactual, decision, drift, performance, quality
from wardround.monitoring.decision import importance_share


def test_a_month_like_the_reference_needs_nothing(clinic):
    found = clinic.decide(clinic.arriving)
    assert (found.action, found.cause) == (Action.NONE, Cause.NONE)
    assert found.reasons
    assert found.what_would_change_it


def test_a_laboratory_that_changed_its_unit_is_a_data_fault_and_names_the_unit(clinic):
    found = clinic.decide(clinic.arriving.assign(cholesterol=clinic.arriving["cholesterol"] / 38.67))
    assert (found.action, found.cause) == (Action.QUARANTINE, Cause.DATA_FAULT)
    assert "mmol/L" in found.reasons[0]
    assert found.ticket


def test_a_laboratory_feed_gone_null_is_a_data_fault(clinic):
    found = clinic.decide(clinic.arriving.assign(max_heart_rate=np.nan))
    assert (found.action, found.cause) == (Action.QUARANTINE, Cause.DATA_FAULT)
    assert "max_heart_rate" in found.reasons[0]


def test_another_mix_of_cases_is_a_covariate_shift_to_retrain_on(clinic):
    mix = clinic.arriving[clinic.arriving["chest_pain"] == "asymptomatic"]
    found = clinic.decide(mix)
    assert (found.action, found.cause) == (Action.RETRAIN, Cause.COVARIATE_SHIFT)
    assert "chest_pain" in found.drifted


def test_flipped_labels_are_concept_drift_for_a_person(clinic):
    found = clinic.decide(clinic.arriving.assign(target=1.0 - clinic.arriving["target"]))
    assert (found.action, found.cause) == (Action.RETRAIN_WITH_HUMAN, Cause.CONCEPT_DRIFT)
    assert found.ticket


def test_another_hospital_is_a_covariate_shift(clinic):
    found = clinic.decide(clinic.elsewhere)
    assert (found.action, found.cause) == (Action.RETRAIN, Cause.COVARIATE_SHIFT)
    assert {"vessels_coloured", "thallium_scan"} <= set(found.drifted)


def test_tests_not_done_at_a_hospital_are_drift_and_no_data_fault(clinic):
    found = clinic.decide(clinic.elsewhere.assign(max_heart_rate=clinic.elsewhere["max_heart_rate"]))
    assert not any(r.alarm for r in found.readings if r.kind in quality.QUALITY_KINDS)


def test_too_few_rows_decide_nothing(clinic):
    found = clinic.decide(clinic.elsewhere.head(30))
    assert (found.action, found.cause) == (Action.INSUFFICIENT_DATA, Cause.NONE)
    assert "50" in found.what_would_change_it[0]


def test_a_refused_batch_is_quarantined_however_few_rows_it_has(clinic):
    found = clinic.decide(
        clinic.arriving.head(5), refused=True, rows_accepted=0, rows_quarantined=5, faults=("no rows were accepted",)
    )
    assert found.action is Action.QUARANTINE
    assert "no rows were accepted" in found.reasons[0]


def test_broken_data_never_starts_training_whatever_else_is_true(clinic):
    broken = clinic.elsewhere.assign(resting_blood_pressure=np.nan, target=1.0 - clinic.elsewhere["target"])
    assert clinic.decide(broken).action is Action.QUARANTINE


def test_without_the_quality_readings_broken_data_would_start_training(clinic, monkeypatch):
    monkeypatch.setattr(decision, "QUALITY_KINDS", ())
    broken = clinic.elsewhere.assign(resting_blood_pressure=np.nan)
    assert clinic.decide(broken).action is Action.RETRAIN


def test_a_shift_of_what_the_model_hardly_uses_needs_nothing_and_says_so(clinic):
    older = clinic.arriving[clinic.arriving["age"] > clinic.arriving["age"].median()]
    other = replace(clinic, profile=replace(clinic.profile, importance=(("age", 0.001), ("chest_pain", 0.1))))
    found = other.decide(older.assign(target=np.nan))
    assert found.drifted == ("age",)
    assert found.action is Action.NONE
    assert "age" in found.reasons[0]


def test_an_estimate_alone_never_overrules_outcomes(clinic):
    """A label flip leaves every estimate as it was; the outcomes decide."""
    flipped = clinic.decide(clinic.arriving.assign(target=1.0 - clinic.arriving["target"]))
    assert not any(r.alarm for r in flipped.readings if r.kind == "estimated performance")
    assert flipped.action is Action.RETRAIN_WITH_HUMAN


def test_a_demoted_estimator_does_not_alarm_and_says_so(clinic):
    unsure = clinic.arriving[np.abs(clinic.predict(clinic.arriving) - 0.5) < 0.25].assign(target=np.nan)
    trusted = clinic.decide(unsure)
    demoted = clinic.decide(unsure, demoted="it missed its band")
    estimated = [r for r in trusted.readings if r.kind == "estimated performance" and r.alarm]
    assert estimated
    assert not any(r.alarm for r in demoted.readings if r.kind == "estimated performance")
    assert any("it missed its band" in r.sentence for r in demoted.readings)


def test_in_cool_down_the_cause_is_kept_and_nothing_is_started(clinic):
    first = clinic.decide(clinic.elsewhere)
    again = decision.decide(
        clinic.use_case, clinic.batch(294), first.readings, champion="c", rows=294, outcomes=294,
        importance=clinic.profile.importance, as_of=first.as_of, decided_at=first.decided_at, in_cool_down=True,
    )  # fmt: skip
    assert (again.action, again.cause, again.in_cool_down) == (Action.RETRAIN, Cause.COVARIATE_SHIFT, True)
    assert "cool-down" in again.reasons[-1]


def _reading(kind, column=None, effect=0.3, limit=0.1, alarm=True):
    return Reading(
        kind=kind, column=column, effect=effect, limit=limit, alarm=alarm, p=1e-9, sentence=f"{kind} {column}"
    )


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([], (Action.NONE, Cause.NONE)),
        ([_reading("target drift")], (Action.RETRAIN_WITH_HUMAN, Cause.PRIOR_SHIFT)),
        ([_reading("realised performance", "brier")], (Action.RETRAIN, Cause.PERFORMANCE_LOSS)),
        ([_reading("estimated performance", "brier")], (Action.RETRAIN, Cause.PERFORMANCE_LOSS)),
        ([_reading("input drift", "age")], (Action.NONE, Cause.NONE)),
        ([_reading("multivariate drift")], (Action.NONE, Cause.NONE)),
        ([_reading("input drift", "x")], (Action.RETRAIN, Cause.COVARIATE_SHIFT)),
        (
            [_reading("input drift", "age"), _reading("estimated performance", "brier")],
            (Action.RETRAIN, Cause.COVARIATE_SHIFT),
        ),
        (
            [_reading("input drift", "age"), _reading("realised performance", "excess_loss")],
            (Action.RETRAIN_WITH_HUMAN, Cause.CONCEPT_DRIFT),
        ),
        ([_reading("realised performance", "excess_loss")], (Action.RETRAIN_WITH_HUMAN, Cause.CONCEPT_DRIFT)),
        (
            [
                _reading("realised performance", "excess_loss"), _reading("target drift"),
                _reading("realised performance", "excess_loss_at_new_rate", alarm=False),
            ],
            (Action.RETRAIN_WITH_HUMAN, Cause.PRIOR_SHIFT),
        ),
        ([_reading("freshness"), _reading("input drift", "x")], (Action.QUARANTINE, Cause.DATA_FAULT)),
    ],
)  # fmt: skip
def test_the_alarms_lead_to_one_cause(clinic, readings, expected):
    ungated = replace(clinic.use_case, gates=())
    moment = clinic.batch(1).ingested_at
    found = decision.decide(
        ungated, clinic.batch(200), readings, champion="c", rows=200, outcomes=200,
        importance=(("x", 1.0), ("age", 0.05)), as_of=moment, decided_at=moment,
    )  # fmt: skip
    assert (found.action, found.cause) == expected
    assert found.reasons
    assert found.what_would_change_it


def test_unknown_importance_excuses_no_column():
    assert importance_share((), ("age",)) == 1.0
    assert importance_share((("age", float("nan")),), ("age",)) == 1.0
    assert importance_share((("age", 1.0), ("sex", 3.0)), ("age",)) == 0.25


def test_no_reading_and_no_reason_shows_a_patient(clinic):
    """Every number in a sentence is a share, a count, an effect: no pseudonym and no small count."""
    few = clinic.decide(clinic.elsewhere, rows_quarantined=3, rows_in=len(clinic.elsewhere) + 3)
    text = " ".join([*few.reasons, *few.what_would_change_it, *(r.sentence for r in few.readings)])
    assert not any(pseudonym in text for pseudonym in clinic.elsewhere["patient_id"])


def test_the_decision_knows_no_use_case_and_no_batch_by_name():
    for module in (decision, drift, performance, quality, counterfactual):
        source = inspect.getsource(module)
        assert "heart" not in source
        assert "cleveland" not in source.lower()
