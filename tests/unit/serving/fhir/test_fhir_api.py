"""CDS Hooks and FHIR on a real server: the prediction API's answer, limits and log in a hospital's own forms."""

import json
from contextlib import contextmanager

import pytest

from wardround.serving import fhir
from wardround.serving.fhir import cards
from wardround.use_cases.heart_disease import USE_CASE

FHIR = "application/fhir+json"
ASSESS = "/fhir/heart_disease/$assess"
HOOK = "/cds-services/heart_disease"


class Front:
    """A client of the routes under test."""

    def __init__(self, served, key):
        self.served = served
        self.key = key

    def post(self, path, body, *, key=None, kind=FHIR):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": kind, "authorization": f"Bearer {self.key if key is None else key}"}
        return self.served.client.post(path, content=content, headers=headers)

    def get(self, path, key=None):
        return self.served.client.get(path, headers={"authorization": f"Bearer {self.key if key is None else key}"})


@pytest.fixture
def opened(ward, chart):
    """Open the server of the ward, with or without a champion, with changed settings."""

    @contextmanager
    def opened(*, champion=True, **changes):
        if champion:
            ward.promote(ward.model())
        with ward.served(**changes) as served:
            served.app.include_router(fhir.router(served.predictors, clock=lambda: chart.now))
            yield Front(served, ward.key("heart_disease"))

    return opened


def test_an_assessment_is_the_prediction_of_the_api_to_the_last_bit(opened, ward, chart, rows, fhir_valid):
    with opened() as front:
        for place, row in enumerate(rows.iloc[::90].to_dict("records")):
            answer = front.post(ASSESS, chart.whole(row))
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == FHIR
            fhir_valid(answer.json())
            (record,) = ward.records(1, start=90 * place)
            plain = front.served.ask({"records": [record]}, key=front.key).json()
            (prediction,) = answer.json()["prediction"]
            assert prediction["extension"][0]["valueDecimal"] == plain["predictions"][0]["probability"]
            assert answer.json()["method"]["coding"][0]["code"] == plain["model"]["version"]


def test_an_opened_record_is_answered_with_one_valid_card(opened, chart, patient_row, hooks_valid):
    with opened(desk_url="https://desk.example") as front:
        answer = front.post(HOOK, chart.hook(patient_row), kind="application/json")
        assert answer.status_code == 200, answer.text
        hooks_valid("response", answer.json())
        (card,) = answer.json()["cards"]
        assert "- not known (no standard code says it): kind of chest pain, " in card["detail"]
        assert "8 of 13 values missing" in card["summary"]
        assert card["links"][0]["url"].startswith("https://desk.example/use-cases/heart_disease/models/")


def test_discovery_tells_what_the_key_may_ask(opened, ward, hooks_valid):
    with opened() as front:
        mine = front.get("/cds-services")
        hooks_valid("services", mine.json())
        assert [service["id"] for service in mine.json()["services"]] == ["heart_disease"]
        assert front.get("/cds-services", key=ward.key("thyroid")).json() == {"services": []}
        assert front.get("/cds-services", key="wr_0_none").status_code == 401


def test_each_prediction_is_logged_and_leads_back_to_its_card(opened, chart, patient_row, store):
    with opened() as front:
        card = front.post(HOOK, chart.hook(patient_row), kind="application/json").json()["cards"][0]
        front.post(ASSESS, chart.whole(patient_row))
        assert front.served.log.state.appended == 2
        front.served.log.ship()
    import hashlib

    from wardround.rows import parquet

    (key,) = [key for key in store.keys("predictions/heart_disease/online/") if key.endswith(".parquet")]
    digest = hashlib.sha256(store.get(key)).hexdigest()
    requests = parquet(store, key, digest).read().to_pandas()["request"]
    assert card["uuid"] in {cards.card_id(USE_CASE, request) for request in requests}


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        (ASSESS, "wr_0_none", 401, "login"),
        (ASSESS, "thyroid", 403, "forbidden"),
        ("/fhir/thyroid/$assess", None, 404, "not-found"),
        ("/fhir/nothing/$assess", None, 404, "not-found"),
    ],
)
def test_who_may_not_ask_gets_an_operation_outcome(
    opened, ward, chart, patient_row, fhir_valid, path, key, status, code
):
    with opened() as front:
        token = ward.key("thyroid") if key == "thyroid" else key
        answer = front.post(path, chart.whole(patient_row), key=token)
        assert answer.status_code == status
        assert answer.headers["content-type"] == FHIR
        fhir_valid(answer.json())
        assert answer.json()["issue"][0]["code"] == code
        assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"<Bundle/>", "application/fhir+xml", 415),
        (b'{"resourceType"', FHIR, 422),
        (b"[1, 2]", FHIR, 422),
        (b'{"resourceType": "Patient"}', FHIR, 422),
        (b'{"resourceType": "Bundle"}', FHIR, 422),
        (b" " * 3000, FHIR, 413),
    ],
)
def test_what_cannot_be_read_is_refused(opened, fhir_valid, body, kind, status):
    with opened(api_max_bytes=2000) as front:
        answer = front.post(ASSESS, body, kind=kind)
        assert answer.status_code == status
        fhir_valid(answer.json())


def test_a_record_outside_the_plausible_range_is_refused_without_its_value(opened, chart, patient_row):
    with opened() as front:
        bundle = chart.bundle(chart.patient(patient_row), chart.pressure(1234.5))
        answer = front.post(ASSESS, bundle)
        assert answer.status_code == 422
        said = [issue["diagnostics"] for issue in answer.json()["issue"]]
        assert any(
            text.startswith("features.resting_blood_pressure: it must be a number from 60 to 260") for text in said
        )
        assert "1234" not in answer.text


def test_an_unknown_unit_is_refused_by_name(opened, chart, patient_row):
    with opened() as front:
        odd = chart.observation("2093-3", **chart.quantity(233.0, "pc"))
        hook = front.post(HOOK, chart.hook(patient_row, cholesterol=chart.bundle(odd)), kind="application/json")
        assert hook.status_code == 422
        assert hook.headers["content-type"] == "application/problem+json"
        assert [fault["field"] for fault in hook.json()["faults"]] == ["features.cholesterol"]
        outcome = front.post(ASSESS, chart.bundle(chart.patient(patient_row), odd))
        assert outcome.status_code == 422
        assert "features.cholesterol: its unit" in outcome.text


def test_missing_prefetch_is_a_failed_precondition(opened, chart, patient_row):
    with opened() as front:
        request = chart.hook(patient_row)
        del request["prefetch"]["cholesterol"]
        answer = front.post(HOOK, request, kind="application/json")
        assert answer.status_code == 412
        assert "cholesterol" in answer.json()["detail"]
        assert front.served.log.state.appended == 0


def test_without_a_champion_nothing_is_predicted(opened, chart, patient_row):
    with opened(champion=False) as front:
        assert front.post(HOOK, chart.hook(patient_row), kind="application/json").status_code == 503
        outcome = front.post(ASSESS, chart.whole(patient_row))
        assert outcome.status_code == 503
        assert outcome.json()["issue"][0]["code"] == "transient"
        assert outcome.headers["retry-after"]


def test_feedback_is_kept_once_and_without_its_comment(opened, store, hooks_valid):
    body = {
        "feedback": [
            {
                "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719", "outcome": "overridden",
                "outcomeTimestamp": "2026-11-21T10:00:00Z",
                "overrideReason": {"reason": {"code": "disagree"}, "userComment": "Mrs Miller is well"},
            }
        ]
    }  # fmt: skip
    hooks_valid("feedback", body)
    with opened() as front:
        for _ in range(2):
            answer = front.post(f"{HOOK}/feedback", body, kind="application/json")
            assert answer.status_code == 200, answer.text
        assert front.post(f"{HOOK}/feedback", {"feedback": []}, kind="application/json").status_code == 422
    (key,) = store.keys("predictions/heart_disease/feedback/")
    kept = json.loads(store.get(key))
    assert kept["feedback"][0]["reason"] == "disagree"
    assert b"Miller" not in store.get(key)


def test_a_fault_of_the_server_tells_nothing_of_the_patient(
    opened, chart, patient_row, fhir_valid, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("Patient p1 is 63 years old")

    with opened() as front:
        monkeypatch.setattr("wardround.serving.fhir.assessments.risk_assessment", broken)
        answer = front.post(ASSESS, chart.whole(patient_row))
        assert answer.status_code == 500
        fhir_valid(answer.json())
        assert "p1" not in answer.text
    assert "RuntimeError" in caplog.text
    assert "years old" not in caplog.text


def test_the_capabilities_are_told(opened, fhir_valid):
    with opened() as front:
        answer = front.get("/fhir/heart_disease/metadata")
        assert answer.status_code == 200
        assert answer.json()["rest"][0]["operation"][0]["name"] == "assess"


def test_the_interface_is_described(opened):
    with opened() as front:
        paths = front.served.app.openapi()["paths"]
        assert {"/cds-services", "/cds-services/{service}", "/fhir/{use_case}/$assess"} <= set(paths)
        assert FHIR in paths["/fhir/{use_case}/$assess"]["post"]["requestBody"]["content"]
        assert paths["/cds-services"]["get"]["security"] == [{"ApiKey": []}]
