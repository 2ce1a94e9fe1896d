"""Arrays in a cell: the npy form (NumPy Enhancement Proposal 1), which says its own type and shape and runs no code."""

import io
import math
import warnings
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
    shape_of(cell)  # its header may ask for more memory than there is
    try:
        array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(cell), allow_pickle=False)
    except Exception:
        raise InputFault("a cell", *_NO_ARRAY) from None
    return array


def shape_of(cell: bytes) -> tuple[int, ...]:
    """Return the shape of the array in npy bytes; only their header is read.

    Raises:
        InputFault: they are not npy, hold objects, or are of another length than their header says.
    """
    file = io.BytesIO(cell)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape, _, kind = _READERS[np.lib.format.read_magic(file)](file)
        if kind.hasobject or min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != len(cell) - file.tell():
            raise ValueError("its header says another size")
    except Exception:  # of a damaged header NumPy says many things, and some of them quote it
        raise InputFault("a cell", *_NO_ARRAY) from None
    found: tuple[int, ...] = shape
    return found
