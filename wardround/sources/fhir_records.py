"""A patient's FHIR R4 resources, read into the features of a use case; nothing is guessed, nothing is quoted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from wardround.sources.fhir_units import factor
from wardround.use_cases._codes import PATIENT, Code
from wardround.use_cases.base import Feature, Scalar, UseCase

Resource = Mapping[str, Any]

TRUSTED = ("final", "amended", "corrected")
"""The status of an Observation that is used; a preliminary or a withdrawn one is not."""

DEEPEST = 4
"""How deep Bundles may stand in Bundles; a searchset in Parameters takes two."""

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""Before every moment: that of what does not say its own."""


class RecordInvalid(Exception):
    """Why nothing can be read from a patient's resources; the text says it without a word of theirs."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the resources say of one patient.

    *patient* is the patient's logical id, *subject* how the resources refer to the patient. *values* holds a value
    per feature found, in the use case's unit; *basis* what they rest on (references); *gaps* says why a feature that
    has a code was not found, feature -> sentence; *faults* what is wrong with a value that is there.
    """

    patient: str
    subject: str
    values: Mapping[str, Scalar]
    basis: tuple[str, ...]
    gaps: Mapping[str, str]
    faults: tuple[tuple[str, str], ...] = ()


def own_system(use_case: UseCase) -> str:
    """Return the code system of the use case itself, in which each feature and each level is its own code."""
    return f"urn:x-wardround:{use_case.name}"


def resources(value: Any, *, deep: int = DEEPEST) -> Iterator[tuple[str | None, Resource]]:
    """Yield (fullUrl, resource) of a resource, or of all entries of a Bundle or of Parameters, at most *deep* nested.

    Raises:
        RecordInvalid: they are nested deeper: each level costs every resource in it once more, while all others wait.
    """
    if not isinstance(value, Mapping):
        return
    kind = value.get("resourceType")
    if kind in ("Bundle", "Parameters") and not deep:
        raise RecordInvalid(f"Bundles are nested more than {DEEPEST} deep")
    if kind == "Bundle":
        for entry in listed(value, "entry"):
            url = entry.get("fullUrl")
            for _, resource in resources(entry.get("resource"), deep=deep - 1):
                yield (url if isinstance(url, str) else None), resource
    elif kind == "Parameters":
        for parameter in listed(value, "parameter"):
            yield from resources(parameter.get("resource"), deep=deep - 1)
    elif isinstance(kind, str):
        yield None, value


def read(use_case: UseCase, found: Iterable[tuple[str | None, Resource]], *, now: datetime) -> Record:
    """Read the one patient among *found*, with that patient's Observations, the newest of each code.

    Raises:
        RecordInvalid: there is no patient, or several, or another patient's Observation.
    """
    found = tuple(found)
    patients = [(url, each) for url, each in found if each.get("resourceType") == "Patient"]
    if len(patients) != 1:
        said = "there is no Patient" if not patients else f"there are {len(patients)} Patients"
        raise RecordInvalid(f"{said} among the resources; send exactly one, with the Observations of that patient")
    url, patient = patients[0]
    identity = patient.get("id")
    if not isinstance(identity, str) or not identity:
        if url is None:
            raise RecordInvalid("the Patient has neither an id nor a fullUrl, so nothing can be said about it")
        identity = url
    observations = [each for _, each in found if each.get("resourceType") == "Observation"]
    names = {f"Patient/{identity}", identity, *([url] if url else [])}
    strangers = [each for each in observations if not _is_of(each, names, identity)]
    if strangers:
        raise RecordInvalid(
            f"{len(strangers)} of {len(observations)} Observations are not of the Patient that was sent; nothing is "
            "predicted from mixed records",
        )
    subject = f"Patient/{identity}" if isinstance(patient.get("id"), str) else identity
    reader = _Reader(use_case, _by_code(observations), patient, subject, now)
    values: dict[str, Scalar] = {}
    basis: dict[str, None] = {}
    for feature in use_case.features:
        value, reference = reader.value(feature)
        if value is not None:
            values[feature.name] = value
            if reference:
                basis[reference] = None
    return Record(
        patient=identity, subject=subject, values=values, basis=tuple(basis), gaps=reader.gaps,
        faults=tuple(reader.faults),
    )  # fmt: skip


class _Reader:
    """Reads one feature after another, keeping what is wrong (*faults*) and what is not there (*gaps*)."""

    def __init__(
        self,
        use_case: UseCase,
        by_code: Mapping[tuple[str, str], list[Resource]],
        patient: Resource,
        subject: str,
        now: datetime,
    ):
        self.system = own_system(use_case)
        self.by_code = by_code
        self.patient = patient
        self.subject = subject
        self.now = now
        self.faults: list[tuple[str, str]] = []
        self.gaps: dict[str, str] = {}

    def value(self, feature: Feature) -> tuple[Scalar | None, str | None]:
        """Return the feature's value and the reference it rests on; (None, None) when it is not there."""
        own = Code(system=self.system, code=feature.name, levels={level: level for level in feature.allowed or ()})
        held = self._measured(feature, own)
        if held[0] is None and feature.code is not None:
            if feature.code.system == PATIENT:
                held = self._of_patient(feature, feature.code), self.subject
            else:
                held = self._measured(feature, feature.code)
        if held[0] is not None:
            self.gaps.pop(feature.name, None)
        elif feature.code is None:
            self.gaps.setdefault(feature.name, "no standard code says it")
        else:
            self.gaps.setdefault(feature.name, "the record has no usable value")
        return held

    def _of_patient(self, feature: Feature, code: Code) -> Scalar | None:
        held = self.patient.get(code.code)
        if not isinstance(held, str):
            return None
        if code.code == "gender":
            if held not in code.levels:
                self.gaps[feature.name] = "the record has another gender than those the model knows"
            return code.levels.get(held)
        age = _age(held, self.now.date())
        if age is None:
            self._fault(feature, "Patient.birthDate is no date, or lies in the future")
        return age

    def _measured(self, feature: Feature, code: Code) -> tuple[Scalar | None, str | None]:
        candidates = [
            (each, part)
            for name in (*code.names, *([code.panel] if code.panel else []))
            for each in self.by_code.get((code.system, name), ())
            for part in _parts(each, code)
        ]
        for each, part in sorted(candidates, key=lambda pair: moment(pair[0]), reverse=True):
            if each.get("status") not in TRUSTED:
                self.gaps[feature.name] = "its newest value is not final"
                continue
            value = self._value(feature, code, part)
            if value is not None:
                identity = each.get("id")
                return value, f"Observation/{identity}" if isinstance(identity, str) else None
        return None, None

    def _value(self, feature: Feature, code: Code, part: Resource) -> Scalar | None:
        if feature.kind == "numeric":
            return self._number(feature, part, feature.unit, feature.other_units)
        if code.above is not None and "valueQuantity" in part:
            number = self._number(feature, part, code.unit, code.other_units)
            return None if number is None else number > code.above
        if feature.kind == "boolean" and isinstance(part.get("valueBoolean"), bool):
            return bool(part["valueBoolean"])
        coding = part.get("valueCodeableConcept")
        for each in listed(coding, "coding"):
            name = each.get("code")
            if isinstance(name, str) and name in code.levels:
                return code.levels[name]
        if any(name.startswith("value") for name in part):
            self._fault(feature, "its value is of another type, or none of the levels of the use case")
        return None

    def _number(self, feature: Feature, part: Resource, unit: str | None, others: Mapping[str, float]) -> float | None:
        quantity = part.get("valueQuantity")
        if quantity is None and any(name.startswith("value") for name in part):
            self._fault(feature, "its value is no quantity")
            return None
        if not isinstance(quantity, Mapping):
            return None
        number = quantity.get("value")
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return None
        if quantity.get("comparator") is not None:
            self.gaps[feature.name] = "its newest value is only a bound (less or more than)"
            return None
        times = 1.0 if unit is None else factor(quantity, unit, others)
        if times is None:
            known = " or ".join((unit or "", *others))
            self._fault(feature, f"its unit is missing or unknown; send it in {known}")
            return None
        return float(number) * times

    def _fault(self, feature: Feature, text: str) -> None:
        self.faults.append((feature.name, text))


def listed(holder: Any, name: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list *name* of *holder*; whatever else stands there is left out."""
    items = holder.get(name) if isinstance(holder, Mapping) else None
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _by_code(observations: list[Resource]) -> dict[tuple[str, str], list[Resource]]:
    found: dict[tuple[str, str], list[Resource]] = {}
    for each in observations:
        for coding in listed(each.get("code"), "coding"):
            key = coding.get("system"), coding.get("code")
            if all(isinstance(part, str) for part in key):
                found.setdefault(key, []).append(each)  # type: ignore[arg-type]
    return found


def _parts(observation: Resource, code: Code) -> Iterator[Resource]:
    """Yield what holds the value: the Observation itself, or those of its components that carry the code."""
    if _is(observation, code):
        yield observation
    if code.panel:
        yield from (part for part in listed(observation, "component") if _is(part, code))


def _is(holder: Resource, code: Code) -> bool:
    return any(
        each.get("system") == code.system and each.get("code") in code.names
        for each in listed(holder.get("code"), "coding")
    )


def _is_of(observation: Resource, names: set[str], identity: str) -> bool:
    subject = observation.get("subject")
    reference = subject.get("reference") if isinstance(subject, Mapping) else None
    return isinstance(reference, str) and (reference in names or reference.endswith(f"/Patient/{identity}"))


def moment(observation: Resource) -> datetime:
    """Return when an Observation was made (UTC where it does not say the zone), `EARLIEST` where it does not say."""
    period = observation.get("effectivePeriod")
    said = (
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        period.get("end") or period.get("start") if isinstance(period, Mapping) else None,
        observation.get("issued"),
    )
    for text in said:
        if isinstance(text, str):
            try:
                said_at = datetime.fromisoformat(_whole(text))
            except ValueError:
                continue
            return said_at if said_at.tzinfo else said_at.replace(tzinfo=UTC)
    return EARLIEST


def _whole(text: str) -> str:
    """Return a FHIR date that may lack its month and day with both, in the middle of what it leaves open."""
    return f"{text}-07-01" if len(text) == 4 else f"{text}-15" if len(text) == 7 else text


def _age(birth: str, today: date) -> float | None:
    try:
        born = date.fromisoformat(_whole(birth))
    except ValueError:
        return None
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return float(years) if years >= 0 else None
