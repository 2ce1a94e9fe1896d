"""What a model's performance should be now, told without a single outcome.

Two classes: confidence-based estimation. If the calibrated probability is right, the expected confusion of a batch
follows from the distribution of its predictions (Garg et al. 2022, *Leveraging unlabeled data to predict
out-of-distribution performance*; Guillory et al. 2021; the CBPE of NannyML's documentation). Any other problem: a
model of the loss, linear in the encoded row, fitted on out-of-fold errors. Both are blind to a change of the outcome
given the inputs, so they never overrule outcomes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wardround.problems import PROBLEMS, Prediction, Problem, problem_of
from wardround.use_cases.base import UseCase

Floats = NDArray[np.float64]
FINE = 1_000
"""Bins of the fine histogram of probabilities."""
MIDDLES: Floats = (np.arange(FINE) + 0.5) / FINE
KNOTS = 50
ISOTONIC_FROM = 2_000
"""Outcomes from which on the calibration map is isotonic; below, two parameters are all the data can carry."""
RIDGE = 10.0


@dataclass(frozen=True, kw_only=True)
class Known:
    """A metric on the reference's out-of-fold rows; *spread* / sqrt(rows) is its standard error."""

    metric: str
    value: float
    spread: float


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """The stored part: calibration map (classification) or loss model (any other problem), and the known figures.

    *rows* are independent outcomes. ``excess_sd`` is the SD per row of loss minus expected loss.
    """

    problem: str
    rows: float
    figures: tuple[Known, ...]
    loss_sd: float
    excess_sd: float
    knots: tuple[float, ...] = ()
    calibrated: tuple[float, ...] = ()
    intercept: float = 0.0
    coefficients: tuple[float, ...] = ()

    @property
    def loss_metric(self) -> str:
        """The name of the metric that is the mean loss per row."""
        return PROBLEMS[self.problem].loss

    @property
    def explained(self) -> float | None:
        """How much of the variance of the loss its model of the inputs explains (adjusted R2); None in two classes.

        At 0 the estimate is the figure of the reference again, whatever has happened.
        """
        left = self.rows - len(self.coefficients) - 1
        if PROBLEMS[self.problem].two_classes or not self.loss_sd > 0:
            return None
        unexplained = (self.excess_sd / self.loss_sd) ** 2 * (self.rows - 1) / left if left > 0 else 1.0
        return max(0.0, 1.0 - unexplained)

    def known(self, metric: str) -> Known | None:
        """Return the reference's figure of *metric*."""
        return next((figure for figure in self.figures if figure.metric == metric), None)

    def probability(self, value: Floats) -> Floats:
        """Return the calibrated probability of predictions."""
        if not self.knots:
            return value
        return np.interp(value, self.knots, self.calibrated)

    def expected_loss(self, value: Floats, encoded: NDArray[np.float32]) -> Floats:
        """Return the loss per row that the stored knowledge expects, shape (rows,)."""
        if PROBLEMS[self.problem].two_classes:
            probability = self.probability(value)
            return probability * (1 - value) ** 2 + (1 - probability) * value**2
        if not self.coefficients:
            return np.full(len(value), self.intercept)
        return np.asarray(self.intercept + encoded @ np.array(self.coefficients, dtype=np.float32), dtype=float)


def build_estimator(
    use_case: UseCase,
    value: Floats,
    target: Floats,
    encoded: NDArray[np.float32],
    design_effect: float,
    loss: Floats | None = None,
) -> Estimator:
    """Fit the estimator on out-of-fold predictions (n,), outcomes (n,), encoded rows (n, width) and losses (n,).

    *loss* may be left out where it follows from prediction and outcome alone.
    """
    problem = problem_of(use_case)
    if loss is None:
        loss = problem.losses(target, Prediction(value=value))
    known = np.isfinite(value) & np.isfinite(loss)
    value, target, encoded, loss = value[known], target[known], encoded[known], loss[known]
    rows = len(value) / design_effect
    if len(value) < 2:
        return Estimator(problem=problem.name, rows=0.0, figures=(), loss_sd=0.0, excess_sd=0.0)
    if problem.two_classes:
        return _confidence_based(value, target, rows, use_case.threshold)
    squared = (value - target) ** 2 if problem.scalar else None
    return _loss_model(problem, loss, encoded, rows, squared)


def _confidence_based(value: Floats, target: Floats, rows: float, threshold: float) -> Estimator:
    knots, calibrated = _calibration(value, target)
    loss = (value - target) ** 2
    probability = np.interp(value, knots, calibrated)
    expected = probability * (1 - value) ** 2 + (1 - probability) * value**2
    right = ((value >= threshold) == (target > 0.5)).astype(float)
    positive, negative = fine(value[target > 0.5]), fine(value[target <= 0.5])
    auroc, error = auroc_of(positive, negative)
    figures = [
        Known(metric="auroc", value=auroc, spread=error * float(np.sqrt(len(value)))),
        Known(metric="brier", value=float(loss.mean()), spread=float((loss - expected).std())),
        Known(metric="accuracy", value=float(right.mean()), spread=float(right.std())),
    ]
    return Estimator(
        problem="classification", rows=rows, figures=tuple(f for f in figures if np.isfinite(f.value + f.spread)),
        loss_sd=float(loss.std()), excess_sd=float((loss - expected).std()),
        knots=tuple(float(k) for k in knots), calibrated=tuple(float(c) for c in calibrated),
    )  # fmt: skip


def _loss_model(
    problem: Problem, loss: Floats, encoded: NDArray[np.float32], rows: float, squared: Floats | None
) -> Estimator:
    design = encoded.astype(float)
    center = design.mean(axis=0)
    centred = design - center
    gram = centred.T @ centred + RIDGE * np.sqrt(len(loss)) * np.eye(design.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (loss - loss.mean()))
    intercept = float(loss.mean() - center @ weights)
    excess = loss - intercept - design @ weights
    figures = [Known(metric=problem.loss, value=float(loss.mean()), spread=float(excess.std()))]
    if squared is not None:
        rmse = float(np.sqrt(squared.mean()))
        spread = float(squared.std()) / (2 * rmse) if rmse > 0 else 0.0
        figures.append(Known(metric="rmse", value=rmse, spread=spread))
    return Estimator(
        problem=problem.name, rows=rows, figures=tuple(figures), loss_sd=float(loss.std()),
        excess_sd=float(excess.std()), intercept=intercept, coefficients=tuple(float(w) for w in weights),
    )  # fmt: skip


def _calibration(value: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Return knots and calibrated probabilities of a monotone map."""
    knots = np.unique(np.concatenate([[0.0, 1.0], np.linspace(0.0, 1.0, KNOTS)]))
    if len(np.unique(target)) < 2:
        return knots, np.clip(np.full(len(knots), target.mean()), 0.01, 0.99)
    if len(value) >= ISOTONIC_FROM:
        from sklearn.isotonic import IsotonicRegression

        fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(value, target)
        return knots, np.asarray(fitted.predict(knots), dtype=float)
    slope, offset = _logistic(_logit(value), target)
    return knots, 1.0 / (1.0 + np.exp(-(offset + slope * _logit(knots))))


def _logistic(x: Floats, y: Floats) -> tuple[float, float]:
    design = np.column_stack([x, np.ones_like(x)])
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
        # a weak pull to the identity keeps separable data finite
        gradient = design.T @ (y - p) - 1e-2 * (weights - (1.0, 0.0))
        step = np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]) + 1e-2 * np.eye(2), gradient)
        weights = weights + np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-8:
            break
    return max(float(weights[0]), 0.0), float(weights[1])


def _logit(p: Floats) -> Floats:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))


def fine(value: Floats) -> Floats:
    """Return the histogram of probabilities over 1,000 equal bins; NaN is left out."""
    present = value[np.isfinite(value)]
    place = np.minimum((np.clip(present, 0.0, 1.0) * FINE).astype(np.int64), FINE - 1)
    return np.bincount(place, minlength=FINE).astype(float)


def auroc_of(positive: Floats, negative: Floats) -> tuple[float, float]:
    """Return the AUROC and its standard error of (expected) histograms of positives and negatives.

    DeLong's variance over bins; (nan, nan) when a class is empty.
    """
    n, m = float(positive.sum()), float(negative.sum())
    if not (n >= 1 and m >= 1):
        return float("nan"), float("nan")
    below_negative = (np.cumsum(negative) - negative / 2.0) / m
    above_positive = 1.0 - (np.cumsum(positive) - positive / 2.0) / n
    auroc = float((positive * below_negative).sum() / n)
    v_positive = float((positive * (below_negative - auroc) ** 2).sum() / n)
    v_negative = float((negative * (above_positive - auroc) ** 2).sum() / m)
    return auroc, float(np.sqrt(v_positive / n + v_negative / m))


def estimate_from_histogram(estimator: Estimator, histogram: Floats, threshold: float) -> dict[str, float]:
    """Return the estimated auroc, brier and accuracy of a batch from the fine histogram of its predictions."""
    total = float(histogram.sum())
    if not (total > 0 and estimator.knots):
        return {}
    probability = estimator.probability(MIDDLES)
    positive, negative = histogram * probability, histogram * (1 - probability)
    brier = float((positive * (1 - MIDDLES) ** 2 + negative * MIDDLES**2).sum() / total)
    accuracy = float(np.where(threshold <= MIDDLES, positive, negative).sum() / total)
    return {"auroc": auroc_of(positive, negative)[0], "brier": brier, "accuracy": accuracy}


def at_new_rate(estimator: Estimator, old: float, new: float) -> Floats:
    """Return calibrated probabilities at the fine bins if only the outcome rate moved from *old* to *new*.

    Saerens, Latinne and Decaestecker (2002), *Adjusting the outputs of a classifier to new a priori
    probabilities*.
    """
    probability = np.clip(estimator.probability(MIDDLES), 1e-6, 1 - 1e-6)
    old, new = np.clip((old, new), 1e-6, 1 - 1e-6)
    up, down = probability * new / old, (1 - probability) * (1 - new) / (1 - old)
    return np.asarray(up / (up + down), dtype=float)
