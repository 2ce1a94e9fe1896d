"""The contents of a table at ingest: read, de-identified where they are texts, and measured."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wardround.contents import kind
from wardround.privacy import in_words
from wardround.sources.schema import Fault
from wardround.sources.values import Column, RowFault
from wardround.use_cases.base import Content, UseCase

if TYPE_CHECKING:
    from wardround.privacy.notes import Notes

Moved = Callable[[int, int, int], tuple[int, int]]
"""(row, start, end) in the text as it came -> (start, end) in the text as it is kept."""
Tell = Callable[..., None]
"""Told of a step in a sentence and, where the work is long, of the share of it (0 to 1) that is done."""


def silent(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A content that was read: its canonical cells with their faults, and the features measured of it.

    Of a text that was de-identified, *moved* takes spans along and *removed* counts what was taken out, by category.
    """

    column: Column
    features: "dict[str, pd.Series[float]]"
    moved: Moved | None = None
    removed: Mapping[str, int] = field(default_factory=dict)


def take(
    use_case: UseCase, content: Content, column: "pd.Series[Any]", *, key: bytes, patients: "pd.Series[str]",
    tell: Tell = silent,
) -> Taken:  # fmt: skip
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
    told = None
    if to_deidentify(content):
        cells, told = deidentified(content, cells, key=key, patients=patients, tell=tell)
    measures = found.measured(content, cells)
    return Taken(
        column=Column(values=cells, rows=tuple(_marked(fault, plain) for fault in read.rows), faults=faults),
        features={
            feature.name: _finite(measures[feature.measure])
            for feature in use_case.features
            if feature.of == content.name and feature.measure is not None
        },
        moved=None if told is None else told.moved,
        removed={} if told is None else told.counts,
    )


def to_deidentify(content: Content) -> bool:
    """Return whether names are to be taken out of the cells of *content*."""
    return kind(content.kind).stored == "text" and not content.deidentified


def deidentified(
    content: Content, texts: "pd.Series[Any]", *, key: bytes, patients: "pd.Series[str]", tell: Tell = silent
) -> "tuple[pd.Series[Any], Notes]":
    """Return *texts* with surrogates in place of whatever names a person, and what is known of that."""
    from wardround.privacy import notes

    def each() -> Iterator[str | None]:
        lengths = texts.map(lambda text: len(text or "")).to_numpy()
        for text, share in zip(texts, (lengths.cumsum() - lengths) / max(lengths.sum(), 1), strict=True):
            tell(f"{content.name}: taking identifiers out of the texts", float(share))
            yield text

    done = notes.deidentified(each(), language=content.language, key=key, patients=list(patients))
    return pd.Series(list(done.texts), dtype=object), done


def told_of(content: Content, removed: Mapping[str, int], small_cell: int) -> dict[str, Any]:
    """Return what a delivery is told of the identifiers that were taken out of its texts, in numbers of mentions."""
    counts = ", ".join(f"{name} {in_words(count, small_cell)}" for name, count in sorted(removed.items()) if count)
    sentence = f"{content.name}: taken out of the texts: {counts or 'nothing'}"
    return {"what": "de-identification", "severity": "info", "rows": 0, "sentence": sentence, "passed": True}


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
