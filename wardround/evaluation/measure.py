"""Figures with intervals: the metrics of a problem on one set of rows, all from the same resamples."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from wardround.domain import Figure, Interval
from wardround.evaluation.intervals import MAX_UNDEFINED, REPLICATES, Array, Estimate, estimates
from wardround.evaluation.statistics import weighted
from wardround.problems.classification import BINS

if TYPE_CHECKING:
    from wardround.problems.base import Metric, Prediction

_INFLATED = ("ece", "top_ece")
"""Metrics that resampling inflates, since a resample is noisier than the rows: an interval would miss the figure."""


def measured(
    metrics: "Iterable[Metric]",
    target: Array,
    prediction: "Prediction",
    patients: ArrayLike,
    threshold: float,
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> dict[str, Estimate]:
    """Return the estimate of each metric, by name, from one set of patient-clustered resamples.

    A share that is exactly 0 or 1 does not vary under resampling; its interval is the exact binomial one over the
    patients it rests on (Clopper & Pearson 1934), so that three found out of three is not certainty. The
    expected calibration error gets no interval of its own.
    """
    patients = np.asarray(patients, dtype=str)
    metrics = tuple(metrics)
    found = estimates(
        {metric.name: weighted(metric, target, prediction, threshold) for metric in metrics},
        patients, seed=seed, replicates=replicates,
    )  # fmt: skip
    shares = {metric.name for metric in metrics if metric.is_share}
    for name, estimate in found.items():
        if name in _INFLATED:
            found[name] = replace(estimate, interval=None)
        defined = estimate.undefined <= MAX_UNDEFINED * estimate.replicates
        if name in shares and estimate.interval is None and estimate.value in (0.0, 1.0) and defined:
            found[name] = replace(estimate, interval=_exact(estimate.value, _resting_on(name, target, patients)))
    return found


def figure_of(name: str, estimate: Estimate, rows: int) -> Figure:
    """Return the estimate as a figure for a report; what could not be measured is None with a note."""
    notes = [f"{BINS} equal-width bins"] if name == "ece" else []
    finite = bool(np.isfinite(estimate.value))
    if not finite:
        notes.append("not measurable on these rows")
    elif estimate.interval is None:
        notes.append(why_no_interval(estimate, name))
    return Figure(
        metric=name, value=estimate.value if finite else None, interval=estimate.interval,
        rows=rows, patients=estimate.patients, note="; ".join(notes),
    )  # fmt: skip


def why_no_interval(estimate: Estimate, name: str = "") -> str:
    """Return why the estimate (of the metric *name*, if it is one metric's and no difference) has no interval."""
    if not np.isfinite(estimate.value):
        return "it could not be measured"
    if name in _INFLATED:
        return "no interval: resampling inflates it"
    if estimate.undefined > MAX_UNDEFINED * estimate.replicates:
        share = estimate.undefined / estimate.replicates
        return f"no interval: it is undefined in {share:.0%} of the resamples of the patients"
    return "no interval: the resamples of the patients do not vary"


def _resting_on(name: str, target: Array, patients: Array) -> int:
    """Return how many patients a share rests on: those of the class it counts, of the rarer class for a ranking."""
    positive = len(np.unique(patients[target > 0.5]))
    negative = len(np.unique(patients[target <= 0.5]))
    if name in ("auroc", "auprc"):
        return min(positive, negative)
    return {"sensitivity": positive, "specificity": negative}.get(name, len(np.unique(patients)))


def _exact(value: float, patients: int) -> Interval | None:
    if not patients:
        return None
    edge = 0.025 ** (1 / patients)
    return Interval(low=edge, high=1.0) if value == 1.0 else Interval(low=0.0, high=1 - edge)
