"""The name of a batch: the hash of its canonical content, whatever the kind of source and the order of rows."""

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def canonical_id(frame: pd.DataFrame) -> str:
    """Return the sha256 (64 hex digits) of a canonical frame's content.

    The same rows in another order have the same id; a row that comes twice counts twice. A cell that could not be
    read counts by its keyed mark in ``attrs["row_marks"]``, so that two differently broken tables differ; a name that
    was made up for a row without one (``attrs["nameless"]``) does not count, since it hangs on the order of rows.
    """
    columns = [_plain(frame[name]) for name in frame.columns]
    if "row_marks" in frame.attrs:
        marks = np.full(len(frame), "", dtype=object)
        for row, mark in frame.attrs["row_marks"].items():
            marks[int(row)] = mark
        columns.append(_plain(pd.Series(marks, dtype="str")))
    for i, name in enumerate(frame.columns):
        if rows := frame.attrs.get("nameless", {}).get(name):
            named = np.ones(len(frame), dtype=bool)
            named[rows] = False
            columns[i] = pc.if_else(pa.array(named), columns[i], "")
    order = _order(columns)
    digest = hashlib.sha256()
    digest.update(json.dumps([len(frame), [[str(name), str(frame[name].dtype)] for name in frame.columns]]).encode())
    for column in columns:
        for part in _bytes(column.take(pa.array(order))):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _plain(column: "pd.Series[Any]") -> Any:
    if column.dtype == object:  # a content or a truth
        held = any(isinstance(cell, bytes) for cell in column)
        return pa.array(column, pa.large_binary() if held else pa.large_string(), from_pandas=True)
    array = pa.array(column, from_pandas=True)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.cast(pa.large_string()) if pa.types.is_string(array.type) else array


def _order(columns: list[Any]) -> npt.NDArray[np.int64]:
    """Return the order of rows by record id (the first column); rows with one id by the hash of all their cells."""
    ids = columns[0]
    order: npt.NDArray[np.int64] = pc.sort_indices(ids).to_numpy().astype(np.int64)
    codes = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False)[order]
    tied = np.flatnonzero(np.bincount(codes, minlength=1)[codes] > 1) if len(codes) else np.array([], dtype=np.int64)
    if len(tied):
        rows = order[tied]
        cells = zip(*(column.take(pa.array(rows)).to_pylist() for column in columns), strict=True)
        keys = [(row[0] or "", hashlib.sha256(repr(row).encode()).digest()) for row in cells]
        order[tied] = rows[sorted(range(len(rows)), key=keys.__getitem__)]
    return order


def _bytes(column: Any) -> list[bytes]:
    there = pc.is_valid(column).to_numpy(zero_copy_only=False)
    parts = [np.packbits(there).tobytes()]
    if pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type):
        full = column.fill_null("" if pa.types.is_large_string(column.type) else b"")
        _, offsets, data = full.buffers()
        ends = np.frombuffer(offsets, dtype="<i8")[full.offset : full.offset + len(full) + 1]
        body = data.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes() if data is not None and len(ends) else b""
        return [*parts, np.diff(ends).tobytes(), body]
    numeric = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return [*parts, numeric.fill_null(0).to_numpy(zero_copy_only=False).astype(f"<{_code(numeric.type)}8").tobytes()]


def _code(kind: Any) -> str:
    return "f" if pa.types.is_floating(kind) else "i"
