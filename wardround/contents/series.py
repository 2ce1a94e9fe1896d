"""Series: how a cell of signals or of irregular measurements is read and checked, and its measures as features.

Options of a content: ``irregular`` (true: gaps are ordinary and a channel that never changes is no fault),
``max_missing`` (largest share of a channel's samples that may be missing, 0.2 unless irregular), ``longest_missing``
(longest run of them, in seconds), ``low_hz`` and ``high_hz`` (see `wardround.contents.series_spectrum`); further
options belong to the readers in `wardround.sources`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wardround.contents.arrays import Floats, packed, unpacked
from wardround.contents.base import Kind
from wardround.contents.cells import Unreadable, read_each
from wardround.contents.series_measures import longest_run, measures_of
from wardround.errors import InputFault
from wardround.use_cases.base import MEASURES, Content

if TYPE_CHECKING:
    import pandas as pd

    from wardround.sources.values import Column

MAX_MISSING = 0.2
"""Above it, more of a regular signal is guessed between the gaps than a reader of the tracing would accept."""


def cell(times: ArrayLike, values: ArrayLike) -> bytes:
    """Return the cell of *values* (samples,) or (samples, channels), NaN where not measured, at *times* in seconds."""
    time = np.asarray(times, dtype=np.float32)
    with np.errstate(over="ignore"):  # what single precision cannot hold becomes infinite, and is refused when read
        held = np.asarray(values, dtype=np.float32)
    return packed(np.column_stack([time, held if held.ndim == 2 else held[:, None]]))


def read(content: Content, column: "pd.Series[Any]") -> "Column":
    """Return canonical cells and the faults of rows, by reason; see `wardround.contents.cells`."""
    return read_each(content, column, lambda content, cell: checked(content, _decoded(cell)))


def checked(content: Content, array: NDArray[Any]) -> NDArray[np.float32]:
    """Return *array* as float32 (samples, 1 + channels), time first, if it is what was declared.

    Raises:
        Unreadable: it is not.
    """
    if array.dtype.kind not in "fiu" or array.ndim != 2:
        raise Unreadable("no table of numbers with time first")
    if array.shape[1] != 1 + len(content.channels):
        raise Unreadable(f"another number of channels than the {len(content.channels)} declared")
    if not len(array):
        raise Unreadable("of zero length")
    with np.errstate(over="ignore"):  # what single precision cannot hold becomes infinite, and is refused as that
        series = array.astype(np.float32)
    time, values = series[:, 0], series[:, 1:]
    if not np.isfinite(time).all():
        raise Unreadable("a time is missing or infinite")
    if (np.diff(time) <= 0).any():
        raise Unreadable("time does not ascend")
    if np.isinf(values).any():
        raise Unreadable("an infinite value")
    gone = np.isnan(values)
    if gone.all():
        raise Unreadable("no value at all")
    irregular = bool(content.options.get("irregular", False))
    if gone.mean(axis=0).max() > float(content.options.get("max_missing", 1.0 if irregular else MAX_MISSING)):
        raise Unreadable("a larger share of a channel is missing than may be")
    if "longest_missing" in content.options and longest_run(time, gone) > float(content.options["longest_missing"]):
        raise Unreadable("a longer burst of missing values than may be")
    if not irregular and _constant(values):
        raise Unreadable("a channel never changes, as when a lead is off")
    return series


def measured(content: Content, cells: "pd.Series[Any]") -> Mapping[str, Floats]:
    """Return every measure of canonical cells, (n,) each, NaN where there is no series or it is too short for it."""
    found = {name: np.full(len(cells), np.nan) for name in MEASURES["series"]}
    for row, held in enumerate(cells):
        if not isinstance(held, bytes):
            continue
        for name, value in measures_of(unpacked(held).astype(np.float64), content.options).items():
            found[name][row] = value
    return found


KIND = Kind(name="series", stored="binary", read=read, measured=measured)


def _decoded(raw: object) -> NDArray[Any]:
    if raw is None or (isinstance(raw, float) and np.isnan(raw)):
        raise Unreadable("missing")
    if not isinstance(raw, bytes | bytearray | memoryview):
        raise Unreadable("no series but another kind of value")
    try:
        return unpacked(bytes(raw))
    except InputFault:
        raise Unreadable("no npy array of numbers, or damaged") from None


def _constant(values: NDArray[np.float32]) -> bool:
    """Whether a channel has two values or more, and all the same."""
    there = np.isfinite(values)
    lows = np.where(there, values, np.inf).min(axis=0)
    highs = np.where(there, values, -np.inf).max(axis=0)
    return bool(((there.sum(axis=0) > 1) & (lows == highs)).any())
