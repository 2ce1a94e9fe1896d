"""Support vector machines, linear and with a Gaussian kernel.

The classifiers give no probability by themselves and are always calibrated. The regressions see a target of mean 0 and
spread 1, since ``C`` and ``epsilon`` are in its unit. A Gaussian kernel keeps its support vectors: rows of patients.
"""

from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from wardround.models.base import TabularFamily


def _scaled(regressor: object) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(regressor=regressor, transformer=StandardScaler())


FAMILIES = (
    TabularFamily(
        name="linear_svm",
        problem="classification",
        build=lambda parameters, seed: LinearSVC(**{"max_iter": 20_000, **parameters, "random_state": seed}),
        needs_calibration=True,
    ),
    TabularFamily(
        name="rbf_svm",
        problem="classification",
        build=lambda parameters, seed: SVC(**{**parameters, "random_state": seed}),
        needs_calibration=True,
        holds_rows=True,
    ),
    TabularFamily(
        name="linear_svm",
        problem="regression",
        build=lambda parameters, seed: _scaled(
            LinearSVR(**{"max_iter": 20_000, "dual": "auto", **parameters, "random_state": seed})
        ),
        inside="regressor__",
    ),
    TabularFamily(
        name="rbf_svm",
        problem="regression",
        build=lambda parameters, seed: _scaled(SVR(**parameters)),
        inside="regressor__",
        holds_rows=True,
    ),
)
