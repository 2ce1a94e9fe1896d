"""When a FHIR resource became known, and whether resources say that a patient has or takes something."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wardround.sources.fhir_records import Resource, listed

_SAID: Mapping[str, tuple[str, ...]] = {
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued"),
    "Condition": ("onsetDateTime", "onsetPeriod", "recordedDate"),
    "MedicationRequest": ("authoredOn",),
    "DocumentReference": ("date",),
}
"""Kind of resource -> its elements that say when it was measured, written or given out."""
_WITHDRAWN = ("entered-in-error", "refuted", "cancelled", "draft", "stopped", "inactive", "resolved", "remission")


def known_at(resource: Resource) -> datetime | None:
    """Return the latest moment that *resource* can have become known: the last it names, to the end of what that leaves
    open (a date: its last second, UTC where no zone is said); None where it names none.
    """
    moments = [
        moment for name in _SAID.get(str(resource.get("resourceType")), ()) for text in _texts(resource.get(name))
        if (moment := latest(text)) is not None
    ]  # fmt: skip
    return max(moments, default=None)


def latest(text: str) -> datetime | None:
    """Return the last moment that a FHIR dateTime can mean; None where it is none."""
    try:
        if len(text) == 4:
            return datetime(int(text) + 1, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
        if len(text) == 7:
            first = datetime.fromisoformat(f"{text}-28").replace(tzinfo=UTC)
            return (first + timedelta(days=4)).replace(day=1) - timedelta(seconds=1)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1, seconds=-1) if len(text) == 10 else moment


def coded(resource: Resource, system: str, codes: Sequence[str]) -> bool:
    """Whether the resource's ``code``, ``medicationCodeableConcept`` or ``type`` is one of *codes* of *system*."""
    return any(
        coding.get("code") in codes and coding.get("system") == system
        for name in ("code", "medicationCodeableConcept", "type")
        for coding in listed(resource.get(name), "coding")
    )


def held(
    found: Iterable[Resource], system: str, codes: Sequence[str],
    *, kinds: tuple[str, ...] = ("Condition", "MedicationRequest"),
) -> bool:  # fmt: skip
    """Whether a Condition or MedicationRequest of one of *codes* is among *found*, and was not withdrawn or ended."""
    return any(
        each.get("resourceType") in kinds and coded(each, system, codes) and each.get("doNotPerform") is not True
        and not any(word in _WITHDRAWN for word in _states(each))
        for each in found
    )  # fmt: skip


def _states(resource: Resource) -> list[Any]:
    concepts = (resource.get("clinicalStatus"), resource.get("verificationStatus"))
    return [resource.get("status"), *(each.get("code") for concept in concepts for each in listed(concept, "coding"))]


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):  # a period: it is over when it ends, and known to have begun when it begins
        value = value.get("end") or value.get("start")
    return [value] if isinstance(value, str) else []
