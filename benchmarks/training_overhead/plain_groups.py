"""Groups and unusual rows with scikit-learn alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from plain_tables import folds, inputs, keep, preparation
from rows import Rows
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics.cluster import contingency_matrix
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

RESAMPLES = 30


def _grouping(family: str, seed: int) -> KMeans | GaussianMixture:
    if family == "kmeans":
        return KMeans(3, n_init=5, random_state=seed)
    return GaussianMixture(3, covariance_type="diag", n_init=5, reg_covar=1e-2, max_iter=500, random_state=seed)


def groups(family: str, rows: Rows, folder: Path) -> None:
    """Fit and keep groups, the groups of 30 resamples of the patients, and how alike they are (Jaccard)."""
    frame = inputs(rows, folder)
    prepare = preparation(frame, indicators=False)
    x = prepare.fit_transform(frame)
    model = _grouping(family, 0).fit(x)
    own, (_, patients) = model.predict(x), np.unique(rows.frame["patient_id"], return_inverse=True)
    order = np.argsort(patients, kind="stable")
    first = np.searchsorted(patients[order], np.arange(patients.max() + 2))
    again, alike = [], []
    for seed in range(1, RESAMPLES + 1):
        drawn = np.random.default_rng(seed).integers(0, patients.max() + 1, patients.max() + 1)
        chosen = np.concatenate([order[first[each] : first[each + 1]] for each in drawn])
        again.append(_grouping(family, seed).fit(x[chosen]))
        both = contingency_matrix(own, again[-1].predict(x))
        alike.append(both / (both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both))
    kept = ("cluster_centers_",) if family == "kmeans" else ("means_", "covariances_", "weights_")
    arrays = {name: np.array([getattr(each, name) for each in (model, *again)]) for name in kept}
    keep({"prepare": prepare, **arrays, "alike": np.array(alike)}, folder)


def _unusual(rows: Rows, x: Any, scores: Callable[[Any, Any], Any]) -> float:
    """Return the score above which one held-out row of twenty is: *scores* learns from rows and scores others."""
    held = np.empty(len(x))
    for train, test in folds(rows):
        held[test] = scores(x[train], x[test])
    return float(np.quantile(held, 0.95))


def isolation_forest(family: str, rows: Rows, folder: Path) -> None:
    """Fit and keep a forest, and the score above which a row is unusual."""
    frame = inputs(rows, folder)
    prepare, forest = preparation(frame, indicators=False), IsolationForest(max_samples=256, random_state=0)
    x = prepare.fit_transform(frame)
    unusual = _unusual(rows, x, lambda train, test: -forest.fit(train).score_samples(test))
    keep(make_pipeline(prepare, forest.fit(x)), folder)
    (folder / "model.json").write_text(json.dumps({"unusual": unusual}))


def principal_components(family: str, rows: Rows, folder: Path) -> None:
    """Fit and keep components, and the error of what they rebuild above which a row is unusual."""
    frame = inputs(rows, folder)
    prepare, model = preparation(frame, indicators=False), PCA(0.8, svd_solver="full")
    x = prepare.fit_transform(frame)

    def errors(train: Any, test: Any) -> Any:
        rebuilt = model.fit(train).inverse_transform(model.transform(test))
        return ((test - rebuilt) ** 2).mean(axis=1)

    unusual = _unusual(rows, x, errors)
    keep(make_pipeline(prepare, model.fit(x)), folder)
    (folder / "model.json").write_text(json.dumps({"unusual": unusual}))
