"""A patient's FHIR resources in a request: read as everywhere, refused as requests are."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from wardround.serving.predictions import Refused
from wardround.serving.predictions.refusals import Fault
from wardround.sources import fhir_records
from wardround.sources.fhir_records import DEEPEST as DEEPEST
from wardround.sources.fhir_records import Record as Record
from wardround.sources.fhir_records import Resource as Resource
from wardround.sources.fhir_records import own_system as own_system
from wardround.use_cases.base import UseCase


def resources(value: Any, *, deep: int = DEEPEST) -> Iterator[tuple[str | None, Resource]]:
    """Yield (fullUrl, resource) of a resource, or of all entries of a Bundle or of Parameters, at most *deep* nested.

    Raises:
        Refused: 422, they are nested deeper.
    """
    try:
        yield from fhir_records.resources(value, deep=deep)
    except fhir_records.RecordInvalid as why:
        raise Refused(422, str(why)) from None


def read(use_case: UseCase, found: Iterable[tuple[str | None, Resource]], *, now: datetime) -> Record:
    """Read the one patient among *found*, with that patient's Observations, the newest of each code.

    Raises:
        Refused: 422, naming each fault: no patient or several, another patient's Observation, a unit that is not
            declared, a value of the wrong type.
    """
    try:
        record = fhir_records.read(use_case, found, now=now)
    except fhir_records.RecordInvalid as why:
        raise Refused(422, str(why)) from None
    if record.faults:
        faults = tuple(Fault(record=0, field=f"features.{name}", fault=text) for name, text in record.faults)
        raise Refused(422, "the record cannot be used as it is", faults=faults)
    return record
