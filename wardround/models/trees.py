"""Trees: random forest and histogram gradient boosting, on codes and numbers, never on pandas categories."""

from wardround.models.base import TabularFamily

# early stopping would hold out rows of a patient whose other rows are trained on
_BOOSTING = {"early_stopping": False, "categorical_features": None}

FAMILIES = (
    TabularFamily(
        name="random_forest",
        problem="classification",
        estimator="sklearn.ensemble:RandomForestClassifier",
        fixed={"n_jobs": 1},
        scaled=False,
    ),
    TabularFamily(
        name="random_forest",
        problem="regression",
        estimator="sklearn.ensemble:RandomForestRegressor",
        fixed={"n_jobs": 1},
        scaled=False,
    ),
    TabularFamily(
        name="boosting",
        problem="classification",
        estimator="sklearn.ensemble:HistGradientBoostingClassifier",
        defaults=_BOOSTING,
        scaled=False,
    ),
    TabularFamily(
        name="boosting",
        problem="regression",
        estimator="sklearn.ensemble:HistGradientBoostingRegressor",
        defaults=_BOOSTING,
        scaled=False,
    ),
)
