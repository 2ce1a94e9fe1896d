"""Scoring: one model version on one batch, streamed, once.

The rows go to an object named by their content, the manifest that names it is written last: a killed run leaves no
half-scored batch, and scoring again changes nothing.
"""

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardround import batches, predicted, registry
from wardround.domain import Batch, ModelVersion, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, NoChampion, NotFound
from wardround.models import Learner
from wardround.models import load as load_model
from wardround.models.facts import FACTS
from wardround.problems import PROBLEMS, Prediction
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings
    from wardround.store import Store

_KEPT = 4
_loaded: OrderedDict[tuple[str, ...], Learner] = OrderedDict()
_turn = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Predictions of *version* for a batch, at *key*; *new* is False when they were there already."""

    key: str
    rows: int
    version: str
    new: bool


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    use_case: str
    batch: str
    version: str
    key: str
    sha256: str
    rows: int
    scored_at: datetime


def load_learner(store: "Store", version: ModelVersion) -> Learner:
    """Return the learner of *version*; its files are fetched and verified every time, unpacked once per process.

    Raises:
        Corrupted: a file is missing, altered, or holds a type that was not reviewed.
    """
    own = [name for name in version.files if name == FACTS or name.startswith("model.")]
    files = {name: registry.read_file(store, version, name) for name in own}
    key = (version.use_case, version.version, *(hashlib.sha256(files[name]).hexdigest() for name in sorted(files)))
    with _turn:  # worker threads score at the same time
        learner = _loaded.pop(key, None) or load_model(files, place=version.prefix.rstrip("/"))
        _loaded[key] = learner
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return learner


def score(
    use_case: UseCase,
    batch: Batch,
    *,
    store: "Store",
    settings: "Settings",
    now: datetime,
    version: str | ModelVersion | None = None,
) -> Scored:
    """Predict the accepted rows of *batch* with *version* (None: the champion), once per (batch, version).

    Memory does not grow with the batch. What was answered online by a version that reads contents cannot be worked out
    again, since the log does not keep them: there the logged answer stands, and none (NaN) where another version gave
    the last one. Each row gets record_id, value, low, high (NaN: no interval), the answer
    itself where it is no number, the model's version, the batch as hash of its input, and the time.

    Raises:
        NoChampion: no version is given and none serves.
        NotFound: there is no such version.
        Corrupted: the model or the batch is not what was written.
        InputFault: the batch lacks a column the model needs.
    """
    chosen = _version(store, use_case, version)
    manifest_key = _manifest_key(use_case.name, batch.id, chosen.version)
    try:
        return _scored(_read(store, manifest_key), new=False)
    except NotFound:
        pass
    from wardround.sources.log import answers_of

    learner = load_learner(store, chosen)
    logged = answers_of(store, batch, chosen.version) if reads_contents(use_case, learner) else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        rows = _write(path, learner, logged, store=store, batch=batch, version=chosen.version, now=now)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        key = f"predictions/{use_case.name}/{batch.id}/{chosen.version}-{digest[:16]}.parquet"
        store.put_file(key, path, sensitivity=Sensitivity.ROW_LEVEL)
    manifest = _Manifest(
        use_case=use_case.name, batch=batch.id, version=chosen.version, key=key, sha256=digest, rows=rows, scored_at=now
    )
    try:
        store.put(manifest_key, to_json(manifest), sensitivity=Sensitivity.ROW_LEVEL)
    except AlreadyExists:  # another run was first
        return _scored(_read(store, manifest_key), new=False)
    return _scored(manifest, new=True)


def predictions(
    store: "Store", use_case: UseCase | str, batch: Batch | str, version: ModelVersion | str
) -> "pd.DataFrame":
    """Return the stored predictions: record_id, value, low, high, version, input, time; in the batch's order.

    *batch* and *version* are values, or their full id and version.

    Raises:
        NotFound: the batch was not scored with this version.
        Corrupted: they are not what was written.
    """
    import pandas as pd

    found: pd.DataFrame = _stored(store, use_case, batch, version)[0].read().to_pandas()
    return found


def prediction_frames(
    store: "Store",
    use_case: UseCase | str,
    batch: Batch | str,
    version: ModelVersion | str,
    *,
    chunk_rows: int = batches.CHUNK_ROWS,
) -> "Iterator[pd.DataFrame]":
    """Yield record_id and prediction as stored, in the batch's order; memory does not grow with the batch.

    Raises:
        NotFound: the batch was not scored with this version.
        Corrupted: they are not what was written.
    """
    from wardround.rows import pieces

    file, key = _stored(store, use_case, batch, version)
    names = [name for name in file.schema_arrow.names if name not in ("version", "input", "time")]
    return pieces(file, key, chunk_rows, names)


def _stored(
    store: "Store", use_case: UseCase | str, batch: Batch | str, version: ModelVersion | str
) -> tuple[Any, str]:
    from wardround.rows import parquet

    name = use_case if isinstance(use_case, str) else use_case.name
    manifest = _read(store, _manifest_key(name, _id(batch), _id(version)))
    try:
        return parquet(store, manifest.key, manifest.sha256), manifest.key
    except NotFound:
        raise Corrupted(manifest.key, "it is gone") from None


def reads_contents(use_case: UseCase, learner: Learner) -> bool:
    """Whether *learner* needs a content itself, and not only what was measured of it."""
    return not set(learner.columns).isdisjoint(content.name for content in use_case.contents)


def _write(
    path: Path,
    learner: Learner,
    logged: "pd.DataFrame | None",
    *,
    store: "Store",
    batch: Batch,
    version: str,
    now: datetime,
) -> int:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    problem = PROBLEMS[learner.problem]
    form = pa.schema(
        [
            pa.field("record_id", pa.string()), *predicted.fields(problem, output=True),
            pa.field("version", pa.string()), pa.field("input", pa.string()),
            pa.field("time", pa.timestamp("us", tz="UTC")),
        ]
    )  # fmt: skip
    rows = 0
    with pq.ParquetWriter(path, form, compression="zstd", write_page_checksum=True) as writer:
        for frame in batches.frames(store, batch, late_labels=False):
            made = learner.predict(frame) if logged is None else _answered(logged, frame)
            table: dict[str, Any] = {
                "record_id": frame["record_id"],
                **predicted.columns(problem, made, output=True),
                "version": version,
                "input": batch.id,
                "time": now,
            }
            writer.write_table(pa.Table.from_pandas(pd.DataFrame(table), schema=form, preserve_index=False))
            rows += len(frame)
    return rows


def _answered(logged: "pd.DataFrame", frame: "pd.DataFrame") -> Prediction:
    rows = logged.reindex(frame["record_id"])
    return Prediction(**{name: rows[name].to_numpy() for name in predicted.NUMBERS})


def _version(store: "Store", use_case: UseCase, version: str | ModelVersion | None) -> ModelVersion:
    if isinstance(version, ModelVersion):
        return version
    if version is None:
        champion = registry.champion(store, use_case.name)
        if champion is None:
            raise NoChampion(use_case.name)
        version = champion.version
    return registry.load(store, use_case.name, version)


def _id(value: Batch | ModelVersion | str) -> str:
    if isinstance(value, str):
        return value
    return value.id if isinstance(value, Batch) else value.version


def _manifest_key(use_case: str, batch: str, version: str) -> str:
    return f"predictions/{use_case}/{batch}/{version}.json"


def _read(store: "Store", key: str) -> _Manifest:
    from pydantic import ValidationError

    try:
        return from_json(_Manifest, store.get(key))
    except ValidationError:
        raise Corrupted(key, "it is not a manifest of predictions") from None


def _scored(manifest: _Manifest, *, new: bool) -> Scored:
    return Scored(key=manifest.key, rows=manifest.rows, version=manifest.version, new=new)
