from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from wardround.domain import Interval, from_json, to_json
from wardround.monitoring import arming as arming_module
from wardround.monitoring.arming import Arming, arm
from wardround.monitoring.budget import Levels
from wardround.monitoring.settlement import Settlement, demotion


def _arm(clinic, **options) -> Arming:
    target = clinic.reference["target"].to_numpy()
    return arm(clinic.use_case, clinic.profile, clinic.reference, clinic.out_of_fold, target, seed=3, **options)


def test_a_monitor_is_armed_on_real_patients_within_its_budget(clinic):
    found = _arm(clinic, rounds=60)
    assert found.armed
    assert found.rounds == 60
    assert found.interval.low <= found.measured <= found.interval.high
    assert from_json(Arming, to_json(found)) == found
    assert found == _arm(clinic, rounds=60)


def test_the_replay_tells_the_smallest_shift_it_would_see(clinic):
    found = {shift.column: shift for shift in _arm(clinic, rounds=4).smallest}
    assert set(found) == set(clinic.use_case.feature_names)
    assert 0.2 < found["age"].shift < 1.5
    assert found["age"].unit == "SD"
    assert 0.05 < found["sex"].shift < 0.5


def test_a_monitor_whose_levels_are_taken_away_is_not_armed(clinic, monkeypatch):
    loose = Levels(detection=0.9, sustained=0.9, performance=0.9, quality=0.9)
    monkeypatch.setattr(Levels, "of", classmethod(lambda cls, monitoring: loose))
    careless = replace(
        clinic.use_case, monitoring=replace(clinic.use_case.monitoring, material_effect=0.0, material_loss=-1.0)
    )
    found = _arm(replace(clinic, use_case=careless), rounds=40)
    assert not found.armed
    assert found.interval.low > found.budget


def test_patients_are_never_on_both_sides_of_a_replay(clinic):
    frame = clinic.reference.assign(patient_id=[f"p{i // 4}" for i in range(len(clinic.reference))])
    for seed in range(20):
        sample = arming_module._patients(frame, np.random.default_rng(seed), 10_000)
        split = arming_module._never_across(frame, sample, len(sample) // 2)
        patients = frame["patient_id"].to_numpy()
        assert not set(patients[sample[:split]]) & set(patients[sample[split:]])


def _settled(inside: bool, week: int) -> Settlement:
    moment = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(weeks=week)
    return Settlement(
        use_case="u", batch=str(week), label="l", champion="c", as_of=moment, outcomes=100, figures=(),
        loss_inside=inside, settled_at=moment,
    )  # fmt: skip


def test_an_estimator_that_misses_twice_in_three_is_demoted_and_can_come_back():
    assert demotion([]) is None
    assert demotion([_settled(False, 0)]) is None
    missed = [_settled(False, 0), _settled(True, 1), _settled(False, 2)]
    assert "2 of its last 3" in demotion(missed)
    assert demotion([*missed, _settled(True, 3), _settled(True, 4)]) is None


def test_the_interval_of_a_clean_replay_bounds_the_rate():
    assert arming_module._exact(0, 156, 52.0) == Interval(
        low=0.0, high=arming_module._exact(0, 156, 52.0).high, level=0.95
    )
    assert arming_module._exact(0, 156, 52.0).high < 1.3
