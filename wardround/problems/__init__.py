"""What is being learned: the metrics of a problem, a loss per row, the shape of a prediction."""

from wardround.problems.base import Metric, Prediction, Problem
from wardround.problems.classification import CLASSIFICATION
from wardround.problems.regression import REGRESSION
from wardround.use_cases.base import UseCase

__all__ = ["PROBLEMS", "Metric", "Prediction", "Problem", "problem_of"]

PROBLEMS: dict[str, Problem] = {"classification": CLASSIFICATION, "regression": REGRESSION}


def problem_of(use_case: UseCase) -> Problem:
    """Return the problem that *use_case* poses."""
    return PROBLEMS[use_case.problem]
