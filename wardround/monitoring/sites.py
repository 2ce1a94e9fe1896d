"""Profiles of single sites: a hospital's batch is compared with that hospital's own patients.

A champion that learned at several sites has their mixture as its reference, and a sound batch of one of them differs
from the mixture as the sites differ from each other. That is no drift, and retraining would never end it.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardround.monitoring.performance import MIN_OUTCOMES
from wardround.monitoring.profile import Predicted, Profile, build_profile, clustering
from wardround.privacy import near
from wardround.use_cases.base import UseCase

MAX_SITES = 24
"""The most sites with a profile of their own, the largest first: the size must not grow with the sites."""


class _Rows:
    """The predictions of some rows."""

    def __init__(self, value: NDArray[np.float64]):
        self.value = value


def with_sites(
    profile: Profile,
    use_case: UseCase,
    frame: pd.DataFrame,
    out_of_fold: Predicted,
    target: NDArray[np.float64],
    *,
    loss: NDArray[np.float64] | None = None,
) -> Profile:
    """Return *profile* with the profiles of its larger sites.

    *frame*, *out_of_fold*, *target* and *loss* are the n rows that *profile* was built from. A site needs ``min_rows``
    predicted rows with an outcome (and 30) of at least ``small_cell`` patients. Where fewer patients than that are
    left over, the smallest site goes without a profile, too, and counts are rounded
    (`wardround.monitoring.rounding`): the whole less its sites gives no exact small cell. With a single site
    there is nothing to tell apart, and *profile* is returned as it is.
    """
    if use_case.site is None or frame["site"].nunique(dropna=False) < 2:
        return profile
    value = np.asarray(out_of_fold.value, dtype=float)
    judged = np.isfinite(target if loss is None else loss)
    known = frame["site"][np.isfinite(value) & judged].value_counts()
    least = max(use_case.monitoring.min_rows, MIN_OUTCOMES)
    sites = sorted(((str(s), int(n)) for s, n in known.items() if n >= least), key=lambda x: (-x[1], x[0]))
    found: list[Profile] = []
    for site, _ in sites:
        rows = np.flatnonzero(frame["site"] == site)
        if len(found) == MAX_SITES or clustering(frame.iloc[rows])[0] < profile.small_cell:
            continue
        own = build_profile(
            use_case, frame.iloc[rows], _Rows(value[rows]), target[rows], (), profile.seed,
            loss=None if loss is None else loss[rows], small_cell=profile.small_cell, coarse=True,
        )  # fmt: skip
        category = tuple(replace(column, known=()) for column in own.category)
        base = max(1, profile.small_cell // 2)
        estimator = replace(own.estimator, rows=float(near(round(own.estimator.rows), base)))
        embedding = replace(own.embedding, rows=float(near(round(own.embedding.rows), base)))
        found.append(replace(own, site=site, category=category, estimator=estimator, embedding=embedding))
    while found and 0 < clustering(frame[~frame["site"].isin([p.site for p in found])])[0] < profile.small_cell:
        found.pop()  # the rest of the whole would be a small cell
    return replace(profile, sites=tuple(found))


def reference_for(profile: Profile, sites: Collection[str | None]) -> Profile:
    """Return what a batch of *sites* (None: a row states none) is compared with.

    That of its site where all rows are of one site with a profile of its own, else the whole *profile*. What
    the model relies on and which levels it has met remain the model's.
    """
    only = next(iter(sites)) if len(sites) == 1 else None
    own = next((p for p in profile.sites if only is not None and p.site == only), None)
    if own is None:
        return profile
    met = {column.name: column for column in profile.category}
    category = tuple(
        replace(c, known=met[c.name].known, known_complete=met[c.name].known_complete) for c in own.category
    )
    return replace(own, category=category, importance=profile.importance)
