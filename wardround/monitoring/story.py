"""Decisions, verdicts, evaluations and models told in plain words, as markdown for the people on duty.

Only aggregates come in and go out. What is decided stands first, then why, then what to do.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wardround.domain import (
    Action,
    Cause,
    CriterionResult,
    Decision,
    Evaluation,
    Figure,
    Reading,
    Verdict,
)
from wardround.monitoring.wording import (
    joined,
    line,
    markdown_table,
    metric_name,
    number,
    section,
    short,
    with_interval,
)

_HEADLINES = {
    Action.NONE: "Nothing to do",
    Action.INSUFFICIENT_DATA: "Too little data to decide",
    Action.QUARANTINE: "Broken data: hold it back",
    Action.RETRAIN: "Train again",
    Action.RETRAIN_WITH_HUMAN: "Train again, with a person looking",
}
_MEANINGS = {
    Cause.NONE: "No cause for concern was found.",
    Cause.DATA_FAULT: "Something went wrong with the data on its way here, not with the patients.",
    Cause.COVARIATE_SHIFT: "The patients are other ones than those the model learned from.",
    Cause.PRIOR_SHIFT: "The outcome is more common or rarer than where the model learned.",
    Cause.CONCEPT_DRIFT: "Patients who look the same now turn out differently: what the model learned no longer holds.",
    Cause.PERFORMANCE_LOSS: "The model is worse than it was, though its inputs look as they did.",
}
_NEXT_STEPS = {
    Action.NONE: "The champion keeps serving. Nobody needs to act.",
    Action.INSUFFICIENT_DATA: "The champion keeps serving. Wait for more rows, or send the next batch together "
    "with this one.",
    Action.QUARANTINE: "Mend the source, then ingest the batch again. Nothing was learned from it, and until it is "
    "mended its predictions should not be relied on.",
    Action.RETRAIN: "A challenger is trained on the new rows by itself. It serves only if it passes every gate.",
    Action.RETRAIN_WITH_HUMAN: "Have a clinician look at the new outcomes before a challenger is trained and "
    "promoted: figures alone cannot tell a change of medicine from a change of coding.",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A decision in sentences, without markup."""

    headline: str
    facts: str
    meaning: str
    next_step: str


def told(decision: Decision) -> Told:
    """Return what was decided, about what, what it means, and what to do next."""
    cause = "" if decision.cause is Cause.NONE else f" ({decision.cause.value})"
    meaning = _MEANINGS[decision.cause]
    if decision.action is Action.INSUFFICIENT_DATA:
        meaning = "Nothing can be said about this batch yet, neither good nor bad."
    if decision.in_cool_down:
        meaning += " A retraining was started not long ago, so no second one starts until the cool-down is over."
    return Told(
        headline=_HEADLINES[decision.action] + cause,
        facts=f"Batch {line(decision.label)} of {decision.use_case}, as of {decision.as_of:%d %B %Y, %H:%M} UTC. "
        f"Decision: {decision.action.value}. Cause: {decision.cause.value}. "
        f"Model on duty: {decision.champion[:12] if decision.champion else 'none'}.",
        meaning=meaning,
        next_step=_next_step(decision),
    )


def decision_markdown(decision: Decision, *, closer: str = "") -> str:
    """Tell one decision: what, why, what to do, where to look *closer*, what would have changed it, the readings."""
    words = told(decision)
    lines = [f"# {words.headline}", "", words.facts, "", words.meaning]
    lines += section("Why", decision.reasons)
    lines += ["", "## What to do next", "", words.next_step, "", closer]
    if decision.ticket:
        lines += ["", f"**Ticket:** {decision.ticket} (`wardround tickets show {decision.ticket}`)"]
    lines += section("What would have changed this decision", decision.what_would_change_it)
    lines += ["", "## Readings", "", quiet_sentence(decision.readings), "", markdown_table(_in_brief(decision))]
    return joined(lines)


def readings_table(decision: Decision) -> list[dict[str, str]]:
    """Return the readings as rows of text, alarms first, each group with the largest effect first."""
    ordered = sorted(decision.readings, key=lambda r: (not r.alarm, -_times_limit(r)))
    return [
        {
            "alarm": "ALARM" if reading.alarm else "",
            "reading": reading.kind,
            "column": _about(reading),
            "reference": "" if reading.reference is None else number(reading.reference),
            "this batch": "" if reading.current is None else with_interval(reading.current, reading.interval),
            "effect": "" if reading.effect is None else number(reading.effect),
            "limit": "" if reading.limit is None else number(reading.limit),
            "what it says": line(reading.sentence),
        }
        for reading in ordered
    ]


def quiet_sentence(readings: Sequence[Reading]) -> str:
    """Return how many readings raised an alarm, and of which kinds."""
    loud = Counter(reading.kind for reading in readings if reading.alarm)
    if not readings:
        return "Nothing was measured."
    if not loud:
        return f"None of the {len(readings)} readings raised an alarm."
    kinds = ", ".join(f"{kind} ({count})" for kind, count in loud.most_common())
    return f"{loud.total()} of {len(readings)} readings raised an alarm: {kinds}."


def verdict_markdown(verdict: Verdict) -> str:
    """Tell one verdict: pass or refusal, every criterion with its figure and limit, and the reasons."""
    against = (
        f"against the champion {short(verdict.champion)}"
        if verdict.champion
        else "with no champion to be compared with"
    )
    headline = "Passed: it may serve" if verdict.passed else "Refused: it does not serve"
    failed = sum(not criterion.passed for criterion in verdict.criteria)
    count = f"{len(verdict.criteria) - failed} of {len(verdict.criteria)} criteria held" if verdict.criteria else ""
    lines = [
        f"# {headline}",
        "",
        f"Model {short(verdict.challenger)} of *{verdict.use_case}* {against}. {count}".rstrip() + ".",
        "",
        line(verdict.comparison[:1].upper() + verdict.comparison[1:]),
    ]
    lines += section("Why it was refused", verdict.reasons)
    lines += ["", "## Criteria", "", markdown_table([_criterion_row(criterion) for criterion in verdict.criteria])]
    kinds = {"floor": "limit"}
    reasons = {
        f"{metric_name(c.metric)}, {kinds.get(c.kind, c.kind)}, {c.population}": c.reason
        for c in verdict.criteria
        if c.reason
    }
    lines += section("Why these criteria", [f"**{name}:** {reason}" for name, reason in reasons.items()])
    return joined(lines)


def evaluation_markdown(evaluation: Evaluation) -> str:
    """Tell how good a model is: every figure with its interval, by subgroup, and what it relies on."""
    lines = [
        f"## How good it is on the {evaluation.population} patients",
        "",
        f"{evaluation.rows:,} rows of {evaluation.patients:,} patients; {evaluation.method}. "
        "The range in brackets is a 95 % confidence interval"
        + ("" if evaluation.threshold is None else f"; the threshold to act is {number(evaluation.threshold)}")
        + ".",
        "",
        markdown_table([_figure_row(figure) for figure in evaluation.figures]),
    ]
    if evaluation.subgroups:
        lines += ["", "### By group of patients", "", markdown_table(_subgroup_rows(evaluation))]
    if evaluation.importance:
        rows = [
            {"feature": name, "loss when shuffled": f"{round(rise, 4) or 0.0:+.4f}"}
            for name, rise in evaluation.importance[:15]
        ]
        lines += ["", "### What it relies on", "", markdown_table(rows)]
    return joined(lines)


def _next_step(decision: Decision) -> str:
    if decision.in_cool_down and decision.action in (Action.RETRAIN, Action.RETRAIN_WITH_HUMAN):
        return "Wait for the challenger that is under way; this batch is counted when the cool-down is over."
    if decision.champion is None:
        return "There is no model on duty yet: train a first one and let it pass the gates."
    return _NEXT_STEPS[decision.action]


def _in_brief(decision: Decision) -> list[dict[str, str]]:
    kept = ("alarm", "reading", "column", "what it says")  # the sentence has the figures; a terminal is 80 wide
    return [{name: row[name] for name in kept} for row in readings_table(decision)]


def _about(reading: Reading) -> str:
    """A column, the name of a metric, or the whole batch."""
    if reading.column is None:
        return "whole batch"
    return metric_name(reading.column) if reading.kind.endswith("performance") else reading.column


def _times_limit(reading: Reading) -> float:
    if reading.effect is None or not reading.limit:
        return 0.0
    return abs(reading.effect) / abs(reading.limit)


def _criterion_row(criterion: CriterionResult) -> dict[str, str]:
    return {
        "held": "yes" if criterion.passed else "NO",
        "criterion": criterion.criterion,
        "what it says": criterion.sentence,
    }


def _figure_row(figure: Figure) -> dict[str, str]:
    return {
        "metric": metric_name(figure.metric),
        "value": with_interval(figure.value, figure.interval),
        "note": figure.note,
    }


def _subgroup_rows(evaluation: Evaluation) -> list[dict[str, str]]:
    metrics = list(dict.fromkeys(figure.metric for group in evaluation.subgroups for figure in group.figures))[:5]
    rows = []
    for group in evaluation.subgroups:
        figures = {figure.metric: figure for figure in group.figures}
        row = {"group": f"{group.column} = {group.level}"}
        row["rows"] = "too few to show" if group.suppressed or group.rows is None else f"{group.rows:,}"
        for metric in metrics:
            figure = figures.get(metric)
            shown = figure is not None and not group.suppressed
            row[metric_name(metric)] = with_interval(figure.value, figure.interval) if shown and figure else ""
        rows.append(row)
    return rows
