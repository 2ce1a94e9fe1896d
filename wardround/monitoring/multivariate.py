"""A joint reading of all columns: the distance of two mean embeddings (maximum mean discrepancy).

Gretton et al. (2012), *A kernel two-sample test*, with the Gaussian kernel replaced by random Fourier
features (Rahimi and Recht 2007). The reference is then one mean vector and three moments of its spread, so
that its size is constant; a batch is streamed, since only the mean of its features is needed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from wardround.monitoring.differences import Difference

FREQUENCIES = 32
CLIP = 4.0


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a row becomes a vector: (column, mean, sd) of numbers, (column, levels, shares) of categories.

    Numbers are standardised and clipped to four SD, missing is the mean; a level is its standardised
    indicator, so that every column has about the same weight.
    """

    numeric: tuple[tuple[str, float, float], ...]
    category: tuple[tuple[str, tuple[str, ...], tuple[float, ...]], ...]

    @property
    def width(self) -> int:
        """The length of an encoded row."""
        return len(self.numeric) + sum(len(levels) for _, levels, _ in self.category)

    def encode(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Return the encoded rows, shape (rows, width)."""
        encoded = np.zeros((self.width, len(frame)), dtype=np.float32)
        for place, (name, mean, sd) in enumerate(self.numeric):
            encode_number(frame[name].to_numpy(dtype=float, na_value=np.nan), mean, sd, encoded[place])
        place = len(self.numeric)
        for name, levels, shares in self.category:
            known = {level: position for position, level in enumerate(levels)}
            codes, found = pd.factorize(frame[name], use_na_sentinel=True)
            places = np.array([*(known.get(level, -1) for level in found), -1], dtype=np.intp)
            place = encode_levels(places[codes], shares, encoded, place)
        return encoded.T


def encode_number(values: NDArray[np.float64], mean: float, sd: float, out: NDArray[np.float32]) -> None:
    """Write the standardised, clipped *values* into *out*."""
    np.divide(values - mean, sd, out=out, casting="unsafe")
    np.clip(out, -CLIP, CLIP, out=out)
    np.nan_to_num(out, copy=False, nan=0.0)


def encode_levels(codes: NDArray[np.intp], shares: tuple[float, ...], out: NDArray[np.float32], place: int) -> int:
    """Write one row of *out* per level, from *place* on, and return the next free place (code -1: none of them)."""
    weight = 1.0 / np.sqrt(max(len(shares), 1))
    for level, share in enumerate(shares):
        spread = np.sqrt(max(share * (1 - share), 0.01))
        out[place] = ((codes == level) - share) * np.float32(weight / spread)
        place += 1
    return place


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """The reference's mean feature vector and the traces of the powers 1 to 3 of its covariance."""

    seed: int
    width: int
    mean: tuple[float, ...]
    traces: tuple[float, float, float]
    rows: float

    def frequencies(self) -> NDArray[np.float32]:
        """Return the (width, 32) frequencies; the legacy generator is the one whose stream NumPy freezes."""
        drawn = np.random.RandomState(self.seed % 2**32).standard_normal((self.width, FREQUENCIES))
        return np.asarray(drawn / np.sqrt(max(self.width, 1)), dtype=np.float32)

    def compare(self, mean: NDArray[np.float64], rows: float) -> Difference:
        """Compare with the mean features of a batch of *rows* independent rows.

        The effect is the distance of the means (bias removed) in units of the reference's spread. The null
        is a sum of weighted chi-squares; its p-value comes from three matched moments (Hall 1983, Buckley and
        Eagleson 1988).
        """
        first, second, third = self.traces
        if not (rows > 1 and self.rows > 1 and first > 0 and second > 0 and third > 0):
            return Difference(0.0, 1.0)
        scale = 1.0 / rows + 1.0 / self.rows
        squared = float(((mean - np.array(self.mean)) ** 2).sum())
        effect = float(np.sqrt(max(0.0, squared - scale * first) / first))
        freedom = second**3 / third**2
        z = (squared / scale - first) / np.sqrt(2.0 * second)
        return Difference(effect, float(special.chdtrc(freedom, max(0.0, freedom + z * np.sqrt(2.0 * freedom)))))


def features(encoded: NDArray[np.float32], frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the random Fourier features of encoded rows, shape (rows, 2 x frequencies)."""
    angle = encoded @ frequencies
    both = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(both / np.float32(np.sqrt(frequencies.shape[1])), dtype=np.float32)


def build_embedding(encoded: NDArray[np.float32], seed: int, design_effect: float) -> Embedding:
    """Embed the reference's encoded rows."""
    rows, width = encoded.shape
    empty = Embedding(seed=seed, width=width, mean=(0.0,) * 2 * FREQUENCIES, traces=(0.0, 0.0, 0.0), rows=0.0)
    if rows < 2 or not width:
        return empty
    embedded = features(encoded, empty.frequencies()).astype(np.float64)
    covariance = np.cov(embedded, rowvar=False)
    values = np.clip(np.linalg.eigvalsh(covariance), 0.0, None)
    return Embedding(
        seed=seed, width=width, mean=tuple(float(v) for v in embedded.mean(axis=0)),
        traces=(float(values.sum()), float((values**2).sum()), float((values**3).sum())),
        rows=rows / design_effect,
    )  # fmt: skip
