"""Trees: random forest and histogram gradient boosting, on codes and numbers, never on pandas categories."""

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from wardround.models.base import TabularFamily

# early stopping would hold out rows of a patient whose other rows are trained on
_BOOSTING = {"early_stopping": False, "categorical_features": None}

FAMILIES = (
    TabularFamily(
        name="random_forest",
        problem="classification",
        build=lambda parameters, seed: RandomForestClassifier(**{**parameters, "random_state": seed, "n_jobs": 1}),
        scaled=False,
    ),
    TabularFamily(
        name="random_forest",
        problem="regression",
        build=lambda parameters, seed: RandomForestRegressor(**{**parameters, "random_state": seed, "n_jobs": 1}),
        scaled=False,
    ),
    TabularFamily(
        name="boosting",
        problem="classification",
        build=lambda parameters, seed: HistGradientBoostingClassifier(
            **{**_BOOSTING, **parameters, "random_state": seed}
        ),
        scaled=False,
    ),
    TabularFamily(
        name="boosting",
        problem="regression",
        build=lambda parameters, seed: HistGradientBoostingRegressor(
            **{**_BOOSTING, **parameters, "random_state": seed}
        ),
        scaled=False,
    ),
)
