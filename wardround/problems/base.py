"""The nouns of a problem. Every gate rests on a loss per row, whatever the problem is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One prediction per row (n,).

    *value* is P(positive) in classification, the number in regression; *low* and *high* bound a regression's interval
    (None: there is none). NaN: this row has no prediction.
    """

    value: Floats
    low: Floats | None = None
    high: Floats | None = None

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure over rows: ``compute(target, prediction, threshold)``, NaN where it is not defined, never an error.

    *ideal* is set where neither higher nor lower is better, but closer to that value.
    """

    name: str
    higher_is_better: bool
    compute: Callable[[Floats, Prediction, float], float]
    ideal: float | None = None

    def worth(self, value: float) -> float:
        """Return *value* so that more is better, for choosing between candidates; NaN stays NaN."""
        if self.ideal is not None:
            return -abs(value - self.ideal)
        return value if self.higher_is_better else -value


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A kind of question. *losses* gives the loss of each row (n,); its mean is the metric *loss*."""

    name: str
    metrics: tuple[Metric, ...]
    loss: str
    losses: Callable[[Floats, Prediction], Floats]

    def metric(self, name: str) -> Metric:
        """Return the metric called *name* (KeyError: there is none)."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def choosing(self, primary: str) -> Metric:
        """Return the metric that chooses between candidates.

        It is *primary*, unless that is empty or says nothing of the predicted value itself (``coverage``): then the
        mean loss per row.
        """
        return self.metric(self.loss if primary in ("", "coverage") else primary)


def guarded(compute: Callable[[Floats, Prediction, float], float]) -> Callable[[Floats, Prediction, float], float]:
    """Make a metric NaN where there is no row, or a row without a finite outcome and prediction."""

    def checked(target: Floats, prediction: Prediction, threshold: float) -> float:
        target, value = np.asarray(target, dtype=float), np.asarray(prediction.value, dtype=float)
        if not len(target) or not (np.isfinite(target).all() and np.isfinite(value).all()):
            return float("nan")
        return float(compute(target, prediction, threshold))

    return checked
