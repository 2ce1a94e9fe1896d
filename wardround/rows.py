"""Canonical rows as Parquet: the same bytes for the same rows, read back whole or in pieces, never altered.

One explicit schema per use case, so that an all-missing column keeps its type. Every page carries a checksum: what is
read in pieces is proven intact page by page, what is small is held against its sha256 before it is used.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wardround.contents import kind
from wardround.errors import Corrupted
from wardround.use_cases.base import ARRAYS, TRUTHS, UseCase

if TYPE_CHECKING:
    from wardround.store import Store

ROW_GROUP = 65_536
GROUP_BYTES = 64 * 1024 * 1024
"""Rows with contents are grouped so that a group's contents take about this much: one group is in memory at a time."""
WHOLE = 32 * 1024 * 1024
"""Objects up to this many bytes are fetched whole and hashed before use."""
QUARANTINE_COLUMNS = ("reasons", "unreadable")
_CONTENT = {b"wardround": b"content"}


def schema(use_case: UseCase, *, quarantined: bool = False) -> pa.Schema:
    """Return the Parquet schema of *use_case*'s canonical frame, with the two columns of quarantine if asked."""
    fields = [pa.field("record_id", pa.string()), pa.field("patient_id", pa.string())]
    if use_case.time is not None:
        fields.append(pa.field("time", pa.timestamp("us", tz="UTC")))
    if use_case.site is not None:
        fields.append(pa.field("site", pa.string()))
    fields += [
        pa.field(feature.name, pa.float64() if feature.kind == "numeric" else pa.string())
        for feature in use_case.features
    ]
    fields += [_content(content.name, kind(content.kind).stored == "binary") for content in use_case.contents]
    if (form := TRUTHS.get(use_case.problem)) is not None:
        fields.append(_content("truth", form in ARRAYS))
    fields.append(pa.field("target", pa.float64()))
    if quarantined:
        fields += [pa.field(name, pa.list_(pa.string())) for name in QUARANTINE_COLUMNS]
    return pa.schema(fields)


def encode(frame: pd.DataFrame, form: pa.Schema) -> bytes:
    """Return *frame*'s columns named in *form* as Parquet; the same rows in the same order give the same bytes."""
    arrays = [
        pa.array([list(value) for value in frame[field.name]], type=field.type)
        if pa.types.is_list(field.type)
        else pa.Array.from_pandas(frame[field.name], type=field.type)
        for field in form
    ]
    arrays = [array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array for array in arrays]
    sizes = [array.nbytes for array, field in zip(arrays, form, strict=True) if is_content(field)]
    rows = max(1, min(ROW_GROUP, GROUP_BYTES * len(frame) // max(1, sum(sizes)))) if sizes else ROW_GROUP
    out = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=form), out, row_group_size=rows, compression="zstd",
        write_page_checksum=True, store_schema=True,
    )  # fmt: skip
    return out.getvalue()


def is_content(field: pa.Field) -> bool:
    """Whether a column holds contents or truths: large, and needed by models only."""
    return bool(field.metadata) and field.metadata.get(b"wardround") == b"content"


def light_columns(file: pq.ParquetFile) -> list[str]:
    """Return the columns of *file* that are neither contents nor truths."""
    return [field.name for field in file.schema_arrow if not is_content(field)]


def truth_field(use_case: UseCase) -> pa.Field | None:
    """Return the column of truths in *use_case*'s schema, None where the truth is a number."""
    form = schema(use_case)
    return form.field("truth") if "truth" in form.names else None


def _content(name: str, binary: bool) -> pa.Field:
    return pa.field(name, pa.large_binary() if binary else pa.large_string(), metadata=_CONTENT)


def parquet(store: "Store", key: str, sha256: str) -> pq.ParquetFile:
    """Open the Parquet object at *key*; up to `WHOLE` bytes it is hashed first.

    Raises:
        NotFound: it is not there.
        Corrupted: it is not what was written.
    """
    file: Any
    if store.size(key) <= WHOLE:
        body = store.get(key)
        if hashlib.sha256(body).hexdigest() != sha256:
            raise Corrupted(key, "its sha256 is not the one in the manifest")
        file = io.BytesIO(body)
    else:
        file = store.open(key)
    try:
        # fetching ahead is pyarrow's default and would hold the whole object by the end
        return pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
    except (pa.ArrowInvalid, OSError):
        raise Corrupted(key, "it is not readable as Parquet") from None


def pieces(file: pq.ParquetFile, key: str, rows: int, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of *file* in order, at most *rows* at a time, typed as canonical frames are.

    With contents among its columns, no piece is larger than a row group.

    Raises:
        Corrupted: a page does not have the checksum that was written with it.
    """
    contents = [
        field.name for field in file.schema_arrow if is_content(field) and field.name in (columns or [field.name])
    ]
    if contents and file.metadata.num_row_groups:
        rows = min(rows, file.metadata.row_group(0).num_rows)
    batches = file.iter_batches(batch_size=rows, columns=columns, use_threads=False)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowInvalid, OSError):
            raise Corrupted(key, "a page of it was altered") from None
        if batch is None:
            return
        frame = batch.to_pandas()
        for name in contents:
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
        for name in set(frame.columns) & set(QUARANTINE_COLUMNS):
            frame[name] = pd.Series([tuple(value) for value in frame[name]], dtype=object, index=frame.index)
        yield frame
