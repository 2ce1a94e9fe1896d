"""Tables with scikit-learn alone: what one writes to prepare, fit, calibrate, give intervals, and keep the result."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from rows import Rows
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

TREES = ("random_forest", "boosting")
CLASSIFIERS = {
    "logistic": lambda: LogisticRegression(max_iter=5_000, random_state=0),
    "linear_svm": lambda: LinearSVC(max_iter=20_000, random_state=0),
    "rbf_svm": lambda: SVC(random_state=0),
    "random_forest": lambda: RandomForestClassifier(random_state=0, n_jobs=1),
    "boosting": lambda: HistGradientBoostingClassifier(early_stopping=False, random_state=0),
    "neighbours": lambda: KNeighborsClassifier(15, algorithm="brute", n_jobs=1),
}
REGRESSORS = {
    "linear": LinearRegression,
    "ridge": lambda: Ridge(random_state=0),
    "lasso": lambda: Lasso(max_iter=20_000, random_state=0),
    "elastic_net": lambda: ElasticNet(max_iter=20_000, random_state=0),
    "linear_svm": lambda: _scaled(LinearSVR(max_iter=20_000, dual="auto", random_state=0)),
    "rbf_svm": lambda: _scaled(SVR()),
    "random_forest": lambda: RandomForestRegressor(random_state=0, n_jobs=1),
    "boosting": lambda: HistGradientBoostingRegressor(early_stopping=False, random_state=0),
    "neighbours": lambda: KNeighborsRegressor(15, algorithm="brute", n_jobs=1),
}


def _scaled(regressor: Any) -> Any:
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def inputs(rows: Rows, folder: Path) -> Any:
    """Return the columns that are learned from, levels as codes (missing: -1), and keep which code is which level."""
    frame, levels = rows.frame.drop(columns="patient_id"), {}
    for name in [name for name in frame if name.startswith("level")]:
        column = frame[name].astype("category")
        frame[name], levels[name] = column.cat.codes, column.cat.categories.tolist()
    (folder / "levels.json").write_text(json.dumps(levels))
    return frame


def preparation(frame: Any, *, scaled: bool = True, indicators: bool = True) -> Any:
    """Return the unfitted preparation: medians with indicators, spread 1, levels of ten rows or more told apart."""
    numbers = [name for name in frame if name.startswith("number")]
    impute = SimpleImputer(strategy="median", add_indicator=indicators)
    levels = OneHotEncoder(
        min_frequency=10, max_categories=50, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(impute, StandardScaler()) if scaled else impute, numbers),
            ("levels", levels, [name for name in frame if name not in numbers]),
        ]
    )


def keep(model: Any, folder: Path) -> None:
    """Write *model*, packed: a forest takes a sixth of the room."""
    skops.io.dump(model, folder / "model.skops", compression=zipfile.ZIP_DEFLATED)


def folds(rows: Rows) -> list[tuple[Any, Any]]:
    """Return five folds that part no patient."""
    patients = rows.frame["patient_id"].factorize()[0]
    return list(GroupKFold(5, shuffle=True, random_state=0).split(rows.frame, groups=patients))


def classification(family: str, rows: Rows, folder: Path) -> None:
    """Fit and keep a classifier, calibrated on held-out patients if it gives no probability."""
    frame = inputs(rows, folder)
    model = make_pipeline(preparation(frame, scaled=family not in TREES), CLASSIFIERS[family]())
    if family.endswith("svm"):
        model = CalibratedClassifierCV(model, method="isotonic", cv=folds(rows), ensemble=False)
    keep(model.fit(frame, rows.target), folder)


def regression(family: str, rows: Rows, folder: Path) -> None:
    """Fit and keep a regression with the quantile of its errors on held-out patients."""
    frame = inputs(rows, folder)
    model = make_pipeline(preparation(frame, scaled=family not in TREES), REGRESSORS[family]())
    errors = np.abs(rows.target - cross_val_predict(model, frame, rows.target, cv=folds(rows)))
    keep(model.fit(frame, rows.target), folder)
    (folder / "interval.json").write_text(json.dumps({"half_width": float(np.quantile(errors, 0.9))}))


def self_training(family: str, rows: Rows, folder: Path) -> None:
    """Fit and keep a logistic regression that takes over its own surest answers."""
    frame = inputs(rows, folder)
    model = SelfTrainingClassifier(LogisticRegression(max_iter=5_000, random_state=0), threshold=0.9, max_iter=10)
    pipeline = make_pipeline(preparation(frame), model)
    pipeline.fit(frame, np.where(np.isnan(rows.target), -1, rows.target).astype(int))
    keep(make_pipeline(pipeline[0], model.estimator_), folder)
