"""Learning yes or no from few outcomes and many rows without one: self-training (Yarowsky 1995)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.estimators import fitted, probability
from wardround.models.matrices import MatrixLearner
from wardround.models.whole import Progress
from wardround.problems.base import Floats, Prediction
from wardround.problems.classification import CLIP

BASES = ("logistic", "boosting")


@dataclass(kw_only=True, eq=False)
class SelfTraining(MatrixLearner):
    """A classifier that takes over its own surest answers, round by round, and learns from them like outcomes.

    Rows without an outcome (target NaN) are learned from too: their values set the preparation, and those answered with
    *confidence* or more become outcomes, in at most *rounds* rounds. *base* is what learns. It helps only where the
    surest answers are right, so a candidate like it stands beside its base alone, which the gate may prefer.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "base": "logistic", "confidence": 0.9, "rounds": 10,
        "C": 1.0, "max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 10,
    }  # fmt: skip

    def learn_prepared(
        self, rows: Floats, target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> dict[str, Any]:
        """Fit the base to the rows with an outcome, then with what it is sure of."""
        known = np.isfinite(target)
        if len(np.unique(target[known])) < 2:
            raise NotTrainable(self._own, "the rows with an outcome all have the same one", "Add rows with the other")
        base = self._base(seed)
        if known.all():
            self.notes = (*fitted(base, rows, target), "every row had an outcome, so there was nothing to take over")
            return {"base": _settled(base)}
        setting = self.setting
        loop = SelfTrainingClassifier(base, threshold=setting["confidence"], max_iter=int(setting["rounds"]))
        noticed = fitted(loop, rows, np.where(known, target, -1).astype(int))
        taken = (loop.labeled_iter_[~known] > 0).mean()
        self.notes = (*noticed, f"it took over its own answer for {taken:.0%} of the rows without an outcome")
        return {"base": _settled(loop.estimator_)}

    def answered(self, rows: Floats) -> Prediction:
        """Return P(positive) of each row."""
        return Prediction(value=self._chance(rows))

    def explained(self, matrix: Floats) -> Floats:
        """Return what each feature adds to the log odds; see `MatrixLearner.ablated`."""

        def log_odds(versions: Floats) -> Floats:
            chance = self._chance(versions.reshape(-1, versions.shape[2])).reshape(versions.shape[:2])
            return np.asarray(logit(np.clip(chance, CLIP, 1 - CLIP)))

        return self.ablated(matrix, log_odds)

    def _chance(self, rows: Floats) -> Floats:
        return probability(self.model["base"], rows) if len(rows) else np.empty(0)

    def _base(self, seed: int) -> Any:
        setting = self.setting
        if setting["base"] not in BASES:
            raise UseCaseInvalid(self._own, (f"candidates: the base of self_training is one of {', '.join(BASES)}",))
        if setting["base"] == "logistic":
            return LogisticRegression(C=setting["C"], max_iter=5_000, random_state=seed)
        names = ("max_iter", "learning_rate", "max_leaf_nodes", "min_samples_leaf")
        own = {name: setting[name] for name in names}
        return HistGradientBoostingClassifier(**own, early_stopping=False, categorical_features=None, random_state=seed)


def _settled(base: Any) -> Any:
    mapper = getattr(base, "_bin_mapper", None)
    if mapper is not None:
        mapper.n_threads = 1  # it tells this machine's cores, and the same model must have the same bytes anywhere
    return base
