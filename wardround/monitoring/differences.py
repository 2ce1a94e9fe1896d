"""Two-sample tests on counts: both sides are finite samples, the stored reference too.

A test that takes the reference for the truth (a goodness-of-fit test) raises false alarms whenever the
reference is not much larger than the batch. All functions take counts per cell and are free of patients.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.float64]
MIN_EXPECTED = 5.0


class Difference(NamedTuple):
    """An effect size on its own scale and the p-value of "no difference"."""

    effect: float
    p: float


def ordered(reference: Counts, batch: Counts) -> Difference:
    """Compare two histograms over the same ordered cells; the effect is the Kolmogorov-Smirnov distance.

    The p-value is twice the smaller of the binned Kolmogorov-Smirnov test (any change of shape) and the
    tie-corrected rank-sum test (a change of level, for which it has far more power): Bonferroni over two.
    Binning makes both conservative. Counts may be fractional (scaled by a design effect).
    """
    n, m = reference.sum(), batch.sum()
    if n <= 1 or m <= 1:
        return Difference(0.0, 1.0)
    distance = float(np.abs(np.cumsum(reference) / n - np.cumsum(batch) / m).max())
    p_shape = float(special.kolmogorov(distance * np.sqrt(n * m / (n + m))))
    return Difference(distance, min(1.0, 2.0 * min(p_shape, _rank_sum(reference, batch))))


def _rank_sum(reference: Counts, batch: Counts) -> float:
    n, m = reference.sum(), batch.sum()
    both = reference + batch
    total = n + m
    midranks = np.cumsum(both) - both / 2.0 + 0.5
    ties = float((both**3 - both).sum()) / (total * (total - 1.0))
    variance = n * m / 12.0 * (total + 1.0 - ties)
    if not variance > 0:
        return 1.0
    z = (float((batch * midranks).sum()) - m * (total + 1.0) / 2.0) / np.sqrt(variance)
    return float(2.0 * special.ndtr(-abs(z)))


def unordered(reference: Counts, batch: Counts) -> Difference:
    """Compare two histograms over unordered cells; the effect is the total variation distance.

    Chi-square test of homogeneity; cells expected to hold fewer than five on either side are pooled; two
    cells are compared by Fisher's exact test.
    """
    n, m = reference.sum(), batch.sum()
    if n <= 1 or m <= 1:
        return Difference(0.0, 1.0)
    effect = float(0.5 * np.abs(reference / n - batch / m).sum())
    smallest = min(n, m) / (n + m)
    rare = (reference + batch) * smallest < MIN_EXPECTED
    a, b = reference[~rare], batch[~rare]
    if rare.any():
        a, b = np.append(a, reference[rare].sum()), np.append(b, batch[rare].sum())
        if len(a) > 2 and (a[-1] + b[-1]) * smallest < MIN_EXPECTED:
            smallest_cell = int(np.argmin(a[:-1] + b[:-1]))
            a[smallest_cell] += a[-1]
            b[smallest_cell] += b[-1]
            a, b = a[:-1], b[:-1]
    filled = a + b > 0
    a, b = a[filled], b[filled]
    if len(a) < 2:
        return Difference(effect, 1.0)
    if len(a) == 2:
        return Difference(effect, two_shares(a[0], n, b[0], m))
    expected_a, expected_b = (a + b) * n / (n + m), (a + b) * m / (n + m)
    statistic = float(((a - expected_a) ** 2 / expected_a + (b - expected_b) ** 2 / expected_b).sum())
    return Difference(effect, float(special.chdtrc(len(a) - 1, statistic)))


def two_shares(a: float, n: float, b: float, m: float) -> float:
    """Return the two-sided p-value that the shares a/n and b/m are one (twice Fisher's smaller tail)."""
    return min(1.0, 2.0 * min(share_rose(a, n, b, m), share_rose(n - a, n, m - b, m)))


def share_rose(a: float, n: float, b: float, m: float) -> float:
    """Return the one-sided p-value of the share *b* of *m* against *a* of *n* (Fisher's exact test).

    Fractional counts are rounded against the finding. Above 5,000 successes the normal tail is used.
    """
    a, n, b, m = np.ceil(a), np.ceil(n), np.floor(b), np.floor(m)
    successes, total = a + b, n + m
    if b <= 0 or successes <= 0 or successes >= total:
        return 1.0
    if min(successes, m) - b > 5_000:
        share = successes / total
        z = (b / m - a / n) / np.sqrt(share * (1 - share) * (1 / n + 1 / m))
        return float(special.ndtr(-z))
    k = np.arange(b, min(successes, m) + 1)
    log_tail = _log_choose(successes, k) + _log_choose(total - successes, m - k) - _log_choose(total, m)
    return float(min(1.0, np.exp(log_tail).sum()))


def _log_choose(n: float, k: NDArray[np.float64] | float) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        value = special.gammaln(n + 1) - special.gammaln(np.add(k, 1.0)) - special.gammaln(n - np.asarray(k) + 1)
    return np.where((np.asarray(k) < 0) | (np.asarray(k) > n), -np.inf, value)


def holm(p: Sequence[float], level: float) -> tuple[float, ...]:
    """Return for each p-value the limit it is held against, so that the family-wise error is *level*.

    Holm (1979), *A simple sequentially rejective multiple test procedure*. A hypothesis is rejected exactly
    when its p-value is at most its limit, whatever the dependence between the tests.
    """
    order = np.argsort(p, kind="stable")
    limits = np.zeros(len(p))
    open_still = True
    limit = level / max(len(p), 1)
    for step, index in enumerate(order):
        if open_still:
            limit = level / (len(p) - step)
            open_still = bool(p[index] <= limit)
        limits[index] = limit
    return tuple(float(value) for value in limits)


def normal_tail(z: float) -> float:
    """Return P(Z > z) of a standard normal."""
    return float(special.ndtr(-z))
