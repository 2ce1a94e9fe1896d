"""The API says of itself what the use case declares, and is what it says."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.serving.predictions import schema
from wardround.serving.predictions.form import Form
from wardround.serving.predictions.refusals import Refused
from wardround.use_cases import REGISTRY, load
from wardround.use_cases.base import Feature, Target
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
REGRESSION = replace(USE_CASE, name="frailty", problem="regression", target=Target(column="num", unit="points"))


def request_of(case, most=5):
    return schema.request_schema(case, roles=Form(case).roles, most=most)


def accepts(case, body, most=5):
    """Whether the form takes *body*."""
    try:
        Form(case).records(body, most=most, now=NOW)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_shipped_use_case_describes_its_requests_and_answers(name):
    case = load(name)
    described = request_of(case)
    jsonschema.Draft202012Validator.check_schema(described)
    jsonschema.Draft202012Validator.check_schema(schema.answer_schema(case))
    record = described["properties"]["records"]["items"]["properties"]
    assert set(record.get("contents", {}).get("properties", ())) == {content.name for content in case.contents}
    features = record.get("features", {}).get("properties", {})
    asked = [feature for feature in case.features if feature.of is None]
    assert set(features) == {feature.name for feature in asked}
    for feature in asked:
        said = features[feature.name]
        assert feature.description in said["description"]
        if feature.plausible:
            assert (said["minimum"], said["maximum"]) == feature.plausible
        if feature.allowed:
            assert said["enum"] == [*feature.allowed, None]
        if feature.unit:
            assert said["x-unit"] == feature.unit
    (example,) = described["examples"]
    jsonschema.validate(example, described)
    assert accepts(case, example)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 400), st.floats(-10, 400), st.text(max_size=3), st.just([]), st.just({}),
    st.sampled_from(["Male", "Female", "flat", "true", "?", ""]),
)  # fmt: skip
NAMES = st.sampled_from([*USE_CASE.feature_names, "record_id", "site", "more"])
RECORDS = st.fixed_dictionaries(
    {"features": st.dictionaries(NAMES, ANYTHING, max_size=4)},
    optional={"record_id": ANYTHING, "site": ANYTHING, "patient_id": ANYTHING},
)


@given(body=st.one_of(ANYTHING, st.fixed_dictionaries({"records": st.lists(RECORDS, max_size=3)})))
def test_the_schema_and_the_server_agree_on_every_body(body):
    assert jsonschema.Draft202012Validator(request_of(USE_CASE, 2)).is_valid(body) == accepts(USE_CASE, body, 2)


def test_roles_that_the_use_case_does_not_have_are_unknown_fields():
    with_all = replace(USE_CASE, patient_id="pid", time="at")
    assert Form(USE_CASE).roles == ("record_id", "site")
    assert Form(with_all).roles == ("record_id", "patient_id", "site", "time")
    body = {"records": [{"features": {}, "patient_id": "p", "time": "2026-03-31T14:05:00+02:00"}]}
    assert accepts(with_all, body)
    assert not accepts(USE_CASE, body)
    jsonschema.validate(body, request_of(with_all))


def test_the_answer_of_a_number_has_its_unit_and_interval():
    described = schema.answer_schema(REGRESSION)["properties"]
    assert described["reasons_unit"]["const"] == "points"
    assert {"value", "low", "high"} <= set(described["predictions"]["items"]["properties"])


def test_an_open_category_takes_any_short_text():
    case = replace(USE_CASE, features=(Feature(name="ward", kind="category", description="ward"),))
    assert request_of(case)["properties"]["records"]["items"]["properties"]["features"]["properties"]["ward"] == {
        "type": ["string", "null"], "description": "ward", "maxLength": 200
    }  # fmt: skip
    (record,) = Form(case).records({"records": [{"features": {"ward": " 3.0 "}}]}, most=1)
    assert record.values == ("3",)
    (record,) = Form(case).records({"records": [{"features": {"ward": "N/A"}}]}, most=1)
    assert record.values == (None,)
    assert not accepts(case, {"records": [{"features": {"ward": "x" * 201}}]})


def test_schemathesis_finds_nothing_wrong_with_the_running_server(ward, ward_of):
    ward.promote(ward.model())
    other = ward_of(ward.store, ward.settings, REGRESSION)
    other.promote(other.model("linear"))
    key = ward.key()
    command = Path(sys.executable).with_name("schemathesis")
    with ward.served(USE_CASE, REGRESSION, api_rate=10**9) as served:
        found = subprocess.run(
            [
                command, "run", f"{served.url}/openapi.json", "--header", f"Authorization: Bearer {key}",
                "--max-examples", "8", "--seed", "1", "--no-color", "--phases", "examples,coverage,fuzzing",
            ],
            capture_output=True, text=True, timeout=300, cwd=ward.settings.home,
        )  # fmt: skip
        asked = served.get("/metrics").text
    assert found.returncode == 0, found.stdout[-6000:]
    assert "Operations:       5 selected / 5 total" in found.stdout
    for name in ("heart_disease", "frailty"):
        for status in ("200", "401", "422"):
            assert f'wardround_requests_total{{status="{status}",use_case="{name}"}}' in asked
        assert f'status="500",use_case="{name}"' not in asked


def test_the_description_is_generated_without_looking_at_a_patient(ward):
    with ward.served() as served:  # no champion, no row in the store
        described = served.get("/openapi.json").json()
    assert set(described["paths"]) == {"/v1/use-cases/heart_disease/predictions", "/healthz", "/readyz", "/metrics"}
    post = described["paths"]["/v1/use-cases/heart_disease/predictions"]["post"]
    assert post["summary"] == USE_CASE.question
    assert post["security"] == [{"ApiKey": []}]
    assert described["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert {"200", "401", "403", "404", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert post["requestBody"]["content"]["application/json"]["schema"]["required"] == ["records"]
