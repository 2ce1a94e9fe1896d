"""DICOM folders: pixels as they are meant, faults told by reason and count, and nothing that names a person."""

import re
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, SecondaryCaptureImageStorage

from wardround.contents import image
from wardround.contents.arrays import unpacked
from wardround.errors import InputFault
from wardround.sources.canonical import canonical
from wardround.sources.dicom import read_dicom
from wardround.use_cases.base import Feature, Source

SECRETS = {
    "PatientName": "Doe^Jane", "PatientID": "MRN-0815", "PatientBirthDate": "19310203", "OtherPatientNames": "Roe",
    "PatientAddress": "1 Elm Street", "ReferringPhysicianName": "House^Gregory", "InstitutionName": "Princeton",
    "AccessionNumber": "ACC-4711", "StationName": "CT-ROOM-9", "DeviceSerialNumber": "SN-99", "StudyID": "ST-1",
    "PatientTelephoneNumbers": "555-0100", "OperatorsName": "Nurse^Joy", "ImageComments": "called Jane at home",
    "RequestingPhysician": "Wilson^James", "PerformingPhysicianName": "Cuddy^Lisa", "StudyInstanceUID": "1.2.3.77.1",
}  # fmt: skip
UID = "1.2.826.0.1.3680043.8.498."


@pytest.fixture
def file(tmp_path, chest):
    """Write a DICOM file whose tags and name hold secrets, with *changes* to its tags."""

    def written(number: int, pixels: np.ndarray | None = None, **changes) -> Path:
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        meta.MediaStorageSOPInstanceUID = f"{UID}{number}"
        meta.TransferSyntaxUID = changes.pop("syntax", ExplicitVRLittleEndian)
        path = tmp_path / "wards" / f"doe_jane_{number}.dcm"
        path.parent.mkdir(exist_ok=True)
        made = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        pixels = chest(number) if pixels is None else pixels
        usual = {
            **SECRETS, "SOPClassUID": SecondaryCaptureImageStorage, "SOPInstanceUID": f"{UID}{number}",
            "StudyDate": "20250304", "StudyTime": "101112", "PatientAge": "093Y", "PatientSex": "F",
            "Rows": pixels.shape[0], "Columns": pixels.shape[1], "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 8 * pixels.dtype.itemsize,
            "BitsStored": 8 * pixels.dtype.itemsize, "HighBit": 8 * pixels.dtype.itemsize - 1,
            "PixelRepresentation": 0, "PixelData": pixels.tobytes(),
        }  # fmt: skip
        for tag, value in (usual | changes).items():
            if value is not None:
                setattr(made, tag, value)
        if "PixelData" in made:
            made["PixelData"].VR = "OW"
        made.add_new((0x0009, 0x0010), "LO", "PRIVATE")
        made.add_new((0x0009, 0x1001), "LO", "Doe^Jane private")
        made.save_as(path, enforce_file_format=True)
        return path

    return written


@pytest.fixture
def wards(case, plain_settings, age):
    """Read the folder that `file` writes to."""

    def read(*, raw: bool = True, options=None, **content):
        u = case(
            patient_id="pid", time="when", site="Manufacturer", options=content or {"depth": 8},
            features=(age, Feature(name="sex", kind="category", column="PatientSex")),
        )  # fmt: skip
        frame = read_dicom(u, Source(kind="dicom", location="wards", options=options or {}), plain_settings)
        return frame if raw else canonical(u, frame, plain_settings, place="wards")

    return read


def test_no_identifying_tag_and_no_file_name_survives(file, wards):
    file(1, BurnedInAnnotation="YES")
    file(2, PixelData=None)
    broken = file(3)
    broken.write_bytes(broken.read_bytes()[:200])
    frame = wards(raw=False)
    told = f"{frame.attrs} {list(frame.columns)} " + " ".join(
        map(str, frame.drop(columns="picture").to_numpy().ravel())
    )
    for secret in (*SECRETS.values(), "doe_jane", f"{UID}1", "19310203", "101112"):
        assert secret not in told
        assert all(secret.encode() not in cell for cell in frame["picture"].dropna())
    assert set(frame.columns) == {"record_id", "patient_id", "time", "site", "age", "sex", "picture", "target"}


def test_declared_tags_become_columns_and_ages_above_89_are_one(file, wards):
    file(1)
    file(2, PatientAge="018M", PatientSex=None)
    frame = wards()
    assert frame["PatientAge"].tolist() == [90, 1.5]
    assert frame["PatientSex"].tolist() == ["F", None]
    assert frame["when"].tolist() == ["2025-03-04T10:11:12"] * 2
    assert frame["uid"].tolist() == [f"{UID}1", f"{UID}2"]


def test_an_undeclared_tag_is_no_column_even_where_the_use_case_asks_for_it(file, case, plain_settings):
    file(1)
    u = case(features=(Feature(name="physician", kind="category", column="ReferringPhysicianName"),))
    with pytest.raises(InputFault, match="is missing"):
        canonical(u, read_dicom(u, Source(kind="dicom", location="wards"), plain_settings), plain_settings, place="x")


def test_the_list_of_tags_is_what_keeps_a_name_out(file, case, plain_settings, monkeypatch):
    from wardround.sources import dicom

    file(1)
    u = case(features=(Feature(name="who", kind="category", column="PatientName"),))
    source = Source(kind="dicom", location="wards")
    assert "PatientName" not in read_dicom(u, source, plain_settings)
    monkeypatch.setattr(dicom, "TAGS", {**dicom.TAGS, "PatientName": dicom._text})
    assert read_dicom(u, source, plain_settings)["PatientName"].tolist() == ["Doe^Jane"]


def test_monochrome1_is_turned(file, wards, chest):
    file(1, chest())
    file(2, 255 - chest(), PhotometricInterpretation="MONOCHROME1")
    one, other = (unpacked(cell) for cell in wards()["picture"])
    assert np.array_equal(one, other)
    assert np.array_equal(one, chest())


def test_slope_and_intercept_give_modality_values(file, wards, chest):
    file(1, chest(), RescaleSlope=2, RescaleIntercept=-100)
    (cell,) = wards(low=-100.0, high=410.0)["picture"]
    assert np.array_equal(unpacked(cell), chest().astype(np.float32) * 2 - 100)


def test_a_window_gives_shares_of_it_and_is_turned_too(file, wards):
    pixels = np.tile(np.arange(0, 200, 10, dtype=np.uint16), (20, 1))
    file(1, pixels, WindowCenter=100, WindowWidth=100)
    file(2, pixels, WindowCenter=100, WindowWidth=100, PhotometricInterpretation="MONOCHROME1")
    header, own = wards(options={"window": "header"}), wards(options={"window": "100,100"})
    one, other = (unpacked(cell) for cell in header["picture"])
    assert (one[0, 0], one[0, -1], one.dtype) == (0, 255, np.uint8)
    assert np.all(np.diff(one[0].astype(int)) >= 0)
    assert np.abs(one.astype(int) + other - 255).max() <= 1
    assert header["picture"].tolist() == own["picture"].tolist()


def test_without_a_window_in_the_file_a_row_is_told_so(file, wards):
    file(1)
    assert wards(options={"window": "header"}).attrs["row_faults"] == {
        "picture: no window in the file, and the use case asks for it": [0]
    }


def test_what_cannot_be_read_is_told_by_reason_and_no_row_is_lost(file, wards, tmp_path):
    file(1)
    file(2, PixelData=None)
    file(3, NumberOfFrames=2)
    file(4, chest_of(4)[:30])
    file(5, Rows=128)
    file(6, syntax=JPEGLSLossless, PixelData=None)
    (tmp_path / "wards" / "empty.dcm").write_bytes(b"")
    (tmp_path / "wards" / "IM000001").write_bytes(b"no preamble" * 40)
    compressed = pydicom.dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
    compressed.save_as(tmp_path / "wards" / "z.dcm")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = wards()
    faults = {reason.removeprefix("picture: "): len(rows) for reason, rows in frame.attrs["row_faults"].items()}
    assert len(frame) == 9
    assert faults == {
        "not a DICOM file, or damaged at its beginning": 2,
        "no pixel data in the file": 2,
        "more than one frame in the file": 1,
        "its pixel data are damaged, cut short or not described": 1,
        "compressed (JPEG-LS Lossless Image Compression), and no decoder for it is installed": 1,
    }
    assert frame["picture"].notna().sum() == 2


def chest_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (64, 64), dtype=np.uint8)


def test_burned_in_text_is_warned_about_or_held_back(file, wards):
    for number in range(12):
        file(number, BurnedInAnnotation="YES" if number < 11 else "NO")
    warned, held = wards(), wards(options={"burned_in": "hold"})
    (found,) = warned.attrs["delivery"]
    assert (found["severity"], found["rows"], found["passed"]) == ("warning", 11, False)
    assert "about 10 files" in found["sentence"]
    assert warned["picture"].notna().all()
    assert list(held.attrs["row_faults"]) == ["picture: text is burned into the pixels"]
    assert held["picture"].notna().sum() == 1


def test_labels_are_joined_by_the_record(file, wards, tmp_path):
    file(1)
    file(2)
    (tmp_path / "wards" / "labels.csv").write_text(f"uid,sick\n{UID}2,1\n{UID}1,0\n")
    frame = wards(options={"labels": "labels.csv"})
    assert frame["sick"].tolist() == ["0", "1"]
    assert frame.attrs["delivery"] == []
    (tmp_path / "wards" / "labels.csv").write_text(f"uid,sick\n{UID}2,1\n{UID}2,0\n")
    with pytest.raises(InputFault, match="repeat"):
        wards(options={"labels": "labels.csv"})
    with pytest.raises(InputFault, match=re.escape(f"looked at {tmp_path}/wards/none.csv and {Path.cwd()}/none.csv")):
        wards(options={"labels": "none.csv"})


@pytest.mark.parametrize("options", [{"window": "wide"}, {"window": "40,0"}, {"burned_in": "maybe"}])
def test_a_wrong_option_is_refused(file, wards, options):
    file(1)
    with pytest.raises(InputFault, match="is not understood"):
        wards(options=options)


def test_a_folder_without_dicom_is_refused(wards, tmp_path):
    (tmp_path / "wards").mkdir()
    (tmp_path / "wards" / "notes.csv").write_text("a,b\n")
    with pytest.raises(InputFault, match="no file in it"):
        wards()


def test_every_sample_file_that_pydicom_ships_gives_a_picture_or_a_reason(case, plain_settings):
    folder = Path(get_testdata_file("CT_small.dcm")).parent
    u = case(options={"depth": 16, "low": -2000.0, "high": 4000.0})
    frame = read_dicom(u, Source(kind="dicom", location=str(folder)), plain_settings)
    read = image.read(u.contents[0], frame["picture"])
    told = {row for rows in frame.attrs["row_faults"].values() for row in rows}
    assert len(frame) > 60
    assert told == set(np.flatnonzero(frame["picture"].isna()))
    assert read.values.notna().sum() > 10
    assert {fault.reason for fault in read.rows} >= {"picture: colour where grey is expected"}


def test_jpeg_2000_is_decoded_to_the_same_pixels(case, plain_settings, tmp_path):
    (tmp_path / "mr").mkdir()
    for name in ("MR_small.dcm", "MR_small_jp2klossless.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm"):
        (tmp_path / "mr" / name).write_bytes(Path(get_testdata_file(name)).read_bytes())
    frame = read_dicom(case(), Source(kind="dicom", location="mr"), plain_settings)
    assert frame["picture"].notna().all()
    assert len({unpacked(cell).tobytes() for cell in frame["picture"]}) == 1
