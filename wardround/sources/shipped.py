"""Predictions that were answered online, as they stand in the store: shipments, and the windows that read them.

A shipment is one Parquet object with a manifest beside it. A window is a list of shipments that one batch is made of:
it is written before it is read, so that a read that was killed finds the same rows again.
"""

import contextlib
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from wardround.domain import Batch, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, NotFound, NothingNew

if TYPE_CHECKING:
    import pyarrow as pa

    from wardround.store import Store

T = TypeVar("T")
_AT_ONCE = 16
_TEXTS = ("request", "record_id", "patient_id", "site")
_WINDOW = "-window.json"
_NAME = re.compile(r"log:online#([0-9]+)")
_MANIFEST = re.compile(r".*/[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9a-f]{64}\.json")


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What one object of predictions holds; *content* is the hash of its entries and names it.

    *sha256* is that of the object's bytes, *day* the day (cut down as the use case's times are) of the answers,
    *server* and *segment* tell which server kept them before, *versions* counts the answers of each model version.
    """

    use_case: str
    day: str
    content: str
    sha256: str
    rows: int
    server: str
    segment: int
    versions: Mapping[str, int]

    @property
    def key(self) -> str:
        """Where its rows are (Parquet, row level)."""
        return f"{prefix(self.use_case)}{self.day}/{self.content}.parquet"

    @property
    def manifest_key(self) -> str:
        """Where this value is stored, written last: a shipment without it does not exist."""
        return f"{prefix(self.use_case)}{self.day}/{self.content}.json"


@dataclass(frozen=True, kw_only=True)
class Window:
    """The shipments that are one batch; windows of a use case are numbered from 1 and share no shipment."""

    use_case: str
    number: int
    shipments: tuple[tuple[str, str], ...]
    cut_at: datetime

    @property
    def name(self) -> str:
        """What its batch has as source."""
        return f"log:online#{self.number}"


def prefix(use_case: str) -> str:
    """Return where the shipments of *use_case* are."""
    return f"predictions/{use_case}/online/"


def schema(features: Mapping[str, "pa.DataType"]) -> "pa.Schema":
    """Return the Parquet schema of a shipment whose entries have these *features*."""
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            pa.field("entry", pa.string()),
            *(pa.field(name, pa.string()) for name in _TEXTS),
            pa.field("time", moment),
            pa.field("answered_at", moment),
            pa.field("server", pa.string()),
            pa.field("sequence", pa.int64()),
            *(pa.field(name, pa.string()) for name in ("input_sha256", "caller", "version")),
            *(pa.field(name, pa.float64()) for name in ("value", "low", "high")),
            pa.field("features", pa.struct([pa.field(name, kind) for name, kind in features.items()])),
        ]
    )


def window_to_read(store: "Store", use_case: str, *, now: datetime) -> tuple[Window, Batch | None]:
    """Return the window that is due and its batch, where that was stored already.

    The last window stays due until a round has decided about its batch, so that neither a killed read nor a killed
    round leaves rows out; then what was shipped since is cut as the next one.

    Raises:
        NothingNew: all that was shipped has been decided about.
        Corrupted: a window or a manifest is not what was written.
    """

    keys = [key for key in store.keys(_windows(use_case)) if key.endswith(_WINDOW)]
    windows = tuple(_together(lambda key: _read(store, Window, key), keys))
    if windows:
        batch = _batch_of(store, windows[-1])
        if batch is None or not _decided(store, batch):
            return windows[-1], batch
    taken = {key for window in windows for key, _ in window.shipments}
    fresh = [key for key in store.keys(prefix(use_case)) if _MANIFEST.fullmatch(key)]
    fresh = [key for key in fresh if f"{key.removesuffix('.json')}.parquet" not in taken]
    if not fresh:
        raise NothingNew(use_case)
    shipments = [_read(store, Shipment, key) for key in fresh[:1]]
    shipments += _together(lambda key: _read(store, Shipment, key), fresh[1:])
    window = Window(
        use_case=use_case, number=len(windows) + 1, cut_at=now,
        shipments=tuple((shipment.key, shipment.sha256) for shipment in shipments),
    )  # fmt: skip
    key = f"{_windows(use_case)}{window.number:08}{_WINDOW}"
    try:
        store.put(key, to_json(window), sensitivity=Sensitivity.ROW_LEVEL)
    except AlreadyExists:  # another round cut it first
        return _read(store, Window, key), None
    return window, None


def window_of(store: "Store", batch: Batch) -> Window | None:
    """Return the window that *batch* was made of, None where it came another way.

    Raises:
        Corrupted: the window is gone, or not what was written.
    """
    made = _NAME.fullmatch(batch.source)
    if made is None:
        return None
    key = f"{_windows(batch.use_case)}{int(made[1]):08}{_WINDOW}"
    try:
        return _read(store, Window, key)
    except NotFound:
        raise Corrupted(key, "it is gone") from None


def remember_batch(store: "Store", window: Window, batch: Batch) -> None:
    """Note, once, that *window* became *batch*, which is stored; the same rows may have come before."""
    with contextlib.suppress(AlreadyExists):
        store.put(_batch_key(window), to_json({"batch": batch.id}), sensitivity=Sensitivity.ROW_LEVEL)


def tables(store: "Store", window: Window) -> "Iterator[pa.Table]":
    """Yield the rows of each shipment of *window*, in the order of its list.

    Raises:
        Corrupted: an object is gone, or not what was written.
    """
    import pyarrow.parquet as pq

    def read(place: tuple[str, str]) -> "pa.Table":
        key, sha256 = place
        try:
            body = store.get(key)
        except NotFound:
            raise Corrupted(key, "it is gone") from None
        if hashlib.sha256(body).hexdigest() != sha256:
            raise Corrupted(key, "its sha256 is not the one in its manifest")
        return pq.read_table(io.BytesIO(body), use_threads=False)

    yield from _together(read, window.shipments)


def _windows(use_case: str) -> str:
    return f"predictions/{use_case}/windows/"


def _batch_key(window: Window) -> str:
    return f"{_windows(window.use_case)}{window.number:08}-batch.json"


def _batch_of(store: "Store", window: Window) -> Batch | None:
    from wardround import batches

    try:
        return batches.load(store, window.use_case, _read(store, dict[str, str], _batch_key(window))["batch"])
    except NotFound:  # killed before it was noted
        known = batches.listing(store, window.use_case)
        return next((batch for batch in known if batch.source == window.name), None)


def _decided(store: "Store", batch: Batch) -> bool:
    return any(key.endswith("/decision.json") for key in store.keys(f"rounds/{batch.use_case}/{batch.id}/"))


def _together(act: Any, items: Iterable[Any]) -> Iterator[Any]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(act, items)


def _read(store: "Store", kind: type[T], key: str) -> T:
    from pydantic import ValidationError

    try:
        return from_json(kind, store.get(key))
    except ValidationError:
        raise Corrupted(key, "it is not what the prediction log writes") from None
