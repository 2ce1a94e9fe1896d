"""Great Expectations in two passes: every expectation as yes or no, then the failed ones for row positions.

What it does silently (dropping expectations, turning errors into failures) is counted and named here.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wardround.domain import ExpectationOutcome, Severity
from wardround.errors import UseCaseInvalid
from wardround.privacy import rounded_in_words
from wardround.sources.moments import AHEAD
from wardround.use_cases.base import UseCase
from wardround.validation.findings import Finding, outcome
from wardround.validation.suites import NOW, great_expectations

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

_ROW = "wardround_row"
_POSITIONS = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "unexpected_index_column_names": [_ROW],
}


def run(
    use_case: UseCase, frame: pd.DataFrame, suite: "ExpectationSuite", now: datetime, small_cell: int
) -> tuple[list[ExpectationOutcome], list[Finding], list[str]]:
    """Hold *frame* against *suite*: outcomes, findings of critical row-level rules, faults of the whole batch.

    Raises:
        UseCaseInvalid: the suite is empty or was not evaluated in full.
    """
    gx = great_expectations()
    if not suite.expectations:
        raise UseCaseInvalid(use_case.name, ("expectations: the suite is empty, so everything would pass",))
    rules = [
        rule.copy(update={"meta": {**(rule.meta or {}), _ROW: place}}) for place, rule in enumerate(suite.expectations)
    ]
    # contents and truths are not looked at: what is measured of them is
    light = [name for name in frame.columns if name not in {*(c.name for c in use_case.contents), "truth"}]
    numbered = frame[light].assign(**{_ROW: np.arange(len(frame))})
    numbered.attrs = {}
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("memory").add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all").get_batch({"dataframe": numbered})
    )  # fmt: skip

    def answer_to(chosen: list[Any], result_format: Any) -> dict[int, Any]:
        answer = batch.validate(
            gx.ExpectationSuite(name=use_case.name, expectations=chosen),
            result_format=result_format, expectation_parameters={NOW: now + AHEAD},
        )  # fmt: skip
        found = {result.expectation_config.meta[_ROW]: result for result in answer.results}
        if len(found) != len(chosen):
            missed = len(chosen) - len(found)
            raise UseCaseInvalid(use_case.name, (f"expectations: {missed} of {len(chosen)} were not evaluated",))
        return found

    answers = answer_to(rules, "BOOLEAN_ONLY")
    failed = [place for place, answer in answers.items() if not answer.success]
    unevaluated = {place for place in failed if _erred(answers[place])}
    again = [rules[place] for place in failed if place not in unevaluated]
    details = answer_to(again, _POSITIONS) if again else {}

    outcomes: list[ExpectationOutcome] = []
    findings: list[Finding] = []
    faults: list[str] = []
    for place, rule in enumerate(rules):
        severity = Severity(getattr(rule.severity, "value", rule.severity))
        kind, column, reason = rule.configuration.type, _column(rule), _reason(rule)
        row_level = _is_row_level(gx, rule)
        if answers[place].success:
            sentence = f"{reason}: {'in no row' if row_level else 'no'}"
            outcomes.append(outcome(kind, column, severity, 0, sentence, row_level, passed=True))
            continue
        detail = details.get(place)
        if detail is None or _erred(detail):
            sentence = f"{reason}: could not be evaluated"
            outcomes.append(outcome(kind, column, severity, 0, sentence, False))
            if severity is Severity.CRITICAL:
                faults.append(sentence)
            continue
        rows = _positions(detail.result)
        sentence = f"{reason} ({rounded_in_words(rows.size, small_cell)} rows)" if rows.size else reason
        outcomes.append(outcome(kind, column, severity, rows.size, sentence, row_level))
        if severity is Severity.CRITICAL and row_level and rows.size:
            findings.append(Finding(reason=reason, column=column, rows=rows))
        elif severity is Severity.CRITICAL:
            faults.append(sentence)
    return outcomes, findings, faults


def _erred(answer: Any) -> bool:
    info = answer.exception_info
    return bool(info) and (("raised_exception" not in info) or bool(info["raised_exception"]))


def _is_row_level(gx: Any, rule: Any) -> bool:
    module = gx.expectations.expectation
    maps = (module.ColumnMapExpectation, module.ColumnPairMapExpectation, module.MulticolumnMapExpectation)
    return isinstance(rule, maps) and not getattr(rule, "mostly", 1) < 1


def _positions(result: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    found: list[int] = []
    for entry in result.get("unexpected_index_list") or ():
        rows = entry[_ROW]
        found.extend(rows if isinstance(rows, list) else [rows])
    return np.unique(np.asarray(found, dtype=np.int64))


def _column(rule: Any) -> str | None:
    return getattr(rule, "column", None) or getattr(rule, "column_A", None)


def _reason(rule: Any) -> str:
    given = (rule.meta or {}).get("reason")
    if given:
        return str(given)
    limits = {key: value for key, value in rule.configuration.kwargs.items() if key not in ("column", "batch_id")}
    told = ", ".join(f"{key} {value}" for key, value in sorted(limits.items()))
    return f"{_column(rule) or 'rows'}: fails {rule.configuration.type}" + (f" ({told})" if told else "")
