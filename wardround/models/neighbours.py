"""Nearest neighbours: the answer of the most similar patients. The model is its training rows."""

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from wardround.models.base import TabularFamily

# an exhaustive search keeps plain arrays; a tree would have to be stored as an opaque object
_SEARCH = {"algorithm": "brute", "n_jobs": 1}

FAMILIES = (
    TabularFamily(
        name="neighbours",
        problem="classification",
        build=lambda parameters, seed: KNeighborsClassifier(**{"n_neighbors": 15, **parameters, **_SEARCH}),
        holds_rows=True,
    ),
    TabularFamily(
        name="neighbours",
        problem="regression",
        build=lambda parameters, seed: KNeighborsRegressor(**{"n_neighbors": 15, **parameters, **_SEARCH}),
        holds_rows=True,
    ),
)
