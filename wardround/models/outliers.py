"""Families that score how unlike all others a patient is: isolation forest and reconstruction by principal components.

A feature's missing value stands at the median: that it is missing is a matter of the batch's quality, not of the score.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.conformal import flagging
from wardround.models.estimators import fitted
from wardround.models.folds import PatientFolds
from wardround.models.matrices import MatrixLearner, added_up, by_feature, owners, product
from wardround.models.preprocessing import transformed
from wardround.models.whole import Progress
from wardround.problems.anomaly import UNUSUAL, USUAL
from wardround.problems.base import Floats, Prediction

FOLDS = 5


@dataclass(kw_only=True, eq=False)
class OutlierLearner(MatrixLearner):
    """A score per row, and the score above which a row is unusual.

    The share *flag* of the training rows is above it, each scored by what was learned from other patients. The scores
    of rows that were learned from are too small: by them, of 100 rows of 30 features, a quarter of new patients
    would be flagged in place of a twentieth.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"flag": 0.05}

    @abstractmethod
    def fitted_to(self, rows: Floats, seed: int) -> dict[str, Any]:
        """Return what is learned from prepared rows (n, k)."""

    @abstractmethod
    def scored(self, rows: Floats) -> Floats:
        """Return the score of each prepared row (n,)."""

    def errors(self, rows: Floats) -> Floats:
        """Return the reconstruction error of each prepared row (n,), NaN where the family does not reconstruct."""
        return np.full(len(rows), np.nan)

    def learn_prepared(
        self, rows: Floats, target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> dict[str, Any]:
        """Learn to score, and take the quantile of the scores of rows that were not learned from."""
        if not 0 < (flag := self.setting["flag"]) < 1:
            raise UseCaseInvalid(self._own, (f"candidates: {self.family}: flag is above 0 and below 1",))
        folds = PatientFolds(FOLDS, seed=seed)
        if folds.get_n_splits(rows, groups=patients) < 2:
            raise NotTrainable(self._own, "one patient cannot be compared with others", "Add rows of other patients")
        owner, says_missing = owners(self.prepare)
        keep = np.flatnonzero(~says_missing)
        rows = np.take(rows, keep, axis=1)  # row by row, as its parts are taken
        scores = np.empty(len(rows))
        for train, test in folds.split(rows, groups=patients):
            others = rows[train]
            self.model = self.fitted_to(others, seed)
            scores[test] = self.scored(rows[test])
        del others
        unusual = flagging(scores, flag)
        known = {"keep": keep, "owner": owner[keep], "mean": rows.mean(axis=0)}
        return {**known, **self.fitted_to(rows, seed), "unusual": unusual}

    def answered(self, rows: Floats) -> Prediction:
        """Return the score (value), whether it is unusual (output) and the figures of a row (parts)."""
        rows = rows[:, self.model["keep"]]
        score = self.scored(rows)
        flagged = score > self.model["unusual"]
        of_mean = added_up((rows - self.model["mean"]) ** 2) / len(self.columns)
        return Prediction(
            value=score, parts=np.column_stack([self.errors(rows), of_mean, flagged]),
            output=np.where(flagged, UNUSUAL, USUAL).astype(object),
        )  # fmt: skip


class Isolation(OutlierLearner):
    """Isolation forest (Liu, Ting and Zhou 2008): the sooner random cuts set a row apart, the higher its score, 0 to 1.

    It does not reconstruct, so only figures of its score can be measured. An explanation is by how much the score
    falls with a feature at its usual value.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**OutlierLearner.defaults, "n_estimators": 100, "max_samples": 256}

    def fitted_to(self, rows: Floats, seed: int) -> dict[str, Any]:
        """Grow the trees."""
        setting = self.setting
        model = IsolationForest(
            n_estimators=setting["n_estimators"], max_samples=min(setting["max_samples"], len(rows)), random_state=seed
        )
        self.notes = fitted(model, rows, None)
        return {"forest": model}

    def scored(self, rows: Floats) -> Floats:
        """Return the score of each prepared row (n,)."""
        return -np.asarray(self.model["forest"].score_samples(rows), dtype=float) if len(rows) else np.empty(0)

    def explained(self, matrix: Floats) -> Floats:
        """Return by how much the score falls with each feature at its usual value; see `MatrixLearner.ablated`."""

        def score(versions: Floats) -> Floats:
            flat = versions.reshape(-1, versions.shape[2])[:, self.model["keep"]]
            return self.scored(flat).reshape(versions.shape[:2])

        return self.ablated(matrix, score)


class Components(OutlierLearner):
    """Reconstruction from the principal components that hold *variance* of the spread (Jackson & Mudholkar 1979).

    The score is the squared error per feature; explanations are the features' parts of it and add up to it.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**OutlierLearner.defaults, "variance": 0.8}

    def fitted_to(self, rows: Floats, seed: int) -> dict[str, Any]:
        """Find the components."""
        model = PCA(n_components=float(self.setting["variance"]), svd_solver="full")
        self.notes = fitted(model, rows, None)
        if len(model.components_) == rows.shape[1]:
            raise NotTrainable(self._own, "all components are kept, so nothing is left over", "Lower variance")
        return {"mean": model.mean_, "components": model.components_}

    def scored(self, rows: Floats) -> Floats:
        """Return the reconstruction error of each prepared row (n,)."""
        return added_up(self._squares(rows)) / len(self.columns)

    def errors(self, rows: Floats) -> Floats:
        """Return the reconstruction error of each prepared row (n,)."""
        return self.scored(rows)

    def explained(self, matrix: Floats) -> Floats:
        """Return the reconstruction error of each feature (rows, features), over their number."""
        squares = self._squares(transformed(self.prepare, matrix)[:, self.model["keep"]])
        return by_feature(squares, self.model["owner"], len(self.columns)) / len(self.columns)

    def _squares(self, rows: Floats) -> Floats:
        centred, components = rows - self.model["mean"], self.model["components"]
        return np.asarray((centred - product(product(centred, components.T), components)) ** 2)
