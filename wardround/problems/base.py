"""The nouns of a problem. Every gate rests on a loss per row, whatever the problem is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

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


Weighted = Callable[[Floats], Floats]
"""Row weights (replicates, rows) -> the figure in each replicate, NaN where it is undefined."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure over rows: ``compute(target, prediction, threshold)``, NaN where it is not defined, never an error.

    *ideal* is set where neither higher nor lower is better, but closer to that value. *weighted* gives the same figure
    for many weightings of the rows at once (None: it is worked out row set by row set, which is slow), NaN where a
    weighting leaves out a class that an average over classes counts. *is_share*: it lies between 0 and 1 and counts
    rows, so that an exact binomial interval stands where resampling shows no variation. *of_fits*: it is about fits
    made again, whose chance no draw of patients shows, so that nothing is superior in it.
    """

    name: str
    higher_is_better: bool
    compute: Callable[[Floats, Prediction, float], float]
    ideal: float | None = None
    weighted: Callable[[Floats, Prediction, float], Weighted] | None = None
    is_share: bool = False
    of_fits: bool = False

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
    *scalar*: the value answers for the target itself, so that the two can be held against each other. *supervised*:
    there is a right answer to learn from. *two_classes*: the target is 0 or 1, and folds are balanced by
    it. *suspicious* is the metric (at best 1) that a model may not pass ``too_good`` in before somebody has asked why.
    """

    name: str
    metrics: tuple[Metric, ...]
    loss: str
    losses: Callable[[Floats, Prediction], Floats]
    parts: tuple[str, ...] = ()
    truth: Literal["mask", "spans", "text", "labels"] | None = None
    judged: Callable[[Objects, Prediction], Prediction] | None = None
    scalar: bool = False
    supervised: bool = True
    two_classes: bool = False
    suspicious: str | None = None

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
    """Return *prediction* with the parts that rest on the *truths* (n,) of its rows; as they are where none are needed.

    A row whose value is no number has no prediction, whatever else the learner gave for it: it has no parts either.
    """
    made = prediction
    if problem.judged is not None:
        made = problem.judged(np.asarray(truths, dtype=object), prediction)
    gone = ~np.isfinite(np.asarray(prediction.value, dtype=float))
    if made.parts is None or not gone.any():
        return made
    return replace(made, parts=np.where(gone[:, None], np.nan, made.parts))


def mean_of(
    name: str, rows: Callable[[Floats, Prediction, float], Floats], *, higher: bool, is_share: bool = False
) -> Metric:
    """Return the metric that is the mean of a number per row, ``rows(target, prediction, threshold)`` (n,)."""
    return ratio_of(name, lambda t, p, c: (rows(t, p, c), np.ones(len(p))), higher=higher, is_share=is_share)


def ratio_of(
    name: str,
    sums: Callable[[Floats, Prediction, float], tuple[Floats, Floats]],
    *,
    higher: bool,
    is_share: bool = False,
) -> Metric:
    """Return the metric that is one sum over the rows divided by another, given as two numbers per row, (n,) each.

    NaN where there is no row, a number is missing, or the divisor is 0.
    """

    def weighted(target: Floats, prediction: Prediction, threshold: float) -> Weighted:
        above, below = (np.asarray(part, dtype=float) for part in sums(target, prediction, threshold))
        if not len(above) or not (np.isfinite(above).all() and np.isfinite(below).all()):
            return lambda weights: np.full(len(weights), np.nan)

        def figure(weights: Floats) -> Floats:
            divisor = weights @ below
            return np.asarray(np.divide(weights @ above, divisor, out=np.full(len(weights), np.nan), where=divisor > 0))

        return figure

    def compute(target: Floats, prediction: Prediction, threshold: float) -> float:
        return float(weighted(target, prediction, threshold)(np.ones((1, len(prediction))))[0])

    return Metric(name=name, higher_is_better=higher, compute=compute, weighted=weighted, is_share=is_share)


def macro(above: Floats, below: Floats, truth: Floats) -> Weighted:
    """Return the mean over the columns, one per class, of one sum over the rows divided by another, (n, k) each.

    The classes that count are those with a divisor among all rows; *truth* (n, k) says which rows are of a class. A
    weighting that leaves a class of the rows without one is undefined: an average over fewer classes is another figure,
    and an interval made of both would hold neither.
    """
    counted = below.any(axis=0)
    above, below, truth = above[:, counted], below[:, counted], truth[:, truth.any(axis=0)]

    def figure(weights: Floats) -> Floats:
        divisor = weights @ below
        each = np.divide(weights @ above, divisor, out=np.zeros_like(divisor), where=divisor > 0)
        whole = (weights @ truth > 0).all(axis=1) & counted.any()
        out = np.full(len(weights), np.nan)
        return np.asarray(np.divide(each.sum(axis=1), counted.sum(), out=out, where=whole))

    return figure


def selected(prediction: Prediction, index: Any) -> Prediction:
    """Return the prediction of the rows at *index*."""

    def rows(values: Any) -> Any:
        return None if values is None else np.asarray(values)[index]

    return Prediction(
        value=rows(prediction.value), low=rows(prediction.low), high=rows(prediction.high),
        parts=rows(prediction.parts), output=rows(prediction.output),
    )  # fmt: skip


def with_answer(problem: Problem, frame: "pd.DataFrame") -> "NDArray[np.bool_]":
    """Return which rows of *frame* (n,) can be learned from and judged on: all of them, where nothing is asked."""
    if not problem.supervised:
        return np.ones(len(frame), dtype=bool)
    return frame["target" if problem.truth is None else "truth"].notna().to_numpy(dtype=bool)


def joined(rows: int, parts: "Sequence[tuple[NDArray[np.intp], Prediction]]") -> Prediction:
    """Return the predictions of (places, rows there) as one of all *rows*, without outputs; what is in none is NaN."""

    def whole(name: str) -> Any:
        given = [(place, getattr(one, name)) for place, one in parts if getattr(one, name) is not None]
        if not given:
            return None
        found = np.full((rows, *given[0][1].shape[1:]), np.nan)
        for place, values in given:
            found[place] = values
        return found

    value = whole("value")
    low, high, further = whole("low"), whole("high"), whole("parts")
    return Prediction(value=np.full(rows, np.nan) if value is None else value, low=low, high=high, parts=further)
