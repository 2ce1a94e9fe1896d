"""What is being learned: the metrics of a problem, a loss per row, the shape of a prediction."""

from wardround.problems.anomaly import ANOMALY
from wardround.problems.base import Metric, Prediction, Problem
from wardround.problems.classification import CLASSIFICATION
from wardround.problems.clustering import CLUSTERING
from wardround.problems.multiclass import MULTICLASS
from wardround.problems.multilabel import MULTILABEL
from wardround.problems.regression import REGRESSION
from wardround.problems.segmentation import SEGMENTATION
from wardround.problems.summary import SUMMARY
from wardround.problems.tagging import TAGGING
from wardround.use_cases.base import UseCase

__all__ = ["PROBLEMS", "Metric", "Prediction", "Problem", "problem_of"]

PROBLEMS: dict[str, Problem] = {
    "classification": CLASSIFICATION,
    "regression": REGRESSION,
    "multiclass": MULTICLASS,
    "segmentation": SEGMENTATION,
    "multilabel": MULTILABEL,
    "tagging": TAGGING,
    "summary": SUMMARY,
    "clustering": CLUSTERING,
    "anomaly": ANOMALY,
}


def problem_of(use_case: UseCase) -> Problem:
    """Return the problem that *use_case* poses."""
    return PROBLEMS[use_case.problem]
