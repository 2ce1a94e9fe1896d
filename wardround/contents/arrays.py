"""Arrays in a cell: the npy form (NumPy Enhancement Proposal 1), which says its own type and shape and runs no code."""

import io
import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wardround.errors import InputFault

Floats = NDArray[np.float64]
MOST_BYTES = 512 * 1024 * 1024
_NO_ARRAY = ("it is no npy array of numbers", "Write it with numpy.save")
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def packed(array: NDArray[Any]) -> bytes:
    """Return *array* as npy bytes, little-endian and in C order: the same bytes for the same array everywhere.

    Raises:
        ValueError: it holds Python objects.
    """
    plain = np.ascontiguousarray(array)
    out = io.BytesIO()
    np.lib.format.write_array(out, plain.astype(plain.dtype.newbyteorder("<"), copy=False), (1, 0), allow_pickle=False)
    return out.getvalue()


def unpacked(cell: bytes) -> NDArray[Any]:
    """Return the array in npy bytes; nothing in them is executed.

    Raises:
        InputFault: they are not npy, hold objects, or are over `MOST_BYTES` long.
    """
    if len(cell) > MOST_BYTES:
        raise InputFault("a cell", f"it holds more than {MOST_BYTES // 2**20} MiB", "Send it in parts")
    shape, columns_first, kind, start = _header(cell)
    try:
        array: NDArray[Any] = np.ndarray(shape, kind, cell, start, order="F" if columns_first else "C").copy("K")
    except ValueError:  # nothing in it, along more axes or further than NumPy counts
        raise InputFault("a cell", *_NO_ARRAY) from None
    return array


def shape_of(cell: bytes) -> tuple[int, ...]:
    """Return the shape of the array in npy bytes; only their header is read.

    Raises:
        InputFault: they are not npy, hold objects, or are of another length than their header says.
    """
    return _header(cell)[0]


def _header(cell: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return what the header of npy bytes says: shape, whether columns come first, type; and where the values begin."""
    try:
        width = 2 if cell[6:7] == b"\x01" else 4  # of the number that says how long the header is
        start = 8 + width + int.from_bytes(cell[8 : 8 + width], "little")
        shape, columns_first, kind = _said(cell[:start])
        room = math.prod(shape) * kind.itemsize
        if kind.hasobject or not kind.itemsize or min(shape, default=0) < 0 or room != len(cell) - start:
            raise ValueError("its header says another size")
    except Exception:  # of a damaged header NumPy says many things, and some of them quote it
        raise InputFault("a cell", *_NO_ARRAY) from None
    return shape, columns_first, kind, start


@lru_cache(maxsize=1_000)
def _said(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read a header as NumPy does, which takes longer than all else about a small array; many have the same."""
    file = io.BytesIO(head)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said: tuple[tuple[int, ...], bool, np.dtype[Any]] = _READERS[np.lib.format.read_magic(file)](file)
    return said
