"""Confidence intervals by resampling patients: all rows of a patient are drawn together, or none.

Rows of one patient resemble each other, so the patient is the unit that is drawn with replacement (cluster
bootstrap: Davison & Hinkley 1997, section 3.8; Field & Welsh 2007). A replicate is a vector of row weights (how often
the row's patient was drawn), so that one weighted statistic works out thousands of replicates at once.

A single figure gets the bias-corrected and accelerated interval (BCa: Efron 1987; DiCiccio & Efron 1996), a paired
difference the percentile interval; both with quantiles widened for few patients as a t-interval would be (expanded
percentile: Hesterberg 2015). That choice was measured: see docs/explanation/gates.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

from wardround.domain import Interval

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Row weights (replicates x rows) -> the statistic in each replicate, NaN where it is undefined."""

REPLICATES = 2_000
LEVEL = 0.95
MAX_UNDEFINED = 0.05
"""Share of undefined replicates (a single class was drawn) above which there is no interval."""

MAX_JACKKNIFE = 2_000
"""Patients above which the acceleration is left out: it shrinks with the square root of their number."""

TRAINING_FACTOR = 2.3
TRAINING_SHARE = 0.75
"""What training anew adds to a comparison of out-of-fold predictions, as a standard deviation.

Resampling patients does not show it, no unbiased estimate of it exists (Bengio & Grandvalet 2004), and without it a
retrained copy looks different far too often (Nadeau & Bengio 2003, whose own factor is 1.5). It makes the difference
vary at most `TRAINING_FACTOR` times as much, and adds at most `TRAINING_SHARE` of what a model's own figure varies by.
Both were measured on reseeded models; see docs/explanation/gates.md.
"""

_CELLS = 250_000  # of a chunk of weights: what fits the processor's cache


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A statistic on all rows, its interval (None: not to be had), and what the interval was made of."""

    value: float
    interval: Interval | None
    replicates: int
    undefined: int
    patients: int
    seed: int


def estimates(
    statistics: Mapping[str, Statistic],
    patients: ArrayLike,
    *,
    seed: int,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> dict[str, Estimate]:
    """Return the estimate of every statistic, all from the same resamples.

    *patients* names the patient of each row (n,); what the names are does not matter. The interval of a statistic is
    None when the statistic is undefined on all rows or in over `MAX_UNDEFINED` of the replicates, when there are fewer
    than two patients, or when every replicate agrees, which shows too few patients and not certainty.
    """
    codes, count = _numbered(patients)
    whole = {name: _one(statistic, np.ones((1, len(codes)))) for name, statistic in statistics.items()}
    wanted = {n: s for n, s in statistics.items() if count >= 2 and np.isfinite(whole[n])}
    drawn = _replicated(wanted, _bootstrap_weights(codes, count, replicates, seed)) if wanted else {}
    left_out: dict[str, Array] = {}
    if wanted and count <= MAX_JACKKNIFE:
        left_out = _replicated(wanted, _jackknife_weights(codes, count))
    found = {}
    for name, value in whole.items():
        values = drawn.get(name, np.full(replicates, np.nan))
        defined = values[np.isfinite(values)]
        undefined = replicates - len(defined)
        interval = None
        if len(defined) and undefined <= MAX_UNDEFINED * replicates and np.ptp(defined) > 0:
            low, high = _bounds(value, defined, left_out.get(name), count, level)
            interval = Interval(low=low, high=high, level=level)
        found[name] = Estimate(
            value=value, interval=interval, replicates=replicates, undefined=undefined, patients=count, seed=seed
        )
    return found


def interval(statistic: Statistic, patients: ArrayLike, *, seed: int, **options: Any) -> Estimate:
    """Return the estimate of one statistic; *options* are those of `estimates`."""
    return estimates({"": statistic}, patients, seed=seed, **options)[""]


def paired_interval(
    one: Statistic,
    other: Statistic,
    patients: ArrayLike,
    *,
    seed: int,
    difference: Callable[[Array, Array], Array] = np.subtract,
    trained: int = 0,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Estimate:
    """Return the estimate of the *difference* of two statistics, both taken on the same rows in every replicate.

    *trained* says how many of the two are figures of out-of-fold predictions, which judge a way of training: the
    interval is widened by what training anew would add (see `TRAINING_FACTOR`).
    """
    codes, count = _numbered(patients)
    whole = np.ones((1, len(codes)))
    value = float(difference(np.array([_one(one, whole)]), np.array([_one(other, whole)]))[0])
    found = Estimate(value=value, interval=None, replicates=replicates, undefined=replicates, patients=count, seed=seed)
    if count < 2 or not np.isfinite(value):
        return found
    drawn = _replicated({"one": one, "other": other}, _bootstrap_weights(codes, count, replicates, seed))
    usable = np.isfinite(drawn["one"]) & np.isfinite(drawn["other"])
    found = replace(found, undefined=int(replicates - usable.sum()))
    if not usable.any() or found.undefined > MAX_UNDEFINED * replicates:
        return found
    ones, others = drawn["one"][usable], drawn["other"][usable]
    differences = difference(ones, others)
    low, high = _bounds(value, differences, None, count, level)
    own = np.sqrt((np.var(ones) + np.var(others)) / 2)
    noise = min(np.sqrt(TRAINING_FACTOR**2 - 1) * np.std(differences), TRAINING_SHARE * own)
    extra = float(ndtri((1 + level) / 2) * noise * np.sqrt(trained / 2))
    low, high = value - np.hypot(max(value - low, 0.0), extra), value + np.hypot(max(high - value, 0.0), extra)
    return replace(found, interval=Interval(low=float(low), high=float(high), level=level))


def _numbered(patients: ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Number the patients as they come: by their names, figures would depend on the installation's pseudonym key."""
    _, first, codes = np.unique(np.asarray(patients, dtype=str), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes], len(first)


def _one(statistic: Statistic, weights: Array) -> float:
    with np.errstate(all="ignore"):
        return float(statistic(weights)[0])


def _replicated(statistics: Mapping[str, Statistic], weights: Iterator[Array]) -> dict[str, Array]:
    parts: dict[str, list[Array]] = {name: [] for name in statistics}
    with np.errstate(all="ignore"):
        for chunk in weights:
            for name, statistic in statistics.items():
                parts[name].append(statistic(chunk))
    return {name: np.concatenate(part) for name, part in parts.items()}


def _bootstrap_weights(codes: NDArray[np.intp], count: int, replicates: int, seed: int) -> Iterator[Array]:
    generator = np.random.default_rng(seed)
    for size in _chunks(replicates, len(codes)):
        drawn = generator.integers(0, count, size=(size, count))
        flat = (drawn + np.arange(size)[:, None] * count).ravel()
        times = np.bincount(flat, minlength=size * count).reshape(size, count)
        yield times[:, codes].astype(np.float64)


def _jackknife_weights(codes: NDArray[np.intp], count: int) -> Iterator[Array]:
    start = 0
    for size in _chunks(count, len(codes)):
        yield (codes[None, :] != np.arange(start, start + size)[:, None]).astype(np.float64)
        start += size


def _chunks(total: int, rows: int) -> Iterator[int]:
    size = max(1, _CELLS // max(rows, 1))
    for start in range(0, total, size):
        yield min(size, total - start)


def _bounds(value: float, replicates: Array, left_out: Array | None, count: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    # a t-quantile and n/(n-1): the bootstrap's own spread is too small by both where patients are few
    z = float(stdtrit(count - 1, tail)) * np.sqrt(count / (count - 1))
    shares = ndtr(np.array([z, -z]))
    if left_out is not None and np.all(np.isfinite(left_out)):
        below = (np.mean(replicates < value) + np.mean(replicates <= value)) / 2
        bias = float(ndtri(np.clip(below, 1 / len(replicates), 1 - 1 / len(replicates))))
        deviation = left_out.mean() - left_out
        spread = float(np.sum(deviation**2))
        acceleration = float(np.sum(deviation**3)) / (6 * spread**1.5) if spread > 0 else 0.0
        shifted = bias + np.array([z, -z])
        scale = 1 - acceleration * shifted
        if np.all(scale > 0):
            shares = ndtr(bias + shifted / scale)
    low, high = np.quantile(replicates, shares)
    return float(low), float(high)
