"""Pictures: how a cell is read and checked, and which measures of one may be declared as features.

Options of a content: ``depth`` (bits, 8 unless said otherwise; 9 to 16 lie in 16-bit numbers) and, for pictures of
decimal numbers, ``low`` and ``high``, the ends of their range (0 and 1 unless said otherwise).
"""

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import Floats, unpacked
from wardround.contents.base import Kind
from wardround.contents.cells import Unreadable, read_each
from wardround.contents.image_measures import grey, measures_of
from wardround.errors import InputFault
from wardround.use_cases.base import MEASURES, Content

if TYPE_CHECKING:
    import pandas as pd

    from wardround.sources.values import Column

SMALLEST = 8
"""Pixels a side: below, neither noise nor sharpness can be measured."""
MOST_PIXELS = 64_000_000
PNG = b"\x89PNG\r\n\x1a\n"


def read(content: Content, column: "pd.Series[Any]") -> "Column":
    """Return canonical cells and the faults of rows, by reason; see `wardround.contents.cells`."""
    return read_each(content, column, lambda content, cell: checked(content, decoded(cell)))


def decoded(cell: object) -> NDArray[Any]:
    """Return the array in a cell of npy or PNG bytes.

    Raises:
        Unreadable: it is missing, or neither of the two.
    """
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        raise Unreadable("missing")
    if not isinstance(cell, bytes | bytearray | memoryview):
        raise Unreadable("no picture but another kind of value")
    body = bytes(cell)
    if body.startswith(PNG):
        return _png(body)
    try:
        return unpacked(body)
    except InputFault:
        raise Unreadable("neither an array nor a PNG picture, or damaged") from None


def checked(content: Content, array: NDArray[Any]) -> NDArray[Any]:
    """Return *array* as uint8, uint16 or float32, (height, width) or (height, width, 3), if it is what was declared.

    Raises:
        Unreadable: it is not.
    """
    wanted = 3 if len(content.channels) == 3 else 1
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise Unreadable("not one picture of rows and columns")
    if array.ndim == 3 and (wanted == 1 or array.shape[2] == 4):
        raise Unreadable("colour where grey is expected" if wanted == 1 else "an alpha channel beside the colours")
    if array.ndim == 2 and wanted == 3:
        raise Unreadable("grey where colour is expected")
    height, width = array.shape[:2]
    if content.shape is not None and (height, width) != content.shape:
        raise Unreadable(f"not {content.shape[0]} x {content.shape[1]} pixels")
    if min(height, width) < SMALLEST:
        raise Unreadable(f"fewer than {SMALLEST} pixels a side")
    if height * width > MOST_PIXELS:
        raise Unreadable(f"more than {MOST_PIXELS // 1_000_000} million pixels")
    array = _typed(content, array)
    if array.min() == array.max():
        raise Unreadable("empty, every pixel has the same value")
    return array


def span(content: Content, array: NDArray[Any]) -> tuple[float, float]:
    """Return the darkest and the brightest value that a picture of *content* can have."""
    if array.dtype.kind == "f" or "high" in content.options:
        return float(content.options.get("low", 0.0)), float(content.options.get("high", 1.0))
    return 0.0, float(2 ** int(content.options.get("depth", 8)) - 1)


def shares(content: Content, array: NDArray[Any]) -> Floats:
    """Return *array* (height, width[, 3]) as shares of its full range, 0 to 1, clipped."""
    low, high = span(content, array)
    return np.clip((array.astype(np.float64) - low) / (high - low), 0.0, 1.0)


def measured(content: Content, cells: "pd.Series[Any]") -> Mapping[str, Floats]:
    """Return every measure of canonical cells, (n,) each, NaN where there is no picture."""
    found = {name: np.full(len(cells), np.nan) for name in MEASURES["image"]}
    for row, cell in enumerate(cells):
        if not isinstance(cell, bytes):
            continue
        for name, value in measures_of(grey(shares(content, unpacked(cell)))).items():
            found[name][row] = value
    return found


KIND = Kind(name="image", stored="binary", read=read, measured=measured)


def _typed(content: Content, array: NDArray[Any]) -> NDArray[Any]:
    depth = int(content.options.get("depth", 8))
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise Unreadable("some pixels are not a finite number")
        low, high = span(content, array)
        if "high" not in content.options and (array.min() < low or array.max() > high):
            raise Unreadable(f"values outside {low:g} to {high:g}, and no other range is declared")
        return array
    if array.dtype.kind not in "iu":
        raise Unreadable("no numbers")
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0:
        raise Unreadable("whole numbers below 0")
    if depth <= 8 and (array.dtype.itemsize > 1 or highest > 255):
        raise Unreadable(f"{8 * array.dtype.itemsize}-bit where 8-bit is expected")
    if depth > 8 and array.dtype.itemsize == 1:
        raise Unreadable(f"8-bit where {depth}-bit is expected")
    if highest >= 2**depth:
        raise Unreadable(f"values above what {depth} bits hold")
    return array.astype(np.uint8 if depth <= 8 else np.uint16)


def _png(body: bytes) -> NDArray[Any]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=("PNG",)) as picture:
                plain = {"P": "RGB", "PA": "RGBA", "1": "L"}.get(picture.mode)
                return np.asarray(picture if plain is None else picture.convert(plain))
    except Exception:  # Pillow says many things of a broken file, and some of them quote it
        raise Unreadable("a PNG picture that is damaged or too large") from None
