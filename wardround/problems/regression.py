"""A number, answered with a value and an interval; the loss of a row is its absolute error."""

import numpy as np

from wardround.problems.base import Floats, Metric, Prediction, Problem, guarded

COVERAGE = 0.9
"""The share of future outcomes that an interval is meant to hold."""


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return the absolute error of each row (n,), in the target's unit."""
    return np.asarray(np.abs(np.asarray(target, dtype=float) - prediction.value))


def r2(target: Floats, value: Floats) -> float:
    """Return the share of the variance explained; NaN where the target does not vary."""
    spread = float(((target - target.mean()) ** 2).mean())
    return 1 - float(((target - value) ** 2).mean()) / spread if spread > 1e-12 else float("nan")


def _mse(target: Floats, prediction: Prediction, _: float) -> float:
    return float(((target - prediction.value) ** 2).mean())


def _coverage(target: Floats, prediction: Prediction, _: float) -> float:
    low, high = prediction.low, prediction.high
    if low is None or high is None or not (np.isfinite(low).all() and np.isfinite(high).all()):
        return float("nan")
    return float(((target >= low) & (target <= high)).mean())


REGRESSION = Problem(
    name="regression",
    scalar=True,
    suspicious="r2",
    loss="mae",
    losses=losses,
    metrics=tuple(
        Metric(name=name, higher_is_better=higher, compute=guarded(compute), is_share=name == "coverage")
        for name, higher, compute in (
            ("mse", False, _mse),
            ("rmse", False, lambda y, p, t: _mse(y, p, t) ** 0.5),
            ("mae", False, lambda y, p, t: float(losses(y, p).mean())),
            ("r2", True, lambda y, p, t: r2(y, p.value)),
            ("coverage", True, _coverage),
        )
    ),
)
