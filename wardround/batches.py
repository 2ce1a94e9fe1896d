"""Batches as stored: find one by label or id, list them, read their rows whole or streamed, late outcomes joined.

A batch exists when its manifest does. `wardround.ingest` writes it last.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wardround.domain import Batch, from_json, manifest_key
from wardround.errors import Corrupted, NotFound, WardroundError

if TYPE_CHECKING:
    import pandas as pd

    from wardround.store import Store

CHUNK_ROWS = 65_536
_SHORTEST_PREFIX = 6


def listing(store: "Store", use_case: str) -> tuple[Batch, ...]:
    """Return all batches of *use_case*, refused ones too, the oldest first.

    Raises:
        Corrupted: a manifest cannot be read.
    """
    prefix = f"batches/{use_case}/"
    found = [_manifest(store, key) for key in store.keys(prefix) if key.endswith("/manifest.json")]
    return tuple(sorted(found, key=lambda batch: (batch.ingested_at, batch.id)))


def load(store: "Store", use_case: str, name: str) -> Batch:
    """Return the batch with that id or label (the newest such), or the only one whose id begins so (6 digits or more).

    Raises:
        NotFound: there is none, or more than one id begins so.
        Corrupted: its manifest cannot be read.
    """
    if re.fullmatch(r"[0-9a-f]{64}", name):
        try:
            return _manifest(store, manifest_key(use_case, name))
        except NotFound:
            raise _unknown(use_case, name) from None
    known = listing(store, use_case)
    labelled = [batch for batch in known if batch.label == name]
    if labelled:
        return labelled[-1]
    begun = [batch for batch in known if len(name) >= _SHORTEST_PREFIX and batch.id.startswith(name)]
    if len(begun) > 1:
        raise NotFound(f"single batch of {use_case}", name, f"{len(begun)} ids begin so: give more digits")
    if not begun:
        raise _unknown(use_case, name)
    return begun[0]


def rows(store: "Store", batch: Batch, *, late_labels: bool = True) -> "pd.DataFrame":
    """Return the accepted rows of *batch* in source order; late outcomes fill missing targets.

    Raises:
        Corrupted: the stored rows are not those that were written.
    """
    import pandas as pd

    return pd.concat(list(_frames(store, batch, False, CHUNK_ROWS, late_labels, True, empty=True)), ignore_index=True)


def frames(
    store: "Store",
    batch: Batch,
    *,
    quarantined: bool = False,
    chunk_rows: int = CHUNK_ROWS,
    late_labels: bool = True,
    contents: bool = True,
) -> "Iterator[pd.DataFrame]":
    """Yield the accepted (or the *quarantined*, with ``reasons``) rows, at most *chunk_rows* at a time.

    Without *contents* the columns of contents and truths are left out and not read; ``target`` is there. Memory does
    not grow with the batch. Nothing is yielded when there is no such row, or when the quarantined rows were dropped.

    Raises:
        Corrupted: the stored rows are not those that were written.
    """
    return _frames(store, batch, quarantined, chunk_rows, late_labels, contents, empty=False)


def sites(store: "Store", batch: Batch, *, quarantined: bool = False) -> frozenset[str | None]:
    """Return the sites of the accepted (or the *quarantined*) rows, None among them when a row states none.

    Only that column is read. The use case must have a site.

    Raises:
        Corrupted: the stored rows are not those that were written.
    """
    from wardround.rows import parquet, pieces

    key = batch.quarantine_key if quarantined else batch.data_key
    sha256 = batch.quarantine_sha256 if quarantined else batch.data_sha256
    found: set[str | None] = set()
    if not sha256:
        return frozenset()
    try:
        file = parquet(store, key, sha256)
    except NotFound:
        if quarantined:
            return frozenset()
        raise Corrupted(key, "it is gone") from None
    for chunk in pieces(file, key, CHUNK_ROWS, ["site"]):
        found |= {str(site) for site in chunk["site"].dropna().unique()}
        found |= {None} if chunk["site"].isna().any() else set()
    return frozenset(found)


def labelled_count(store: "Store", batch: Batch) -> int:
    """Return how many accepted rows of *batch* have an outcome by now."""
    from wardround.labels import fill, outcomes
    from wardround.rows import parquet, pieces

    known = outcomes(store, batch.use_case, truths=False)
    if batch.rows_labelled == batch.rows_accepted or known.empty:
        return batch.rows_labelled
    file = parquet(store, batch.data_key, batch.data_sha256)
    chunks = pieces(file, batch.data_key, CHUNK_ROWS, ["record_id", "target"])
    return sum(int(fill(chunk, known)["target"].notna().sum()) for chunk in chunks)


def _frames(
    store: "Store", batch: Batch, quarantined: bool, chunk_rows: int, late_labels: bool, contents: bool, *, empty: bool
) -> "Iterator[pd.DataFrame]":
    from wardround.labels import fill, outcomes
    from wardround.rows import light_columns, parquet, pieces

    key = batch.quarantine_key if quarantined else batch.data_key
    sha256 = batch.quarantine_sha256 if quarantined else batch.data_sha256
    if not sha256:
        return
    try:
        file = parquet(store, key, sha256)
    except NotFound:
        if quarantined:
            return
        raise Corrupted(key, "it is gone") from None
    known = outcomes(store, batch.use_case, truths=contents) if late_labels else None
    yielded = False
    for chunk in pieces(file, key, chunk_rows, None if contents else light_columns(file)):
        yield chunk if known is None else fill(chunk, known)
        yielded = True
    if empty and not yielded:
        yield file.schema_arrow.empty_table().to_pandas()


def _manifest(store: "Store", key: str) -> Batch:
    from pydantic import ValidationError

    try:
        return from_json(Batch, store.get(key))
    except ValidationError:
        raise Corrupted(key, "it is not a batch manifest") from None


def _unknown(use_case: str, name: str) -> WardroundError:
    return NotFound(
        f"batch of {use_case}", name, "Give its label, its id or at least 6 digits of it; `wardround ingest` makes one"
    )
