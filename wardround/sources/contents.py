"""The contents of a table at ingest: read, de-identified where they are texts, and measured."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from wardround.contents import kind
from wardround.sources.schema import Fault
from wardround.sources.values import Column, RowFault
from wardround.use_cases.base import Content, UseCase

Spans = Sequence[tuple[int, int, str]]
Moved = Sequence[Callable[[Spans], Spans]]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A content that was read: its canonical cells with their faults, the features measured of it, and, where it was
    de-identified, what moves spans from the text as it came to the text as it is kept (one per row)."""

    column: Column
    features: "dict[str, pd.Series[float]]"
    moved: Moved | None = None


def take(
    use_case: UseCase, content: Content, column: "pd.Series[Any]", *, key: bytes, patients: "pd.Series[str]"
) -> Taken:
    """Read the raw *column* of *content*. *key* and *patients* (pseudonyms) make surrogates in texts consistent.

    Nothing of a cell that could not be read is kept but a hash, in ``RowFault.texts``.
    """
    found = kind(content.kind)
    plain = column.astype(object).map(_plain)
    read = found.read(content, plain)
    cells = pd.Series(read.values.to_numpy(dtype=object), dtype=object)
    cells[cells.isna().to_numpy(dtype=bool)] = None
    faults = read.faults
    if found.stored == "binary" and (texts := sum(isinstance(cell, str) for cell in plain)):
        faults = (*faults, _no_arrays(content, texts, len(plain)))
    moved = None
    if found.stored == "text" and not content.deidentified:
        cells, moved = deidentified(content, cells, key=key, patients=patients)
    measures = found.measured(content, cells)
    return Taken(
        column=Column(values=cells, rows=tuple(_marked(fault, plain) for fault in read.rows), faults=faults),
        features={
            feature.name: _finite(measures[feature.measure])
            for feature in use_case.features
            if feature.of == content.name and feature.measure is not None
        },
        moved=moved,
    )


def deidentified(
    content: Content, texts: "pd.Series[Any]", *, key: bytes, patients: "pd.Series[str]"
) -> "tuple[pd.Series[Any], Moved]":
    """Return *texts* with surrogates in place of whatever names a person, and what moves spans along."""
    from wardround.privacy import notes

    assert content.language is not None
    told = ["" if text is None else str(text) for text in texts]
    done = notes.deidentified(told, language=content.language, key=key, patients=list(patients))
    kept = [None if text is None else one.text for text, one in zip(texts, done, strict=True)]
    return pd.Series(kept, dtype=object), [one.moved for one in done]


def hashed(cell: Any) -> str:
    """Return what tells one unreadable cell from another, short and without its words; never shown."""
    return hashlib.sha256(cell if isinstance(cell, bytes) else repr(cell).encode()).hexdigest()


def _plain(cell: Any) -> Any:
    if isinstance(cell, bytearray | memoryview):
        return bytes(cell)
    return cell if isinstance(cell, bytes | str) or not pd.isna(cell) else None


def _marked(fault: RowFault, raw: "pd.Series[Any]") -> RowFault:
    return fault if fault.texts is not None else replace(fault, texts=[hashed(raw.iloc[row]) for row in fault.rows])


def _finite(values: Any) -> "pd.Series[float]":
    numbers = np.asarray(values, dtype=np.float64)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan) + 0.0)


def _no_arrays(content: Content, texts: int, rows: int) -> Fault:
    return Fault(
        fault=f"{content.name}: {texts} of {rows} cells hold text where the bytes of an array must be",
        remedy="CSV and Excel hold no arrays: deliver Parquet with a binary column of npy bytes (numpy.save), or name "
        "the folder of the files as the source",
    )
