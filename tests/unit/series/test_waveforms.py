"""Recordings become rows: whole, in segments, or a beat each, and a broken one is a fault in words."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wardround.contents import features
from wardround.contents.arrays import unpacked
from wardround.errors import InputFault
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases import load
from wardround.use_cases.base import Content, Source, Target, UseCase

pytest.importorskip("wfdb")
pytest.importorskip("pydicom")

BEAT = Content(name="beat", kind="series", channels=("mlii", "v5"), options={"unit.mlii": "mV", "unit.v5": "mV"})
CASE = replace(
    load("ecg_beats"), contents=(BEAT,), features=features(BEAT), record_id="beat_id", patient_id="patient",
    target=Target(column="kind", allowed=("N", "A", "V")),
)  # fmt: skip


@pytest.fixture
def real(shared_data, here) -> Settings:
    return here.model_copy(update={"data": shared_data})


@pytest.fixture
def copied(shared_data, tmp_path):
    for path in (shared_data / "mitbih100").iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def waves(location: str, settings: Settings, case: UseCase = CASE, **options) -> pd.DataFrame:
    return read(case, Source(kind="waveforms", location=location, options=options), settings)


def test_record_100_is_2273_labelled_beats_around_their_marks(real):
    frame = waves("mitbih100/100", real, annotations="atr")
    assert len(frame) == 2273
    assert frame["kind"].value_counts().to_dict() == {"N": 2239, "A": 33, "V": 1}
    assert frame["beat_id"].is_unique
    assert set(frame["patient"]) == {"100"}
    series = np.array([unpacked(cell) for cell in frame["beat"]])
    assert series.shape == (2273, 252, 3)
    height = np.nanmax(series[:, :, 1], axis=1)
    peak = np.nanargmax(np.where(np.isnan(series[:, :, 1]), -9, series[:, :, 1]), axis=1) / 360
    assert np.median(np.abs(peak - 0.25)) < 0.02, "the R wave is not where the mark is"
    assert 0.5 < np.median(height) < 2, "millivolts are expected"


def test_the_beats_of_record_100_become_canonical_and_the_one_cut_off_is_a_fault(real):
    case = replace(CASE, problem="anomaly", target=Target(column="kind", allowed=("N", "A", "V"), negative=("N",)))
    every = waves("mitbih100/100.hea", real, annotations="atr")
    raw = every.iloc[-200:].reset_index(drop=True)
    frame = canonical(case, raw, real, place="mitbih100")
    assert frame.attrs["row_faults"]["beat: a larger share of a channel is missing than may be"] == [199]
    assert frame["beat"].notna().sum() == 199
    assert frame["beat_rate"].dropna().between(359, 361).all()


def test_a_record_may_be_one_row_or_a_row_per_segment(real):
    (whole,) = waves("mitbih100", real)["beat"]
    assert unpacked(whole).shape == (650000, 3)
    assert len(waves("mitbih100", real, segment=10)) == 180


def test_channels_are_found_by_their_names_in_the_order_declared(real):
    turned = replace(BEAT, channels=("chest", "limb"), options={"item.chest": "V5", "item.limb": "MLII"})
    swapped = waves("mitbih100", real, replace(CASE, contents=(turned,)), segment=60)["beat"]
    plain = waves("mitbih100", real, segment=60)["beat"]
    np.testing.assert_array_equal(unpacked(swapped[0])[:, [0, 2, 1]], unpacked(plain[0]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (replace(BEAT, channels=("mlii", "v1")), "a channel is missing"),
        (replace(BEAT, options={"unit.mlii": "mmHg"}), "another unit than declared"),
    ],
)
def test_a_channel_that_is_not_as_declared_is_named_as_a_fault(real, content, why):
    with pytest.raises(InputFault, match=why):
        waves("mitbih100", real, replace(CASE, contents=(content,)))


@pytest.mark.parametrize("broken", ["cut", "header", "signal", "marks"])
def test_a_damaged_record_is_refused_in_words(copied, here, broken):
    data, header = copied / "100.dat", copied / "100.hea"
    match broken:
        case "cut":
            data.write_bytes(data.read_bytes()[:100_000])
        case "header":
            header.write_text("this is no header\n")
        case "signal":
            data.unlink()
        case "marks":
            (copied / "100.atr").unlink()
    with pytest.raises(InputFault, match="damaged, incomplete or of another format"):
        waves("100.hea", here, annotations="atr")


def test_of_a_folder_the_damaged_record_is_one_row_with_a_fault(copied, here):
    (copied / "200.hea").write_text("200 2 360 650000\n200.dat 212 200 11 1024 995 -22131 0 MLII\n")
    (copied / "RECORDS").write_text("100\n200\n")
    frame = waves(str(copied), here)
    assert frame.attrs["row_faults"] == {"beat: the recording is damaged, incomplete or of another format": [1]}
    assert frame["beat"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("location", "options", "why"),
    [("nothing", {}, "there is no such file"), ("empty", {}, "no recording"), ("100.hea", {"segment": 0}, "segment")],
)
def test_a_place_without_a_recording_is_told_so(copied, here, location, options, why):
    (copied / "empty").mkdir()
    with pytest.raises(InputFault, match=why):
        waves(location, here, **options)


LIMB = Content(
    name="ecg", kind="series", channels=("i", "v1"),
    options={"item.i": "Lead I (Einthoven)", "item.v1": "Lead V1", "unit.i": "mV", "unit.v1": "mV"},
)  # fmt: skip
TWELVE = replace(CASE, contents=(LIMB,), features=features(LIMB), record_id="study", time="taken")


def dicom() -> str:
    from pydicom.data import get_testdata_file

    return str(get_testdata_file("waveform_ecg.dcm"))


def test_a_dicom_waveform_is_a_row_in_the_unit_declared(here):
    frame = waves(dicom(), here, TWELVE)
    series = unpacked(frame["ecg"][0])
    assert series.shape == (10000, 3)
    assert series[0, 1] == pytest.approx(0.1)  # 100 microvolts
    assert sorted(frame.columns) == ["ecg", "patient", "study", "taken"]
    assert len(waves(dicom(), here, TWELVE, group=1, segment=0.4)) == 3


def test_a_damaged_dicom_waveform_is_refused_in_words(here, tmp_path):
    body = Path(dicom()).read_bytes()
    for name, content in (
        ("cut.dcm", body[: len(body) // 2]),
        ("none.dcm", b"no DICOM at all" * 99),
        ("empty.dcm", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputFault, match="damaged, incomplete or of another format"):
            waves(name, here, TWELVE)
    with pytest.raises(InputFault, match="damaged"):
        waves(dicom(), here, TWELVE, group=7)


def test_neither_a_link_nor_a_header_leads_out_of_the_folder(copied, here, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    header = (copied / "100.hea").read_text()
    shutil.copyfile(copied / "100.dat", outside / "other.dat")
    for name, place in (("101", f"../{outside.name}/other.dat"), ("102", str(outside / "other.dat"))):
        (copied / f"{name}.hea").write_text(header.replace("100.dat", place).replace("100 ", f"{name} ", 1))
    frame = waves(str(copied), here)
    assert list(frame.attrs["row_faults"].values()) == [[1, 2]]
    (copied / "103.dat").symlink_to(outside / "other.dat")
    with pytest.raises(InputFault, match="links that lead out of it"):
        waves(str(copied), here)
