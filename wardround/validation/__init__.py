"""Hold a canonical frame against a suite: which rows are accepted, which are not and why, whether the batch stands.

Great Expectations does the row and column rules. What it lets through by design is checked here: an empty frame, a
column without a single value, rows whose text could not be read at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wardround.domain import ExpectationOutcome, Severity
from wardround.privacy import rounded_in_words
from wardround.sources.table import DELIVERY, ROW_FAULTS
from wardround.use_cases.base import UseCase
from wardround.validation.findings import Finding, by_rule, delivered, other_units, outcome
from wardround.validation.running import run
from wardround.validation.suites import derived_suite

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

__all__ = ["DELIVERY", "ROW_FAULTS", "Validated", "derived_suite", "failing_rows", "validate"]

REFUSED = "the batch was refused"
"""The reason of a quarantined row that has no fault of its own."""
_BY_CHANCE = 0.01


@dataclass(frozen=True, kw_only=True)
class Validated:
    """A frame, divided: every row is in exactly one of *accepted* and *quarantined*.

    *quarantined* has two more columns: ``reasons`` (tuple of text) and ``unreadable`` (tuple of text: the reasons
    that were found while reading, whose value was not kept, so that no later rule can clear them).
    *faults* are why the batch as a whole is refused; then nothing is accepted.
    """

    accepted: pd.DataFrame
    quarantined: pd.DataFrame
    outcomes: tuple[ExpectationOutcome, ...]
    faults: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether the batch as a whole is refused."""
        return bool(self.faults)

    @property
    def reason_counts(self) -> dict[str, int]:
        """Quarantined rows per reason, most frequent first (a row may have several)."""
        counts: dict[str, int] = {}
        for reasons in self.quarantined["reasons"]:
            for reason in reasons:
                counts[reason] = counts.get(reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def validate(
    use_case: UseCase, frame: pd.DataFrame, suite: "ExpectationSuite", *, now: datetime, small_cell: int = 10
) -> Validated:
    """Hold *frame* (canonical) against *suite* and what Great Expectations does not see.

    The batch is refused when a critical expectation about the whole batch fails or cannot be evaluated, when no row
    passes, or when more than ``monitoring.max_quarantined_share`` of the rows fail. Counts below *small_cell* are not
    spelled out in sentences. *now* bounds times.

    Raises:
        UseCaseInvalid: the suite is empty or Great Expectations did not evaluate all of it.
    """
    total = len(frame)
    if total == 0:
        return _divided(frame, [], (outcome("row count", None, Severity.CRITICAL, 0, "no rows", False),), ("no rows",))
    outcomes, findings, faults = _examined(use_case, frame, suite, now, small_cell)
    failing = _union(findings).size
    allowed = use_case.monitoring.max_quarantined_share
    too_many = not failing / total <= allowed
    for feature, unit, rows in other_units(use_case, frame):
        sentence = (
            f"{feature.name} looks like {unit} instead of {feature.unit or 'its unit'}: "
            f"{rounded_in_words(rows, small_cell)} rows would be plausible after conversion"
        )
        outcomes.append(outcome("unit", feature.name, Severity.WARNING, rows, sentence, False))
        if too_many:
            faults.append(sentence)
    if too_many:
        faults.append(
            f"{rounded_in_words(failing, small_cell)} of {total} rows fail, more than the {allowed:.0%} that may be "
            f"quarantined: {by_rule(findings, small_cell)}"
        )
    elif failing == total:
        faults.append(f"not one of {total} rows passes: {by_rule(findings, small_cell)}")
    return _divided(frame, findings, tuple(outcomes), tuple(faults))


def failing_rows(
    use_case: UseCase, frame: pd.DataFrame, suite: "ExpectationSuite", *, now: datetime, small_cell: int = 10
) -> tuple["np.ndarray[Any, np.dtype[np.bool_]]", str]:
    """Return which rows of *frame* break a critical row-level rule, and a sentence on the rules they break.

    Raises:
        UseCaseInvalid: the suite is empty or Great Expectations did not evaluate all of it.
    """
    _, findings, _ = _examined(use_case, frame, suite, now, small_cell)
    failing = np.zeros(len(frame), bool)
    failing[_union(findings)] = True
    return failing, by_rule(findings, small_cell)


def _examined(
    use_case: UseCase, frame: pd.DataFrame, suite: "ExpectationSuite", now: datetime, small_cell: int
) -> tuple[list[ExpectationOutcome], list[Finding], list[str]]:
    total = len(frame)
    outcomes, findings, faults = run(use_case, frame, suite, now, small_cell)
    checked = {str((rule.meta or {}).get("reason")) for rule in suite.expectations}
    for reason, positions in (frame.attrs.get(ROW_FAULTS) or {}).items():
        rows = np.unique(np.asarray(list(positions), dtype=np.int64))
        if rows.size:
            column = next((name for name in frame.columns if reason.startswith(f"{name}:")), None)
            findings.append(Finding(reason=reason, column=column, rows=rows, unreadable=reason not in checked))
            sentence = f"{reason} ({rounded_in_words(rows.size, small_cell)} rows)"
            outcomes.append(outcome("readable", column, Severity.CRITICAL, rows.size, sentence, True))
    for said in frame.attrs.get(DELIVERY) or ():
        found = delivered(**said)
        outcomes.append(found)
        if found.severity is Severity.CRITICAL and not found.passed:
            faults.append(found.sentence)
    for feature in use_case.features:
        # a rare test need not be in a small batch: refuse only what its usual missing share does not explain
        if frame[feature.name].isna().all() and feature.max_missing**total < _BY_CHANCE:
            faults.append(f"{feature.name}: not one value in {total} rows")
            outcomes.append(outcome("has values", feature.name, Severity.CRITICAL, total, faults[-1], False))
    return outcomes, findings, faults


def _union(findings: list[Finding]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.unique(np.concatenate([np.array([], np.int64), *(finding.rows for finding in findings)]))


def _divided(
    frame: pd.DataFrame,
    findings: Iterable[Finding],
    outcomes: tuple[ExpectationOutcome, ...],
    faults: tuple[str, ...],
) -> Validated:
    reasons: dict[int, list[str]] = {}
    unreadable: dict[int, list[str]] = {}
    for finding in findings:
        for row in finding.rows.tolist():
            if finding.reason not in reasons.setdefault(row, []):
                reasons[row].append(finding.reason)
            if finding.unreadable:
                unreadable.setdefault(row, []).append(finding.reason)
    away = np.ones(len(frame), bool) if faults else np.zeros(len(frame), bool)
    away[list(reasons)] = True
    plain = frame.copy(deep=False)
    plain.attrs = {}
    places = np.flatnonzero(away).tolist()
    quarantined = plain.loc[away].reset_index(drop=True)
    quarantined["reasons"] = pd.Series([tuple(reasons.get(row, (REFUSED,))) for row in places], dtype=object)
    quarantined["unreadable"] = pd.Series([tuple(unreadable.get(row, ())) for row in places], dtype=object)
    return Validated(
        accepted=plain.loc[~away].reset_index(drop=True), quarantined=quarantined, outcomes=outcomes, faults=faults
    )
