"""Support vector machines, linear and with a Gaussian kernel.

The classifiers give no probability by themselves and are always calibrated. The regressions see a target of mean 0 and
spread 1, since ``C`` and ``epsilon`` are in its unit. A Gaussian kernel keeps its support vectors: rows of patients.
"""

from wardround.models.base import TabularFamily

FAMILIES = (
    TabularFamily(
        name="linear_svm",
        problem="classification",
        estimator="sklearn.svm:LinearSVC",
        defaults={"max_iter": 20_000},
        needs_calibration=True,
    ),
    TabularFamily(
        name="rbf_svm",
        problem="classification",
        estimator="sklearn.svm:SVC",
        needs_calibration=True,
        holds_rows=True,
    ),
    TabularFamily(
        name="linear_svm",
        problem="regression",
        estimator="sklearn.svm:LinearSVR",
        defaults={"max_iter": 20_000, "dual": "auto"},
        inside="regressor__",
    ),
    TabularFamily(
        name="rbf_svm",
        problem="regression",
        estimator="sklearn.svm:SVR",
        seeded=False,
        inside="regressor__",
        holds_rows=True,
    ),
)
