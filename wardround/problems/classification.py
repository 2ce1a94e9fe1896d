"""Yes or no, answered with a probability; the loss of a row is its Brier score (Brier 1950)."""

import numpy as np
from scipy.special import expit, logit

from wardround.problems.base import Floats, Metric, Prediction, Problem, guarded

CLIP = 1e-6
"""How far from 0 and 1 a probability is kept before its log odds are taken."""
BINS = 10
"""Equal-width bins of the expected calibration error (Naeini et al. 2015)."""
_NAN = float("nan")
_FURTHEST = 1e3
_NO_STEP = 1e-9
_ROUNDING = 1e-12
_SHARES = ("auroc", "auprc", "sensitivity", "specificity", "accuracy")


def auroc(target: Floats, value: Floats) -> float:
    """Return the area under the ROC curve, a tie counting half (Hanley & McNeil 1982); NaN with a single class."""
    from scipy.stats import rankdata

    positive = np.asarray(target) > 0.5
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return _NAN
    return float((rankdata(value)[positive].sum() - n * (n + 1) / 2) / (n * m))


def recalibration(target: Floats, value: Floats) -> tuple[float, float]:
    """Return (intercept at slope 1, slope) of the logistic recalibration (Cox 1958).

    NaN with a single class, or where outcomes are separated and the fit has no end.
    """
    if not 0 < target.sum() < len(target):
        return _NAN, _NAN
    score = logit(np.clip(value, CLIP, 1 - CLIP))
    ones = np.ones((len(score), 1))
    shift = _newton(ones, score, target, np.zeros(1))
    return float(shift[0]), float(recalibrated(target, score)[1])


def recalibrated(target: Floats, score: Floats) -> Floats:
    """Return (intercept, slope) of the logistic fit of *target* on the log odds *score*; NaN where it has no end."""
    design = np.column_stack([np.ones(len(score)), score])
    return _newton(design, np.zeros(len(score)), target, np.array([0.0, 1.0]))


def _newton(design: Floats, offset: Floats, target: Floats, start: Floats) -> Floats:
    """Return the logistic fit by Newton's method; a step too far is halved, or it could go to and fro for ever."""

    def fit(beta: Floats) -> float:
        score = design @ beta + offset
        return float((target * score - np.logaddexp(0, score)).sum())

    beta, reached = start, fit(start)
    for _ in range(50):
        expected = expit(design @ beta + offset)
        spread = design.T @ (design * (expected * (1 - expected))[:, None])
        try:
            step = np.linalg.solve(spread, design.T @ (target - expected))
        except np.linalg.LinAlgError:
            break
        if np.abs(step).max() < _NO_STEP:
            return np.asarray(np.where(np.abs(beta) < _FURTHEST, beta, np.nan))
        while fit(beta + step) < reached - _ROUNDING * abs(reached) and np.abs(step).max() > _NO_STEP:
            step = step / 2
        beta = beta + step
        reached = fit(beta)
    return np.full(len(start), np.nan)


def _auprc(target: Floats, prediction: Prediction, _: float) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(target, prediction.value)) if target.sum() > 0 else _NAN


def _log_loss(target: Floats, prediction: Prediction, _: float) -> float:
    tiny = np.finfo(np.float64).eps
    value = np.clip(prediction.value, tiny, 1 - tiny)
    return float(-np.mean(target * np.log(value) + (1 - target) * np.log1p(-value)))


def _ece(target: Floats, prediction: Prediction, _: float) -> float:
    bins = np.clip((prediction.value * BINS).astype(np.intp), 0, BINS - 1)
    surplus = np.bincount(bins, weights=target - prediction.value, minlength=BINS)
    return float(np.abs(surplus).sum() / len(target))


def _share(hits: Floats, of: Floats) -> float:
    return float(hits.sum() / of.sum()) if of.sum() > 0 else _NAN


def _sensitivity(target: Floats, prediction: Prediction, threshold: float) -> float:
    return _share((prediction.value >= threshold) * target, target)


def _specificity(target: Floats, prediction: Prediction, threshold: float) -> float:
    return _share((prediction.value < threshold) * (1 - target), 1 - target)


def _net_benefit(target: Floats, prediction: Prediction, threshold: float) -> float:
    """Vickers & Elkin 2006: true positives less needless alarms at the odds of the threshold, per row."""
    flagged = prediction.value >= threshold
    return float(np.mean(flagged * (target - (1 - target) * threshold / (1 - threshold))))


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return the Brier loss of each row (n,)."""
    return np.asarray((np.asarray(target, dtype=float) - prediction.value) ** 2)


CLASSIFICATION = Problem(
    name="classification",
    scalar=True,
    suspicious="auroc",
    two_classes=True,
    loss="brier",
    losses=losses,
    metrics=tuple(
        Metric(name=name, higher_is_better=higher, compute=guarded(compute), ideal=ideal, is_share=name in _SHARES)
        for name, higher, compute, ideal in (
            ("auroc", True, lambda y, p, t: auroc(y, p.value), None),
            ("auprc", True, _auprc, None),
            ("brier", False, lambda y, p, t: float(losses(y, p).mean()), None),
            ("log_loss", False, _log_loss, None),
            ("calibration_slope", True, lambda y, p, t: recalibration(y, p.value)[1], 1.0),
            ("calibration_intercept", False, lambda y, p, t: recalibration(y, p.value)[0], 0.0),
            ("ece", False, _ece, None),
            ("sensitivity", True, _sensitivity, None),
            ("specificity", True, _specificity, None),
            ("net_benefit", True, _net_benefit, None),
            ("accuracy", True, lambda y, p, t: float(((p.value >= t) == (y > 0.5)).mean()), None),
        )
    ),
)
