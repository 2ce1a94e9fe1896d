"""A learner of whole rows as scikit-learn's searches want it: an estimator over row numbers."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from wardround.problems import PROBLEMS
from wardround.problems.base import Prediction, judged

if TYPE_CHECKING:
    import pandas as pd

    from wardround.models.whole import WholeLearner


class RowsEstimator(BaseEstimator):  # type: ignore[misc]
    """Fits a copy of *learner* to rows of *frame*, named by their numbers in the first column of a matrix."""

    def __init__(self, learner: "WholeLearner", frame: "pd.DataFrame", seed: int, parameters: dict[str, Any]):
        self.learner = learner
        self.frame = frame
        self.seed = seed
        self.parameters = parameters
        self.made: WholeLearner | None = None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the family's parameters, as scikit-learn asks for them."""
        return {**self.learner.defaults, **self.parameters}

    def set_params(self, **parameters: Any) -> "RowsEstimator":
        """Set some of the family's parameters."""
        self.parameters = {**self.parameters, **parameters}
        return self

    def __sklearn_clone__(self) -> "RowsEstimator":
        return RowsEstimator(self.learner, self.frame, self.seed, dict(self.parameters))

    def fit(self, X: Any, y: Any) -> "RowsEstimator":
        """Fit a learner with these parameters to the rows numbered in *X*."""
        rows = self._rows(X)
        self.made = replace(self.learner, parameters=dict(self.parameters))
        self.made.fit(rows, np.asarray(y, dtype=float), np.asarray(X)[:, -1], seed=self.seed, intervals=False)
        return self

    def predicted(self, X: Any) -> Prediction:
        """Return the prediction of the rows numbered in *X*, judged by their truths where the problem has any."""
        assert self.made is not None
        rows, problem = self._rows(X), PROBLEMS[self.learner.problem]
        return judged(problem, rows.get("truth"), self.made.predict(rows))

    def _rows(self, X: Any) -> "pd.DataFrame":
        return self.frame.iloc[np.asarray(X)[:, 0].astype(np.intp)]
