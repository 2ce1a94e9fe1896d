"""What the columns, features and the target of a use case must hold; each rule yields every fault it finds."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from wardround.use_cases._codes import PATIENT, PATIENT_ELEMENTS, Code
from wardround.use_cases.base import ROLE_COLUMNS, UNSUPERVISED, Feature, Scalar, Target, UseCase

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
TAKEN = (*ROLE_COLUMNS, "reasons", "unreadable")
"""Columns that a stored frame may have beside its inputs."""


def _use_case(use_case: UseCase) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,62}", use_case.name):
        yield "name: use 3 to 63 lower-case letters, digits and underscores, beginning with a letter"
    if not use_case.question.strip():
        yield "question: say in a sentence what is asked about a patient"
    if not use_case.source.location.strip():
        yield "source.location: it is empty"
    elif use_case.source.kind == "package" and not re.fullmatch(r"\w+:\w+", use_case.source.location):
        yield "source.location: a package source is written package:table, for example sklearn:diabetes"
    elif use_case.source.kind == "log" and use_case.source.location != "online":
        yield "source.location: the log of predictions is called online"
    if use_case.expectations is not None and not re.fullmatch(r"[a-z_]\w*(\.[a-z_]\w*)*", use_case.expectations):
        yield "expectations: give the dotted name of a module with suite(), or None to derive them"
    if use_case.problem == "classification" and not 0 < use_case.threshold < 1:
        yield "threshold: it is a probability above which one would act, so it lies between 0 and 1"
    if not 0 < use_case.too_good <= 1:
        yield "too_good: it lies above 0 and at most at 1"
    if not 0 <= use_case.seed < 2**32:
        yield "seed: it is a whole number from 0 to 4294967295"


def _columns(use_case: UseCase) -> Iterator[str]:
    uses: list[tuple[str, str]] = [("record_id", use_case.record_id)]
    for role in ("patient_id", "time", "site"):
        column = getattr(use_case, role)
        if column is not None:
            uses.append((role, column))
    if use_case.target.column or use_case.problem not in UNSUPERVISED:
        uses.append(("target.column", use_case.target.column))
    read = [feature for feature in use_case.features if feature.of is None]
    uses += [(f"features.{feature.name}", feature.source_column) for feature in read]
    uses += [(f"contents.{content.name}", content.source_column) for content in use_case.contents]
    uses += [("identifiers", column) for column in use_case.identifiers]
    uses += [("ignored", column) for column in use_case.ignored]
    first: dict[str, str] = {}
    for place, column in uses:
        if not column.strip():
            yield f"{place}: the column's name is empty"
            continue
        earlier = first.setdefault(column, place)
        if earlier == place and place not in ("identifiers", "ignored"):
            continue
        if earlier == "target.column" and place.startswith(("features.", "contents.")):
            yield f"{place}: its column {column!r} is the target's, so the answer would be among the inputs"
        elif {earlier, place} <= {"record_id", "patient_id", "time"}:
            continue  # an identifier may carry the date and stand for the patient
        elif earlier != place or Counter(uses)[(place, column)] > 1:
            yield f"{place}: the column {column!r} is used twice, also as {earlier}"


def _time(use_case: UseCase) -> Iterator[str]:
    if use_case.time_format is not None and use_case.time is None:
        yield "time_format: there is no time column it could be the format of"
    if not zone_exists(use_case.time_zone):
        yield f"time_zone: {use_case.time_zone!r} is no time zone; write one like Europe/Berlin or UTC"
    if use_case.time is None:
        for feature in use_case.features:
            if feature.measured_at is not None:
                yield f"features.{feature.name}.measured_at: it needs a time column to be compared with"


def _features(use_case: UseCase) -> Iterator[str]:
    if not use_case.input_names:
        yield "features: there is none, and nothing can be learned from nothing"
    contents = {content.name for content in use_case.contents}
    for name, count in Counter(use_case.feature_names).items():
        if count > 1 and name not in contents:
            yield f"features.{name}: the name is used {count} times"
    for feature in use_case.features:
        place = f"features.{feature.name}"
        if not NAME.fullmatch(feature.name):
            yield f"{place}: use lower-case letters, digits and underscores, beginning with a letter"
        if feature.name in TAKEN:
            yield f"{place}: the name is kept for a column of its own; choose another and give column="
        if not 0 <= feature.max_missing <= 1:
            yield f"{place}.max_missing: it is a share between 0 and 1"
        elif feature.max_missing > 0.05 and not feature.missing_reason.strip():
            yield f"{place}.missing_reason: max_missing above 0.05 needs a reason"
        yield from _feature_of_its_kind(feature, place)
        if feature.code is not None:
            yield from _code(feature, feature.code, f"{place}.code")
    named = [(f.code.system, name) for f in use_case.features if f.code is not None for name in f.code.names]
    for (_, name), count in Counter(named).items():
        if count > 1:
            yield f"features: the code {name!r} names {count} of them, so a record could not tell them apart"


def _code(feature: Feature, code: Code, place: str) -> Iterator[str]:
    if not code.system.strip() or not all(name.strip() for name in code.names):
        yield f"{place}: system and code are needed, none of them empty"
    if code.system == PATIENT:
        if code.code not in PATIENT_ELEMENTS:
            yield f"{place}.code: of the patient only {' and '.join(PATIENT_ELEMENTS)} are read"
        elif code.code == "birthDate" and (feature.kind, feature.unit) != ("numeric", "years"):
            yield f"{place}.code: an age needs a numeric feature in years"
        if code.synonyms or code.panel:
            yield f"{place}: an element of the patient has neither synonyms nor a panel"
    elif feature.kind == "numeric" and not feature.unit:
        yield f"{place}: the feature needs a unit that a measurement's can be compared with"
    if feature.kind == "category" and not code.levels:
        yield f"{place}.levels: say which coded value stands for which level"
    if not set(code.levels.values()) <= set(feature.allowed or code.levels.values()):
        yield f"{place}.levels: one of them is no level of the feature"
    if code.above is not None and not (feature.kind == "boolean" and code.unit and math.isfinite(code.above)):
        yield f"{place}.above: it makes a boolean of a finite number that has a unit"
    if (code.unit or code.other_units) and code.above is None:
        yield f"{place}.unit: only a number that becomes a boolean has one here; a numeric feature has its own"
    if not all(factor > 0 and math.isfinite(factor) for factor in code.other_units.values()):
        yield f"{place}.other_units: a factor is positive and finite"


def _feature_of_its_kind(feature: Feature, place: str) -> Iterator[str]:
    if feature.kind == "numeric":
        if feature.allowed is not None:
            yield f"{place}.allowed: a numeric feature has a plausible range instead"
        yield from _range(feature.plausible, f"{place}.plausible")
        for unit, factor in feature.other_units.items():
            if not (factor > 0 and math.isfinite(factor) and factor != 1):
                yield f"{place}.other_units: the factor of {unit!r} must be positive and other than 1"
        if feature.other_units and not feature.unit:
            yield f"{place}.unit: it is needed where other_units are named"
        return
    for name, value in (
        ("plausible", feature.plausible),
        ("unit", feature.unit),
        ("other_units", feature.other_units),
    ):
        if value:
            yield f"{place}.{name}: only a numeric feature has it"
    if feature.kind == "boolean" and feature.allowed is not None:
        yield f"{place}.allowed: a boolean's levels are false and true by itself"
    elif feature.allowed is not None:
        yield from _levels(feature.allowed, f"{place}.allowed")


def _target(use_case: UseCase) -> Iterator[str]:
    target = use_case.target
    yield from _fields_of_the_problem(use_case)
    yield from _range(target.plausible, "target.plausible")
    rules = _given(target, *_TWO_CLASSES)
    if use_case.problem == "classification" or (use_case.problem == "anomaly" and target.column):
        if len(rules) != 1:
            given = f"{len(rules)} are given" if rules else "none is given"
            yield f"target: exactly one of positive_above, positive and negative says who is positive; {given}"
        elif target.allowed and len({_is_positive(use_case, value) for value in target.allowed}) == 1:
            yield "target.allowed: all its values fall on one side, so there is one class only"
    elif use_case.problem in ("multiclass", "multilabel"):
        if len(target.allowed or ()) < 2:
            yield "target.allowed: name the classes, in the order in which they are told; two at least"
        if any("|" in str(name) for name in target.allowed or ()):
            yield "target.allowed: a name holds '|', which joins several labels"
        if set(target.negative or ()) & set(target.allowed or ()):
            yield "target.negative: it names what a row without any label may say, so none of target.allowed"
    elif use_case.problem == "clustering" and target.column:
        yield "target.column: clustering asks for no outcome, so leave it empty"
    for name in ("positive", "negative", "allowed"):
        levels = getattr(target, name)
        if levels is not None:
            yield from _levels(levels, f"target.{name}")
            if use_case.problem != "multilabel" and not set(levels) <= set(target.allowed or levels):
                yield f"target.{name}: a value is missing from target.allowed"


_TWO_CLASSES = ("positive_above", "positive", "negative")
_FIELDS = {
    "classification": (*_TWO_CLASSES, "allowed"),
    "anomaly": (*_TWO_CLASSES, "allowed"),
    "regression": ("plausible",),
    "multiclass": ("allowed",),
    "multilabel": ("allowed", "negative"),
    "tagging": ("allowed",),
}
"""Problem -> which of the rules of a target it has a use for."""


def _fields_of_the_problem(use_case: UseCase) -> Iterator[str]:
    useful = _FIELDS.get(use_case.problem, ())
    for name in _given(use_case.target, *_TWO_CLASSES, "allowed", "plausible"):
        if name not in useful:
            known = ", ".join(useful) or "none of these"
            yield f"target.{name}: it says nothing about the outcome of {use_case.problem}, which takes {known}"


def _given(target: Target, *names: str) -> list[str]:
    return [name for name in names if getattr(target, name) is not None]


def _is_positive(use_case: UseCase, value: Scalar) -> bool:
    target = use_case.target
    if target.positive_above is not None:
        return not isinstance(value, str) and value > target.positive_above
    if target.positive is not None:
        return value in target.positive
    return value not in (target.negative or ())


def _range(limits: tuple[float, float] | None, place: str) -> Iterator[str]:
    if limits is not None and not (all(map(math.isfinite, limits)) and limits[0] < limits[1]):
        yield f"{place}: it is (low, high) with low < high, both finite"


def _levels(levels: Iterable[Scalar], place: str) -> Iterator[str]:
    levels = tuple(levels)
    if not levels:
        yield f"{place}: it is empty"
    if any(isinstance(level, str) and not level.strip() for level in levels):
        yield f"{place}: a value is empty"
    if len({(isinstance(level, str), level) for level in levels}) != len(levels):
        yield f"{place}: a value stands there twice"


def zone_exists(name: str) -> bool:
    """Whether *name* is a time zone of the IANA database."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


RULES = (_use_case, _columns, _time, _features, _target)
