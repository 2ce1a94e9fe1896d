"""One answered prediction, named by pseudonyms: what the log keeps of it, and how a record gets its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from wardround.errors import PrivacyBroken
from wardround.privacy import pseudonym
from wardround.privacy.pseudonyms import LENGTH
from wardround.settings import Settings
from wardround.sources.cells import MISSING, token
from wardround.use_cases.base import UseCase

_PSEUDONYM = re.compile(rf"[0-9a-f]{{{LENGTH}}}")
_REQUEST = re.compile(r"[0-9a-f]{32}")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/:-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OTHERWISE = frozenset({*MISSING, "true", "false"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One prediction as it was answered.

    *request* is `uuid.uuid4().hex` made by the server (never a number that a caller chose, which could be a
    patient's), *position* the record's place in it. *record_id* and *patient_id* are `names`. *time* is the moment
    the prediction is for (None: *answered_at*); both are aware and are cut down to the use case's ``keep_time``
    before anything is written. *features* are canonical: float, text (``true``/``false`` for truth values), or None.
    *value*, *low* and *high* are what was answered, unrounded; *caller* is the id of the API key.
    """

    use_case: UseCase
    request: str
    position: int = 0
    record_id: str
    patient_id: str
    site: str | None = None
    time: datetime | None = None
    answered_at: datetime
    input_sha256: str
    caller: str
    version: str
    value: float
    low: float | None = None
    high: float | None = None
    features: Mapping[str, float | str | None]


def names(
    use_case: UseCase,
    settings: Settings,
    record_id: str | int | None,
    patient_id: str | int | None,
    *,
    request: str,
    position: int = 0,
) -> tuple[str, str]:
    """Return the pseudonyms of a record and its patient, the very ones that ingest gives them (24 hex digits each).

    So late outcomes find the record, and the same patient in a file is the same patient here. A record without an id
    is named by *request* and *position*, and no outcome can find it; one without a patient is its own patient.
    """
    key = settings.pseudonym_secret
    record = _text(record_id)
    own = f"\0request {request} {position}" if record is None else record
    if use_case.patient_id is None:
        patient: str | None = own
    else:
        patient = _text(patient_id)
    return (
        pseudonym(key, use_case.name, "record", own),
        pseudonym(key, use_case.name, "patient", f"\0patient of record {own}" if patient is None else patient),
    )


def row(entry: Entry) -> tuple[tuple[str, str], list[Any]]:
    """Return ((use case, day), cells) of what is written for *entry*; times cut down, features in declared order.

    Raises:
        PrivacyBroken: a name is no pseudonym, or there is a feature that the use case does not know.
    """
    case = entry.use_case
    faults = [
        f"a {what} that is not what may be kept"
        for what, pattern, held in (
            ("record id", _PSEUDONYM, entry.record_id), ("patient id", _PSEUDONYM, entry.patient_id),
            ("request id", _REQUEST, entry.request), ("hash of the input", _SHA256, entry.input_sha256),
        )
        if not pattern.fullmatch(held)
    ]  # fmt: skip
    features = entry.features
    if not features.keys() <= _known(case.feature_names):
        faults.append("a feature that the use case does not have")
    if faults:
        raise PrivacyBroken(case.name, tuple(faults))
    answered, day = _coarse(entry.answered_at, case.keep_time, case.time_zone)
    time = None
    if case.time is not None:
        time = answered if entry.time is None else _coarse(entry.time, case.keep_time, case.time_zone)[0]
    cells = [
        entry.request, entry.position, entry.record_id, entry.patient_id,
        None if case.site is None else entry.site, time, answered, entry.input_sha256, entry.caller, entry.version,
        entry.value, entry.low, entry.high, [features.get(name) for name in case.feature_names],
    ]  # fmt: skip
    return (case.name, day), cells


@lru_cache(maxsize=64)
def _known(features: tuple[str, ...]) -> frozenset[str]:
    return frozenset(features)


def _text(given: str | int | None) -> str | None:
    """Return an identifier as ingest reads it, None where it means missing."""
    if given is None:
        return None
    if isinstance(given, str) and _PLAIN.fullmatch(given) and given.lower() not in _OTHERWISE:
        return given  # most are so, and the long way takes a hundred times as long
    text = token(given)
    return None if text.lower() in MISSING else text


def _coarse(moment: datetime, keep: str, zone: str) -> tuple[str, str]:
    """Return *moment* as `privacy.coarsen` cuts it down (ISO 8601, UTC), and its day in *zone*."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    local = moment.astimezone(_zone(zone))
    if keep == "second":
        return moment.astimezone(UTC).replace(microsecond=0).isoformat(), local.date().isoformat()
    return _beginning(local.toordinal(), keep, zone)


@lru_cache(maxsize=4096)
def _beginning(day: int, keep: str, zone: str) -> tuple[str, str]:
    import pandas as pd

    from wardround.privacy import coarsen

    noon = datetime.fromordinal(day).replace(hour=12, tzinfo=_zone(zone))
    begun = coarsen(pd.Series([pd.Timestamp(noon.astimezone(UTC))]), keep, zone)[0].to_pydatetime()
    return begun.isoformat(), begun.astimezone(_zone(zone)).date().isoformat()


_zone = lru_cache(maxsize=64)(ZoneInfo)
