"""The nouns of a problem. Every gate rests on a loss per row, whatever the problem is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Objects = NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One prediction per row (n,).

    *value* is the one number of a row that is watched for drift: P(positive) in classification, the number in
    regression; each other problem says what its is. NaN: this row has no prediction. *low* and *high* bound a
    regression's interval (None: there is none). *parts* (n, k) are further numbers of a row, those of `Problem.parts`;
    *output* (n,) is the answer itself where it is no number, text or bytes in the form the problem names.
    """

    value: Floats
    low: Floats | None = None
    high: Floats | None = None
    parts: Floats | None = None
    output: Objects | None = None

    def __len__(self) -> int:
        return len(self.value)

    def part(self, number: int) -> Floats:
        """Return the row's number *number* of `parts`, NaN in every row where there are none."""
        return np.full(len(self.value), np.nan) if self.parts is None else self.parts[:, number]


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
    """A kind of question. *losses* gives the loss of each row (n,); its mean is the metric *loss*.

    Where the truth of a row is no number, the frame holds it in the column ``truth``, in the form *truth* says:
    ``mask`` (npy bytes, (height, width) of instance numbers, 0 is background), ``spans`` (JSON ``[[start, end, type],
    ...]`` in characters), ``text``, or ``labels`` (names joined by ``|``). *judged* then takes the truths (n,) and a
    prediction and returns the prediction with its *parts*, the row's figures in the order that *parts* names them:
    everything statistical rests on those, and on ``target``, a number that stands for the truth in drift and in strata.
    *supervised*: there is a right answer to learn from. *two_classes*: the target is 0 or 1, and folds are balanced by
    it.
    """

    name: str
    metrics: tuple[Metric, ...]
    loss: str
    losses: Callable[[Floats, Prediction], Floats]
    parts: tuple[str, ...] = ()
    truth: Literal["mask", "spans", "text", "labels"] | None = None
    judged: Callable[[Objects, Prediction], Prediction] | None = None
    supervised: bool = True
    two_classes: bool = False

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


def judged(problem: Problem, truths: Any, prediction: Prediction) -> Prediction:
    """Return *prediction* with the parts that rest on the *truths* (n,) of its rows; as it is where none are needed."""
    if problem.judged is None:
        return prediction
    return problem.judged(np.asarray(truths, dtype=object), prediction)
