"""A record online and the same record in a file have one name, and no time is finer than the use case allows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.errors import PrivacyBroken
from wardround.privacy import coarsen
from wardround.serving.log import Entry, names
from wardround.serving.log.entries import _coarse, row
from wardround.settings import Settings
from wardround.sources.canonical import canonical
from wardround.use_cases.base import Candidate, Feature, Floor, Source, Target, UseCase

SETTINGS = Settings(home=Path("/nowhere"), pseudonym_key="a fixed key, for tests and nothing else")
CASE = UseCase(
    name="visits",
    question="Will this visitor come back?",
    problem="classification",
    source=Source(kind="csv", location="visits.csv"),
    record_id="visit",
    patient_id="person",
    time="seen",
    time_zone="America/Santiago",
    site="ward",
    target=Target(column="back", positive_above=0),
    features=(Feature(name="age", kind="numeric"),),
    candidates=(Candidate(family="logistic"),),
    gates=(Floor(metric="auroc", limit=0.5, reason="a test"),),
)
REQUEST = "0" * 32
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["1.0", "007", " 12 ", "TRUE", "False", "n/a", "?", "MRN-7", "1e5", "e\u0301", "12.50"]
)


def entry(**fields) -> Entry:
    usual = Entry(
        use_case=CASE, request=REQUEST, record_id="a" * 24, patient_id="b" * 24, site="east", answered_at=NOW,
        input_sha256="c" * 64, caller="key1", version="v1", value=0.25, features={"age": 40.0},
    )  # fmt: skip
    return replace(usual, **fields)


@given(record=IDS, person=IDS)
def test_a_record_has_the_name_that_ingest_gives_it(record, person):
    raw = pd.DataFrame(
        {"visit": [record, "other"], "person": [person, "somebody"], "seen": "2026-03-01", "ward": "east", "age": "40"}
    )
    frame = canonical(CASE, raw, SETTINGS, place="a file", now=NOW)
    mine, patient = names(CASE, SETTINGS, record, person, request=REQUEST)
    nameless = frame.attrs["nameless"]
    assert (mine == frame["record_id"][0]) is (0 not in nameless.get("record_id", ()))
    assert (patient == frame["patient_id"][0]) is (0 not in nameless.get("patient_id", ()))


@given(number=st.integers(0, 2**60))
def test_a_number_has_the_name_of_its_text(number):
    assert names(CASE, SETTINGS, number, number, request=REQUEST) == names(
        CASE, SETTINGS, str(number), str(number), request=REQUEST
    )


def test_where_each_record_is_its_own_patient_ingest_and_the_api_agree():
    own = replace(CASE, patient_id=None)
    raw = pd.DataFrame({"visit": ["7", "8"], "seen": "2026-03-01", "ward": "east", "age": "40"})
    frame = canonical(own, raw, SETTINGS, place="a file", now=NOW)
    assert names(own, SETTINGS, 7, "ignored", request=REQUEST) == tuple(frame.loc[0, ["record_id", "patient_id"]])


def test_without_ids_every_record_of_every_request_is_its_own():
    made = {names(CASE, SETTINGS, None, None, request=r * 32, position=p) for r in "01" for p in (0, 1)}
    assert len(made) == 4
    assert len({name for pair in made for name in pair}) == 8
    assert names(CASE, SETTINGS, "7", None, request=REQUEST) == names(CASE, SETTINGS, "7", None, request="1" * 32)
    assert names(CASE, SETTINGS, "7", None, request=REQUEST)[1] != names(CASE, SETTINGS, None, "7", request=REQUEST)[1]


@given(
    moment=st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    keep=st.sampled_from(["second", "day", "month", "year"]),
    zone=st.sampled_from(["UTC", "America/Santiago", "Europe/Zurich", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_times_are_cut_down_as_ingest_cuts_them(moment, keep, zone):
    expected = coarsen(pd.Series([pd.Timestamp(moment)]), keep, zone)[0]
    assert pd.Timestamp(_coarse(moment, keep, zone)[0]) == expected


def test_no_time_finer_than_agreed_is_written_not_even_the_day_in_the_name():
    yearly = replace(CASE, keep_time="year")
    (_, day), cells = row(entry(use_case=yearly, time=NOW - timedelta(days=400)))
    assert day == "2026-01-01"
    assert [cell for cell in cells if isinstance(cell, str) and cell.startswith("202")] == [
        "2025-01-01T03:00:00+00:00", "2026-01-01T03:00:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"record_id": "MRN-1"}, {"patient_id": "Jane Doe"}, {"request": "MRN-1"}, {"input_sha256": "x"},
        {"features": {"age": 40.0, "surname": "Doe"}},
    ],
)  # fmt: skip
def test_what_may_not_be_kept_is_refused_and_not_repeated(fields):
    with pytest.raises(PrivacyBroken) as broken:
        row(entry(**fields))
    assert not any(word in str(broken.value) for word in ("MRN", "Doe", "surname"))


def test_a_time_without_zone_is_a_mistake():
    with pytest.raises(ValueError, match="without zone"):
        row(entry(answered_at=NOW.replace(tzinfo=None)))
