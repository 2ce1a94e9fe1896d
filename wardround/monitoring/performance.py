"""How well does the champion do? Estimated at once, realised where outcomes are known, and what explains a loss."""

import math

import numpy as np

from wardround.domain import Interval, Reading
from wardround.evaluation.wording import metric_name
from wardround.monitoring.budget import Levels
from wardround.monitoring.differences import Difference, normal_tail, ordered, two_shares, unordered
from wardround.monitoring.estimate import MIDDLES, Known, at_new_rate, auroc_of, estimate_from_histogram
from wardround.monitoring.profile import NumericProfile, Profile
from wardround.monitoring.rounding import blurred_share
from wardround.monitoring.summary import BatchSummary
from wardround.monitoring.words import chance, part, percent
from wardround.privacy import beside
from wardround.problems import PROBLEMS
from wardround.use_cases.base import UseCase

BAND = 0.95
_Z = 1.959964
TESTS = 4
"""Outcome rate, estimated loss, realised loss, loss beyond expectation."""
MIN_OUTCOMES = 30
"""Below so many outcomes nothing is said about performance."""
EXCESS = "excess_loss"
EXCESS_AT_NEW_RATE = "excess_loss_at_new_rate"


def performance_readings(
    use_case: UseCase, profile: Profile, summary: BatchSummary, *, demoted: str | None = None
) -> tuple[Reading, ...]:
    """Return the performance readings; *demoted* says why estimates may not alarm (None: they may)."""
    level = Levels.of(use_case.monitoring).performance / TESTS
    material = use_case.monitoring.material_loss
    estimated = _estimated(profile, summary, level, material, demoted)
    if summary.loss.total < MIN_OUTCOMES:
        return estimated
    target = _target_drift(use_case, profile, summary, level)
    return (
        *estimated,
        *target,
        *_realised(profile, summary, level, material),
        *_excess(profile, summary, level, material),
    )


def estimates(profile: Profile, summary: BatchSummary) -> dict[str, float]:
    """Return the performance expected without outcomes, metric -> value; empty when nothing was scored."""
    if not summary.scored or not profile.estimator.rows:
        return {}
    if PROBLEMS[profile.problem].two_classes:
        return estimate_from_histogram(profile.estimator, summary.fine, profile.threshold)
    # a linear model knows no end of its scale, and no loss is below 0
    return {profile.estimator.loss_metric: max(0.0, summary.expected_sum / summary.scored)}


def realised(profile: Profile, summary: BatchSummary) -> dict[str, float]:
    """Return the performance on the rows with an outcome, metric -> value; NaN where undefined."""
    rows = summary.loss.total
    if not rows:
        return {}
    figures = {profile.estimator.loss_metric: summary.loss.mean}
    problem = PROBLEMS[profile.problem]
    if problem.two_classes:
        figures["auroc"] = auroc_of(summary.positive, summary.negative)[0]
        figures["accuracy"] = summary.right / rows
    elif problem.scalar:
        figures["rmse"] = math.sqrt(summary.squared / rows)
    return figures


def band(known: Known, estimate: float, reference_rows: float, rows: float) -> Interval:
    """Return where the realised figure of *rows* independent rows should lie, 95 times in 100, if *estimate* holds."""
    error = known.spread * math.sqrt(1.0 / max(rows, 1.0) + 1.0 / max(reference_rows, 1.0))
    return Interval(low=estimate - _Z * error, high=estimate + _Z * error, level=BAND)


def _estimated(
    profile: Profile, summary: BatchSummary, level: float, material: float, demoted: str | None
) -> tuple[Reading, ...]:
    estimator = profile.estimator
    rows = summary.scored / summary.design_effect
    found = []
    for metric, value in estimates(profile, summary).items():
        known = estimator.known(metric)
        if known is None or not math.isfinite(value):
            continue
        decides = metric == estimator.loss_metric
        rise = value - known.value
        error = estimator.loss_sd * math.sqrt(1.0 / max(rows, 1.0) + 1.0 / estimator.rows)
        p = normal_tail(rise / error) if decides and error > 0 else None
        alarm = decides and demoted is None and rise >= material and p is not None and p <= level
        sentence = (
            f"without outcomes, {metric_name(metric)} is estimated at {value:.3f}; it was {known.value:.3f} at training"
        )
        sentence += "" if profile.site is None else f" for {profile.own}"
        if estimator.explained is not None:
            sentence += f" (the inputs tell {percent(round(estimator.explained, 2))} of how it varies among patients)"
        if decides and demoted is not None:
            sentence += f"; not counted: {demoted}"
        found.append(
            Reading(
                kind="estimated performance", column=metric, effect=rise, limit=material if decides else None,
                alarm=alarm, p=p, reference=known.value, current=value, sentence=sentence,
                interval=band(known, value, estimator.rows, rows),
            )
        )  # fmt: skip
    return tuple(found)


def _realised(profile: Profile, summary: BatchSummary, level: float, material: float) -> tuple[Reading, ...]:
    estimator = profile.estimator
    found = []
    for metric, value in realised(profile, summary).items():
        known = estimator.known(metric)
        if known is None or not math.isfinite(value):
            continue
        decides = metric == estimator.loss_metric
        rise = value - known.value
        own = summary.loss.error if decides else _error(profile, summary, metric, known)
        error = math.hypot(own, estimator.loss_sd / math.sqrt(max(estimator.rows, 1.0)))
        p = normal_tail(rise / error) if decides and error > 0 else None
        found.append(
            Reading(
                kind="realised performance", column=metric, effect=rise, limit=material if decides else None,
                alarm=decides and rise >= material and p is not None and p <= level, p=p,
                reference=known.value, current=value,
                interval=Interval(low=value - _Z * own, high=value + _Z * own, level=BAND)
                if math.isfinite(own) else None,
                sentence=f"on {beside(summary.loss.total, summary.rows, profile.small_cell)} rows with an outcome, "
                f"{metric_name(metric)} is {value:.3f}; it was "
                f"{known.value:.3f} for {profile.own}" + (f" ({chance(p)})" if p is not None else ""),
            )
        )  # fmt: skip
    return tuple(found)


def _error(profile: Profile, summary: BatchSummary, metric: str, known: Known) -> float:
    if metric == "auroc":
        return auroc_of(summary.positive, summary.negative)[1] * math.sqrt(summary.design_effect)
    return known.spread * math.sqrt(summary.design_effect / max(summary.loss.total, 1))


def _excess(profile: Profile, summary: BatchSummary, level: float, material: float) -> tuple[Reading, ...]:
    """Read the loss beyond what the model's own (calibrated) probabilities or loss model expect of these rows."""
    estimator = profile.estimator
    error = math.hypot(summary.excess.error, estimator.excess_sd / math.sqrt(max(estimator.rows, 1.0)))
    found = [_excess_reading(EXCESS, summary.excess.mean, error, level, material, "the model's own doubts explain")]
    outcome = profile.outcome
    two_classes = PROBLEMS[profile.problem].two_classes
    if two_classes and outcome is not None and not isinstance(outcome, NumericProfile):
        old, new = _rate(np.array(outcome.counts)), _rate(summary.outcome)
        histogram = summary.positive + summary.negative
        probability = at_new_rate(estimator, old, new)
        expected = (histogram * (probability * (1 - MIDDLES) ** 2 + (1 - probability) * MIDDLES**2)).sum()
        rest = summary.loss.mean - float(expected) / max(float(histogram.sum()), 1.0)
        found.append(
            _excess_reading(EXCESS_AT_NEW_RATE, rest, error, level, material, "the new rate of the outcome explains")
        )
    return tuple(found)


def _excess_reading(column: str, mean: float, error: float, level: float, material: float, what: str) -> Reading:
    p = normal_tail(mean / error) if error > 0 and math.isfinite(mean / error) else 1.0
    return Reading(
        kind="realised performance", column=column, effect=mean, limit=material, alarm=mean >= material and p <= level,
        p=p, reference=0.0, current=mean,
        sentence=f"the loss per row is {mean:+.3f} beyond what {what} ({material:.3f} matters, {chance(p)})",
    )  # fmt: skip


def _target_drift(use_case: UseCase, profile: Profile, summary: BatchSummary, level: float) -> tuple[Reading, ...]:
    outcome = profile.outcome
    if outcome is None or summary.outcome.sum() < MIN_OUTCOMES:
        return ()
    material = use_case.monitoring.material_effect
    reference = np.array(outcome.counts, dtype=float) / profile.design_effect
    batch = summary.outcome / summary.design_effect
    if isinstance(outcome, NumericProfile):
        problem = PROBLEMS[profile.problem]
        found = (ordered if problem.scalar or problem.truth else unordered)(reference, batch)  # classes have no order
        before = now = None
        sentence = f"the outcomes lie {found.effect:.2f} away from those of {profile.own}, on a scale from 0 to 1"
    else:
        hits, rows = int(summary.outcome[1]), int(summary.outcome.sum())
        before = _rate(reference)
        now = blurred_share(hits, rows, profile.small_cell, usual=before)
        p = two_shares(reference[1], reference.sum(), now * batch.sum(), batch.sum())
        found = Difference(abs(now - before), p)
        have = part(hits, rows, profile.small_cell)
        sentence = f"{have} of the patients have the outcome, {percent(before)} of {profile.own} had it"
    return (
        Reading(
            kind="target drift", column=None, effect=found.effect, limit=material, p=found.p, reference=before,
            current=now, alarm=found.effect >= material and found.p <= level,
            sentence=f"{sentence} ({material:.2f} matters, {chance(found.p)})",
        ),
    )  # fmt: skip


def _rate(counts: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> float:
    total = float(counts.sum())
    return float(counts[1]) / total if total else 0.0
