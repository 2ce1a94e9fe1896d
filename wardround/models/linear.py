"""Linear families: the logistic regression, and least squares plain, ridge, lasso and elastic net."""

from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge

from wardround.models.base import TabularFamily

FAMILIES = (
    TabularFamily(
        name="logistic",
        problem="classification",
        build=lambda parameters, seed: LogisticRegression(**{"max_iter": 5_000, **parameters, "random_state": seed}),
    ),
    TabularFamily(name="linear", problem="regression", build=lambda parameters, seed: LinearRegression(**parameters)),
    TabularFamily(
        name="ridge",
        problem="regression",
        build=lambda parameters, seed: Ridge(**{**parameters, "random_state": seed}),
    ),
    TabularFamily(
        name="lasso",
        problem="regression",
        build=lambda parameters, seed: Lasso(**{"max_iter": 20_000, **parameters, "random_state": seed}),
    ),
    TabularFamily(
        name="elastic_net",
        problem="regression",
        build=lambda parameters, seed: ElasticNet(**{"max_iter": 20_000, **parameters, "random_state": seed}),
    ),
)
