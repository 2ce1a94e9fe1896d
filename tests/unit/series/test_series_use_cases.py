"""The two shipped use cases of series: sound, honest about few rows, and shown what goes wrong in a ward."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.training.fitting import fit_and_evaluate
from wardround.use_cases import load
from wardround.use_cases.base import Source, faults

NAMES = ("ecg_beats", "icu_labs")


@pytest.fixture
def real(shared_data, here):
    return here.model_copy(update={"data": shared_data})


@pytest.fixture
def deliveries(real, tmp_path):
    """The batches of a use case's demo by label: canonical frames."""

    def made(name):
        use_case = load(name)
        delivered = importlib.import_module(f"wardround.cli.visits.{name}").deliver(tmp_path / "inbox", real)
        frames = {}
        for each in delivered:
            raw = read(use_case, Source(kind="parquet", location=str(each.path)), real)
            frames[each.label] = canonical(use_case, raw, real, place=each.label)
        assert [each.expected for each in delivered][:2] == ["", "none"]
        return frames

    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_use_case_is_sound(name):
    assert faults(load(name)) == ()


def outside(use_case, frame, name):
    low, high = use_case.feature(name).plausible
    return ~frame[name].between(low, high)


def test_a_loose_electrode_and_half_the_rate_are_seen_at_ingest(deliveries):
    frames, use_case = deliveries("ecg_beats"), load("ecg_beats")
    assert frames["first-beats"].attrs["row_faults"] == frames["usual-week"].attrs["row_faults"] == {}
    (off,) = frames["lead-off"].attrs["row_faults"].items()
    assert off[0] == "beat: a channel never changes, as when a lead is off"
    assert len(off[1]) > use_case.monitoring.max_quarantined_share * len(frames["lead-off"])
    assert outside(use_case, frames["rate-halved"], "beat_rate").all()
    assert not outside(use_case, frames["usual-week"], "beat_rate").any()
    moved = [abs(frames["runs"][name].mean() - frames["usual-week"][name].mean()) for name in use_case.numeric]
    assert max(moved) > 0.1


def test_another_unit_and_bleeding_patients_are_seen_at_ingest(deliveries):
    frames, use_case = deliveries("icu_labs"), load("icu_labs")
    measured = frames["grams-per-litre"]["haemoglobin_last"].notna()
    assert outside(use_case, frames["grams-per-litre"][measured], "haemoglobin_last").all()
    usual, bled = frames["usual-month"]["haemoglobin_last"], frames["bleeding"]["haemoglobin_last"]
    assert bled.mean() < usual.mean() - 2
    for frame in frames.values():
        assert frame.attrs["row_faults"] == {}
        assert len(frame) >= use_case.monitoring.min_rows
    assert not set(frames["first-stays"]["patient_id"]) & set(frames["usual-month"]["patient_id"])


@pytest.mark.slow
def test_what_is_measured_of_beats_alone_sorts_them(real):
    use_case = load("ecg_beats")
    forest = next(candidate for candidate in use_case.candidates if candidate.family == "random_forest")
    frame = canonical(use_case, read(use_case, use_case.source, real), real, place="ecg5000")
    trained = fit_and_evaluate(replace(use_case, candidates=(forest,)), frame, use_case.seed, small_cell=10)
    assert trained.out_of_fold.parts is not None
    right = np.argmax(trained.out_of_fold.parts, axis=1) == frame["target"].to_numpy()
    assert right.mean() >= 0.93
