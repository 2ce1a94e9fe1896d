"""FHIR bundles become a row per patient as it was known at one moment, and no identifier comes along."""

import base64
import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from wardround.contents.arrays import unpacked
from wardround.errors import InputFault
from wardround.sources import fhir as module
from wardround.sources import read
from wardround.sources.fhir_known import latest
from wardround.use_cases import load
from wardround.use_cases._codes import LOINC
from wardround.use_cases.base import Code, Content, Feature, Source, Target

SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
AS_OF = "2024-03-02T12:00:00+00:00"
LABS = Content(
    name="labs", kind="series", channels=("sodium", "urea"),
    options={
        "irregular": True, "code.sodium": "2951-2", "unit.sodium": "mmol/L", "code.urea": "3094-0",
        "unit.urea": "mg/dL",
    },
)  # fmt: skip
LETTER = Content(name="letter", kind="text", language="en", options={"code": "18842-5"}, deidentified="made up")
CASE = replace(
    load("icu_labs"), name="from_records", record_id="patient", patient_id="patient", contents=(LABS, LETTER),
    identifiers=(), ignored=(), target=Target(column="sepsis", positive=("yes",), allowed=("yes", "no")),
    features=(
        Feature(name="age", kind="numeric", unit="years", code=Code(system="Patient", code="birthDate")),
        Feature(name="sex", kind="category", allowed=("f", "m"),
                code=Code(system="Patient", code="gender", levels={"female": "f", "male": "m"})),
        Feature(name="creatinine", kind="numeric", unit="mg/dL", other_units={"umol/L": 0.01131},
                code=Code(system=LOINC, code="2160-0")),
        Feature(name="diabetes", kind="boolean", code=Code(system=SNOMED, code="44054006")),
        Feature(name="warfarin", kind="boolean", code=Code(system=RXNORM, code="11289")),
    ),
    source=Source(kind="fhir", location="records.json", options={
        "as_of": AS_OF, "outcome_system": SNOMED, "outcome_code": "91302008"}),
)  # fmt: skip


def coded(system, code):
    return {"coding": [{"system": system, "code": code}]}


def patient(name="p1", **more):
    return {
        "resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1950-03-03",
        "name": [{"family": "Shufflebottom"}], "telecom": [{"value": "555-0100"}], **more,
    }  # fmt: skip


def measured(code, value, unit, at, *, of="p1", **more):
    return {
        "resourceType": "Observation", "status": "final", "code": coded(LOINC, code),
        "subject": {"reference": f"Patient/{of}"}, "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit}, **more,
    }  # fmt: skip


def condition(code, at, *, of="p1", **more):
    return {
        "resourceType": "Condition", "code": coded(SNOMED, code), "subject": {"reference": f"Patient/{of}"},
        "recordedDate": at, **more,
    }  # fmt: skip


def prescription(code, at, **more):
    return {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": at,
        "medicationCodeableConcept": coded(RXNORM, code), "subject": {"reference": "Patient/p1"}, **more,
    }  # fmt: skip


def letter(text, at, *, kind="text/plain; charset=utf-8", data=None):
    attached = {"contentType": kind, "data": data or base64.b64encode(text.encode()).decode()}
    return {
        "resourceType": "DocumentReference", "status": "current", "type": coded(LOINC, "18842-5"), "date": at,
        "subject": {"reference": "Patient/p1"}, "content": [{"attachment": attached}],
    }  # fmt: skip


RECORD = (
    patient(),
    measured("2951-2", 140, "mmol/L", "2024-03-01T06:00:00Z"),
    measured("2951-2", 136, "mmol/L", "2024-03-02T06:00:00Z"),
    measured("3094-0", 18, "mg/dL", "2024-03-02T06:00:00Z"),
    measured("2160-0", 88.4, "umol/L", "2024-03-01T06:00:00Z"),
    condition("44054006", "2019-05"),
    prescription("11289", "2024-02-01"),
    letter("No fever.", "2024-03-01T08:00:00Z"),
)
LATER = (
    measured("2951-2", 99, "mmol/L", "2024-03-02T13:00:00Z"),
    measured("2951-2", 98, "mmol/L", "2024-03-02T11:00:00Z", issued="2024-03-02T13:00:00Z"),
    measured("2951-2", 97, "mmol/L", "2024-03"),  # in March, at the end of it for all that is known
    measured("2160-0", 9.9, "mg/dL", "2024-03-03"),
    letter("Died of sepsis.", "2024-03-05T08:00:00Z"),
    condition("91302008", "2024-03-04"),
)


def bundle(*resources):
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def reads(tmp_path, here, *resources, case=CASE, **options):
    (tmp_path / "records.json").write_text(json.dumps(bundle(*resources)))
    return read(case, replace(case.source, options={**case.source.options, **options}), here)


def test_a_patient_is_a_row_of_what_the_use_case_asks_for_and_of_nothing_else(tmp_path, here):
    frame = reads(tmp_path, here, *RECORD)
    (row,) = frame.drop(columns="labs").to_dict("records")
    assert row.pop("creatinine") == pytest.approx(1.0, abs=0.001)
    assert row == {
        "patient": "p1", "age": 73.0, "sex": "f", "diabetes": "true", "warfarin": "true", "letter": "No fever.",
        "sepsis": "no",
    }  # fmt: skip
    seconds = [0.0, 86400.0]
    np.testing.assert_equal(unpacked(frame["labs"][0]), np.array([[seconds[0], 140, np.nan], [seconds[1], 136, 18]]))
    assert "Shufflebottom" not in repr(frame.to_dict())
    assert "555-0100" not in repr(frame.to_dict())


def test_what_became_known_later_is_in_no_column_but_the_outcome(tmp_path, here):
    before, after = reads(tmp_path, here, *RECORD), reads(tmp_path, here, *RECORD, *LATER)
    assert before["labs"][0] == after["labs"][0]
    same = [column for column in before if column not in ("labs", "sepsis")]
    assert before[same].to_dict() == after[same].to_dict()
    assert after["sepsis"].tolist() == ["yes"]


def test_without_the_guard_later_values_would_be_in_the_row(tmp_path, here, monkeypatch):
    monkeypatch.setattr(module, "in_time", lambda found, now: list(found))
    after = reads(tmp_path, here, *RECORD, *LATER)
    assert {97.0, 98.0, 99.0} <= set(unpacked(after["labs"][0])[:, 1].tolist())
    assert after["letter"].tolist() == ["Died of sepsis."]
    assert after["creatinine"].tolist() == [9.9]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024", datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-02", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("2024-12", datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-03-02", datetime(2024, 3, 2, 23, 59, 59, tzinfo=UTC)),
        ("2024-03-02T10:00:00+02:00", datetime(2024, 3, 2, 8, tzinfo=UTC)),
        ("yesterday", None),
        ("9999", None),
    ],
)
def test_a_date_that_leaves_something_open_may_be_its_last_moment(text, moment):
    assert latest(text) == moment


def test_the_window_opens_so_many_minutes_before_the_moment_of_the_prediction(tmp_path, here):
    (cell,) = reads(tmp_path, here, *RECORD, window=600)["labs"]
    np.testing.assert_equal(unpacked(cell), np.array([[14400, 136, 18]], dtype=np.float32))


def test_a_diagnosis_that_is_not_there_is_missing_unless_the_source_says_it_would_be(tmp_path, here):
    plain = reads(tmp_path, here, patient(), condition("44054006", "2019", verificationStatus=coded("x", "refuted")))
    assert plain[["diabetes", "warfarin"]].isna().all(axis=None)
    closed = reads(tmp_path, here, patient(), prescription("11289", "2020", status="stopped"), absence_means_no=True)
    assert closed[["diabetes", "warfarin"]].to_numpy().tolist() == [["false", "false"]]


def test_sampled_data_are_laid_out_over_time(tmp_path, here):
    sampled = {"origin": {"value": 100, "unit": "mmol/L"}, "period": 500, "factor": 2, "dimensions": 1, "data": "0 1 E"}
    wave = measured("2951-2", 0, "", "2024-03-01T06:00:00Z", valueSampledData=sampled)
    (cell,) = reads(tmp_path, here, patient(), wave)["labs"]
    np.testing.assert_equal(unpacked(cell)[:, :2], np.array([[0, 100], [0.5, 102], [1, np.nan]], dtype=np.float32))


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (measured("2951-2", 0.14, "mol/L", "2024-03-01"), "labs: a value in another unit than declared, or in none"),
        (measured("2160-0", 1, "furlong", "2024-03-01"),
         "creatinine: its unit is missing or unknown; send it in mg/dL or umol/L"),
        (letter("", "2024-03-01", data="%%%"), "letter: its document is damaged, or not UTF-8"),
        (letter("x", "2024-03-01", kind="application/pdf"), "letter: its document has no plain text in it"),
        (measured("2951-2", 0, "", "2024-03-01", valueSampledData={"data": "1"}),
         "labs: sampled data that cannot be taken apart"),
    ],
)  # fmt: skip
def test_a_resource_that_cannot_be_used_is_a_fault_of_its_patient_alone(tmp_path, here, resource, why):
    frame = reads(tmp_path, here, patient(), resource, patient("p2"))
    assert frame.attrs["row_faults"] == {why: [0]}


def test_a_bulk_export_of_a_resource_per_line_gives_the_same_row(tmp_path, here):
    folder = tmp_path / "export"
    folder.mkdir()
    for kind in ("Patient", "Observation", "Condition", "MedicationRequest", "DocumentReference"):
        lines = "\n".join(json.dumps(each) for each in RECORD if each["resourceType"] == kind)
        (folder / f"{kind}.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "manifest.txt").write_text("not FHIR")
    bulk = read(CASE, replace(CASE.source, location="export"), here)
    assert bulk.to_dict() == reads(tmp_path, here, *RECORD).to_dict()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is no FHIR in JSON"),
        ("\xff", "is no FHIR in JSON"),
        ("[" * 100_000, "is no FHIR in JSON"),
        ('{"resourceType": "Patient", "id": "p\\ud800"}', "is no FHIR in JSON"),
        ('{"resourceType": "Patient", "id": "p1", "x": 1' + "0" * 400 + "}", "is no FHIR in JSON"),
        (json.dumps(bundle()), "0 patient"),
        (json.dumps(bundle(patient(), patient())), "1 of them without a name or there twice"),
        (json.dumps(bundle(patient(), measured("1", 1, "", "2024", of="p9"))), "1 of 1 resources of patients who"),
    ],
)
def test_what_cannot_be_sorted_by_patient_is_refused_as_a_whole(tmp_path, here, text, why):
    (tmp_path / "records.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputFault, match=why):
        read(CASE, CASE.source, here)


@pytest.mark.parametrize("as_of", ["soon", "2024-03-02T12:00:00"])
def test_a_moment_without_a_zone_is_refused(tmp_path, here, as_of):
    with pytest.raises(InputFault, match="no moment with its zone"):
        reads(tmp_path, here, *RECORD, as_of=as_of)
