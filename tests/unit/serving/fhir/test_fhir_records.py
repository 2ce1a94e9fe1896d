"""Reading a patient's resources: real patients come through unchanged, and nothing doubtful is guessed."""

from dataclasses import replace

import pytest

from wardround.serving.fhir import records
from wardround.serving.predictions import Refused
from wardround.sources import fhir_records
from wardround.use_cases.heart_disease import USE_CASE

LOINC = "http://loinc.org"


@pytest.fixture
def read(chart):
    def read(*resources, use_case=USE_CASE):
        found = [pair for each in resources for pair in records.resources(each)]
        return records.read(use_case, found, now=chart.now)

    return read


@pytest.fixture
def faults_of(read):
    def faults_of(*resources):
        with pytest.raises(Refused) as refused:
            read(*resources)
        assert refused.value.status == 422
        return {fault.field: fault.fault for fault in refused.value.faults}, str(refused.value)

    return faults_of


def test_every_real_patient_comes_through_unchanged(read, chart, rows):
    for row in rows.iloc[::7].to_dict("records"):
        record = read(chart.whole(row))
        expected = {}
        for feature in USE_CASE.features:
            value = row[feature.name]
            if value == value and value is not None:
                expected[feature.name] = value in (True, "true") if feature.kind == "boolean" else value
        assert record.values == expected


def test_what_a_value_rests_on_is_named_and_nothing_else(read, chart, patient_row):
    height = chart.observation("8302-2", **chart.quantity(170.0, "cm"))
    record = read(chart.bundle(chart.patient(patient_row), *chart.standard(patient_row).values(), height))
    assert record.basis == ("Patient/p1", "Observation/o-85354-9", "Observation/o-2093-3", "Observation/o-1558-6")
    assert record.subject == "Patient/p1"


def test_what_has_no_standard_code_is_missing_and_says_so(read, chart, patient_row):
    record = read(chart.bundle(chart.patient(patient_row), *chart.standard(patient_row).values()))
    assert "chest_pain" not in record.values
    assert "no standard code" in record.gaps["chest_pain"]
    assert "age" not in record.gaps


def test_a_plain_heart_rate_is_not_taken_for_the_highest_under_exercise(read, chart, patient_row):
    pulse = chart.observation("8867-4", **chart.quantity(72.0, "/min"))
    assert "max_heart_rate" not in read(chart.bundle(chart.patient(patient_row), pulse)).values


def test_a_declared_unit_is_converted(read, chart, patient_row):
    patient = chart.patient(patient_row)
    moles = chart.observation("14647-2", **chart.quantity(5.0, "mmol/L"))
    pascal = chart.observation("8480-6", **chart.quantity(16.0, "kPa"))
    sugar = chart.observation("14771-0", **chart.quantity(6.7, "mmol/l"))
    values = read(chart.bundle(patient, moles, pascal, sugar)).values
    assert values["cholesterol"] == 5.0 * 38.67
    assert values["resting_blood_pressure"] == 16.0 * 7.50062
    assert values["fasting_sugar_high"] is True


@pytest.mark.parametrize(("sugar", "high"), [(120.0, False), (120.5, True), (95.0, False)])
def test_fasting_sugar_is_high_above_its_threshold_only(read, chart, patient_row, sugar, high):
    measured = chart.observation("1558-6", **chart.quantity(sugar, "mg/dL"))
    assert read(chart.bundle(chart.patient(patient_row), measured)).values["fasting_sugar_high"] is high


@pytest.mark.parametrize(
    "quantity",
    [
        {"value": 233.4567, "unit": "parsecs", "system": "http://unitsofmeasure.org", "code": "pc"},
        {"value": 233.4567},
        {"value": 233.4567, "unit": "mmol"},
    ],
)
def test_an_unknown_unit_is_refused_with_the_feature_and_without_the_value(faults_of, chart, patient_row, quantity):
    odd = chart.observation("2093-3", valueQuantity=quantity)
    faults, said = faults_of(chart.bundle(chart.patient(patient_row), odd))
    assert faults == {"features.cholesterol": "its unit is missing or unknown; send it in mg/dL or mmol/L"}
    assert "233" not in said
    assert "parsecs" not in said + str(faults)


def test_without_the_check_of_units_a_wrong_one_would_pass(faults_of, read, chart, patient_row, monkeypatch):
    grams = chart.bundle(chart.patient(patient_row), chart.observation("2093-3", **chart.quantity(2.3, "g/L")))
    assert "features.cholesterol" in faults_of(grams)[0]
    monkeypatch.setattr(fhir_records, "factor", lambda *_: 1.0)
    assert read(grams).values["cholesterol"] == 2.3


def test_every_fault_of_a_record_is_named_at_once(faults_of, chart, patient_row):
    patient = {**chart.patient(patient_row), "birthDate": "2190-01-01"}
    text = chart.observation("2093-3", valueString="high")
    kind = chart.observation("chest_pain", chart.system, valueCodeableConcept={"coding": [{"code": "odd"}]})
    faults, _ = faults_of(chart.bundle(patient, text, kind))
    assert set(faults) == {"features.age", "features.cholesterol", "features.chest_pain"}


def test_another_patients_observation_is_refused(faults_of, read, chart, patient_row, monkeypatch):
    mixed = chart.bundle(chart.patient(patient_row), chart.pressure(140.0, patient="p2"))
    assert "not of the Patient" in faults_of(mixed)[1]
    monkeypatch.setattr(fhir_records, "_is_of", lambda *_: True)
    assert read(mixed).values["resting_blood_pressure"] == 140.0  # what the check keeps out


def test_an_observation_of_nobody_is_refused(faults_of, chart, patient_row):
    nobodys = chart.pressure(140.0)
    del nobodys["subject"]
    assert "not of the Patient" in faults_of(chart.bundle(chart.patient(patient_row), nobodys))[1]


def test_a_patient_may_be_referred_to_by_any_of_the_usual_ways(read, chart, patient_row):
    patient, pressure = chart.patient(patient_row), chart.pressure(140.0)
    pressure["subject"]["reference"] = "https://ehr.example/fhir/Patient/p1"
    assert read(chart.bundle(patient, pressure)).values["resting_blood_pressure"] == 140.0
    del patient["id"]
    pressure["subject"]["reference"] = "urn:uuid:6b3a"
    entries = [{"fullUrl": "urn:uuid:6b3a", "resource": patient}, {"resource": pressure}]
    record = read({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert record.values["resting_blood_pressure"] == 140.0
    assert record.subject == "urn:uuid:6b3a"


@pytest.mark.parametrize(("count", "said"), [(0, "there is no Patient"), (2, "there are 2 Patients")])
def test_one_patient_is_needed(faults_of, chart, patient_row, count, said):
    patients = [chart.patient(patient_row, f"p{place}") for place in range(count)]
    assert said in faults_of(chart.bundle(*patients))[1]


def test_the_newest_final_value_counts(read, chart, patient_row):
    def taken(value, at, status="final"):
        return chart.observation("2093-3", at=at, status=status, **chart.quantity(value, "mg/dL"))

    values = read(
        chart.bundle(
            chart.patient(patient_row),
            taken(200.0, "2026-01-01"),
            taken(210.0, "2026-11-19T23:30:00-05:00"),
            taken(220.0, "2026-11-20T01:00:00Z"),
            taken(230.0, "2026-11-20", "preliminary"),
            taken(240.0, "2026-11-20", "entered-in-error"),
        )
    ).values
    assert values["cholesterol"] == 210.0


def test_only_a_preliminary_value_is_none(read, chart, patient_row):
    early = chart.observation("2093-3", status="preliminary", **chart.quantity(200.0, "mg/dL"))
    record = read(chart.bundle(chart.patient(patient_row), early))
    assert "cholesterol" not in record.values
    assert record.gaps["cholesterol"] == "its newest value is not final"


def test_a_bound_is_not_a_value(read, chart, patient_row):
    bound = chart.quantity(50.0, "mg/dL")
    bound["valueQuantity"]["comparator"] = "<"
    record = read(chart.bundle(chart.patient(patient_row), chart.observation("2093-3", **bound)))
    assert "cholesterol" not in record.values
    assert "bound" in record.gaps["cholesterol"]


def test_a_gender_the_model_does_not_know_is_missing(read, chart, patient_row):
    record = read({**chart.patient(patient_row), "gender": "other"})
    assert "sex" not in record.values
    assert "another gender" in record.gaps["sex"]


@pytest.mark.parametrize(
    ("born", "age"), [("1966-11-21", 60.0), ("1966-11-22", 59.0), ("1966", 60.0), ("1966-12", 59.0)]
)
def test_an_age_is_in_completed_years(read, chart, patient_row, born, age):
    assert read({**chart.patient(patient_row), "birthDate": born}).values["age"] == age


def test_a_nested_bundle_and_parameters_are_read(read, chart, patient_row):
    inner = chart.bundle(chart.pressure(140.0), kind="searchset")
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": chart.bundle(chart.patient(patient_row), inner)}],
    }
    assert read(parameters).values["resting_blood_pressure"] == 140.0


@pytest.mark.parametrize(
    "junk", [None, 7, [], {}, {"resourceType": 3}, {"resourceType": "Bundle", "entry": {"resource": 1}},
             {"resourceType": "Bundle", "entry": [None, 3, {"resource": []}]}],
)  # fmt: skip
def test_junk_holds_no_resource(junk):
    assert list(records.resources(junk)) == []


def test_odd_members_of_an_observation_are_passed_over(read, chart, patient_row):
    odd = {**chart.observation("2093-3"), "code": {"coding": "text"}, "component": 3, "effectivePeriod": []}
    odder = {**chart.observation("2093-3", valueQuantity=[1]), "effectiveDateTime": 20261120, "issued": "yesterday"}
    assert "cholesterol" not in read(chart.bundle(chart.patient(patient_row), odd, odder)).values


def test_a_use_case_without_codes_still_reads_its_own(read, chart, patient_row):
    bare = replace(USE_CASE, features=tuple(replace(feature, code=None) for feature in USE_CASE.features))
    pressure = chart.observation("resting_blood_pressure", chart.system, **chart.quantity(140.0, "mm[Hg]"))
    assert read(chart.bundle(chart.patient(patient_row), pressure), use_case=bare).values == {
        "resting_blood_pressure": 140.0
    }


def test_bundles_in_bundles_are_read_a_few_deep_and_no_deeper(chart, patient_row):
    held = chart.whole(patient_row)
    for _ in range(records.DEEPEST - 1):
        held = {"resourceType": "Bundle", "entry": [{"resource": held}]}
    assert len(list(records.resources(held))) == len(list(records.resources(chart.whole(patient_row))))
    with pytest.raises(Refused, match="nested more than 4 deep"):
        list(records.resources({"resourceType": "Parameters", "parameter": [{"resource": held}]}))
