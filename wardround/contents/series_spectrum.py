"""How the power of a channel is spread over frequencies, on a regular grid or at scattered times."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from wardround.contents.arrays import Floats
from wardround.use_cases.base import Scalar

FEWEST = 8
"""Values below which a spectrum says nothing."""
LOW, HIGH = 0.05, 0.25
"""Ends of the low band and beginning of the high band as shares of the sampling rate: a tenth and half of the highest
frequency that the rate can hold."""
REGULAR = 0.01
"""A grid is regular where no step differs by more than this share (and rounding) from the median step."""
MOST_FREQUENCIES = 256


class Spectrum(NamedTuple):
    """Shares of the power in the low and in the high band, and the mean frequency weighted by power (Hz)."""

    low_band: float
    high_band: float
    centroid: float


NONE = Spectrum(np.nan, np.nan, np.nan)


def spectrum(time: Floats, values: Floats, options: Mapping[str, Scalar]) -> Spectrum:
    """Return the spectrum of *values* (n,), NaN where missing, at *time* (n,) in seconds.

    A regular grid without a gap: the periodogram under a Hann window, the mean taken off. Otherwise: the Lomb-Scargle
    periodogram (Lomb 1976, Scargle 1982; `scipy.signal.lombscargle`) of what is there at multiples of 1/duration up to
    half the median rate, at most `MOST_FREQUENCIES` of them. The bands end and begin at *options* ``low_hz`` and
    ``high_hz``, else at `LOW` and `HIGH` of the rate. All NaN below `FEWEST` values and for a flat line.
    """
    there = np.isfinite(values)
    if there.sum() < FEWEST:
        return NONE
    known, at = values[there], time[there]
    step, regular = grid(at)
    rate = 1.0 / step
    level = known - known.mean()
    if not (np.abs(level) > 1e-12 * np.abs(known).max()).any():
        return NONE
    frequencies, power = _regular(level, rate) if regular and there.all() else _scattered(at, level, rate)
    total = power.sum()
    if not (len(frequencies) and total > 0):
        return NONE
    share = power / total
    low, high = float(options.get("low_hz", LOW * rate)), float(options.get("high_hz", HIGH * rate))
    return Spectrum(
        float(share[frequencies <= low].sum()), float(share[frequencies >= high].sum()), float(share @ frequencies)
    )


def grid(time: Floats) -> tuple[float, bool]:
    """Return the ordinary step of *time* (n,), n > 1, ascending, and whether every step is of that length.

    It is the mean of the steps that are like the median one: times in single precision are a little off the grid, the
    more so the later they are.
    """
    steps = np.diff(time)
    median = float(np.sort(steps)[(len(steps) - 1) // 2])  # one of them, where the middle lies between two
    rounding = 2.0 * float(np.spacing(np.float32(np.abs(time).max())))
    alike = np.abs(steps - median) <= REGULAR * median + rounding
    return float(steps[alike].mean()), bool(alike.all())


def _regular(level: Floats, rate: float) -> tuple[Floats, Floats]:
    from scipy.signal import periodogram

    frequencies, power = periodogram(level, fs=rate, window="hann", detrend="constant")
    return frequencies[1:], power[1:]


def _scattered(at: Floats, level: Floats, rate: float) -> tuple[Floats, Floats]:
    from scipy.signal import lombscargle

    base = 1.0 / (at[-1] - at[0])
    most = min(int(rate / 2 / base), len(at) // 2, MOST_FREQUENCIES)
    frequencies = base * np.arange(1, most + 1)
    return frequencies, np.asarray(lombscargle(at, level, 2 * np.pi * frequencies)) if most else frequencies
