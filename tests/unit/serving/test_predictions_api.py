"""Asking the prediction API: what it answers, and what it refuses without repeating a value."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import httpx
import pytest

from wardround.serving.predictions import engine
from wardround.serving.predictions.refusals import MEDIA_TYPE
from wardround.settings import Settings
from wardround.use_cases.heart_disease import USE_CASE

SECRET = "Erika Mustermann"


@pytest.fixture(scope="module")
def open_ward(s3_server, ward_of, tmp_path_factory):
    """A ward with a champion, its server and a key."""
    store = replace(s3_server, prefix=f"{s3_server.prefix}open-ward/")
    settings = Settings(home=tmp_path_factory.mktemp("open"), pseudonym_key="a fixed key, for tests, nothing else")
    ward = ward_of(store, settings, USE_CASE)
    ward.promote(ward.model())
    with ward.served(api_rate=10**6) as served:
        served.key = ward.key()
        yield ward, served


def refused(response, status):
    """The problem document of a refusal."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    body = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert SECRET not in response.text
    return body


def test_one_record_is_answered_with_prediction_reasons_and_warnings(ward):
    version = ward.model()
    ward.promote(version)
    key = ward.key()
    record = ward.records(1)[0]
    record["features"] |= {"cholesterol": None, "max_heart_rate": 229}
    with ward.served() as served:
        answered = served.ask({"records": [record]}, key=key)
    assert answered.status_code == 200
    body = answered.json()
    assert body["model"] == {"version": version.version, "family": "logistic"}
    assert (body["use_case"], body["threshold"], body["reasons_unit"]) == ("heart_disease", 0.3, "log odds")
    assert body["request_id"] == answered.headers["x-request-id"]
    assert datetime.fromisoformat(body["time"]).tzinfo is not None
    (one,) = body["predictions"]
    assert one["record_id"] == "case 0"
    assert 0 < one["probability"] < 1
    assert one["above_threshold"] == (one["probability"] >= 0.3)
    sizes = [abs(reason["contribution"]) for reason in one["reasons"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {reason["feature"] for reason in one["reasons"]} == set(USE_CASE.feature_names)
    assert {(it["feature"], it["kind"]) for it in one["warnings"]} >= {
        ("cholesterol", "missing"), ("max_heart_rate", "outside training")
    }  # fmt: skip


def test_the_reasons_are_those_of_the_learner(open_ward):
    ward, served = open_ward
    records = ward.records(3)
    answered = served.ask({"records": records}, key=served.key).json()["predictions"]
    learner = served.predictors["heart_disease"].champions.serving.learner
    rows = ward.school.rows.iloc[:3]
    explained = learner.explain(rows)
    for i, one in enumerate(answered):
        assert {it["feature"]: it["contribution"] for it in one["reasons"]} == explained.iloc[i].to_dict()


def test_a_feature_left_out_is_missing_like_one_that_is_null(open_ward):
    ward, served = open_ward
    (full,) = ward.records(1)
    null, absent = ({"features": dict(full["features"])} for _ in range(2))
    null["features"]["cholesterol"] = None
    del absent["features"]["cholesterol"]
    one, other = served.ask({"records": [null, absent]}, key=served.key).json()["predictions"]
    assert one == other
    assert one["record_id"] is None


def test_a_request_without_a_good_key_is_refused(open_ward):
    ward, served = open_ward
    body = {"records": ward.records(1)}
    wrong = served.key[:-3] + "abc"
    for token in (None, wrong, "wr_", f"wr_{SECRET}", "x" * 2000, "wr_000000000000_" + "0" * 43):
        problem = refused(served.ask(body, key=token), 401)
        assert "API key" in problem["detail"]
    response = served.client.post(
        "/v1/use-cases/heart_disease/predictions", json=body, headers={"authorization": f"Basic {served.key}"}
    )
    refused(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_key_for_another_use_case_is_refused(open_ward):
    ward, served = open_ward
    assert "not for this use case" in refused(served.ask({"records": []}, key=ward.key("thyroid")), 403)["detail"]
    assert served.ask({"records": ward.records(1)}, key=ward.key("heart_disease")).status_code == 200


def test_an_unknown_use_case_is_not_found(open_ward):
    _, served = open_ward
    assert "heart_disease" in refused(served.ask({"records": []}, key=served.key, case="gout"), 404)["detail"]
    refused(served.ask({"records": []}, case="gout"), 401)


def test_without_a_champion_the_caller_is_asked_to_come_back(ward):
    with ward.served() as served:
        response = served.ask({"records": ward.records(1)}, key=ward.key())
        assert "no champion" in refused(response, 503)["detail"]
        assert int(response.headers["retry-after"]) >= 1
        ward.promote(ward.model())
        served.predictors.refresh()
        assert served.ask({"records": ward.records(1)}, key=ward.key()).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("age", SECRET, "a number from 18 to 110 years"),
        ("age", "63", "a number from 18 to 110 years"),
        ("age", True, "a number from 18 to 110 years"),
        ("age", [63], "a number from 18 to 110 years"),
        ("age", 17.9, "a number from 18 to 110 years"),
        ("age", 1e300, "a number from 18 to 110 years"),
        ("cholesterol", 0, "a number from 50 to 700 mg/dL"),
        ("sex", SECRET, "one of 'Female', 'Male'"),
        ("sex", 1, "one of 'Female', 'Male'"),
        ("sex", "male", "one of 'Female', 'Male'"),
        ("exercise_angina", "true", "true, false or null"),
        ("exercise_angina", 1, "true, false or null"),
        ("blood_group", SECRET, "unknown field"),
    ],
)
def test_a_wrong_value_is_named_by_field_and_record_and_never_repeated(open_ward, field, value, said):
    ward, served = open_ward
    records = ward.records(3)
    records[1]["features"][field] = value
    response = served.ask({"records": records}, key=served.key)
    problem = refused(response, 422)
    (fault,) = problem["faults"]
    assert (fault["record"], fault["field"]) == (1, f"features.{field}")
    assert said in fault["fault"]
    if len(str(value)) > 1:
        assert str(value) not in response.text.replace(said, "").replace(problem["request_id"], "")


def test_every_wrong_field_is_named_at_once(open_ward):
    ward, served = open_ward
    records = ward.records(2)
    records[0]["features"] |= {"age": -1, "sex": "?"}
    records[1] |= {"record_id": 5, "ward": SECRET}
    faults = refused(served.ask({"records": records}, key=served.key), 422)["faults"]
    assert {(it["record"], it["field"]) for it in faults} == {
        (0, "features.age"), (0, "features.sex"), (1, "record_id"), (1, "ward")
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        [], {}, {"records": None}, {"records": []}, {"records": {}}, {"records": [[]]}, {"records": ["x"]},
        {"records": [{}]}, {"records": [{"features": []}]}, {"records": [{"features": {}}], "more": 1},
        {"records": [{"features": {}, SECRET: 1}]}, {"records": [{"features": {SECRET: 1}}]},
        {"records": [{"features": {}, "patient_id": "p"}]}, {"records": [{"features": {}, "record_id": "x" * 201}]},
        {SECRET: 1, "records": [{"features": {}}]},
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused(open_ward, body):
    _, served = open_ward
    assert refused(served.ask(body, key=served.key), 422)["faults"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nonsense Erika Mustermann", b"\xff\xfe", b'{"records": [{"features": {"age": NaN}}]}',
        b'{"records": [{"features": {"age": 1e999}}]}', b'["Erika Mustermann', b"[" * 5000,
        b'{"records": [{"features": {"sex": "\\ud800"}}]}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused_by_its_place_alone(open_ward, body):
    _, served = open_ward
    assert "not JSON: line" in refused(served.ask(body, key=served.key), 422)["detail"]


def test_another_content_type_is_refused(open_ward):
    _, served = open_ward
    for kind in ("text/plain", "application/xml", ""):
        refused(served.ask(b"{}", key=served.key, headers={"content-type": kind}), 415)
    charset = served.ask({"records": []}, key=served.key, headers={"content-type": "application/json; charset=utf-8"})
    assert charset.status_code == 422


def test_another_method_is_refused(open_ward):
    _, served = open_ward
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        response = served.client.request(method, "/v1/use-cases/heart_disease/predictions")
        refused(response, 405)
        assert response.headers["allow"] == "POST"
    refused(served.client.get("/v1/nothing"), 404)


def test_a_body_that_is_too_large_is_refused_even_if_it_does_not_say_so(ward):
    ward.promote(ward.model())
    key = ward.key()
    with ward.served(api_max_bytes=1000) as served:
        assert "1000 bytes" in refused(served.ask(b" " * 1001, key=key), 413)["detail"]

        def parts():
            for _ in range(30):
                yield b" " * 100

        response = served.client.post(
            "/v1/use-cases/heart_disease/predictions", content=parts(),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        )  # fmt: skip
        refused(response, 413)


def test_more_records_than_allowed_are_refused(ward):
    ward.promote(ward.model())
    key = ward.key()
    with ward.served(api_max_records=3) as served:
        assert served.ask({"records": ward.records(3)}, key=key).status_code == 200
        assert "1 to 3 records" in refused(served.ask({"records": ward.records(4)}, key=key), 422)["detail"]


def test_a_key_that_asks_too_often_is_told_when_to_come_back(ward):
    ward.promote(ward.model())
    key, other = ward.key(), ward.key()
    with ward.served(api_rate=60) as served:
        statuses = [served.ask({"records": ward.records(1)}, key=key) for _ in range(14)]
        assert {response.status_code for response in statuses} == {200, 429}
        late = next(response for response in statuses if response.status_code == 429)
        assert "more often" in refused(late, 429)["detail"]
        assert int(late.headers["retry-after"]) >= 1
        assert served.ask({"records": ward.records(1)}, key=other).status_code == 200


def test_when_too_many_wait_one_more_is_told_to_come_back(ward, monkeypatch):
    ward.promote(ward.model())
    key = ward.key()
    taken, go = threading.Event(), threading.Event()
    answer = engine.Engine._answer

    def slowly(self, jobs):
        taken.set()
        assert go.wait(60)
        answer(self, jobs)

    monkeypatch.setattr(engine.Engine, "_answer", slowly)
    with ward.served(api_waiting=4, api_rate=10**6) as served, ThreadPoolExecutor(16) as pool:
        first = pool.submit(served.ask, {"records": ward.records(1)}, key=key)
        assert taken.wait(60)
        asked = [pool.submit(served.ask, {"records": ward.records(1)}, key=key) for _ in range(12)]
        while sum(one.done() for one in asked) < 8:  # four wait
            threading.Event().wait(0.01)
        assert served.predictors["heart_disease"].engine.waiting == 4
        go.set()
        answers = [one.result() for one in (first, *asked)]
    assert sorted(one.status_code for one in answers) == [200] * 5 + [429] * 8
    late = next(one for one in answers if one.status_code == 429)
    assert late.headers["retry-after"] == "1"
    assert "wait already" in refused(late, 429)["detail"]


def test_a_failing_learner_is_a_500_without_a_word_of_the_request(open_ward, monkeypatch, caplog):
    ward, served = open_ward
    predictor = served.predictors["heart_disease"]

    def fails(*_):
        raise ValueError(SECRET)

    monkeypatch.setattr(type(predictor.champions.serving.learner), "answer", fails)
    refused(served.ask({"records": ward.records(1)}, key=served.key), 500)
    assert SECRET not in caplog.text
    assert "ValueError" in caplog.text


def test_what_cannot_be_recorded_is_not_answered(open_ward, monkeypatch):
    from wardround.errors import LogFull

    ward, served = open_ward

    def full(_):
        raise LogFull("the spool", "the disk is full", "make room")

    monkeypatch.setattr(served.log, "append", full)
    response = served.ask({"records": ward.records(1)}, key=served.key)
    assert "recorded" in refused(response, 503)["detail"]
    assert response.headers["retry-after"]


def test_every_answer_is_in_the_log_before_it_goes_out(open_ward, monkeypatch):
    ward, served = open_ward
    kept = []
    append = served.log.append

    def keep(entries):
        entries = list(entries)
        kept.extend(entries)
        append(entries)

    monkeypatch.setattr(served.log, "append", keep)
    records = ward.records(3)
    body = served.ask({"records": records}, key=served.key).json()
    assert [entry.position for entry in kept] == [0, 1, 2]
    assert {entry.request for entry in kept} == {body["request_id"]}
    assert {entry.version for entry in kept} == {body["model"]["version"]}
    assert [entry.value for entry in kept] == [one["probability"] for one in body["predictions"]]
    assert kept[0].features["sex"] == records[0]["features"]["sex"]
    assert all("case" not in entry.record_id for entry in kept)
    assert {len(entry.input_sha256) for entry in kept} == {64}
    assert served.key.split("_")[1] == kept[0].caller


def test_the_server_goes_on_when_a_caller_hangs_up(open_ward):
    ward, served = open_ward
    with pytest.raises(httpx.TimeoutException):
        served.ask({"records": ward.records(1000)}, key=served.key, timeout=0.001)
    assert served.ask({"records": ward.records(1)}, key=served.key).status_code == 200
