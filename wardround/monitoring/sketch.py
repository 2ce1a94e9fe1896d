"""Bounded, mergeable summaries of a stream: distinct identifiers, medians, sums per cluster."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

KEPT = 4_096
PER_OCTAVE = 16
OCTAVES = 40
CLUSTERS = 4_096


class Identifiers:
    """How often each identifier of a stream occurs, on a sample by hash of at most 4,096 identifiers (80 KiB).

    The smallest hashes are kept (bottom-k, Cohen and Kaplan 2007), each with its exact count: up to 4,096
    distinct identifiers everything is exact, above it a uniform sample of identifiers.
    """

    def __init__(self) -> None:
        self.hashes: NDArray[np.uint64] = np.array([], dtype=np.uint64)
        self.counts: NDArray[np.int64] = np.array([], dtype=np.int64)

    def update(self, hashes: NDArray[np.uint64]) -> None:
        """Add a chunk of hashed identifiers."""
        if len(self.hashes) == KEPT:
            hashes = hashes[hashes <= self.hashes[-1]]
        fresh, counts = np.unique(hashes, return_counts=True)
        self._add(fresh, counts)

    def merge(self, other: "Identifiers") -> None:
        """Add another part of the same batch."""
        if len(self.hashes) == KEPT or len(other.hashes) == KEPT:
            # beyond the smaller of the two thresholds one side has forgotten counts
            last = min(s.hashes[-1] for s in (self, other) if len(s.hashes) == KEPT)
            for sketch in (self, other):
                within = sketch.hashes <= last
                sketch.hashes, sketch.counts = sketch.hashes[within], sketch.counts[within]
        self._add(other.hashes, other.counts)

    def _add(self, hashes: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
        both, inverse = np.unique(np.concatenate([self.hashes, hashes]), return_inverse=True)
        summed = np.bincount(inverse, np.concatenate([self.counts, counts]), minlength=len(both))
        self.hashes, self.counts = both[:KEPT], summed[:KEPT].astype(np.int64)

    @property
    def distinct(self) -> float:
        """The number of distinct identifiers (exact below 4,096, then within about 1.6 %)."""
        if len(self.hashes) < KEPT:
            return float(len(self.hashes))
        return (KEPT - 1) / (float(self.hashes[-1]) / 2.0**64)

    @property
    def design_effect(self) -> float:
        """Kish's design effect of the rows per identifier, sum(n_i^2) / n."""
        total = float(self.counts.sum())
        return float((self.counts.astype(float) ** 2).sum()) / total if total else 1.0

    @property
    def repeated_share(self) -> float:
        """The share of rows whose identifier came before."""
        total = float(self.counts.sum())
        return (total - len(self.counts)) / total if total else 0.0


class Magnitudes:
    """A histogram of the sizes of positive numbers on a logarithmic scale; its median is right within 5 %."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(2 * OCTAVES * PER_OCTAVE, dtype=np.int64)

    def update(self, values: NDArray[np.float64]) -> None:
        """Add a chunk of values; NaN, zero and negative ones are left out."""
        positive = values[values > 0]
        place = np.floor(np.log2(positive) * PER_OCTAVE).astype(np.int64) + OCTAVES * PER_OCTAVE
        self.counts += np.bincount(np.clip(place, 0, len(self.counts) - 1), minlength=len(self.counts))

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    @property
    def median(self) -> float:
        """The median, or NaN of nothing."""
        if not self.total:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self.counts), self.total / 2.0))
        return float(2.0 ** ((place + 0.5) / PER_OCTAVE - OCTAVES))


class ClusteredMean:
    """A mean with a standard error that respects patients, in constant memory.

    Rows go into 4,096 clusters by the hash of their patient, so that a patient is never split; the
    cluster-robust error over these clusters is then valid, and for small batches is that over patients.
    """

    def __init__(self) -> None:
        self.rows: NDArray[np.float64] = np.zeros(CLUSTERS)
        self.sums: NDArray[np.float64] = np.zeros(CLUSTERS)

    def update(self, values: NDArray[np.float64], hashes: NDArray[np.uint64]) -> None:
        """Add *values* of the patients with these *hashes*."""
        cluster = (hashes >> np.uint64(52)).astype(np.int64)
        self.rows += np.bincount(cluster, minlength=CLUSTERS)
        self.sums += np.bincount(cluster, values, minlength=CLUSTERS)

    def merge(self, other: "ClusteredMean") -> None:
        """Add another part of the same batch."""
        self.rows += other.rows
        self.sums += other.sums

    @property
    def total(self) -> int:
        """How many rows were added."""
        return int(self.rows.sum())

    @property
    def mean(self) -> float:
        """The mean, or NaN of nothing."""
        return float(self.sums.sum() / self.rows.sum()) if self.total else float("nan")

    @property
    def error(self) -> float:
        """The cluster-robust standard error of the mean, or NaN of fewer than two clusters."""
        filled = self.rows > 0
        clusters = int(filled.sum())
        if clusters < 2:
            return float("nan")
        residual = self.sums[filled] - self.mean * self.rows[filled]
        return float(np.sqrt((residual**2).sum() * clusters / (clusters - 1)) / self.total)


def hashed(column: "pd.Series[Any]") -> NDArray[np.uint64]:
    """Return a 64-bit hash of each identifier."""
    return np.asarray(pd.util.hash_array(column.to_numpy(dtype=object), categorize=False), dtype=np.uint64)
