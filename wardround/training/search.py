"""Choosing the parameters of one family by inner cross-validation, never with a patient on both sides."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.models import learner
from wardround.models.base import Trial
from wardround.models.folds import PatientFolds
from wardround.problems import Metric, Problem, problem_of
from wardround.problems.base import Floats
from wardround.use_cases.base import Candidate, UseCase

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
NESTED_WORK = 5_000_000
"""Fits times rows of a search up to which it is repeated inside every training part of the evaluation."""

OF_EACH = 30
"""Patients with the rarer outcome that halving's first sample is expected to hold, so that every fold has some."""


def points(candidate: Candidate) -> int:
    """Return how many parameter settings the candidate's search tries."""
    if candidate.search == "none":
        return 1
    size = int(np.prod([len(values) for values in candidate.grid.values()]))
    return min(size, candidate.iterations) if candidate.search == "randomized" else size


def is_cheap(candidate: Candidate, rows: int, parts: int) -> bool:
    """Whether the search may be repeated in each of *parts* training parts of about *rows* rows."""
    return points(candidate) * FOLDS * parts * rows <= NESTED_WORK


def chosen(
    use_case: UseCase, candidate: Candidate, frame: "pd.DataFrame", target: Floats, *, seed: int
) -> Mapping[str, Any]:
    """Return the parameters of *candidate* that did best on *frame*'s rows; its own where nothing is searched.

    Ties go to the setting named first. Grid, randomized (Bergstra & Bengio 2012) and successive halving
    (Jamieson & Talwalkar 2016) are scikit-learn's, scored by the use case's primary metric.

    Raises:
        UseCaseInvalid: the family has no such parameter, or it may not have such a value.
        NotTrainable: too few rows for what is asked.
    """
    if candidate.search == "none":
        return dict(candidate.parameters)
    made = learner(candidate.family, use_case, candidate.parameters, calibrate=candidate.calibrate)
    made.check_parameters(candidate.grid)
    patients = frame["patient_id"].to_numpy()
    problem = problem_of(use_case)
    trial = made.trial(frame, target, patients, candidate, seed)
    folds = PatientFolds(FOLDS, stratify=problem.two_classes, seed=seed)
    grid = {trial.prefix + name: list(values) for name, values in candidate.grid.items()}
    metric = problem.choosing(use_case.primary_metric)
    least = _least(problem, target, patients)
    search = _search(candidate, trial.estimator, grid, folds, _scorer(trial, metric, use_case.threshold), least, seed)
    with warnings.catch_warnings():
        # an optimiser that stopped early, a fold without both classes: such settings lose, that is all
        warnings.simplefilter("ignore")
        try:
            search.fit(trial.matrix, target)
        except ValueError as error:
            made.refuse(error)
    best = {name.removeprefix(trial.prefix): value for name, value in search.best_params_.items()}
    return {**candidate.parameters, **best}


def _scorer(trial: Trial, metric: Metric, threshold: float) -> Callable[[Any, Any, Floats], float]:
    def score(estimator: Any, matrix: Any, target: Floats) -> float:
        return metric.worth(metric.compute(target, trial.predict(estimator, matrix), threshold))

    return score


def _least(problem: Problem, target: Floats, patients: Any) -> int:
    """Return with how many rows halving begins: a quarter, and so many that the rarer outcome is among them."""
    rows = len(target)
    least = max(rows // 4, 60)
    if problem.two_classes:
        rare = min(len(np.unique(patients[target > 0.5])), len(np.unique(patients[target <= 0.5])))
        least = max(least, math.ceil(rows * OF_EACH / max(rare, 1)))
    return min(least, rows)


def _search(
    candidate: Candidate,
    estimator: Any,
    grid: Mapping[str, Any],
    folds: PatientFolds,
    scorer: Any,
    least: int,
    seed: int,
) -> Any:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

    common = {"cv": folds, "scoring": scorer, "refit": False, "n_jobs": 1, "error_score": "raise"}
    if candidate.search == "grid":
        return GridSearchCV(estimator, grid, **common)
    if candidate.search == "randomized":
        return RandomizedSearchCV(estimator, grid, n_iter=points(candidate), random_state=seed, **common)
    return HalvingGridSearchCV(estimator, grid, factor=2, min_resources=least, random_state=seed, **common)
