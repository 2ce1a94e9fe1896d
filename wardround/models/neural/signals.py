"""Series as networks want them: on a grid of time for convolutions, step by step with masks and gaps for recurrence."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.contents.arrays import unpacked
from wardround.errors import InputFault, NotTrainable
from wardround.models.neural.inputs import SEGMENTS, Array, Input, OfContent, Pictures, cells
from wardround.models.neural.parameters import MOST
from wardround.models.preprocessing import PLACE
from wardround.use_cases.base import Content

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True)
class Series(Input):
    """A series content: float32 (time, 1 + channels), time first; *means* and *spreads* are those of its channels."""

    name: str
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.means) != len(self.spreads):
            raise ValueError("a channel has no scale")
        self.means, self.spreads = tuple(self.means), tuple(self.spreads)
        self.columns = (self.name,)
        self.parts = tuple(f"{self.name} part {i}" for i in range(1, SEGMENTS + 1))

    def read(self, cell: Any) -> Array | None:
        """Return a cell as (time, 1 + channels), scaled; None where there is none or it has no step."""
        if not isinstance(cell, bytes):
            return None
        array = unpacked(cell)
        if array.ndim != 2 or array.shape[1] != len(self.means) + 1 or array.dtype.kind not in "fiu":
            raise InputFault(
                PLACE, f"{self.name} holds an array that is no series of {len(self.means)} channel(s)",
                "Ingest the rows with the use case the model was trained for",
            )  # fmt: skip
        if not len(array):
            return None
        means, spreads = np.array(self.means, dtype=np.float32), np.array(self.spreads, dtype=np.float32)
        return np.hstack([array[:, :1].astype(np.float32), (array[:, 1:].astype(np.float32) - means) / spreads])

    def prepared(self, frame: "pd.DataFrame") -> list[Array | None]:
        """Return the array of each row."""
        return [None if one is None else self.arranged(one) for one in map(self.read, cells(frame, self.name))]

    @abstractmethod
    def arranged(self, series: Array) -> Array:
        """Return what the network is given of a scaled *series*."""


@dataclass(kw_only=True)
class Grid(Series, OfContent):
    """A series at *points* times, *step* seconds apart, by linear interpolation: (channels, points).

    Where it had not begun, was over, or a channel was never measured, it is 0, the mean; if that happened in training,
    a second row per channel says where something was (1).
    """

    points: int
    step: float
    masked: bool

    def __post_init__(self) -> None:
        if not 2 <= self.points <= MOST["points"]:
            raise ValueError("a signal is out of bounds")
        super().__post_init__()

    @classmethod
    def of(cls, name: str, channels: int, frame: "pd.DataFrame", *, most: int) -> tuple["Grid", tuple[str, ...]]:
        """Learn from training rows, with what was noticed: the usual length and duration, at most *most* points."""
        found, means, spreads = _scales(name, channels, frame)
        length = int(np.median([len(each) for each in found]))
        duration = float(np.median([each[-1, 0] - each[0, 0] for each in found]))
        points = max(2, min(length, most))
        notes = [f"series are brought to {points} points"] if {len(each) for each in found} != {points} else []
        step = duration / (points - 1) or 1.0
        made = cls(name=name, means=means, spreads=spreads, points=points, step=step, masked=True)
        made.masked = any((made.arranged(each)[channels:] == 0).any() for each in found)
        return made, tuple(notes)

    def arranged(self, series: Array) -> Array:
        """Return (channels, points), with the masks below if there are any."""
        at = np.arange(self.points) * self.step
        channels = len(self.means)
        out = np.zeros((2 * channels, self.points), dtype=np.float32)
        time = (series[:, 0] - series[0, 0]).astype(float)
        for place in range(channels):
            values = series[:, 1 + place]
            seen = np.isfinite(values)
            if not seen.any():
                continue
            known = time[seen]
            within = (at >= known[0] - self.step / 2) & (at <= known[-1] + self.step / 2)
            out[place] = np.where(within, np.interp(at, known, values[seen]), 0.0)
            out[channels + place] = within
        return out if self.masked else out[:channels]

    def without(self, x: Array) -> Array:
        """Return *x* with each stretch as if nothing had been measured, (segments, *x.shape)."""
        out = np.repeat(x[None], SEGMENTS, axis=0)
        for place, stretch in enumerate(np.array_split(np.arange(self.points), SEGMENTS)):
            out[place][:, stretch] = 0.0
        return out

    def on_content(self, saliency: Array, cell: Any) -> Array:
        """Return *saliency* (channels, points), summed, at the series' own times (time,)."""
        time = unpacked(cell)[:, 0].astype(float)
        at = np.arange(self.points) * self.step
        return np.asarray(np.interp(time - time[0], at, saliency[: len(self.means)].sum(0)), dtype=np.float32)


@dataclass(kw_only=True)
class Steps(Series):
    """A series step by step: per channel the last value seen, whether it was seen now, for how long it was not (in
    *gap*, the mean gap of training, as log(1 + gaps)); at the end 1. (time, 3 channels + 1).

    Of a series with more than *most* steps every second, third, ... is kept.
    """

    gap: float
    most: int

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError("a series is out of bounds")
        super().__post_init__()

    @classmethod
    def of(cls, name: str, channels: int, frame: "pd.DataFrame", *, most: int) -> tuple["Steps", tuple[str, ...]]:
        """Learn from training rows, with what was noticed."""
        found, means, spreads = _scales(name, channels, frame)
        gaps = np.concatenate([np.diff(each[:, 0]) for each in found])
        gap = float(gaps.mean()) if len(gaps) else 0.0
        thinned = any(len(each) > most for each in found)
        notes = (f"series of more than {most} steps are thinned",) if thinned else ()
        return cls(name=name, means=means, spreads=spreads, gap=gap or 1.0, most=most), notes

    def arranged(self, series: Array) -> Array:
        """Return (time, 3 channels + 1)."""
        series = series[:: -(-len(series) // self.most)]
        time, values = series[:, :1], series[:, 1:]
        seen = np.isfinite(values)
        place = np.maximum.accumulate(np.where(seen, np.arange(len(values))[:, None], -1), axis=0)
        last = np.where(place >= 0, np.take_along_axis(np.nan_to_num(values), place.clip(0), axis=0), 0.0)
        before = np.vstack([np.full((1, values.shape[1]), -1), place[:-1]])
        since = time - np.where(before >= 0, time[before.clip(0), 0], time[0])
        away = np.log1p(np.maximum(since, 0) / self.gap)
        return np.hstack([last, seen, away, np.ones_like(time)]).astype(np.float32)

    def without(self, x: Array) -> Array:
        """Return *x* with each stretch as if nothing had been measured in it, (segments, *x.shape)."""
        channels = len(self.means)
        out = np.repeat(x[None], SEGMENTS, axis=0)
        for place, stretch in enumerate(np.array_split(np.arange(len(x)), SEGMENTS)):
            out[place, stretch, : 2 * channels] = 0.0
        return out


def of_content(
    content: Content, frame: "pd.DataFrame", setting: Mapping[str, Any]
) -> tuple[Pictures | Grid, tuple[str, ...]]:
    """Return a picture or a signal for convolutions, learned from training rows, with what was noticed."""
    if content.kind == "image":
        return Pictures.of(content.name, frame, enhance=setting["enhance"], largest=setting["largest"])
    return Grid.of(content.name, len(content.channels), frame, most=setting["points"])


def _scales(
    name: str, channels: int, frame: "pd.DataFrame"
) -> tuple[list[Array], tuple[float, ...], tuple[float, ...]]:
    """Return the series of training rows, and the mean and the spread of each channel."""
    raw = Steps(name=name, means=(0.0,) * channels, spreads=(1.0,) * channels, gap=1.0, most=1)
    found = [each for each in map(raw.read, frame[name]) if each is not None]
    if not found:
        raise NotTrainable(name, "no row has such a series", "Look at the source and at the quarantine")
    values = np.concatenate([each[:, 1:] for each in found]).astype(float)
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(0), 1)
    means = np.where(finite, values, 0.0).sum(0) / count
    spreads = np.sqrt(np.where(finite, (values - means) ** 2, 0.0).sum(0) / count)
    return found, tuple(means.tolist()), tuple(np.where(spreads > 0, spreads, 1.0).tolist())
