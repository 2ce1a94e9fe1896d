"""Families for one of several classes over a table's features: multinomial logistic regression, forest, boosting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from wardround.errors import NotTrainable
from wardround.models.estimators import fitted
from wardround.models.matrices import MatrixLearner, added_up, product
from wardround.models.whole import Progress
from wardround.problems.base import Floats, Prediction
from wardround.problems.classification import CLIP


@dataclass(kw_only=True, eq=False)
class ClassLearner(MatrixLearner):
    """A learner of K classes around one scikit-learn classifier.

    A class without a training row has probability 0. An explanation is what each feature adds to the log odds of the
    row's own likeliest class.
    """

    def build(self, seed: int) -> Any:
        """Return the unfitted classifier."""
        raise NotImplementedError

    def probabilities(self, model: Any, rows: Floats) -> Floats:
        """Return (n, classes of *model*) of prepared rows, to the same bits in any batch."""
        raise NotImplementedError

    def learn_prepared(
        self, rows: Floats, target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> dict[str, Any]:
        """Fit the classifier."""
        assert self.use_case is not None
        classes = tuple(str(name) for name in self.use_case.target.allowed or ())
        if len(np.unique(target)) < 2:
            raise NotTrainable(self._own, "the rows are all of one class", "Add rows of the other classes")
        model = self.build(seed)
        self.notes = fitted(model, rows, target)
        mapper = getattr(model, "_bin_mapper", None)
        if mapper is not None:
            mapper.n_threads = 1  # it tells this machine's cores, and the same model must have the same bytes anywhere
        return {"model": model, "classes": list(classes)}

    def answered(self, rows: Floats) -> Prediction:
        """Return the probabilities of the classes (parts), the largest (value) and its class (output)."""
        each = self._each(rows)
        names = np.array(self.model["classes"], dtype=object)
        return Prediction(value=each.max(axis=1), parts=each, output=names[each.argmax(axis=1)])

    def explained(self, matrix: Floats) -> Floats:
        """Return what each feature adds to the log odds of the likeliest class; see `MatrixLearner.ablated`."""

        def log_odds(versions: Floats) -> Floats:
            each = self._each(versions.reshape(-1, versions.shape[2])).reshape(*versions.shape[:2], -1)
            own = each[0].argmax(axis=1)
            chance = np.clip(each[:, np.arange(len(own)), own], CLIP, 1 - CLIP)
            return np.asarray(np.log(chance / (1 - chance)))

        return self.ablated(matrix, log_odds)

    def _each(self, rows: Floats) -> Floats:
        model = self.model["model"]
        out = np.zeros((len(rows), len(self.model["classes"])))
        if len(rows):
            out[:, model.classes_.astype(np.intp)] = self.probabilities(model, rows)
        return out


class Logistic(ClassLearner):
    """Multinomial logistic regression."""

    defaults: ClassVar[Mapping[str, Any]] = {"C": 1.0, "class_weight": None, "max_iter": 5_000}

    def build(self, seed: int) -> Any:
        """Return the unfitted classifier."""
        return LogisticRegression(**self.setting, random_state=seed)

    def probabilities(self, model: Any, rows: Floats) -> Floats:
        """Return the softmax of intercept + sum of coefficient x column."""
        scores = product(rows, model.coef_.T) + model.intercept_
        return softmax(np.column_stack([np.zeros(len(rows)), scores]) if scores.shape[1] == 1 else scores)


class Forest(ClassLearner):
    """Random forest (Breiman 2001)."""

    scaled: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {
        "n_estimators": 100, "min_samples_leaf": 1, "max_depth": None, "max_features": "sqrt", "class_weight": None,
    }  # fmt: skip

    def build(self, seed: int) -> Any:
        """Return the unfitted classifier."""
        return RandomForestClassifier(**self.setting, random_state=seed, n_jobs=1)

    def probabilities(self, model: Any, rows: Floats) -> Floats:
        """Return the mean of the trees as scikit-learn adds them up."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        total = np.zeros((len(rows), len(model.classes_)))
        for tree in model.estimators_:
            total += tree.tree_.predict(rows)
        return np.asarray(total / len(model.estimators_))


class Boosting(ClassLearner):
    """Histogram gradient boosting (Ke et al. 2017), a tree per class and round."""

    scaled: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {
        "max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 20, "l2_regularization": 0.0,
        "class_weight": None,
    }  # fmt: skip

    def build(self, seed: int) -> Any:
        """Return the unfitted classifier; stopping early would hold out rows of patients it also learns from."""
        return HistGradientBoostingClassifier(
            **self.setting, early_stopping=False, categorical_features=None, random_state=seed
        )

    def probabilities(self, model: Any, rows: Floats) -> Floats:
        """Return the softmax of what the trees add up to."""
        scores = np.asarray(model.decision_function(rows), dtype=float)
        return softmax(np.column_stack([np.zeros(len(rows)), scores]) if scores.ndim == 1 else scores)


def softmax(scores: Floats) -> Floats:
    """Return probabilities (n, K) of *scores* (n, K), a row to the same bits in any batch."""
    raised = np.exp(scores - scores.max(axis=1)[:, None])
    return np.asarray(raised / added_up(raised)[:, None])
