"""From the spool to the store: the frames of one file become one object per use case and day, named by content."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from wardround.domain import Sensitivity, to_json
from wardround.errors import AlreadyExists, Corrupted
from wardround.sources.shipped import Shipment, schema

if TYPE_CHECKING:
    import pyarrow as pa

    from wardround.store import Store

_CELLS = (
    "request", "position", "record_id", "patient_id", "site", "time", "answered_at", "input_sha256", "caller",
    "version", "value", "low", "high",
)  # fmt: skip
"""The cells of a row in the spool, before its features."""
_ROWS_AT_ONCE = 256


def frame(parts: Iterable[tuple[str, str, Sequence[str], Sequence[Sequence[Any]]]]) -> bytes:
    """Return the body of a frame of (use case, day, features, rows); a row is `_CELLS` and a list of features."""
    return json.dumps(list(parts), separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(kw_only=True)
class _Part:
    """The rows of one use case, day and list of features, as they are taken from the frames."""

    hash: Any
    batches: list[list[Any]] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)


def ship(store: "Store", bodies: Sequence[bytes], *, server: str, segment: int) -> int:
    """Write the rows of one file of a spool to *store* and return how many there were.

    The keys follow from the rows: doing it again, wherever it was killed, writes nothing twice.

    Raises:
        StoreFailed: the store did not take all of it; what it took is found there by the next try.
        Corrupted: other rows stand where these belong.
    """
    parts: dict[tuple[str, str, tuple[str, ...]], _Part] = {}
    number = 0
    for body in bodies:
        for use_case, day, features, rows in json.loads(body):
            name = (use_case, day, tuple(features))
            part = parts.setdefault(name, _Part(hash=hashlib.sha256(f"{server}/{segment}/{name}".encode())))
            part.hash.update(body)
            part.batches += [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)]
            part.sequence += range(number, number + len(rows))
            number += len(rows)
    for (use_case, day, features), part in parts.items():
        table = _table(features, part, server, segment)
        shipment = Shipment(
            use_case=use_case, day=day, content=part.hash.hexdigest(), sha256="", rows=table.num_rows, server=server,
            segment=segment, versions=dict(sorted(Counter(table["version"].to_pylist()).items())),
        )  # fmt: skip
        _put(store, shipment, table)
    return number


def _put(store: "Store", shipment: Shipment, table: "pa.Table") -> None:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", write_page_checksum=True, store_schema=True)
    body = out.getvalue()
    try:
        store.put(shipment.key, body, sensitivity=Sensitivity.ROW_LEVEL)
    except AlreadyExists:  # an earlier release wrote the same entries in other bytes, and was killed
        body = store.get(shipment.key)
        if pq.read_table(io.BytesIO(body), columns=["entry"])["entry"].to_pylist() != table["entry"].to_pylist():
            raise Corrupted(shipment.key, "it holds other predictions than those that name it") from None
    manifest = replace(shipment, sha256=hashlib.sha256(body).hexdigest())
    store.put(manifest.manifest_key, to_json(manifest), sensitivity=Sensitivity.ROW_LEVEL)


def _table(features: tuple[str, ...], part: _Part, server: str, segment: int) -> "pa.Table":
    """Return the rows as a table; worked on a little at a time, since requests are answered by the same process."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in _CELLS}
    values: dict[str, list[Any]] = {name: [] for name in features}
    for rows in part.batches:
        *cells, held = zip(*rows, strict=True)
        for name, column in zip(_CELLS, cells, strict=True):
            columns[name] += column
        for name, column in zip(features, zip(*held, strict=True), strict=True):
            values[name] += column
    kinds = {name: _kind(column) for name, column in values.items()}
    form = schema(kinds)
    moments = ("time", "answered_at")
    made: dict[str, Any] = {
        "entry": [f"{a}-{b}" for a, b in zip(columns["request"], columns["position"], strict=True)],
        "server": [server] * len(part.sequence),
        "sequence": [(segment << 32) + number for number in part.sequence],
    }
    arrays = []
    for name in form.names:
        kind = form.field(name).type
        if name == "features":
            texts = {n: [v if v is None else str(v) for v in c] for n, c in values.items() if kinds[n] == pa.string()}
            inner = [pa.array(texts.get(n, c), type=kinds[n], from_pandas=True) for n, c in values.items()]
            arrays.append(pa.StructArray.from_arrays(inner, fields=list(kind)))
        elif name in moments:
            arrays.append(pa.array(columns[name], pa.string()).cast(kind))
        else:
            arrays.append(pa.array(made.get(name, columns.get(name)), type=kind, from_pandas=name != "value"))
    return pa.Table.from_arrays(arrays, schema=form)


def _kind(column: list[Any]) -> "pa.DataType":
    import pyarrow as pa

    kinds = {str if isinstance(value, str) else float for value in column if value is not None}
    if not kinds:
        return pa.null()
    return pa.string() if str in kinds else pa.float64()
