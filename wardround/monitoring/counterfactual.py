"""What would have changed a decision: the nearest figures that would have had to be different."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wardround.domain import Action, Cause, Reading
from wardround.evaluation.wording import metric_name
from wardround.monitoring.drift import DRIFT_KINDS
from wardround.monitoring.words import alike, listed, percent, so_are
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.monitoring.decision import Findings


def what_would_change(
    use_case: UseCase, action: Action, cause: Cause, found: "Findings", readings: Sequence[Reading], rows: int
) -> tuple[str, ...]:
    """Return the nearest counterfactuals, in words with figures."""
    monitoring = use_case.monitoring
    if action is Action.INSUFFICIENT_DATA:
        return (f"with at least {monitoring.min_rows} rows (there are {rows}) the batch would have been judged",)
    if action is Action.QUARANTINE:
        undone = (_undone(group[0]) + so_are(group) for group in alike(found.faults))
        return (*undone, "a sound delivery of the same patients is judged anew")
    if cause is Cause.CONCEPT_DRIFT and found.excess is not None:
        return (
            f"a loss per row less than {monitoring.material_loss:g} beyond expectation (it is "
            f"{_figure(found.excess.effect)}) would have been no alarm",
            "inputs that moved as well would have made it a covariate shift, retrained without a person",
        )
    if cause is Cause.COVARIATE_SHIFT:
        return _less_shift(use_case, found)
    if cause is Cause.PRIOR_SHIFT and found.target is not None:
        return (
            f"a rate of the outcome within {monitoring.material_effect:g} of the reference's (it is "
            f"{_figure(found.target.effect)} away) would have been no alarm",
        )
    if cause is Cause.PERFORMANCE_LOSS:
        return tuple(
            f"{metric_name(r.column or '')} less than {_figure(r.limit)} worse (it is {_figure(r.effect)} worse) would "
            "have been no alarm"
            for r in found.worse
        )
    return _nearest_alarm(use_case, found, readings)


def _undone(reading: Reading) -> str:
    what = f"{reading.kind} of {reading.column}" if reading.column else reading.kind
    if reading.kind == "units":
        return f"{reading.column} in its declared unit"
    if reading.current is None or reading.limit is None:
        return f"no fault in {what}"
    if reading.kind in ("missing", "range", "new levels", "validation", "duplicates"):
        return f"{what} under {percent(reading.limit)} (it is {percent(reading.current)})"
    return f"{what} within {_figure(reading.limit)} (it is {_figure(reading.effect)})"


def _less_shift(use_case: UseCase, found: "Findings") -> tuple[str, ...]:
    limit = use_case.monitoring.important_share
    said = []
    if found.drifted:
        said.append(
            f"none, had the inputs that moved ({listed(found.drifted)}) carried less than {percent(limit)} of what the "
            f"model relies on (they carry {percent(found.share)}) and no loss been shown"
        )
    for reading in found.worse:
        said.append(
            f"{metric_name(reading.column or '')} less than {_figure(reading.limit)} worse (it is "
            f"{_figure(reading.effect)} worse) would have left only the shift to decide"
        )
    return tuple(said) or ("none, had no input moved",)


def _nearest_alarm(use_case: UseCase, found: "Findings", readings: Sequence[Reading]) -> tuple[str, ...]:
    said = []
    if found.drifted:
        said.append(
            f"retrain, had the inputs that moved carried {percent(use_case.monitoring.important_share)} of what "
            f"the model relies on (they carry {percent(found.share)}) or a loss been shown"
        )
    inputs = [
        r for r in readings if r.kind in DRIFT_KINDS and not r.alarm and r.effect is not None and r.limit
    ]  # fmt: skip
    if inputs:
        nearest = min(inputs, key=lambda r: 1.0 if r.p is None else r.p)
        said.append(
            f"{nearest.column or nearest.kind} is nearest to an alarm: {_figure(nearest.effect)}, where "
            f"{_figure(nearest.limit)} matters and chance must be ruled out"
        )
    losses = [
        r for r in readings
        if r.kind in ("realised performance", "estimated performance") and r.limit and r.effect is not None
        and not (r.column or "").startswith("excess")
    ]  # fmt: skip
    if losses:
        worst = max(losses, key=lambda r: r.effect or 0.0)
        said.append(
            f"retrain, had the {worst.kind.split()[0]} {worst.column} risen by {_figure(worst.limit)} beyond chance "
            f"(it moved by {_figure(worst.effect)})"
        )
    return tuple(said) or (
        f"retrain, had an input that matters moved by {use_case.monitoring.material_effect:g} beyond chance",
    )


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
