"""What learning, judging and watching must hold in a use case; each rule yields every fault it finds."""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from wardround.domain import PERSON_NAME
from wardround.use_cases._data_checks import zone_exists
from wardround.use_cases.base import FAMILIES, METRICS, Comparison, Floor, Limit, Monitoring, Retraining, UseCase

_CRON = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of the month", 1, 31, ""),
    ("month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    ("day of the week", 0, 7, "sun mon tue wed thu fri sat"),
)
_FACTS = ("rounds_per_year", "rows_per_round", "reasons")
_NO_TIME = timedelta(0)


def _split(use_case: UseCase) -> Iterator[str]:
    split = use_case.split
    if split.folds < 2:
        yield "split.folds: at least 2 are needed"
    if split.kind == "temporal" and use_case.time is None:
        yield "split.kind: a temporal split needs a time column"
    if split.kind == "by site" and use_case.site is None:
        yield "split.kind: a split by site needs a site column"
    if split.kind == "last rows" and not (split.last and split.last >= 1):
        yield "split.last: say how many of the last rows are held out"
    if split.kind != "last rows" and split.last is not None:
        yield "split.last: only a split of the kind 'last rows' has it"
    for column in use_case.subgroups:
        yield from _group(use_case, column, "subgroups")
    for column, count in Counter(use_case.subgroups).items():
        if count > 1:
            yield f"subgroups: {column!r} stands there {count} times"


def _candidates(use_case: UseCase) -> Iterator[str]:
    known = FAMILIES[use_case.problem]
    if not use_case.candidates:
        yield "candidates: name at least one family to try"
    for number, candidate in enumerate(use_case.candidates):
        place = f"candidates[{number}]"
        if candidate.family not in known:
            yield f"{place}.family: {candidate.family!r} is none for {use_case.problem}: {', '.join(known)}"
        if candidate.search != "none" and not candidate.grid:
            yield f"{place}.grid: the search {candidate.search!r} has nothing to go over"
        if candidate.search == "none" and candidate.grid:
            yield f"{place}.search: it is 'none', so the grid would be ignored"
        for name, values in candidate.grid.items():
            if not values:
                yield f"{place}.grid: {name!r} has no value to try"
        for name in sorted(set(candidate.grid) & set(candidate.parameters)):
            yield f"{place}.parameters: {name!r} is fixed and searched at once"
        if candidate.iterations < 1:
            yield f"{place}.iterations: at least 1 is needed"
        if candidate.calibrate and use_case.problem != "classification":
            yield f"{place}.calibrate: only the probability of one outcome out of two is calibrated"
    if use_case.primary_metric and use_case.primary_metric not in METRICS[use_case.problem]:
        yield _unknown_metric("primary_metric", use_case.primary_metric, use_case)


def _gates(use_case: UseCase) -> Iterator[str]:
    if not use_case.gates:
        yield "gates: there is none, and an ungated model is never promoted"
    elif not any(isinstance(gate, Floor) for gate in use_case.gates):
        yield "gates: at least one Floor is needed, since the first model meets no champion"
    for number, gate in enumerate(use_case.gates):
        place = f"gates[{number}]"
        if not gate.reason.strip():
            yield f"{place}.reason: a criterion without a reason cannot be defended"
        if isinstance(gate, (Floor, Comparison)) and gate.metric not in METRICS[use_case.problem]:
            yield _unknown_metric(f"{place}.metric", gate.metric, use_case)
        if isinstance(gate, Floor) and gate.metric == "ece":
            yield f"{place}.metric: 'ece' has no interval of its own, so a floor on it can never hold; compare with it"
        if isinstance(gate, (Floor, Limit)) and not math.isfinite(gate.limit):
            yield f"{place}.limit: it must be a finite number"
        if isinstance(gate, Limit) and not gate.limit > 0:
            yield f"{place}.limit: it must be above 0"
        if isinstance(gate, Comparison):
            if not (gate.margin >= 0 and math.isfinite(gate.margin)):
                yield f"{place}.margin: it is the loss that is still tolerated, 0 or more"
            elif gate.kind == "superior" and gate.margin != 0:
                yield f"{place}.margin: superior means better by more than nothing; leave the margin out"
            if gate.population == "reference" and use_case.split.kind == "last rows":
                yield (
                    f"{place}.population: with a split of the kind 'last rows' each model has learned from what the "
                    "other held out, so no reference row can judge both; compare on 'current' or split otherwise"
                )
            for column in gate.by:
                yield from _group(use_case, column, f"{place}.by")
    for number, gate in enumerate(use_case.gates):
        if gate in use_case.gates[:number]:
            yield f"gates[{number}]: the same criterion stands there twice"


def _monitoring(use_case: UseCase) -> Iterator[str]:
    monitoring = use_case.monitoring
    for name in ("false_alarms_per_year", "rounds_per_year", "material_loss"):
        if not getattr(monitoring, name) > 0:
            yield f"monitoring.{name}: it must be above 0"
    for name in ("material_effect", "material_missing", "important_share", "max_quarantined_share"):
        lowest_included = name in ("important_share", "max_quarantined_share")
        value = getattr(monitoring, name)
        if not (0 <= value <= 1) or (value == 0 and not lowest_included):
            yield f"monitoring.{name}: it is a share {'from' if lowest_included else 'above'} 0 to 1"
    if monitoring.min_rows < 1:
        yield "monitoring.min_rows: at least 1 is needed"
    if monitoring.rows_per_round is not None and monitoring.rows_per_round < 1:
        yield "monitoring.rows_per_round: at least 1 is needed"
    if not 0 <= monitoring.volume[0] < monitoring.volume[1]:
        yield "monitoring.volume: it is (low, high) with 0 <= low < high"
    if monitoring.freshness is not None:
        if monitoring.freshness <= _NO_TIME:
            yield "monitoring.freshness: it must be longer than nothing"
        if use_case.time is None:
            yield "monitoring.freshness: without a time column nothing tells a row's age"
    names = [field.name for field in dataclasses.fields(Monitoring) if field.name not in _FACTS]
    defaults = Monitoring()
    for name in names:
        if getattr(monitoring, name) == getattr(defaults, name):
            continue
        if not monitoring.reasons.get(name, "").strip():
            yield f"monitoring.reasons: {name!r} differs from the default and needs a reason"
    for name in monitoring.reasons:
        if name not in (*names, *_FACTS[:2]):
            yield f"monitoring.reasons: {name!r} is no threshold of the monitoring"


def _running(use_case: UseCase) -> Iterator[str]:
    retraining = use_case.retraining
    if retraining.cool_down < _NO_TIME:
        yield "retraining.cool_down: it cannot be negative"
    if retraining.min_new_labels < 0:
        yield "retraining.min_new_labels: it cannot be negative"
    yield from _approvers(retraining)
    wrong = _cron_fault(use_case.schedule.cron)
    if wrong:
        yield f"schedule.cron: {wrong}"
    if not zone_exists(use_case.schedule.time_zone):
        yield f"schedule.time_zone: {use_case.schedule.time_zone!r} is no time zone; write one like Europe/Berlin"


def _approvers(retraining: Retraining) -> Iterator[str]:
    named = retraining.may_promote
    if not named:
        yield "retraining.may_promote: name at least one person, or '*' for any approver"
    if "*" in named:
        if len(named) > 1:
            yield "retraining.may_promote: '*' is any approver, so the names beside it say nothing"
        return
    for name in named:
        if not re.fullmatch(PERSON_NAME, name):
            yield f"retraining.may_promote: {name!r} is no person's name: small letters, digits, dots and dashes"
    if named and retraining.promotion != "person":
        yield "retraining.may_promote: persons are named, but the gate promotes by itself; write promotion='person'"


def _unknown_metric(place: str, metric: str, use_case: UseCase) -> str:
    return f"{place}: {metric!r} is no metric of {use_case.problem}: {', '.join(METRICS[use_case.problem])}"


def _group(use_case: UseCase, column: str, place: str) -> Iterator[str]:
    if column == "site":
        if use_case.site is None:
            yield f"{place}: 'site' needs a site column"
    elif column not in use_case.feature_names:
        yield f"{place}: {column!r} is neither a feature nor 'site'"


def _cron_fault(cron: str) -> str | None:
    fields = cron.split()
    if len(fields) != 5:
        return f"a cron line has five fields (minute hour day month weekday), this one {len(fields)}"
    for text, (name, low, high, words) in zip(fields, _CRON, strict=True):
        known = {word: low + number for number, word in enumerate(words.split())}
        for item in text.lower().split(","):
            match = re.fullmatch(r"(\*|[a-z]{3}|\d+)(?:-([a-z]{3}|\d+))?(?:/(\d+))?", item)
            ends = [known.get(end, end) for end in (match[1], match[2]) if end not in (None, "*")] if match else []
            sound = (
                match is not None
                and not (match[1] == "*" and match[2])
                and (match[3] is None or int(match[3]) > 0)
                and all(str(end).isdigit() and low <= int(end) <= high for end in ends)
                and (len(ends) < 2 or int(ends[0]) <= int(ends[1]))
            )
            if not sound:
                return f"its {name} {item!r} is none of {low} to {high}, a range, a list or a step"
    return None


RULES = (_split, _candidates, _gates, _monitoring, _running)
