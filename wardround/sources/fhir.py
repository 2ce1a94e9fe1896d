"""FHIR R4 resources (bundles, or a resource per line) made into one row per patient: as it was known at one moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from wardround.errors import InputFault
from wardround.sources import fhir_records
from wardround.sources.csv import unzipped
from wardround.sources.fhir_contents import Unusable, series_of, text_of
from wardround.sources.fhir_known import held, known_at
from wardround.sources.fhir_records import RecordInvalid, Resource
from wardround.sources.files import files_under, locate
from wardround.use_cases.base import Content, Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

SUFFIXES = (".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz")
USED = ("Observation", "Condition", "MedicationRequest", "DocumentReference")


@dataclass(kw_only=True)
class _Patient:
    """A patient and the resources about that patient."""

    url: str | None
    resource: Resource
    found: list[Resource] = field(default_factory=list)


def read_fhir(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read a file (JSON, or NDJSON with a resource per line, also gzipped) or a folder of them into a raw frame.

    A feature is read as in a request to the API (`wardround.sources.fhir_records`), by its ``code``: an Observation's
    newest value, or an element of the patient; a boolean that no Observation says is true where an active Condition or
    a MedicationRequest has its code. Series are made of Observations by the content's options ``code.X`` (of channel X)
    and ``unit.X``; a text is the newest DocumentReference with one (option ``code``: of that type). Nothing else of a
    patient is taken over.

    Options: ``as_of`` (a moment with its zone: what became known later is not looked at, and what does not say when it
    became known is not either; without it each patient is read as of the newest resource), ``window`` (minutes before
    that moment from which series begin; without it, all), ``absence_means_no`` (true: a Condition or MedicationRequest
    that is not there is a no), ``outcome_code`` and ``outcome_system`` (the target's column says ``yes`` where a
    Condition of that code became known after ``as_of``, else ``no``).

    Raises:
        InputFault: nothing is there, a file is no FHIR, a patient is there twice, or resources are of a patient who is
            not there.
    """
    import pandas as pd

    place = source.location
    as_of = _as_of(source)
    patients = _patients(place, _resources(place, settings))
    rows: list[dict[str, Any]] = []
    faults: dict[str, list[int]] = {}
    for number, patient in enumerate(patients):
        reader = _Row(use_case, source, patient, as_of)
        rows.append(reader.read())
        for reason in reader.faults:
            faults.setdefault(reason, []).append(number)
    frame = pd.DataFrame(rows, dtype=object)
    frame.attrs["row_faults"] = faults
    return frame


class _Row:
    """Reads one patient into a row of the raw frame, and keeps why it is not to be used (*faults*)."""

    def __init__(self, use_case: UseCase, source: Source, patient: _Patient, as_of: datetime | None):
        self.case, self.options = use_case, source.options
        self.patient = patient
        moments = [moment for each in patient.found if (moment := known_at(each)) is not None]
        self.now = as_of or max(moments, default=datetime(1970, 1, 1, tzinfo=UTC))
        self.known = in_time(patient.found, self.now)
        self.faults: list[str] = []

    def read(self) -> dict[str, Any]:
        """Return the row: raw columns of the use case only."""
        case, identity = self.case, self.patient.resource.get("id") or self.patient.url
        row: dict[str, Any] = {case.record_id: identity, **({case.patient_id: identity} if case.patient_id else {})}
        if case.time is not None:
            row[case.time] = self.now.isoformat()
        if case.site is not None:
            organisation = self.patient.resource.get("managingOrganization")
            row[case.site] = organisation.get("reference") if isinstance(organisation, Mapping) else None
        row |= self._features()
        for content in case.contents:
            row[content.source_column] = self._content(content)
        if "outcome_code" in self.options and case.target.column:
            row[case.target.column] = self._outcome()
        return row

    def _features(self) -> dict[str, Any]:
        url, resource = self.patient.url, self.patient.resource
        try:
            record = fhir_records.read(
                self.case, [(url, resource), *((None, each) for each in self.known)], now=self.now
            )
            values, faults = record.values, record.faults
        except RecordInvalid:
            values, faults = {}, (("record", "its resources cannot be read as one patient's"),)
        self.faults += [f"{name}: {text}" for name, text in faults]
        closed = bool(self.options.get("absence_means_no", False))
        row: dict[str, Any] = {}
        for feature in self.case.features:
            if feature.of is not None:
                continue
            value = values.get(feature.name)
            if value is None and feature.kind == "boolean" and feature.code is not None and feature.code.above is None:
                value = held(self.known, feature.code.system, feature.code.names) or (False if closed else None)
            row[feature.source_column] = str(value).lower() if isinstance(value, bool) else value
        return row

    def _content(self, content: Content) -> Any:
        try:
            if content.kind == "text":
                return text_of(content, self.known)
            if content.kind == "series":
                return series_of(content, self.known, until=self.now, minutes=self.options.get("window"))
        except Unusable as why:
            self.faults.append(f"{content.name}: {why}")
        return None

    def _outcome(self) -> str:
        earlier = {id(each) for each in self.known}
        later = [each for each in self.patient.found if id(each) not in earlier]
        system, code = str(self.options.get("outcome_system", "")), str(self.options["outcome_code"])
        return "yes" if held(later, system, (code,), kinds=("Condition",)) else "no"


def in_time(found: list[Resource], now: datetime) -> list[Resource]:
    """Return the resources known by *now*: the leak guard of this source. What says no moment is not known by any."""
    return [each for each in found if (moment := known_at(each)) is not None and moment <= now]


def _as_of(source: Source) -> datetime | None:
    if "as_of" not in source.options:
        return None
    try:
        moment = datetime.fromisoformat(str(source.options["as_of"]))
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise InputFault(source.location, "the option as_of is no moment with its zone",
                         "Write it like 2024-07-01T06:00:00+02:00")  # fmt: skip
    return moment


def _resources(place: str, settings: "Settings") -> Iterator[tuple[str | None, Resource]]:
    """Yield (fullUrl, resource) of every file, in order of their names."""
    path = locate(place, settings, folder=True)
    files = files_under(path, place) if path.is_dir() else [path]
    files = [each for each in files if each.name.lower().endswith(SUFFIXES)]
    if not files:
        raise InputFault(place, "there is no file of FHIR resources in it", f"Name a file that ends in {SUFFIXES[0]}")
    for each in files:
        try:
            for value in _values(place, each):
                yield from fhir_records.resources(value)
        except (OSError, ValueError, RecursionError, RecordInvalid) as error:
            raise InputFault(
                place, f"one of its {len(files)} file(s) is no FHIR in JSON ({type(error).__name__})",
                "Check that every file is a Bundle, or has a resource per line, in UTF-8",
            ) from None  # fmt: skip


def _values(place: str, path: Path) -> Iterator[Any]:
    # unlike the standard library's, this parser lets no half characters and no numbers without an end through
    text = unzipped(path.read_bytes(), place).decode("utf-8-sig")
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        yield orjson.loads(text)
        return
    for line in text.splitlines():
        if line.strip():
            yield orjson.loads(line)


def _patients(place: str, found: Iterator[tuple[str | None, Resource]]) -> list[_Patient]:
    """Return the patients, in order, each with the resources about them."""
    named: dict[str, _Patient] = {}
    patients, about, doubled = [], [], 0
    for url, resource in found:
        if resource.get("resourceType") in USED:
            about.append(resource)
        elif resource.get("resourceType") == "Patient":
            patient = _Patient(url=url, resource=resource)
            identity = resource.get("id")
            names = [f"Patient/{identity}", str(identity)] if isinstance(identity, str) else []
            names += [url] if url else []
            doubled += any(name in named for name in names) or not names
            named |= dict.fromkeys(names, patient)
            patients.append(patient)
    strangers = 0
    for resource in about:
        owner = named.get(_subject(resource))
        if owner is None:
            strangers += 1
        else:
            owner.found.append(resource)
    if not patients or doubled or strangers:
        raise InputFault(
            place,
            f"{len(patients)} patient(s), {doubled} of them without a name or there twice, and {strangers} of "
            f"{len(about)} resources of patients who are not there",
            "Export every patient once, together with the resources about them",
        )
    return patients


def _subject(resource: Resource) -> str:
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, Mapping) else None
    if not isinstance(reference, str):
        return ""
    _, found, identity = reference.rpartition("/Patient/")
    return f"Patient/{identity}" if found else reference
