"""Asking the prediction API: what it answers, and what it refuses without repeating a value."""

import json
from datetime import datetime

import pytest

from wardround.use_cases.heart_disease import USE_CASE


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
