"""Families that put patients into groups: k-means and a mixture of Gaussians, with the stability of each group.

A feature's missing value stands at the median and makes no group of its own. A group or a resampled group of fewer
than ten patients is not kept: its centre would be a patient.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.estimators import fitted
from wardround.models.matrices import MatrixLearner, by_feature, owners
from wardround.models.preprocessing import RARE, transformed
from wardround.models.whole import Progress
from wardround.problems.base import Floats, Prediction

Codes = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Groups as numbers: *centres* (K, k), and a row belongs where the squared distance weighted by *precision* (K, k)
    plus *offset* (K,) is least."""

    centres: Floats
    precision: Floats
    offset: Floats

    def taken(self, order: Any) -> "Fit":
        """Return the groups in another order."""
        return Fit(centres=self.centres[order], precision=self.precision[order], offset=self.offset[order])

    def without(self, small: Any) -> "Fit":
        """Return the groups with nobody in those that are *small* (K,), and without their centres."""
        return Fit(
            centres=np.where(small[:, None], 0.0, self.centres), offset=np.where(small, np.inf, self.offset),
            precision=np.where(small[:, None], 1.0, self.precision),
        )  # fmt: skip

    def farness(self, rows: Floats) -> Floats:
        """Return (n, K): how little each of the *rows* (n, k) belongs to each group."""
        out = np.zeros((len(rows), len(self.centres)))
        for column, centre, precision in zip(rows.T, self.centres.T, self.precision.T, strict=True):
            out += (column[:, None] - centre) ** 2 * precision
        return out + self.offset


@dataclass(kw_only=True, eq=False)
class GroupLearner(MatrixLearner):
    """Groups of like patients, the largest first, called "cluster 1", "cluster 2" and so on.

    How stable they are is learned from *resamples* fits, each to patients drawn with replacement and begun anew: what
    share of a row's companions stays with it (Jaccard; Hennig 2007, by the row). Explanations are what each feature
    adds to the distance from the own centre; they add up to the predicted value.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"n_clusters": 3, "resamples": 30, "n_init": 5}

    @abstractmethod
    def groups(self, rows: Floats, seed: int) -> Fit:
        """Return the groups of prepared rows (n, k)."""

    def learn_prepared(
        self, rows: Floats, target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> dict[str, Any]:
        """Find the groups, then find them again in each resample of the patients."""
        if self.setting["n_clusters"] < 2 or self.setting["resamples"] < 1:
            raise UseCaseInvalid(self._own, (f"candidates: {self.family} needs n_clusters >= 2 and resamples >= 1",))
        owner, says_missing = owners(self.prepare)
        keep = np.flatnonzero(~says_missing)
        rows, codes = rows[:, keep], np.unique(patients, return_inverse=True)[1]
        found = self.groups(rows, seed)
        own = found.farness(rows).argmin(axis=1)
        sizes = _patients(own, codes, len(found.centres))
        if sizes.min() < RARE:
            raise NotTrainable(
                self._own, f"{self.family} makes {int((sizes < RARE).sum())} of {len(sizes)} groups of fewer than "
                f"{RARE} patients", "Lower n_clusters or add rows",
            )  # fmt: skip
        order = np.lexsort((*found.centres.T[::-1], -sizes))
        found = found.taken(order)
        own = found.farness(rows).argmin(axis=1)
        again, alike = [], []
        for number in range(int(self.setting["resamples"])):
            if progress is not None:
                progress("finding the groups again in resampled patients", number / self.setting["resamples"])
            drawn = _resample(codes, np.random.default_rng((seed, number)))
            fit = self.groups(rows[drawn], seed + 1 + number)
            far = fit.farness(rows)
            small = _patients(far.argmin(axis=1)[drawn], codes[drawn], len(far.T)) < RARE
            far[:, small] = np.inf
            again.append(fit.without(small))
            alike.append(_jaccard(own, far.argmin(axis=1), len(order)))
        return {
            "keep": keep, "owner": owner[keep], "mean": rows.mean(axis=0), "centres": found.centres,
            "precision": found.precision, "offset": found.offset,
            "again_centres": np.array([fit.centres for fit in again]),
            "again_precision": np.array([fit.precision for fit in again]),
            "again_offset": np.array([fit.offset for fit in again]), "alike": np.array(alike),
        }  # fmt: skip

    def answered(self, rows: Floats) -> Prediction:
        """Return the distance from the own centre (value), the group (output) and the figures of a row (parts)."""
        held = self.model
        rows, centres = rows[:, held["keep"]], held["centres"]
        features = len(self.columns)
        own = self._fit().farness(rows).argmin(axis=1)
        distances = _plain(centres).farness(rows) / features
        each = np.arange(len(rows))
        mine = distances[each, own]
        others = distances.copy()
        others[each, own] = np.inf
        near, next_one = np.sqrt(mine), np.sqrt(others.min(axis=1, initial=np.inf))
        widest = np.maximum(near, next_one)
        silhouette = np.divide(next_one - near, widest, out=np.zeros(len(rows)), where=widest > 0)
        parts = np.column_stack(
            [mine, _plain(held["mean"][None]).farness(rows)[:, 0] / features, silhouette, self._stability(rows, own),
             own, np.full(len(rows), len(centres))]
        )  # fmt: skip
        names = np.array([f"cluster {number + 1}" for number in range(len(centres))], dtype=object)
        return Prediction(value=mine, parts=parts, output=names[own])

    def explained(self, matrix: Floats) -> Floats:
        """Return what each feature adds to the distance from the own centre (rows, features)."""
        held = self.model
        rows = transformed(self.prepare, matrix)[:, held["keep"]]
        own = self._fit().farness(rows).argmin(axis=1)
        squared = (rows - held["centres"][own]) ** 2
        return np.asarray(by_feature(squared, held["owner"], len(self.columns)) / len(self.columns))

    def _fit(self) -> Fit:
        return Fit(**{name: self.model[name] for name in ("centres", "precision", "offset")})

    def _stability(self, rows: Floats, own: Codes) -> Floats:
        """Return the mean, over the resampled fits, of how like the row's group there is to its group here."""
        again, groups, columns = self.model["again_centres"].shape
        every = Fit(
            centres=self.model["again_centres"].reshape(-1, columns),
            precision=self.model["again_precision"].reshape(-1, columns),
            offset=self.model["again_offset"].reshape(-1),
        )
        there = every.farness(rows).reshape(len(rows), again, groups).argmin(axis=2)
        total = np.zeros(len(rows))
        for number in range(again):
            total += self.model["alike"][number][own, there[:, number]]
        return np.asarray(total / again)


class KMeansGroups(GroupLearner):
    """K-means (Lloyd 1982) from *n_init* starts (Arthur & Vassilvitskii 2007)."""

    def groups(self, rows: Floats, seed: int) -> Fit:
        """Return the groups of prepared rows (n, k)."""
        setting = self.setting
        model = KMeans(n_clusters=setting["n_clusters"], n_init=setting["n_init"], random_state=seed)
        self.notes = tuple(dict.fromkeys((*self.notes, *fitted(model, rows, None))))
        return _plain(np.asarray(model.cluster_centers_, dtype=float))


class MixtureGroups(GroupLearner):
    """A mixture of Gaussians without correlations, each with spreads of its own (McLachlan & Peel 2000)."""

    defaults: ClassVar[Mapping[str, Any]] = {**GroupLearner.defaults, "reg_covar": 1e-2}

    def groups(self, rows: Floats, seed: int) -> Fit:
        """Return the groups of prepared rows (n, k)."""
        setting = self.setting
        model = GaussianMixture(
            n_components=setting["n_clusters"], covariance_type="diag", n_init=setting["n_init"],
            reg_covar=setting["reg_covar"], max_iter=500, random_state=seed,
        )  # fmt: skip
        self.notes = tuple(dict.fromkeys((*self.notes, *fitted(model, rows, None))))
        offset = np.log(model.covariances_).sum(axis=1) - 2 * np.log(model.weights_)
        return Fit(centres=model.means_, precision=1 / model.covariances_, offset=offset)


def _plain(centres: Floats) -> Fit:
    return Fit(centres=centres, precision=np.ones_like(centres), offset=np.zeros(len(centres)))


def _patients(own: Codes, codes: Codes, groups: int) -> Codes:
    """Return of how many patients the rows of each group are (groups,)."""
    count = int(codes.max()) + 1
    return np.bincount(np.unique(own * count + codes) // count, minlength=groups)


def _resample(codes: Codes, generator: np.random.Generator) -> Codes:
    """Return the rows of patients drawn with replacement, all rows of a patient together."""
    count = int(codes.max()) + 1
    times = np.bincount(generator.integers(0, count, count), minlength=count)
    return np.repeat(np.arange(len(codes)), times[codes])


def _jaccard(one: Codes, other: Codes, groups: int) -> Floats:
    """Return (groups, groups): rows in both of two groups over rows in either, 0 where there is none."""
    both = np.zeros((groups, groups))
    np.add.at(both, (one, other), 1.0)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))
