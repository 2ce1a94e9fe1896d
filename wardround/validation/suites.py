"""Great Expectations behind one door: quiet, without a context folder, and the suite a use case implies.

Expectations speak about rows (``mostly`` left at 1: a critical failure quarantines the row) or about the whole
batch (everything else: a critical failure refuses the batch). ``meta["reason"]`` is the text a failing row is
given; it may name the rule, never a value.
"""

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wardround.errors import UseCaseInvalid

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

    from wardround.use_cases.base import Feature, UseCase

NOW = "now"
"""The name of the parameter that holds the moment of ingest in a suite."""


def great_expectations() -> Any:
    """Import Great Expectations with its reporting off, whatever the environment says, and return it."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports use what Python has deprecated
        import great_expectations as gx
        import great_expectations.execution_engine.pandas_execution_engine as engine
    engine.HASH_THRESHOLD = 0  # it would hash the whole frame twice; the batch id is our hash
    return gx


def suite_from(name: str, expectations: Sequence[dict[str, Any]], *, notes: str = "") -> "ExpectationSuite":
    """Build a suite from ``{"type", "kwargs", "severity", "meta"}`` dictionaries.

    Raises:
        UseCaseInvalid: there is none, or Great Expectations dropped one as invalid (it does so silently).
    """
    gx = great_expectations()
    suite = gx.ExpectationSuite(name=name, expectations=[dict(each) for each in expectations], notes=notes or None)
    dropped = len(expectations) - len(suite.expectations)
    if dropped or not expectations:
        raise UseCaseInvalid(
            name,
            (
                f"expectations: {dropped} of {len(expectations)} have an unknown type or severity"
                if expectations
                else "expectations: the suite is empty, and an empty suite would let everything pass",
            ),
        )
    suite_built: ExpectationSuite = suite
    return suite_built


def derived_suite(use_case: "UseCase", extra: Sequence[dict[str, Any]] = ()) -> "ExpectationSuite":
    """Return what *use_case* implies (ids, ranges, levels, time, missing shares), and *extra* beside it.

    Raises:
        UseCaseInvalid: one of *extra* is unknown to Great Expectations.
    """
    return suite_from(use_case.name, (*derived(use_case), *extra), notes=use_case.question)


def derived(use_case: "UseCase") -> tuple[dict[str, Any], ...]:
    """Return the expectations *use_case* implies, as `suite_from` takes them."""
    found = [
        expectation("expect_table_row_count_to_be_between", "no rows", min_value=1),
        expectation("expect_column_values_to_not_be_null", "no record id", column="record_id"),
        expectation("expect_column_values_to_not_be_null", "no patient id", column="patient_id"),
        expectation(
            "expect_column_values_to_be_unique", "record id: more than one row has the same", column="record_id"
        ),
    ]
    if use_case.time is not None:
        found += [
            expectation("expect_column_values_to_not_be_null", "time: missing", column="time"),
            expectation(
                "expect_column_values_to_be_between", "time: in the future", column="time",
                max_value={"$PARAMETER": NOW},
            ),
        ]  # fmt: skip
    found += _of_target(use_case)
    for feature in use_case.features:
        found += _of_feature(feature)
    return tuple(found)


def expectation(
    kind: str, reason: str, *, severity: str = "critical", notes: str = "", **kwargs: Any
) -> dict[str, Any]:
    """Return one expectation as `suite_from` takes it; *reason* is the text of its failure, *notes* its rationale."""
    meta = {"reason": reason} | ({"notes": notes} if notes else {})
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": meta}


def _of_target(use_case: "UseCase") -> list[dict[str, Any]]:
    from wardround.sources.truths import target_values

    if use_case.target.plausible is not None:
        return [_between("target", use_case.target.plausible, use_case.target.unit)]
    values = target_values(use_case)
    if values is None:
        return []
    reason = "target: neither 0 nor 1" if len(values) == 2 else f"target: no whole number from 0 to {values[-1]:g}"
    return [expectation("expect_column_values_to_be_in_set", reason, column="target", value_set=list(values))]


def _of_feature(feature: "Feature") -> list[dict[str, Any]]:
    found = []
    if feature.kind == "numeric" and feature.plausible is not None:
        found.append(_between(feature.name, feature.plausible, feature.unit))
    levels = ("false", "true") if feature.kind == "boolean" else feature.allowed
    if feature.kind != "numeric" and levels is not None:
        found.append(
            expectation(
                "expect_column_values_to_be_in_set", f"{feature.name}: not one of {', '.join(levels)}",
                column=feature.name, value_set=list(levels),
            )
        )  # fmt: skip
    if feature.max_missing < 1:
        found.append(
            expectation(
                "expect_column_values_to_not_be_null", severity="warning",
                reason=f"{feature.name}: missing more often than the usual {feature.max_missing:.0%}",
                column=feature.name, mostly=round(1 - feature.max_missing, 9),
            )
        )  # fmt: skip
    return found


def _between(column: str, plausible: tuple[float, float], unit: str | None) -> dict[str, Any]:
    low, high = plausible
    return expectation(
        "expect_column_values_to_be_between",
        f"{column}: outside {low:g} to {high:g}{f' {unit}' if unit else ''}",
        column=column, min_value=low, max_value=high,
    )  # fmt: skip
