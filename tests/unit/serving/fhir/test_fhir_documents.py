"""The documents that go out: valid by the official schemas, cautious in their words, complete in their gaps."""

import contextlib
import copy
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import hypothesis
import jsonschema
import pydantic
import pytest
from hypothesis import strategies as st

from wardround.serving.fhir import assessments, cards, records, wording
from wardround.serving.predictions import Answer, Predicted, Refused, Warned
from wardround.serving.predictions.refusals import Fault
from wardround.use_cases import load
from wardround.use_cases.heart_disease import USE_CASE

VALUE = 0.7031234567890123


def answered(value=VALUE, **changes):
    usual = {
        "record_id": None, "value": value, "low": None, "high": None, "above": value >= USE_CASE.threshold,
        "reasons": (("chest_pain", 0.84), ("age", -0.2), ("sex", 0.0)),
        "warnings": (Warned(field="chest_pain", kind="missing"), Warned(field="cholesterol", kind="outside training")),
    }  # fmt: skip
    return Answer(
        request_id="0123456789abcdef0123456789abcdef", use_case=USE_CASE.name, version="20260101-abcdef12",
        family="random_forest", at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        predictions=(Predicted(**{**usual, **changes}),),
    )  # fmt: skip


RECORD = records.Record(
    patient="p1", subject="Patient/p1", values={}, basis=("Patient/p1", "Observation/o-2093-3"),
    gaps={"chest_pain": "no standard code says it"},
)  # fmt: skip
CARD = cards.card(USE_CASE, answered(), RECORD, desk_url="https://desk.example/")
RISK = assessments.risk_assessment(USE_CASE, answered(), RECORD)


def without(document, *path):
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


def test_discovery_is_valid_and_asks_for_what_has_a_code(hooks_valid):
    service = cards.service(USE_CASE)
    hooks_valid("services", {"services": [service]})
    assert set(service["prefetch"]) == {"patient", "resting_blood_pressure", "cholesterol", "fasting_sugar_high"}
    assert service["prefetch"]["patient"] == "Patient/{{context.patientId}}"
    assert service["prefetch"]["resting_blood_pressure"] == (
        "Observation?patient={{context.patientId}}&code=http://loinc.org|8480-6,http://loinc.org|85354-9"
        "&_sort=-date&_count=5"
    )


@pytest.mark.parametrize("desk_url", [None, "https://desk.example"])
def test_a_card_is_valid(hooks_valid, desk_url):
    hooks_valid("response", {"cards": [cards.card(USE_CASE, answered(), RECORD, desk_url=desk_url)]})


@pytest.mark.parametrize(
    "broken",
    [
        {"card": CARD},
        {"cards": [without(CARD, "summary")]},
        {"cards": [without(CARD, "source", "label")]},
        {"cards": [{**CARD, "summary": "x" * 140}]},
        {"cards": [{**CARD, "indicator": "hard-stop"}]},
        {"cards": [{**CARD, "detail": None}]},
        {"cards": [{**CARD, "diagnosis": "coronary disease"}]},
        {"cards": [{**CARD, "uuid": "one"}]},
        {"cards": [without(CARD, "overrideReasons", 0, "display")]},
        {"cards": [{**CARD, "overrideReasons": []}]},
        {"cards": [{**CARD, "links": [{"label": "here", "url": "javascript:alert(1)", "type": "absolute"}]}]},
    ],
)
def test_the_check_of_cards_fails_for_a_broken_one(hooks_valid, broken):
    with pytest.raises(jsonschema.ValidationError):
        hooks_valid("response", broken)


def test_a_card_says_who_predicted_what_moved_it_and_what_was_missing():
    assert CARD["summary"] == (
        "Heart disease: estimated probability 70 %, at or above the threshold of 30 %; 1 of 13 values missing. "
        "Not a diagnosis."
    )
    assert CARD["indicator"] == "warning"
    assert "20260101-abcdef12" in CARD["source"]["label"]
    assert "- kind of chest pain (not known): raises it (+0.84 log odds)" in CARD["detail"]
    assert "- not known (no standard code says it): kind of chest pain" in CARD["detail"]
    assert "- serum cholesterol: further out" in CARD["detail"]
    assert "- sex" not in CARD["detail"]
    assert CARD["links"][0]["url"] == "https://desk.example/use-cases/heart_disease/models/20260101-abcdef12"


@pytest.mark.parametrize("value", [0.0, 0.004, 0.2999, 0.3, 0.996, 1.0])
def test_no_card_claims_a_diagnosis_or_a_certainty(value):
    card = cards.card(USE_CASE, answered(value), RECORD, desk_url=None)
    assert card["summary"].endswith("Not a diagnosis.")
    assert wording.CAUTION in card["detail"]
    assert " 0 %" not in card["summary"]
    assert "100 %" not in card["summary"]
    assert card["indicator"] == ("warning" if value >= USE_CASE.threshold else "info")


@hypothesis.given(name=st.from_regex(r"[a-z][a-z0-9_]{2,62}", fullmatch=True), value=st.floats(0, 1))
@hypothesis.settings(max_examples=50)
def test_a_summary_is_always_short_enough(name, value):
    card = cards.card(replace(USE_CASE, name=name), answered(value), RECORD, desk_url=None)
    assert len(card["summary"]) < 140
    assert card["summary"].endswith("Not a diagnosis.")


def test_a_number_is_told_with_its_interval(hooks_valid):
    stay = load("length_of_stay")
    each = answered(8.2, low=2.1, high=14.3, above=None, reasons=(("hmo", 0.4),), warnings=())
    card = cards.card(stay, each, RECORD, desk_url=None)
    hooks_valid("response", {"cards": [card]})
    assert "estimated 8.2 days (90 % interval 2.1 to 14.3)" in card["summary"]
    assert card["indicator"] == "info"


def test_the_cards_id_follows_from_the_request():
    same = cards.card(USE_CASE, answered(), RECORD, desk_url=None)
    other = cards.card(USE_CASE, replace(answered(), request_id="f" * 32), RECORD, desk_url=None)
    assert same["uuid"] == CARD["uuid"] != other["uuid"]


def test_a_risk_assessment_is_valid(fhir_valid):
    fhir_valid(RISK)


@pytest.mark.parametrize(
    "broken",
    [
        without(RISK, "subject"),
        {**RISK, "resourceType": "Riskassessment"},
        without(RISK, "status"),
        {**RISK, "occurrenceDateTime": "21.11.2026"},
        {**RISK, "probability": 0.7},
        {**RISK, "prediction": [{**RISK["prediction"][0], "probabilityDecimal": "0.7"}]},
        {**RISK, "prediction": [{**RISK["prediction"][0], "outcome": {"label": "positive"}}]},
        {**RISK, "basis": [{"reference": 1}]},
        {**RISK, "note": [{"remark": "text"}]},
        {**RISK, "contained": [{"resourceType": "Modell"}]},
    ],
)
def test_the_check_of_resources_fails_for_a_broken_one(fhir_valid, broken):
    with pytest.raises((jsonschema.ValidationError, pydantic.ValidationError)):
        fhir_valid(broken)


def test_a_risk_assessment_states_a_percentage_and_the_exact_probability():
    prediction = RISK["prediction"][0]
    assert prediction["probabilityDecimal"] == float(Decimal(repr(VALUE)) * 100)
    assert prediction["extension"] == [{"url": "urn:x-wardround:probability", "valueDecimal": VALUE}]


def test_a_risk_assessment_names_model_method_subject_basis_and_reasons():
    assert RISK["subject"] == {"reference": "Patient/p1"}
    assert RISK["performer"] == {"reference": "#model"}
    assert RISK["contained"][0]["version"] == [{"value": "20260101-abcdef12"}]
    assert RISK["method"]["coding"][0]["code"] == "20260101-abcdef12"
    assert {"reference": "Observation/o-2093-3"} in RISK["basis"]
    notes = [note["text"] for note in RISK["note"]]
    assert notes[0] == "kind of chest pain (not known): raises it (+0.84 log odds)"
    assert notes[-1] == wording.CAUTION
    assert any(note.startswith("Warning: serum cholesterol") for note in notes)


def test_a_record_that_rests_on_nothing_has_no_empty_basis(fhir_valid):
    risk = assessments.risk_assessment(USE_CASE, answered(), replace(RECORD, basis=()))
    fhir_valid(risk)
    assert "basis" not in risk


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 503])
def test_a_refusal_is_a_valid_operation_outcome(fhir_valid, status):
    faults = (Fault(record=0, field="features.cholesterol", fault="its unit is missing"),)
    outcome = assessments.operation_outcome(Refused(status, "nothing was predicted", faults=faults))
    fhir_valid(outcome)
    assert [issue["diagnostics"] for issue in outcome["issue"]] == [
        "nothing was predicted", "features.cholesterol: its unit is missing",
    ]  # fmt: skip


def test_the_capability_statement_is_valid(fhir_valid):
    statement = assessments.capability_statement(USE_CASE, now=answered().at)
    assert statement["fhirVersion"] == "4.0.1"
    fhir_valid({**statement, "fhirVersion": "4.0.0"})  # the schema came out before the correction 4.0.1


def test_what_the_tests_send_is_valid_too(fhir_valid, hooks_valid, chart, patient_row):
    fhir_valid(chart.whole(patient_row))
    hooks_valid("request", chart.hook(patient_row))


@pytest.mark.parametrize("missing", ["patient", "resting_blood_pressure", "cholesterol", "fasting_sugar_high"])
def test_prefetch_that_nobody_looked_for_is_a_failed_precondition(chart, patient_row, missing):
    request = without(chart.hook(patient_row), "prefetch", missing)
    with pytest.raises(Refused, match=missing) as refused:
        cards.fetched(USE_CASE, request)
    assert refused.value.status == 412


def test_prefetch_that_failed_is_a_failed_precondition(chart, patient_row):
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    with pytest.raises(Refused, match="cholesterol") as refused:
        cards.fetched(USE_CASE, chart.hook(patient_row, cholesterol=failed))
    assert refused.value.status == 412


def test_prefetch_that_found_nothing_is_an_answer(chart, patient_row):
    found = cards.fetched(USE_CASE, chart.hook(patient_row, cholesterol=None))
    assert [each["resourceType"] for each in found] == ["Patient", "Bundle", "Bundle"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hook": "order-sign"}, "the hook patient-view"),
        ({"hookInstance": "one"}, "hookInstance"),
        ({"context": {}}, "context.patientId"),
        ({"context": {"patientId": "p2"}}, "prefetch.patient"),
        ({"context": "p1"}, "CDS Hooks request"),
    ],
)
def test_a_request_for_something_else_is_refused(chart, patient_row, changes, said):
    with pytest.raises(Refused, match=said) as refused:
        cards.fetched(USE_CASE, {**chart.hook(patient_row), **changes})
    assert refused.value.status == 422


def test_feedback_is_read_without_its_free_text(hooks_valid):
    body = {
        "feedback": [
            {
                "card": CARD["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z",
                "overrideReason": {
                    "reason": {"system": "urn:x-wardround:heart_disease:override", "code": "wrong-data"},
                    "userComment": "Mrs Miller's pressure was taken twice",
                },
            }
        ]
    }  # fmt: skip
    hooks_valid("feedback", body)
    told = cards.outcomes(body)
    assert told == [
        {"card": CARD["uuid"], "outcome": "overridden", "at": "2026-11-21T10:00:00+00:00", "reason": "wrong-data"}
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["Patient", "Observation", "Bundle", "p1", "Patient/p1", "final", "8480-6", "http://loinc.org"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "resourceType", "id", "entry", "resource", "subject", "reference", "code", "coding", "system", "component",
            "status", "valueQuantity", "value", "unit", "valueCodeableConcept", "effectiveDateTime", "gender",
            "birthDate", "hook", "hookInstance", "context", "patientId", "prefetch", "patient", "feedback", "card",
            "outcome", "overrideReason", "reason", "parameter",
        ]),
        inner, max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


@hypothesis.given(body=json_values)
@hypothesis.settings(max_examples=150)
def test_whatever_comes_in_is_read_or_refused(body):
    patient = {"resourceType": "Patient", "id": "p1"}
    odd = {"resourceType": "Observation", "subject": {"reference": "Patient/p1"}, "status": "final"}
    made = {**odd, **body} if isinstance(body, dict) else {**odd, "code": body}
    coded = {**made, "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}}
    for read in (
        lambda: cards.fetched(USE_CASE, body),
        lambda: cards.outcomes(body),
        lambda: records.read(USE_CASE, list(records.resources(body)), now=datetime(2026, 1, 1, tzinfo=UTC)),
        lambda: records.read(
            USE_CASE, [(None, patient), (None, made), (None, coded)], now=datetime(2026, 1, 1, tzinfo=UTC)
        ),
    ):
        with contextlib.suppress(Refused):
            read()
