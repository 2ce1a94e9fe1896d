"""What is measured of a series at ingest, in words and figures.

Of several channels, ``flat`` is that of the worst; every figure of values or of their spectrum is worked out channel
by channel and averaged over the channels that have it; ``missing`` counts the cells of all channels.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import Floats
from wardround.contents.series_spectrum import grid, spectrum
from wardround.use_cases.base import Scalar

QUANTILES = (0.05, 0.95)
POINTS = 64
"""Points to which a channel is stretched before it is projected."""
DIRECTIONS = 8


def measures_of(series: Floats, options: Mapping[str, Scalar]) -> dict[str, float]:
    """Return the measures of a checked *series* (samples, 1 + channels), time in seconds first, NaN not measured."""
    time, values = series[:, 0], series[:, 1:]
    steps = np.diff(time)
    spectra = [spectrum(time, channel, options) for channel in values.T]
    known = [channel[np.isfinite(channel)] for channel in values.T]
    quantiles = [np.quantile(channel, QUANTILES) for channel in known if len(channel)]
    found = {
        "samples": float(len(time)),
        "duration": float(time[-1] - time[0]),
        "rate": 1.0 / grid(time)[0] if len(steps) else np.nan,
        "longest_gap": float(steps.max()) if len(steps) else np.nan,
        "missing": float(np.isnan(values).mean()),
        "low": _mean([pair[0] for pair in quantiles]),
        "high": _mean([pair[1] for pair in quantiles]),
        "mean": _mean([channel.mean() for channel in known if len(channel)]),
        "spread": _mean([channel.std() for channel in known if len(channel)]),
        "flat": _flat(values),
        "low_band": _mean([each.low_band for each in spectra]),
        "high_band": _mean([each.high_band for each in spectra]),
        "centroid": _mean([each.centroid for each in spectra]),
    }
    return {**found, **{f"embedding_{k}": value for k, value in enumerate(embedding(time, values), start=1)}}


def embedding(time: Floats, values: Floats) -> tuple[float, ...]:
    """Return eight fixed numbers, -1 to 1, for the shape of *values* (samples, channels).

    Each channel is drawn straight between its values, at `POINTS` even times from the series' first to its last (the
    ends go on as they are), brought to mean 0 and standard deviation 1, and projected on the first cosines of the
    discrete cosine transform (DCT-II; Ahmed, Natarajan, Rao 1974) after the constant one. Over the channels the
    numbers are averaged, those of channel number n (from 0) moved n places on, so that what two channels do against
    each other does not cancel. A channel without a change counts as 0.
    """
    at = np.linspace(time[0], time[-1], POINTS)
    total = np.zeros(DIRECTIONS)
    for number, channel in enumerate(values.T):
        there = np.isfinite(channel)
        if not there.any():
            continue
        drawn = np.interp(at, time[there], channel[there])
        drawn = drawn - drawn.mean()
        spread = drawn.std()
        if spread > 1e-9 * max(np.abs(channel[there]).max(), 1e-300):
            total += np.roll((_COSINES * (drawn / spread)).sum(axis=1) / POINTS, number)
    return tuple(float(value) for value in total / values.shape[1])


def longest_run(time: NDArray[np.float32], gone: NDArray[np.bool_]) -> float:
    """Return how long (s) a channel of *gone* (samples, channels) is missing at most, from one value to the next."""
    longest = 0.0
    for channel in gone.T:
        there = np.flatnonzero(~channel)
        ends = np.concatenate([time[:1], time[there], time[-1:]]).astype(np.float64)
        edges = np.concatenate([[-1], there, [len(time)]])
        holes = np.diff(edges) > 1
        if holes.any():
            longest = max(longest, float(np.diff(ends)[holes].max()))
    return longest


def _flat(values: Floats) -> float:
    shares = []
    for channel in values.T:
        pair = np.isfinite(channel[1:]) & np.isfinite(channel[:-1])
        if pair.any():
            shares.append(float((channel[1:] == channel[:-1])[pair].mean()))
    return max(shares, default=np.nan)


def _mean(figures: list[float]) -> float:
    finite = [float(figure) for figure in figures if np.isfinite(figure)]
    return float(np.mean(finite)) if finite else np.nan


def _cosines() -> Floats:
    """Return the DCT-II basis without its constant, (directions, points), each with mean square 1."""
    middle = (np.arange(POINTS) + 0.5) / POINTS
    return np.asarray(np.sqrt(2.0) * np.cos(np.pi * np.arange(1, DIRECTIONS + 1)[:, None] * middle))


_COSINES = _cosines()
