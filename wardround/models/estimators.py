"""Fitting a scikit-learn estimator and asking it, the same way everywhere.

Asking gives a row the same bits alone, in any batch and at any place in it. Trees, boosting and Gaussian kernels go row
by row anyway; a matrix product does not (BLAS takes another kernel, hence another order of additions, by the shape),
so what rests on one is added up here in a fixed order.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline

from wardround.models import nearest
from wardround.models.limits import beneath
from wardround.models.preprocessing import fit_transformed, transformed
from wardround.problems.base import Floats


def fitted(estimator: Any, matrix: Floats, target: Floats | None) -> tuple[str, ...]:
    """Fit *estimator* in place (target None: it needs none) and return what was noticed.

    Raises:
        Refused: scikit-learn refuses these rows or parameters, or a calculation left the range of numbers, so that the
            fit would be wrong.
    """
    with _beneath() as caught:
        if isinstance(estimator, Pipeline):
            (_, prepare), (_, model) = estimator.steps
            model.fit(fit_transformed(prepare, matrix), target)
        else:
            estimator.fit(matrix, target)
    stopped = {issubclass(each.category, ConvergenceWarning) for each in caught}
    said = {True: "the optimiser stopped before it had converged", False: "scikit-learn warned of a parameter"}
    return tuple(said[early] for early in sorted(stopped, reverse=True))


def prepared(transformer: Any, matrix: Floats) -> Floats:
    """Fit *transformer* of `Encoding.preprocessor` in place and return the prepared rows of *matrix*.

    Raises:
        Refused: see `fitted`.
    """
    with _beneath():
        return fit_transformed(transformer, matrix)


@contextmanager
def _beneath() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # what a later release will change says nothing of this model
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        with beneath():
            yield caught


def point(estimator: Any, matrix: Floats, problem: str) -> Floats:
    """Return the predicted value of each row (n,): P(positive), or the number; the last column is not used.

    *estimator* is a fitted `Pipeline` of preparation and model, or a `CalibratedClassifierCV` around one.
    """
    if not len(matrix):
        return np.empty(0)
    if isinstance(estimator, CalibratedClassifierCV):
        (calibrated,) = estimator.calibrated_classifiers_
        (to_probability,) = calibrated.calibrators
        return np.asarray(to_probability.predict(_ranking(*_prepared(calibrated.estimator, matrix))), dtype=float)
    ask = probability if problem == "classification" else _number
    return ask(*_prepared(estimator, matrix))


def _prepared(pipeline: Pipeline, matrix: Floats) -> tuple[Any, Floats]:
    (_, prepare), (_, model) = pipeline.steps
    return model, transformed(prepare, matrix)


def probability(model: Any, prepared: Floats) -> Floats:
    """Return P(positive) of each prepared row (n,) by the fitted classifier *model*."""
    if "coef_" in vars(model):
        return np.asarray(expit(_sum(model, prepared)))
    if isinstance(model, KNeighborsClassifier):
        return nearest.mean(model, prepared)
    if isinstance(model, RandomForestClassifier):
        return _trees(model, prepared)
    return np.asarray(model.predict_proba(prepared)[:, 1], dtype=float)


def _ranking(model: Any, prepared: Floats) -> Floats:
    """Return what a calibration maps to probabilities, as scikit-learn chooses it: the score where there is one."""
    if "coef_" in vars(model):
        return _sum(model, prepared)
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(prepared), dtype=float)
    return probability(model, prepared)


def _number(model: Any, prepared: Floats) -> Floats:
    if isinstance(model, TransformedTargetRegressor):
        return np.asarray(model.transformer_.inverse_transform(_number(model.regressor_, prepared)[:, None])[:, 0])
    if "coef_" in vars(model):
        return _sum(model, prepared)
    if isinstance(model, KNeighborsRegressor):
        return nearest.mean(model, prepared)
    if isinstance(model, RandomForestRegressor):
        return _trees(model, prepared)
    return np.asarray(model.predict(prepared), dtype=float)


def _sum(model: Any, prepared: Floats) -> Floats:
    """Return intercept + sum of coefficient x column of a linear model, one column after the other."""
    total = np.full(len(prepared), float(np.ravel(model.intercept_)[0]))
    for column, weight in zip(prepared.T, np.ravel(model.coef_).tolist(), strict=True):
        total += column * weight
    return total


def _trees(model: Any, prepared: Floats) -> Floats:
    """Return the mean of a forest's trees as scikit-learn adds them up, without a job per tree."""
    rows = np.ascontiguousarray(prepared, dtype=np.float32)
    total = np.zeros(len(rows))
    for tree in model.estimators_:
        total += tree.tree_.predict(rows)[:, -1]
    return np.asarray(total / len(model.estimators_))
