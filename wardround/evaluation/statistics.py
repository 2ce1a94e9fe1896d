"""The metrics of `wardround.problems`, worked out for thousands of weightings of the same rows at once.

`weighted` prepares a metric on one set of rows (sorting once) and gives back a function of row weights. With all
weights 1 it equals the problem's own metric; a test holds the two together. Whatever has no weighted form here is
computed by the problem itself, replicate by replicate.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.evaluation.intervals import Array, Statistic
from wardround.problems.base import selected
from wardround.problems.classification import BINS, CLASSIFICATION, CLIP, recalibrated, recalibration
from wardround.problems.regression import REGRESSION

if TYPE_CHECKING:
    from wardround.problems.base import Metric, Prediction

_STEPS = 25
_SETTLED = 1e-5  # Newton's last step: what is left is of the order of its square
_MAX_PARAMETER = 1e3


def weighted(metric: "Metric", target: Array, prediction: "Prediction", threshold: float) -> Statistic:
    """Return *metric* as a function of row weights (replicates, n) -> (replicates,).

    Rows whose outcome or prediction is not a finite number make every value NaN: an unscored row is not left out, it is
    a figure that could not be measured.
    """
    target = np.asarray(target, dtype=np.float64)
    value = np.asarray(prediction.value, dtype=np.float64)
    if not len(value) or not np.all(np.isfinite(value)):
        return lambda weights: np.full(len(weights), np.nan)
    make = metric.weighted or _MAKERS.get(metric)
    if make is None:
        return _by_rows(metric, target, prediction, threshold)
    if metric.weighted is None and not np.all(np.isfinite(target)):
        return lambda weights: np.full(len(weights), np.nan)
    return make(target, prediction, threshold)


def log_odds(probability: Array) -> Array:
    """Return ln(p / (1 - p)), with p kept one millionth away from 0 and 1."""
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _by_rows(metric: "Metric", target: Array, prediction: "Prediction", threshold: float) -> Statistic:
    def statistic(weights: Array) -> Array:
        values = []
        for weight in weights:
            index = np.repeat(np.arange(len(target)), weight.astype(np.intp))
            values.append(float(metric.compute(target[index], selected(prediction, index), threshold)))
        return np.array(values)

    return statistic


def _mean(per_row: Array) -> Statistic:
    return lambda weights: np.asarray(weights @ per_row / weights.sum(axis=1))


def _ratio(numerator: Array, denominator: Array) -> Statistic:
    return lambda weights: np.asarray((weights @ numerator) / (weights @ denominator))


def _auroc(target: Array, prediction: "Prediction", _: float) -> Statistic:
    order, starts = _grouped(np.asarray(prediction.value))
    positive = target[order]

    def statistic(weights: Array) -> Array:
        weights = weights[:, order]
        up = np.add.reduceat(weights * positive, starts, axis=1)
        down = np.add.reduceat(weights * (1 - positive), starts, axis=1)
        below = np.cumsum(down, axis=1) - down / 2  # a tie counts half
        return np.asarray((up * below).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1)))

    return statistic


def _auprc(target: Array, prediction: "Prediction", _: float) -> Statistic:
    order, starts = _grouped(-np.asarray(prediction.value))
    positive = target[order]

    def statistic(weights: Array) -> Array:
        weights = weights[:, order]
        up = np.add.reduceat(weights * positive, starts, axis=1)
        flagged = np.cumsum(np.add.reduceat(weights, starts, axis=1), axis=1)
        precision = np.divide(np.cumsum(up, axis=1), flagged, out=np.zeros_like(flagged), where=flagged > 0)
        return np.asarray((up * precision).sum(axis=1) / up.sum(axis=1))

    return statistic


def _grouped(values: Array) -> tuple[Any, Any]:
    """Return the order by *values* and where in it each run of equal values begins."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    return order, np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))


def _ece(target: Array, prediction: "Prediction", _: float) -> Statistic:
    value = np.asarray(prediction.value)
    bins = np.clip((value * BINS).astype(np.intp), 0, BINS - 1)
    surplus = np.zeros((len(target), BINS))
    surplus[np.arange(len(target)), bins] = target - value
    return lambda weights: np.asarray(np.abs(weights @ surplus).sum(axis=1) / weights.sum(axis=1))


def _net_benefit(target: Array, prediction: "Prediction", threshold: float) -> Statistic:
    flagged = np.asarray(prediction.value) >= threshold
    odds = threshold / (1 - threshold)
    return _mean(flagged * (target - (1 - target) * odds))


def _log_loss(target: Array, prediction: "Prediction", _: float) -> Statistic:
    value = np.clip(np.asarray(prediction.value), np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
    return _mean(-(target * np.log(value) + (1 - target) * np.log1p(-value)))


def _slope(target: Array, prediction: "Prediction", _: float) -> Statistic:
    score = log_odds(np.asarray(prediction.value))
    start = recalibrated(target, score)
    if not np.all(np.isfinite(start)):
        return lambda weights: np.full(len(weights), np.nan)

    def statistic(weights: Array) -> Array:
        many = np.ones(len(weights))
        return np.asarray(_recalibrated(weights, target, score, start[0] * many, start[1] * many)[1])

    return statistic


def _intercept(target: Array, prediction: "Prediction", _: float) -> Statistic:
    from scipy.special import expit

    score = log_odds(np.asarray(prediction.value))
    start = recalibration(target, np.asarray(prediction.value))[0]
    if not np.isfinite(start):
        return lambda weights: np.full(len(weights), np.nan)

    def statistic(weights: Array) -> Array:
        shift = np.full(len(weights), start)
        for _ in range(_STEPS):
            expected = expit(score[None, :] + shift[:, None])
            step = (weights * (target - expected)).sum(axis=1) / (weights * expected * (1 - expected)).sum(axis=1)
            shift = shift + np.clip(step, -2, 2)
            if np.nanmax(np.abs(step), initial=0) < _SETTLED:
                break
        return np.where(_both(weights, target) & (np.abs(step) < _SETTLED), shift, np.nan)

    return statistic


def _recalibrated(weights: Array, target: Array, score: Array, shift: Array, slope: Array) -> Array:
    """Return (shift, slope) of the weighted logistic fit of *target* on *score* by Newton's method, (2, replicates)."""
    from scipy.special import expit

    surplus = np.full(len(weights), np.inf)
    for _ in range(_STEPS):
        expected = expit(shift[:, None] + slope[:, None] * score[None, :])
        error = weights * (target - expected)
        spread = weights * (expected * (1 - expected))
        first, second = error.sum(axis=1), error @ score
        a, b, c = spread.sum(axis=1), spread @ score, spread @ score**2
        determinant = a * c - b * b
        step_shift = np.clip((c * first - b * second) / determinant, -5, 5)
        step_slope = np.clip((a * second - b * first) / determinant, -5, 5)
        shift, slope = shift + step_shift, slope + step_slope
        surplus = np.abs(step_shift) + np.abs(step_slope)
        if np.nanmax(surplus, initial=0) < _SETTLED:
            break
    settled = (surplus < _SETTLED) & (np.abs(slope) < _MAX_PARAMETER) & _both(weights, target)
    return np.where(settled, np.stack([shift, slope]), np.nan)


def _both(weights: Array, target: Array) -> Any:
    positive = weights @ target
    return (positive > 0) & (positive < weights.sum(axis=1))


def _coverage(target: Array, prediction: "Prediction", _: float) -> Statistic:
    if prediction.low is None or prediction.high is None:
        return lambda weights: np.full(len(weights), np.nan)
    low, high = np.asarray(prediction.low), np.asarray(prediction.high)
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        return lambda weights: np.full(len(weights), np.nan)
    return _mean(((target >= low) & (target <= high)).astype(np.float64))


def _r2(target: Array, prediction: "Prediction", _: float) -> Statistic:
    squared = (target - np.asarray(prediction.value)) ** 2
    centred = target - target.mean()  # for the digits: the variance does not depend on it

    def statistic(weights: Array) -> Array:
        total = weights.sum(axis=1)
        spread = weights @ centred**2 - (weights @ centred) ** 2 / total
        return np.where(spread > 1e-12 * total, 1 - (weights @ squared) / spread, np.nan)

    return statistic


def _rmse(target: Array, prediction: "Prediction", _: float) -> Statistic:
    mean = _mean((target - np.asarray(prediction.value)) ** 2)
    return lambda weights: np.sqrt(mean(weights))


_Maker = Callable[[Array, "Prediction", float], Statistic]

_BY_NAME: dict[str, _Maker] = {
    "auroc": _auroc,
    "auprc": _auprc,
    "ece": _ece,
    "net_benefit": _net_benefit,
    "log_loss": _log_loss,
    "calibration_slope": _slope,
    "calibration_intercept": _intercept,
    "brier": lambda y, p, t: _mean((y - np.asarray(p.value)) ** 2),
    "accuracy": lambda y, p, t: _mean(((np.asarray(p.value) >= t) == (y > 0.5)).astype(np.float64)),
    "sensitivity": lambda y, p, t: _ratio((np.asarray(p.value) >= t) * y, y),
    "specificity": lambda y, p, t: _ratio((np.asarray(p.value) < t) * (1 - y), 1 - y),
    "mse": lambda y, p, t: _mean((y - np.asarray(p.value)) ** 2),
    "mae": lambda y, p, t: _mean(np.abs(y - np.asarray(p.value))),
    "rmse": _rmse,
    "r2": _r2,
    "coverage": _coverage,
}

_MAKERS: "dict[Metric, _Maker]" = {
    metric: _BY_NAME[metric.name]
    for problem in (CLASSIFICATION, REGRESSION)
    for metric in problem.metrics
    if metric.name in _BY_NAME
}
