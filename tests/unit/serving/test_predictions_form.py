"""What a record means online is what the same row means in a table."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from wardround.serving.predictions.form import Form
from wardround.serving.predictions.refusals import Refused
from wardround.sources.canonical import canonical
from wardround.use_cases.base import Feature
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CASE = replace(
    USE_CASE,
    patient_id=None,
    site="site",
    time="at",
    identifiers=(),
    ignored=(),
    subgroups=(),
    features=(
        Feature(name="age", kind="numeric", plausible=(18, 110), missing_codes=(99,)),
        Feature(name="weight", kind="numeric", missing_codes=("-1", 0)),
        Feature(name="sex", kind="category", allowed=("Female", "Male")),
        Feature(name="ward", kind="category", missing_codes=("unknown",)),
        Feature(name="smoker", kind="boolean"),
        Feature(name="fit", kind="boolean", missing_codes=(False,)),
    ),
)
ROWS = [
    {"age": 63, "weight": 70.25, "sex": "Male", "ward": "A", "smoker": True, "fit": True},
    {"age": 99, "weight": -1, "sex": "Female", "ward": "unknown", "smoker": False, "fit": False},
    {"age": 18.5, "weight": 0, "sex": None, "ward": " 3.0 ", "smoker": None, "fit": None},
    {"age": 110, "weight": -0.0, "sex": "Male", "ward": "N/A", "smoker": True, "fit": True},
    {"age": 40, "weight": 1e-300, "sex": "Male", "ward": "caf\u0065\u0301", "smoker": False, "fit": True},
    {"age": None, "weight": 12345678901234567890, "sex": "Male", "ward": "TRUE", "smoker": False, "fit": True},
    {"age": 20, "weight": 0.1 + 0.2, "sex": "Male", "ward": "-7.000", "smoker": False, "fit": True},
]  # fmt: skip


def test_values_become_what_ingest_makes_of_them(settings):
    raw = pd.DataFrame(ROWS, dtype=object)
    raw["id"], raw["site"], raw["at"], raw["num"] = [str(i) for i in range(len(raw))], "S", "2026-01-01", 1
    frame = canonical(CASE, raw, settings, place="a table", now=NOW)
    records = Form(CASE).records({"records": [{"features": row} for row in ROWS]}, most=10, now=NOW)
    for position, name in enumerate(CASE.feature_names):
        offline = [None if pd.isna(value) else value for value in frame[name]]
        online = [record.values[position] for record in records]
        assert online == offline, name
        assert [np.signbit(v) for v in online if isinstance(v, float)] == [
            np.signbit(v) for v in offline if isinstance(v, float)
        ]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-02-30T10:00:00Z", "2026-03-31", "2026-03-31T14:05:00", "20260331T140500Z", "2026-13-01T00:00:00Z",
        "1899-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-03-31T14:05:00+2", "yesterday", 1774958700, "",
        "2026-03-31T24:00:00Z",
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(moment):
    with pytest.raises(Refused) as caught:
        Form(CASE).records({"records": [{"features": {}, "time": moment}]}, most=1, now=NOW)
    assert caught.value.faults[0].field == "time"


def test_a_time_is_read_with_its_zone():
    for text in ("2026-03-31T14:05:00+02:00", "2026-03-31T12:05Z", "2026-03-31T12:05:00.000Z"):
        (record,) = Form(CASE).records({"records": [{"features": {}, "time": text}]}, most=1, now=NOW)
        assert record.time == datetime(2026, 3, 31, 12, 5, tzinfo=UTC)


def test_an_id_that_means_missing_is_none():
    for text in ("", " ", "N/A", "?"):
        (record,) = Form(CASE).records({"records": [{"features": {}, "record_id": text}]}, most=1)
        assert record.record_id is None


def test_field_names_that_could_name_a_patient_are_not_repeated():
    for name in ("Erika Mustermann", "1954-03-02", "a" * 60, "nr4711123"):
        with pytest.raises(Refused) as caught:
            Form(CASE).records({"records": [{"features": {name: 1}}]}, most=1)
        assert caught.value.faults[0].field == "features.(not shown)"
    with pytest.raises(Refused) as caught:
        Form(CASE).records({"records": [{"features": {"blood_group": 1}}]}, most=1)
    assert caught.value.faults[0].field == "features.blood_group"
