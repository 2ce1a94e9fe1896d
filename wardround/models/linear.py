"""Linear families: the logistic regression, and least squares plain, ridge, lasso and elastic net."""

from wardround.models.base import TabularFamily

_MODULE = "sklearn.linear_model"

FAMILIES = (
    TabularFamily(
        name="logistic",
        problem="classification",
        estimator=f"{_MODULE}:LogisticRegression",
        defaults={"max_iter": 5_000},
    ),
    TabularFamily(name="linear", problem="regression", estimator=f"{_MODULE}:LinearRegression", seeded=False),
    TabularFamily(name="ridge", problem="regression", estimator=f"{_MODULE}:Ridge"),
    TabularFamily(name="lasso", problem="regression", estimator=f"{_MODULE}:Lasso", defaults={"max_iter": 20_000}),
    TabularFamily(
        name="elastic_net", problem="regression", estimator=f"{_MODULE}:ElasticNet", defaults={"max_iter": 20_000}
    ),
)
