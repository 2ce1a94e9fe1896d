"""What a check found, put in words that count rows and name columns and rules, never values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wardround.domain import ExpectationOutcome, Severity
from wardround.privacy import rounded_in_words
from wardround.use_cases.base import Feature, UseCase


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Rows (positions, ascending) that break one row-level rule; *unreadable*: their value was not kept."""

    reason: str
    column: str | None
    rows: "np.ndarray[Any, np.dtype[np.int64]]"
    unreadable: bool = False


def outcome(
    kind: str, column: str | None, severity: Severity, rows: int, sentence: str, row_level: bool, passed: bool = False
) -> ExpectationOutcome:
    """Return what one expectation found in *rows* failing rows."""
    return ExpectationOutcome(
        expectation=kind, column=column, severity=severity, passed=passed, failed_rows=int(rows), sentence=sentence,
        row_level=row_level,
    )  # fmt: skip


def delivered(*, what: str, severity: str, rows: int, sentence: str, passed: bool) -> ExpectationOutcome:
    """Return what reading found about a delivery as a whole; a critical one that did not pass refuses the batch."""
    return outcome(what, None, Severity(severity), rows, sentence, False, passed)


def by_rule(findings: list[Finding], small_cell: int) -> str:
    """Return the rules that most rows break, the worst first."""
    worst = sorted(findings, key=lambda finding: -finding.rows.size)
    told = [f"{finding.reason} in {rounded_in_words(finding.rows.size, small_cell)} rows" for finding in worst[:5]]
    return "; ".join(told) + (f"; and {len(worst) - 5} more rules" if len(worst) > 5 else "")


def other_units(use_case: UseCase, frame: pd.DataFrame) -> list[tuple[Feature, str, int]]:
    """Return the features most of whose implausible values are plausible in another unit: (feature, unit, rows)."""
    found = []
    for feature in use_case.features:
        if feature.kind != "numeric" or feature.plausible is None:
            continue
        low, high = feature.plausible
        values = frame[feature.name]
        outside = values[(values < low) | (values > high)]
        for unit, factor in feature.other_units.items():
            explained = int((outside * factor).between(low, high).sum())
            if outside.size and explained > outside.size / 2:
                found.append((feature, unit, explained))
                break
    return found
