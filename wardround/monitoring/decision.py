"""From readings to one decision with a named cause. Pure: the same readings give the same decision.

Order: a batch that validation refused, too few rows, data faults; only then performance and its causes. So broken data
never starts training, and outcomes are never overruled by estimates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wardround.domain import Action, Batch, Cause, Decision, Reading
from wardround.monitoring.counterfactual import what_would_change
from wardround.monitoring.drift import DRIFT_KINDS
from wardround.monitoring.performance import EXCESS, EXCESS_AT_NEW_RATE
from wardround.monitoring.quality import QUALITY_KINDS
from wardround.monitoring.words import alike, listed, percent, so_are
from wardround.use_cases.base import UseCase


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the alarms among the readings amount to."""

    faults: tuple[Reading, ...]
    shifts: tuple[Reading, ...]
    drifted: tuple[str, ...]
    share: float
    worse_realised: Reading | None
    worse_estimated: Reading | None
    target: Reading | None
    excess: Reading | None
    explained_by_rate: bool

    @property
    def worse(self) -> tuple[Reading, ...]:
        """The alarms that say the model does worse."""
        return tuple(r for r in (self.worse_realised, self.worse_estimated) if r is not None)


def findings(use_case: UseCase, readings: Sequence[Reading], importance: Sequence[tuple[str, float]]) -> Findings:
    """Sort the alarms by what they say; where a measure of an input moved, the input itself has moved."""
    alarms = [reading for reading in readings if reading.alarm]
    drifted = tuple(dict.fromkeys(r.column for r in alarms if r.kind == "input drift" and r.column))
    measured_of = {feature.name: feature.of for feature in use_case.features if feature.of}
    inputs = {*drifted, *(measured_of[name] for name in drifted if name in measured_of)}
    realised = {r.column: r for r in alarms if r.kind == "realised performance"}
    target = next((r for r in alarms if r.kind == "target drift"), None)
    judged_at_new_rate = any(r.column == EXCESS_AT_NEW_RATE for r in readings)
    return Findings(
        faults=tuple(r for r in alarms if r.kind in QUALITY_KINDS),
        shifts=tuple(r for r in alarms if r.kind in DRIFT_KINDS),
        drifted=drifted,
        share=importance_share(importance, inputs),
        worse_realised=next((r for c, r in realised.items() if c not in (EXCESS, EXCESS_AT_NEW_RATE)), None),
        worse_estimated=next((r for r in alarms if r.kind == "estimated performance"), None),
        target=target,
        excess=realised.get(EXCESS),
        explained_by_rate=target is not None and judged_at_new_rate and EXCESS_AT_NEW_RATE not in realised,
    )


def importance_share(importance: Sequence[tuple[str, float]], columns: Iterable[str]) -> float:
    """Return the share (0 to 1) of the model's importance that *columns* carry; unknown importance counts as all."""
    wanted = set(columns)
    if not wanted:
        return 0.0
    weights = {name: value for name, value in importance if value > 0}
    total = sum(weights.values())
    return sum(weight for name, weight in weights.items() if name in wanted) / total if total > 0 else 1.0


def decide(
    use_case: UseCase,
    batch: Batch,
    readings: Sequence[Reading],
    *,
    champion: str | None,
    rows: int,
    outcomes: int,
    importance: Sequence[tuple[str, float]],
    as_of: datetime,
    decided_at: datetime,
    in_cool_down: bool = False,
) -> Decision:
    """Decide about *batch*.

    *rows* were read, *outcomes* of them have an outcome; *importance* is the champion's (feature, loss
    increase). *in_cool_down*: a retraining was started so recently that this one would not be.
    """
    found = findings(use_case, readings, importance)
    action, cause, reasons = _verdict(use_case, batch, found, readings, rows)
    retrains = action is Action.RETRAIN
    if retrains and outcomes < use_case.retraining.min_new_labels:
        reasons += (
            f"the batch has {'fewer' if outcomes else 'no'} outcomes "
            f"{'than' if outcomes else 'yet, of'} the {use_case.retraining.min_new_labels} that a retraining "
            "should learn from: it will rest on earlier batches too",
        )
    if retrains and in_cool_down:
        days = use_case.retraining.cool_down.total_seconds() / 86_400.0
        reasons += (f"no retraining is started: one was started less than {days:g} days ago (cool-down)",)
    return Decision(
        use_case=use_case.name,
        batch=batch.id,
        label=batch.label,
        champion=champion,
        action=action,
        cause=cause,
        reasons=reasons,
        what_would_change_it=what_would_change(use_case, action, cause, found, readings, rows),
        readings=tuple(readings),
        decided_at=decided_at,
        as_of=as_of,
        in_cool_down=retrains and in_cool_down,
    )


def _verdict(
    use_case: UseCase, batch: Batch, found: Findings, readings: Sequence[Reading], rows: int
) -> tuple[Action, Cause, tuple[str, ...]]:
    monitoring = use_case.monitoring
    if batch.refused or (found.faults and rows >= monitoring.min_rows):
        units = [r for r in found.faults if r.kind == "units"]
        ordered = [*units, *(r for r in found.faults if r.kind != "units")]
        return Action.QUARANTINE, Cause.DATA_FAULT, (
            *(group[0].sentence + so_are(group) for group in alike(ordered)),
            *(() if ordered else ("validation refused the batch",)),
            "data that is broken starts no training; mend the source and deliver again",
        )  # fmt: skip
    if rows < monitoring.min_rows:
        return Action.INSUFFICIENT_DATA, Cause.NONE, (
            f"the batch has {rows} rows, fewer than the {monitoring.min_rows} from which a decision may be drawn",
        )  # fmt: skip
    return _cause(use_case, found, readings)


def _cause(use_case: UseCase, found: Findings, readings: Sequence[Reading]) -> tuple[Action, Cause, tuple[str, ...]]:
    important = found.share >= use_case.monitoring.important_share
    if (
        found.excess is not None
        and not found.explained_by_rate
        and not (found.shifts and (important or not found.drifted))
    ):
        return Action.RETRAIN_WITH_HUMAN, Cause.CONCEPT_DRIFT, (
            found.excess.sentence,
            "the inputs have not moved enough to explain it, so the same patients now have other outcomes: "
            "a change of coding, of treatment or of the disease, which a person has to look at",
        )  # fmt: skip
    if found.shifts and (found.worse or (found.drifted and important)):
        return Action.RETRAIN, Cause.COVARIATE_SHIFT, (
            *_shift_sentences(found),
            *(reading.sentence for reading in found.worse),
            *((found.excess.sentence,) if found.excess is not None else ()),
        )  # fmt: skip
    if found.target is not None:
        action = Action.RETRAIN if use_case.gates else Action.RETRAIN_WITH_HUMAN
        rest = ("the new rate explains the loss",) if found.explained_by_rate and found.excess else ()
        return action, Cause.PRIOR_SHIFT, (
            found.target.sentence, *rest, "the inputs moved no more than that, so the rate of the outcome changed",
        )  # fmt: skip
    if found.worse:
        return Action.RETRAIN, Cause.PERFORMANCE_LOSS, (
            *(reading.sentence for reading in found.worse),
            "neither the inputs nor the rate of the outcome explain it",
        )  # fmt: skip
    return Action.NONE, Cause.NONE, _why_nothing(found, readings)


def _shift_sentences(found: Findings) -> tuple[str, ...]:
    if not found.drifted:
        return tuple(reading.sentence for reading in found.shifts)
    largest = sorted((r for r in found.shifts if r.column), key=lambda r: -(r.effect or 0.0))[:3]
    return (
        f"{len(found.drifted)} input(s) moved: {listed(found.drifted)}; they carry {percent(found.share)} of what the "
        "model relies on",
        *(reading.sentence for reading in largest),
    )  # fmt: skip


def _why_nothing(found: Findings, readings: Sequence[Reading]) -> tuple[str, ...]:
    if found.drifted:
        return (
            f"{listed(found.drifted)} moved; that is only {percent(found.share)} of what the model relies on, and "
            "its performance is not shown to be worse",
        )  # fmt: skip
    if found.shifts:
        return ("the patients moved a little, without an input that matters and without a shown loss of performance",)
    drift = [r for r in readings if r.kind in DRIFT_KINDS]
    small = sorted(
        (r for r in drift if r.p is not None and r.p <= 1e-4 and (r.effect or 0.0) < (r.limit or 0.0)),
        key=lambda r: -(r.effect or 0.0),
    )
    if small:
        return (f"what moved is too small to matter: {small[0].sentence}",)
    return ("the batch is like the model's own patients",)
