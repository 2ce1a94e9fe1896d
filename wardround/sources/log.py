"""The prediction log as a source: what was answered online, as a canonical frame whose names are pseudonyms already."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wardround.domain import Batch
from wardround.privacy import coarsen, enforce, leaving
from wardround.sources.cells import STR, cells, missing
from wardround.sources.moments import moments
from wardround.sources.schema import Fault
from wardround.sources.shipped import Window, tables, window_of
from wardround.sources.values import Column, read_feature
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pyarrow as pa

    from wardround.store import Store

_FEATURES = "features."
_ANSWERS = ["entry", "answered_at", "server", "sequence", "record_id", "version", "value", "low", "high"]


@dataclass(frozen=True, kw_only=True)
class Logged:
    """The entries of a window, each once, in the order in which they were answered.

    *frame* is canonical and holds, of the entries about one record, the last; *kept* says per entry whether it is in
    the frame. *answers* has every entry's ``version``, ``value``, ``low``, ``high``; *inputs* its features. *faults*
    are those of whole columns, which refuse the batch. Contents are not logged, only what was measured of them: they
    are None in every row.
    """

    frame: pd.DataFrame
    kept: npt.NDArray[np.bool_]
    answers: pd.DataFrame
    inputs: pd.DataFrame
    faults: tuple[Fault, ...]

    @property
    def repeated(self) -> int:
        """How many entries a later one about the same record replaces."""
        return int((~self.kept).sum())


def read_log(use_case: UseCase, window: Window, *, store: "Store", now: datetime) -> Logged:
    """Read the shipments of *window*.

    An entry that was shipped twice counts once. Where several servers answered about one record and no finer time than
    ``keep_time`` tells them apart, the server that began last has the last word. *now* is the clock for future times.

    Raises:
        Corrupted: a shipment is gone, or not what was written.
        PrivacyBroken: a name is no pseudonym.
    """
    entries = _in_order(tables(store, window))
    kept = ~entries["record_id"].duplicated(keep="last").to_numpy(dtype=bool)
    values: dict[str, pd.Series[Any]] = {name: entries[name].astype(STR) for name in ("record_id", "patient_id")}
    columns: dict[str, Column] = {}
    if use_case.time is not None:
        columns["time"] = moments("time", entries["time"], zone=use_case.time_zone, time_format=None, now=now)
        values["time"] = coarsen(columns["time"].values, use_case.keep_time, use_case.time_zone)
    if use_case.site is not None:
        held = cells(entries["site"].astype(STR))
        values["site"] = held.strings(~missing(held.texts))
    nothing = pd.Series(np.full(len(entries), None, dtype=object))
    for feature in use_case.features:
        columns[feature.name] = read_feature(feature, entries.get(_FEATURES + feature.name, nothing))
        values[feature.name] = columns[feature.name].values
    for content in use_case.contents:
        values[content.name] = nothing
    values["truth"] = nothing
    values["target"] = pd.Series(np.full(len(entries), np.nan))
    whole = pd.DataFrame({name: values[name] for name in leaving(use_case)})
    others = {name.removeprefix(_FEATURES): entries[name] for name in entries.columns if name.startswith(_FEATURES)}
    frame = whole.loc[kept].reset_index(drop=True)
    frame.attrs = {"row_faults": _row_faults(columns.values(), kept), "row_marks": {}}  # named as rows of a file are
    enforce(use_case, frame)
    return Logged(
        frame=frame,
        kept=kept,
        answers=entries[["version", "value", "low", "high"]],
        inputs=pd.DataFrame(others | {name: values[name] for name in use_case.feature_names}),
        faults=tuple(fault for column in columns.values() for fault in column.faults),
    )


def answers_of(store: "Store", batch: Batch, version: str) -> pd.DataFrame | None:
    """Return ``value``, ``low`` and ``high`` as *version* answered them online, by the record ids of *batch*.

    A record whose last answer is another version's is not there. None: the batch is not of ``log:online``.

    Raises:
        Corrupted: a shipment is gone, or not what was written.
    """
    window = window_of(store, batch)
    if window is None:
        return None
    entries = _in_order(part.select(_ANSWERS) for part in tables(store, window))
    last = entries.drop_duplicates("record_id", keep="last")
    mine = last[last["version"] == version].set_index("record_id")
    return mine[["value", "low", "high"]].astype("float64")


def _in_order(parts: "Iterable[pa.Table]") -> pd.DataFrame:
    entries: pd.DataFrame = _united(parts).to_pandas().drop_duplicates("entry", ignore_index=True)
    return entries.sort_values(["answered_at", "server", "sequence"], kind="stable", ignore_index=True)


def _row_faults(columns: Iterable[Column], kept: npt.NDArray[np.bool_]) -> dict[str, list[int]]:
    places = np.cumsum(kept) - 1
    found: dict[str, list[int]] = {}
    for column in columns:
        for fault in column.rows:
            if rows := places[fault.rows[kept[fault.rows]]].tolist():
                found[fault.reason] = sorted({*found.get(fault.reason, ()), *rows})
    return found


def _united(parts: "Iterable[pa.Table]") -> "pa.Table":
    """Put shipments of one use case together, also where its features were others at another time."""
    import pyarrow as pa

    flat = [part.flatten() for part in parts]
    kinds: dict[str, set[Any]] = {}
    for part in flat:
        for field in part.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    for name, found in kinds.items():
        if len(found - {pa.null()}) > 1:  # a number then and a text now: both as text, which is read by its kind
            flat = [_as_text(part, name) for part in flat]
    return pa.concat_tables(flat, promote_options="default")


def _as_text(part: "pa.Table", name: str) -> "pa.Table":
    import pyarrow as pa

    place = part.schema.get_field_index(name)
    return part if place < 0 else part.set_column(place, name, part.column(name).cast(pa.string()))
