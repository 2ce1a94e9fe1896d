"""Nearest neighbours: the answer of the most similar patients. The model is its training rows."""

from wardround.models.base import TabularFamily

# an exhaustive search keeps plain arrays; a tree would have to be stored as an opaque object
_SEARCH = {"algorithm": "brute", "n_jobs": 1}

FAMILIES = (
    TabularFamily(
        name="neighbours",
        problem="classification",
        estimator="sklearn.neighbors:KNeighborsClassifier",
        defaults={"n_neighbors": 15},
        fixed=_SEARCH,
        seeded=False,
        holds_rows=True,
    ),
    TabularFamily(
        name="neighbours",
        problem="regression",
        estimator="sklearn.neighbors:KNeighborsRegressor",
        defaults={"n_neighbors": 15},
        fixed=_SEARCH,
        seeded=False,
        holds_rows=True,
    ),
)
