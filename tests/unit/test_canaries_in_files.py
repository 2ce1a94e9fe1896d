"""A name planted wherever a file of pictures, signals or reports has room for words: none comes past ingest."""

import json

import nibabel
import nrrd
import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from pydantic import SecretStr
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from wardround.errors import PrivacyBroken
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases.base import Content, Source, Target, UseCase

CANARY = "Wintergreen"
PIXELS = np.random.default_rng(2).integers(0, 255, (32, 32), dtype=np.uint8)
SIGNAL = (900 * np.sin(np.arange(400) / 7)).astype("<i2")


def png(folder):
    told = PngImagePlugin.PngInfo()
    told.add_text("Patient", CANARY)
    told.add_itxt("Author", CANARY, zip=True)
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = CANARY
    Image.fromarray(PIXELS).save(folder / f"{CANARY}.png", pnginfo=told, exif=exif)


def tiff(folder):
    tifffile.imwrite(folder / f"{CANARY}.tif", PIXELS, description=CANARY, software=CANARY, metadata={"name": CANARY})


def nifti(folder):
    made = nibabel.Nifti1Image(PIXELS, np.eye(4))
    made.header["descrip"], made.header["aux_file"], made.header["db_name"] = (CANARY.encode(),) * 3
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", CANARY.encode()))
    nibabel.save(made, folder / f"{CANARY}.nii")


def nrrd_file(folder):
    nrrd.write(str(folder / f"{CANARY}.nrrd"), PIXELS, {"encoding": "raw", "content": CANARY, CANARY: CANARY})


def dicom(folder):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    meta.TransferSyntaxUID, meta.SourceApplicationEntityTitle = ExplicitVRLittleEndian, CANARY
    made = FileDataset("x", {}, file_meta=meta, preamble=CANARY.encode().ljust(128, b"\0"))
    for name in (
        "PatientName",
        "PatientID",
        "AccessionNumber",
        "PatientComments",
        "InstitutionName",
        "OverlayComments",
        "ImageComments",
        "StudyDescription",
        "ReferringPhysicianName",
        "DeviceSerialNumber",
        "ProtocolName",
    ):
        if name != "OverlayComments":
            setattr(made, name, CANARY)
    for group in (0x6000, 0x6002):
        made.add_new((group, 0x0010), "US", 1)
        made.add_new((group, 0x4000), "LT", CANARY)
        made.add_new((group, 0x3000), "OW", CANARY.encode().ljust(32, b"\0"))
    made.add_new((0x0009, 0x0010), "LO", CANARY)
    made.add_new((0x0009, 0x1001), "UN", CANARY.encode() + b"\0")
    inner = Dataset()
    inner.PatientName = inner.CodeMeaning = CANARY
    made.RequestAttributesSequence = [inner]
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = 32, 32, 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation, made.PixelData = 7, 0, PIXELS.tobytes()
    made["PixelData"].VR = "OW"
    made.add_new((0xFFFC, 0xFFFC), "OB", CANARY.encode() + b"\0")
    made.save_as(folder / f"{CANARY}.dcm", enforce_file_format=True)


def wfdb(folder):
    (folder / f"{CANARY}.dat").write_bytes(SIGNAL.tobytes())
    head = f"{CANARY} 1 100 400\n{CANARY}.dat 16 200/mV 16 0 0 0 0 lead\n# <name>: {CANARY}\n#{CANARY}\n"
    (folder / f"{CANARY}.hea").write_text(head)


def lines(folder):
    (folder / "series.txt").write_text(f"1 {' '.join(map(str, SIGNAL))}\n2 {CANARY} 3 4\n")


def xml(folder):
    (folder / f"{CANARY}.xml").write_text(
        f'<?xml version="1.0"?><!-- {CANARY} --><eCitation who="{CANARY}"><author>{CANARY}</author><?pi {CANARY}?>'
        f"<Article><ArticleTitle>Chest</ArticleTitle></Article><MedlineCitation id='{CANARY}'><Abstract>"
        f'<AbstractText Label="FINDINGS">The heart is normal.<!-- {CANARY} --> Seen by Dr. {CANARY}.</AbstractText>'
        "</Abstract></MedlineCitation></eCitation>"
    )


def fhir(folder):
    said = {
        "text": {"status": "generated", "div": f"<div>{CANARY}</div>"},
        "extension": [{"url": "u", "valueString": CANARY}],
        "identifier": [{"system": "u", "value": CANARY}], "note": [{"text": CANARY}],
    }  # fmt: skip
    patient = said | {
        "resourceType": "Patient",
        "id": CANARY,
        "name": [{"family": CANARY}],
        "address": [{"line": [CANARY]}],
    }
    values = [
        said | {
            "resourceType": "Observation", "id": f"{CANARY}{second}", "status": "final",
            "subject": {"reference": f"Patient/{CANARY}", "display": CANARY},
            "issued": f"2024-01-01T00:00:{second:02}Z",
            "effectiveDateTime": f"2024-01-01T00:00:{second:02}Z", "performer": [{"display": CANARY}],
            "code": {"text": CANARY, "coding": [{"system": "http://loinc.org", "code": "lead", "display": CANARY}]},
            "valueQuantity": {"value": second % 7},
        }
        for second in range(40)
    ]  # fmt: skip
    entries = [{"fullUrl": f"urn:{CANARY}", "resource": one} for one in (patient, *values)]
    (folder / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))


PLANTS = {
    "png": (png, "images", "image", {}),
    "tiff": (tiff, "images", "image", {}),
    "nifti": (nifti, "images", "image", {}),
    "nrrd": (nrrd_file, "images", "image", {}),
    "dicom": (dicom, "dicom", "image", {}),
    "wfdb": (wfdb, "waveforms", "series", {}),
    "delimited": (lines, "delimited series", "series", {"rate": 100}),
    "xml": (xml, "reports", "text", {}),
    "fhir": (fhir, "fhir", "series", {}),
}
COLUMNS = {"dicom": "SOPInstanceUID", "reports": "record id"}


@pytest.fixture
def told(tmp_path):
    """Plant, read and bring to the canonical form; return all of it, and how many rows have a cell."""

    def sweep(name: str, *, deidentified: str | None = None) -> tuple[bytes, int]:
        plant, kind, content, options = PLANTS[name]
        folder = tmp_path / "files"
        folder.mkdir()
        plant(folder)
        assert any(CANARY.encode() in path.read_bytes() for path in folder.iterdir())
        location = str(folder / "series.txt" if name == "delimited" else folder)
        it = Content(
            name="it", kind=content, channels={"image": ("grey",), "series": ("lead",), "text": ()}[content],
            column="findings" if content == "text" else None, language="en" if content == "text" else None,
            deidentified=deidentified,
        )  # fmt: skip
        case = UseCase(
            name="canaries", question="?", problem="classification", source=Source(kind=kind, location=location),
            record_id=COLUMNS.get(kind, "record"), target=Target(column="sick", positive=(1,)), contents=(it,),
            features=(), candidates=(), gates=(),
            ignored=("title", "comparison", "indication", "impression", "topics") if kind == "reports" else (),
        )  # fmt: skip
        settings = Settings(home=tmp_path, pseudonym_key=SecretStr("a fixed key, for tests and nothing else"))
        raw = read(case, Source(kind=kind, location=location, options=options), settings)
        if case.target.column in raw:
            raw = raw.drop(columns=case.target.column)
        frame = canonical(case, raw, settings, place="files")
        cells = [cell for column in frame.columns for cell in frame[column] if isinstance(cell, bytes | str)]
        body = b"\n".join(cell if isinstance(cell, bytes) else cell.encode() for cell in cells)
        return body + repr((frame.attrs, list(frame.columns))).encode(), int(frame["it"].notna().sum())

    return sweep


@pytest.mark.parametrize("name", PLANTS)
def test_no_word_beside_a_content_comes_past_ingest(name, told, caplog, recwarn, capfd):
    body, cells = told(name)
    assert cells == 1
    assert CANARY.lower().encode() not in body.lower()
    said = caplog.text + "".join(str(each.message) for each in recwarn.list) + "".join(capfd.readouterr())
    assert CANARY.lower() not in said.lower()


def test_the_sweep_hears_a_name_that_nothing_takes_out_of_a_report(told):
    body, _ = told("xml", deidentified="nobody looked")
    assert CANARY.encode() in body


def test_a_file_name_that_is_made_no_pseudonym_stops_the_delivery(told, monkeypatch):
    monkeypatch.setattr("wardround.sources.table.pseudonyms", lambda key, case, role, names: list(names))
    with pytest.raises(PrivacyBroken):
        told("png")
