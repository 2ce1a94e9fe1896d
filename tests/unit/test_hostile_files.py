"""Files made to hurt: each costs little, is told by a reason without a word of it, and stops no other."""

import gzip
import io
import resource
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import openpyxl
import pytest
import tifffile
from PIL import Image
from pydantic import SecretStr
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    SecondaryCaptureImageStorage,
)

from wardround.contents.arrays import unpacked
from wardround.contents.cells import Unreadable
from wardround.errors import InputFault
from wardround.settings import Settings
from wardround.sources import bounds, read
from wardround.sources.excel import read_excel
from wardround.use_cases.base import Content, Source, Target, UseCase

MOST = 256 * 2**20
TOO_MUCH = "reading it takes more than"
NOTHING = bytes(2**24)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setattr(bounds, "MOST_MEMORY", MOST)


@pytest.fixture
def faults(tmp_path):
    """Read the test's folder as the one content of a use case; return the reasons with the rows they hold for."""

    def told(kind: str, content: str, *, place: str = ".", **options) -> dict[str, list[int]]:
        channels = {"image": ("grey",), "series": ("lead",), "text": ()}[content]
        it = Content(name="it", kind=content, channels=channels, language="en" if content == "text" else None)
        case = UseCase(
            name="hostile", question="?", problem="classification", source=Source(kind=kind, location=place),
            record_id="record", target=Target(column="sick", positive=(1,)), contents=(it,), features=(),
            candidates=(), gates=(),
        )  # fmt: skip
        settings = Settings(home=tmp_path, data=tmp_path, pseudonym_key=SecretStr("a key for tests and nothing else"))
        source = Source(kind=kind, location=str(tmp_path / place), options=options)
        return read(case, source, settings).attrs["row_faults"]

    return told


def inflated(size: int, *, raw: bool = False) -> bytes:
    """*size* zeros, compressed."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15 if raw else 15)
    return b"".join(packer.compress(NOTHING) for _ in range(size // len(NOTHING))) + packer.flush()


def dicom(path, *, syntax=ExplicitVRLittleEndian, **tags) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    meta.TransferSyntaxUID = syntax
    made = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    usual = {
        "SOPClassUID": SecondaryCaptureImageStorage, "SOPInstanceUID": "1.2.3", "Rows": 16, "Columns": 16,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 8, "BitsStored": 8,
        "HighBit": 7, "PixelRepresentation": 0, "PixelData": bytes(range(256)),
    }  # fmt: skip
    for tag, value in (usual | tags).items():
        setattr(made, tag, value)
    made["PixelData"].VR = "OW"
    made.save_as(path, enforce_file_format=True)
    return made


def beginning(path) -> bytes:
    """The DICOM file's preamble and meta information."""
    body = path.read_bytes()
    return body[: 144 + int.from_bytes(body[140:144], "little")]


def test_a_dicom_file_deflated_as_a_whole_is_not_unfolded(faults, tmp_path):
    dicom(tmp_path / "a.dcm", syntax=DeflatedExplicitVRLittleEndian)
    dicom(tmp_path / "b.dcm")
    (tmp_path / "a.dcm").write_bytes(beginning(tmp_path / "a.dcm") + inflated(2**30, raw=True))
    (reason,) = (told := faults("dicom", "image"))
    assert "deflated as a whole" in reason
    assert told[reason] == [0]
    with pytest.raises(InputFault, match="deflated as a whole"):
        faults("waveforms", "series", place="a.dcm")


def test_a_jpeg_2000_picture_is_decoded_only_where_it_promises_no_more_than_its_tags(faults, tmp_path, monkeypatch):
    out = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(out, "JPEG2000", no_jp2=True)
    plain, boxed = out.getvalue(), io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(boxed, "JPEG2000")
    huge = bytearray(plain)
    huge[8:16] = huge[24:32] = struct.pack(">II", 60_000, 60_000)  # the picture's own size, and that of its one tile
    decoded = []
    monkeypatch.setattr("pydicom.pixels.pixel_array", lambda file: decoded.append(file) or pixel_array(file))
    endless = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(64)
    for number, body in enumerate((bytes(huge), endless, plain, boxed.getvalue())):
        dicom(tmp_path / f"{number}.dcm", syntax=JPEG2000Lossless, PixelData=encapsulate([body]))
    assert faults("dicom", "image") == {"it: its JPEG 2000 picture is not of the size that its tags say": [0, 1]}
    assert len(decoded) == 2


def test_sequences_without_end_and_tags_of_another_type_are_one_files_fault(faults, tmp_path, recwarn, caplog):
    dicom(tmp_path / "a.dcm")
    item = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    (tmp_path / "a.dcm").write_bytes(beginning(tmp_path / "a.dcm") + item * 50_000)
    dicom(tmp_path / "b.dcm", BurnedInAnnotation="YES")
    body = (tmp_path / "b.dcm").read_bytes()
    for kind in (b"US", b"FD", b"IS"):
        mistyped = body.replace(b"\x28\0\x01\x03CS\x04\0YES ", b"\x28\0\x01\x03" + kind + b"\x04\0Doe ")
        (tmp_path / f"b-{kind.decode()}.dcm").write_bytes(mistyped)
    dicom(tmp_path / "c.dcm", Rows=65535, Columns=900, SamplesPerPixel=65535, NumberOfFrames=1)
    with pytest.warns(UserWarning, match="encoding"):
        dicom(tmp_path / "d.dcm", SpecificCharacterSet="Doe^Jane")
    recwarn.clear()
    caplog.clear()
    told = faults("dicom", "image")
    assert told == {
        "it: not a DICOM file, or damaged at its beginning": [0],
        "it: its pixel data are damaged, cut short or not described": [5],
    }
    assert not recwarn.list
    assert not caplog.records


def test_a_tiff_strip_that_swells_is_stopped_by_the_bound_alone(faults, tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", np.arange(4096).astype(np.uint8).reshape(64, 64), compression="zlib")
    swelling = inflated(2 * MOST)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tags = file.pages[0].tags
        body = bytearray((tmp_path / "a.tif").read_bytes())
        for name, value in (("StripOffsets", len(body)), ("StripByteCounts", len(swelling))):
            tag = tags[name]
            body[tag.offset + 2 : tag.offset + 4] = (4).to_bytes(2, "little")
            body[tag.offset + 8 : tag.offset + 12] = value.to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(body + swelling)
    assert list(faults("images", "image").values()) == [[0]]
    assert TOO_MUCH in "".join(faults("images", "image"))
    monkeypatch.setattr(bounds, "MOST_MEMORY", 16 * MOST)
    assert TOO_MUCH not in "".join(faults("images", "image"))


def test_a_header_of_a_volume_asks_for_no_more_than_its_picture_needs(faults, tmp_path):
    import nibabel

    header = nibabel.Nifti2Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((64, 64, 2**40))
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(header.binaryblock) + bytes(4)))
    assert faults("images", "image", slice=9) == {"it: more than 1000 million values": [0]}


def test_an_array_that_takes_no_room_has_no_rows_without_number(tmp_path, faults):
    for kind, shape in (("|V0", (10**15, 8, 8)), ("<U0", (10**15, 8, 8)), ("|O", (9, 9, 9)), ("|u1", (10**15, 0, 8))):
        said = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
        cell = b"\x93NUMPY\x01\0" + len(said).to_bytes(2, "little") + said
        if kind != "|u1":
            with pytest.raises(InputFault, match="no npy array of numbers"):
                unpacked(cell)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("train_images.npy", cell)
        with pytest.raises(InputFault, match=r"no NPZ archive|it has no pictures"):
            faults("images", "image", place="a.npz", split="train")


HEADERS = {
    "another folder": ("r 1 100 50\n../secret.dat 16 200/mV 16 0 0 0 0 lead\n", "damaged"),
    "a place of the machine": ("r 1 100 50\n/etc/passwd 8 200/mV 16 0 0 0 0 lead\n", "damaged"),
    "a segment elsewhere": ("r/1 1 100 50\n../secret 50\n", "damaged"),
    "samples without number": ("r 1 100 99999999999\nr.dat 212 200/mV 16 0 0 0 0 lead\n", TOO_MUCH),
    "frames without end": ("r 1 100 100\nr.dat 212x999999999 200/mV 16 0 0 0 0 lead\n", TOO_MUCH),
    "signals without number": ("r 99999999 100 50\nr.dat 16 200/mV 16 0 0 0 0 lead\n", "more than 1000 signals"),
    "segments of itself": ("r/2 1 100 100\nr 50\nr 50\n", "segments in segments"),
    "no rate": ("r 1 0 50\nr.dat 16 200/mV 16 0 0 0 0 lead\n", "a sampling rate that is not"),
    "a rate beyond all": ("r 1 99999999999 50\nr.dat 16 200/mV 16 0 0 0 0 lead\n", "a sampling rate that is not"),
    "no such day": ("r 1 100 50 99:99:99 99/99/9999\nr.dat 16 200/mV 16 0 0 0 0 lead\n", "damaged"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_wfdb_header_leads_nowhere_else_and_asks_for_no_more_than_there_is(name, faults, tmp_path):
    (tmp_path / "w").mkdir()
    for place in (tmp_path / "secret.dat", tmp_path / "w" / "r.dat"):
        place.write_bytes(np.arange(100, dtype="<i2").tobytes())
    (tmp_path / "secret.hea").write_text("secret 1 100 50\nsecret.dat 16 200/mV 16 0 0 0 0 lead\n")
    (tmp_path / "w" / "a.hea").write_text("a 1 100 50\nr.dat 16 200/mV 16 0 0 0 0 lead\n")
    header, reason = HEADERS[name]
    (tmp_path / "w" / "r.hea").write_text(header)
    (told,) = faults("waveforms", "series", place="w").items()
    assert reason in told[0]
    assert told[1] == [1]


def test_a_waveform_that_says_it_is_long_or_late_is_a_fault_or_has_no_time(faults, tmp_path):
    dataset = dicom(tmp_path / "a.dcm")
    del dataset.PixelData
    source, channel, group = Dataset(), Dataset(), Dataset()
    source.CodeMeaning = source.CodeValue = "lead"
    channel.ChannelSourceSequence, channel.WaveformBitsStored = [source], 16
    group.ChannelDefinitionSequence, group.WaveformData = [channel], np.arange(50, dtype="<i2").tobytes()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 1, 50
    group.SamplingFrequency, group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 1e-6, 16, "SS"
    group.WaveformOriginality = "ORIGINAL"
    dataset.WaveformSequence, dataset.AcquisitionDateTime = [group], "99991231235959"
    dataset.save_as(tmp_path / "a.dcm")
    assert faults("waveforms", "series", segment=5e6) == {}
    group.NumberOfWaveformSamples = 2**32 - 1
    dataset.save_as(tmp_path / "b.dcm")
    assert list(faults("waveforms", "series").values()) == [[1]]


def test_headers_inside_an_archive_of_reports_are_not_read_without_end(faults, tmp_path):
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2 * MOST
    with gzip.open(tmp_path / "a.tgz", "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(2 * MOST // len(NOTHING)):
            file.write(NOTHING)
    with pytest.raises(InputFault, match=TOO_MUCH):
        faults("reports", "text", place="a.tgz")


def test_a_workbook_whose_words_swell_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_MEMORY", 32 * 2**20)
    book, swollen = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["record"])
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as sound, zipfile.ZipFile(swollen, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sound.namelist():
            words = b"a" * 2**27 if name.endswith("sheet1.xml") else b"record"
            made.writestr(name, sound.read(name).replace(b"record", words))
    assert len(swollen.getvalue()) < 2**20
    with pytest.raises(InputFault, match=TOO_MUCH):
        read_excel(swollen.getvalue(), {}, place="a.xlsx")


def test_a_series_in_one_line_or_in_one_resource_has_an_end(faults, tmp_path, monkeypatch):
    monkeypatch.setattr("wardround.sources.delimited._LONGEST", 1000)
    monkeypatch.setattr("wardround.sources.fhir_contents.MOST_SAMPLES", 1000)
    (tmp_path / "a.txt").write_text("0 " * 501)
    with pytest.raises(InputFault, match="a line of it has more than"):
        faults("delimited series", "series", place="a.txt", rate=1)
    (tmp_path / "a.json").write_text(
        '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "p"}}, {"resource": '
        '{"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/p"}, "issued": '
        '"2024-01-01T00:00:00Z", "effectiveDateTime": "2024-01-01T00:00:00Z", "code": {"coding": [{"system": '
        '"http://loinc.org", "code": "lead"}]}, "valueSampledData": {"origin": {"value": 0}, "period": 1, "data": "'
        + "0 " * 1001
        + '"}}}]}'
    )
    assert faults("fhir", "series", place="a.json") == {"it: sampled data of more than 1,000 samples": [0]}


def test_what_is_read_within_bounds_may_be_read_inside_another_and_leaves_no_bound_behind():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(Unreadable, match=TOO_MUCH), bounds.bounded(), bounds.bounded():
        bytes(2 * MOST)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(io.BytesIO(bytes(2 * MOST)).getvalue()) == 2 * MOST
