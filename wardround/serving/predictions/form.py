"""What a record may hold, compiled once per use case: strict types, ranges and levels, and the canonical values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from wardround.domain import utc_now
from wardround.serving.predictions.refusals import Fault, Refused
from wardround.sources.cells import MISSING, token, tokens
from wardround.sources.moments import AHEAD, EARLIEST
from wardround.use_cases.base import Feature, UseCase

LONGEST = 200
"""Characters of an identifier, a site or a level."""
_DAY = r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
MOMENT = rf"^{_DAY}T{_CLOCK}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
"""A moment with its zone (RFC 3339, seconds optional)."""
_MOMENT = re.compile(MOMENT)
_A_NAME = re.compile(r"(?!.*[0-9]{4})[A-Za-z][A-Za-z0-9_]{0,48}")
_RECORD = "a record is a JSON object with `{}`, an object"

Value = float | str | None
Reader = Callable[[Any], Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One record that was checked: its names as given, and its canonical *values* in the features' order.

    *contents* are as they came until they are read (`wardround.serving.predictions.contents`), then canonical cells;
    what is measured of them is None among the values until then.
    """

    record_id: str | None
    patient_id: str | None
    site: str | None
    time: datetime | None
    values: tuple[Value, ...]
    contents: Mapping[str, Any] = field(default_factory=dict)


class _Wrong(Exception):
    """A value that may not stand there; its message never shows it."""


class Form:
    """The form that every record of *use_case* has to fill in; contents are taken as they come.

    A number is a JSON number, a category a string, a truth value a JSON boolean; null or nothing means missing, and so
    does what `wardround.sources` takes for missing in a table.
    """

    def __init__(self, use_case: UseCase):
        self.use_case = use_case
        self.readers: tuple[tuple[str, Reader], ...] = tuple(
            (feature.name, _READERS[feature.kind](feature)) for feature in use_case.features
        )
        roles = (("patient_id", use_case.patient_id), ("site", use_case.site), ("time", use_case.time))
        self.roles = ("record_id", *(role for role, column in roles if column is not None))
        self._names = frozenset(feature.name for feature in use_case.features if feature.of is None)
        self._contents = frozenset(content.name for content in use_case.contents)
        self._parts = {"features": self._names} if self._names or not self._contents else {}
        if self._contents:
            self._parts["contents"] = self._contents
        self._fields = frozenset((*self._parts, *self.roles))
        self._settings = frozenset(("records", *(("saliency",) if self._contents else ())))

    def records(self, body: Any, *, most: int, now: datetime | None = None) -> list[Record]:
        """Return the records of a request ``{"records": [...]}``, checked.

        Raises:
            Refused: 422, naming every field that is wrong (the first 50) and its record's position, never its value.
        """
        if not isinstance(body, dict) or not isinstance(body.get("records"), list):
            raise Refused(422, 'the body is a JSON object {"records": [...]}', faults=_whole("records", "a list"))
        if strange := [name for name in body if name not in self._settings]:
            faults = tuple(Fault(record=None, field=_shown(name), fault="unknown field") for name in strange)
            raise Refused(422, "the body has fields that nobody knows", faults=faults)
        if type(body.get("saliency", False)) is not bool:
            raise Refused(422, "saliency is true or false", faults=_whole("saliency", "true or false"))
        return self.checked(body["records"], most=most, now=now)

    def checked(self, given: list[Any], *, most: int, now: datetime | None = None) -> list[Record]:
        """Return the records of a list, checked; see `records`."""
        if not 1 <= len(given) <= most:
            fault = _whole("records", f"1 to {most} records")
            raise Refused(422, f"a request holds 1 to {most} records, not {len(given)}", faults=fault)
        faults: list[Fault] = []
        now = now or utc_now()
        records = [record for place, one in enumerate(given) if (record := self._one(one, place, now, faults))]
        if faults:
            raise unfit(faults)
        return records

    def _one(self, given: Any, place: int, now: datetime, faults: list[Fault]) -> Record | None:
        for part in self._parts:
            if not isinstance(given, dict) or not isinstance(given.get(part), dict):
                faults.append(Fault(record=place, field=part, fault=_RECORD.format(part)))
                return None
        before = len(faults)
        if not given.keys() <= self._fields:
            faults += _unknown(given.keys() - self._fields, place, "")
        for part, known in self._parts.items():
            if not given[part].keys() <= known:
                faults += _unknown(given[part].keys() - known, place, f"{part}.")
        features = given["features"] if "features" in self._parts else {}
        values: list[Value] = []
        get = features.get
        for name, read in self.readers:
            value = get(name)
            if value is None:
                values.append(None)
                continue
            try:
                values.append(read(value))
            except _Wrong as wrong:
                faults.append(Fault(record=place, field=f"features.{name}", fault=str(wrong)))
        roles = dict.fromkeys(("record_id", "patient_id", "site", "time"))
        for role in self.roles:
            try:
                roles[role] = _role(role, given.get(role), now)
            except _Wrong as wrong:
                faults.append(Fault(record=place, field=role, fault=str(wrong)))
        if len(faults) > before:
            return None
        return Record(**roles, values=tuple(values), contents=given["contents"] if self._contents else {})


def unfit(faults: Sequence[Fault]) -> Refused:
    """Return the refusal of records with *faults*."""
    said = f"{len(faults)} field(s) are not as the use case describes them; nothing was predicted"
    return Refused(422, said, faults=tuple(faults))


def _whole(field: str, expected: str) -> tuple[Fault, ...]:
    return (Fault(record=None, field=field, fault=f"it must be {expected}"),)


def _unknown(names: Any, place: int, before: str) -> Iterator[Fault]:
    for name in sorted(names):
        yield Fault(record=place, field=before + _shown(name), fault="unknown field")


def _shown(name: str) -> str:
    """Repeat a field's name only where it cannot be a patient's."""
    return name if _A_NAME.fullmatch(name) else "(not shown)"


def _role(role: str, value: Any, now: datetime) -> Any:
    if value is None:
        return None
    if type(value) is not str or len(value) > LONGEST:
        raise _Wrong(f"it must be a string of at most {LONGEST} characters, or null")
    if role != "time":
        text = _token(value)
        return None if text.lower() in MISSING else text if role == "site" else value
    if not _MOMENT.fullmatch(value):
        raise _Wrong("it must be a moment with its zone, such as 2026-03-31T14:05:00+02:00")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _Wrong("there is no such moment") from None
    if moment < EARLIEST or moment > now + AHEAD:
        raise _Wrong("it must lie between 1900 and tomorrow")
    return moment


def _number(feature: Feature) -> Reader:
    low, high = feature.plausible or (float("-inf"), float("inf"))
    unit = f" {feature.unit}" if feature.unit else ""
    wrong = f"it must be a number{f' from {low:g} to {high:g}{unit}' if feature.plausible else ''}, or null"
    codes = frozenset(float(code) for code in feature.missing_codes if _numeric(code))

    def read(value: Any) -> Value:
        if type(value) is not float and type(value) is not int:
            raise _Wrong(wrong)
        number = float(value) + 0.0  # minus zero is zero
        if not low <= number <= high:
            raise _Wrong(wrong)
        return None if number in codes else number

    return read


def _category(feature: Feature) -> Reader:
    gone = tokens(feature.missing_codes)
    allowed = tokens(feature.allowed)
    listed = ", ".join(repr(level) for level in feature.allowed or ())
    wrong = (
        f"it must be one of {listed}, or null" if allowed else f"it must be a string of at most {LONGEST} characters"
    )

    def read(value: Any) -> Value:
        if type(value) is not str or len(value) > LONGEST:
            raise _Wrong(wrong)
        if allowed:
            if value not in allowed:
                raise _Wrong(wrong)
            return None if value in gone else value
        level = _token(value)
        return None if level in gone or level.lower() in MISSING else level

    return read


def _boolean(feature: Feature) -> Reader:
    gone = tokens(feature.missing_codes)
    levels = {value: None if text in gone else text for value, text in ((True, "true"), (False, "false"))}

    def read(value: Any) -> Value:
        if type(value) is not bool:
            raise _Wrong("it must be true, false or null")
        return levels[value]

    return read


_READERS: dict[str, Callable[[Feature], Reader]] = {"numeric": _number, "category": _category, "boolean": _boolean}


@lru_cache(maxsize=4096)
def _token(text: str) -> str:
    return token(text)


def _numeric(code: Any) -> bool:
    try:
        return float(str(code)) == float(str(code))
    except ValueError:
        return False
