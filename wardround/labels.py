"""Outcomes that arrive late: kept as sets beside the batches and joined by record id whenever rows are read.

No batch is rewritten. A set is named by the hash of its content, so the same file twice is one set.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from wardround.domain import Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, InputFault, NotFound
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """One delivery of late outcomes; *matched* and *unmatched* are as of its arrival, *new* says it came just now."""

    use_case: str
    id: str
    source: str
    rows: int
    matched: int
    unmatched: int
    sha256: str
    added_at: datetime
    new: bool = field(default=True)

    @property
    def key(self) -> str:
        """Where its rows are (Parquet, row level)."""
        return f"labels/{self.use_case}/{self.id}/labels.parquet"

    @property
    def manifest_key(self) -> str:
        """Where this value is stored."""
        return _manifest_key(self.use_case, self.id)


def add_labels(use_case: UseCase, source: Source, *, store: "Store", settings: "Settings", now: datetime) -> LabelSet:
    """Read outcomes from *source* (record id and target column) and add them as one set, all or nothing.

    Rows without an outcome are skipped. Outcomes of records that no accepted batch holds are kept and counted: their
    batch may come later. There is no quarantine for outcomes: one that cannot be used refuses the whole delivery.

    Raises:
        InputFault: the source is not readable, has no outcome, or one that is unreadable, not plausible or of no
            record, contradicts itself or an outcome known already, or none of its records is known.
    """
    from wardround.arrivals import described
    from wardround.sources import read
    from wardround.sources.canonical import canonical_labels

    place = described(source)
    told = canonical_labels(use_case, read(use_case, source, settings), settings, place=place)
    _usable(use_case, told, place)
    said = [name for name in ("truth", "target") if name in told]
    told = told[["record_id", *said]].dropna(subset=said[:1]).drop_duplicates().sort_values("record_id")
    twice = int(told["record_id"].duplicated().sum())
    if twice:
        raise InputFault(
            place, f"{twice} record(s) have more than one outcome and they differ", "Send one outcome per record"
        )
    if told.empty:
        raise InputFault(place, f"no row has an outcome in {use_case.target.column}", "Send it once they are known")
    told = told.reset_index(drop=True)
    name = hashlib.sha256(_content(use_case, told)).hexdigest()
    found = _load(store, use_case.name, name) or _write(use_case, name, place, told, store=store, now=now)
    _record(found, store=store, settings=settings)
    return found


def listing(store: "Store", use_case: str) -> tuple[LabelSet, ...]:
    """Return all label sets of *use_case*, the oldest first."""
    return tuple(
        sorted(
            (found for name in _names(store, use_case) if (found := _load(store, use_case, name))),
            key=lambda found: (found.added_at, found.id),
        )
    )


def outcomes(store: "Store", use_case: str, *, truths: bool = True) -> pd.DataFrame:
    """Return every late outcome of *use_case* by record id, cached (sets are immutable): ``target`` (float64), and
    ``truth`` where it is no number, unless *truths* is False."""
    return _outcomes(store, use_case, _names(store, use_case), truths)


def outcomes_of(store: "Store", one: LabelSet, *, truths: bool = True) -> pd.DataFrame:
    """Return the outcomes of a single set by record id; see `outcomes`."""
    from wardround.rows import light_columns, parquet, pieces

    file = parquet(store, one.key, one.sha256)
    columns = None if truths else light_columns(file)
    return pd.concat(list(pieces(file, one.key, 1_000_000, columns)), ignore_index=True).set_index("record_id")


def fill(frame: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return *frame* with missing targets, and truths if it has any, filled from *known* (by record id)."""
    if known.empty or not len(frame):
        return frame
    open_ = frame["truth" if "truth" in frame and "truth" in known else "target"].isna().to_numpy()
    late = known.reindex(frame["record_id"]).set_axis(frame.index)
    shared = [name for name in ("truth", "target") if name in frame and name in known]
    return frame.assign(**{name: frame[name].mask(open_, late[name].to_numpy()) for name in shared})


def _content(use_case: UseCase, told: pd.DataFrame) -> bytes:
    if "truth" not in told:
        return to_json([[use_case.name, *pair] for pair in told.itertuples(index=False, name=None)])
    bodies = [truth if isinstance(truth, bytes) else truth.encode() for truth in told["truth"]]
    pairs = zip(told["record_id"], bodies, strict=True)
    return to_json([[use_case.name, record, hashlib.sha256(body).hexdigest()] for record, body in pairs])


def _write(use_case: UseCase, name: str, place: str, told: pd.DataFrame, *, store: "Store", now: datetime) -> LabelSet:
    import pyarrow as pa

    from wardround.rows import encode, truth_field

    matched = _matched(use_case, place, told, store)
    truth = truth_field(use_case)
    fields = [pa.field("record_id", pa.string()), *([truth] if truth else ()), pa.field("target", pa.float64())]
    body = encode(told, pa.schema(fields))
    found = LabelSet(
        use_case=use_case.name, id=name, source=place, rows=len(told), matched=matched, unmatched=len(told) - matched,
        sha256=hashlib.sha256(body).hexdigest(), added_at=now,
    )  # fmt: skip
    store.put(found.key, body, sensitivity=Sensitivity.ROW_LEVEL)
    try:
        store.put(found.manifest_key, to_json(replace(found, new=False)), sensitivity=Sensitivity.ROW_LEVEL)
    except AlreadyExists:
        return _load(store, use_case.name, name) or found
    return found


def _usable(use_case: UseCase, told: pd.DataFrame, place: str) -> None:
    """Raise InputFault where a row says an outcome that ingest would have put into quarantine."""
    from wardround.sources.canonical import NO_RECORD_ID

    there = told["target"].notna().to_numpy()
    found = {}
    for reason, places in told.attrs["row_faults"].items():
        # a row without a name and without an outcome says nothing
        found[reason] = int(there[places].sum()) if reason == NO_RECORD_ID else len(places)
    if use_case.target.plausible is not None:
        low, high = use_case.target.plausible
        outside = there & ~told["target"].between(low, high).to_numpy()
        found[f"target: outside {low:g} to {high:g} {use_case.target.unit or ''}".rstrip()] = int(outside.sum())
    said = [f"{reason} in {rows} of {len(told)} rows" for reason, rows in found.items() if rows]
    if said:
        raise InputFault(place, f"{'; '.join(said)}, so nothing was added", "Correct or take out those rows")


def _matched(use_case: UseCase, place: str, told: pd.DataFrame, store: "Store") -> int:
    """Count the records that accepted batches hold.

    Raises:
        InputFault: an outcome contradicts one known already, or does not fit the row it belongs to.
    """
    from wardround import batches
    from wardround.rows import parquet, pieces
    from wardround.sources.truths import content_of, unfit

    content = content_of(use_case)
    judged = "truth" if "truth" in told else "target"
    columns = ["record_id", *([] if content is None else [content.name]), judged]
    fresh = told.set_index("record_id")[judged]
    before = outcomes(store, use_case.name).reindex(fresh.index)
    known = pd.Series(False, index=fresh.index)
    differs, misplaced = known.copy(), 0
    if judged in before:
        known = before[judged].notna()
        differs = known & (before[judged] != fresh)
    for batch in batches.listing(store, use_case.name):
        if not batch.rows_accepted:
            continue
        file = parquet(store, batch.data_key, batch.data_sha256)
        for chunk in pieces(file, batch.data_key, batches.CHUNK_ROWS, columns):
            here = chunk[chunk["record_id"].isin(fresh.index)].reset_index(drop=True)
            held = here.dropna(subset=[judged])
            wrong = held[judged].to_numpy() != fresh.reindex(held["record_id"]).to_numpy()
            differs[held.loc[wrong, "record_id"]] = True
            known[here["record_id"]] = True
            if content is not None:
                truths = fresh.reindex(here["record_id"]).reset_index(drop=True)
                fault = unfit(use_case, truths, {content.name: here[content.name]})
                misplaced += 0 if fault is None else len(fault.rows)
    if misplaced:
        raise InputFault(
            place, f"{misplaced} of {len(told)} outcomes do not fit the row they belong to, so nothing was added",
            "Check that each was made from the content that was delivered under its record id",
        )  # fmt: skip
    if differs.any():
        raise InputFault(
            place, f"{int(differs.sum())} of {len(told)} records have another outcome already, so nothing was added",
            "Find out which is right; an outcome is never overwritten",
        )  # fmt: skip
    if not known.any():
        raise InputFault(
            place, f"none of its {len(told)} records belongs to an accepted batch of {use_case.name}",
            "Check the record id column and the pseudonym key, and ingest the rows before their outcomes",
        )  # fmt: skip
    return int(known.sum())


def _record(found: LabelSet, *, store: "Store", settings: "Settings") -> None:
    from wardround import ledger

    ledger.append(
        store, act=f"labels:{found.use_case}:{found.id}", kind="labels", use_case=found.use_case, actor=settings.actor,
        subject=found.id, hashes={found.key: found.sha256},
        reason=f"{found.rows} late outcomes from {found.source}", now=found.added_at,
    )  # fmt: skip


def _names(store: "Store", use_case: str) -> tuple[str, ...]:
    prefix = f"labels/{use_case}/"
    return tuple(key.split("/")[2] for key in store.keys(prefix) if key.endswith("/manifest.json"))


def _manifest_key(use_case: str, name: str) -> str:
    return f"labels/{use_case}/{name}/manifest.json"


def _load(store: "Store", use_case: str, name: str) -> LabelSet | None:
    from pydantic import ValidationError

    key = _manifest_key(use_case, name)
    try:
        return from_json(LabelSet, store.get(key))
    except NotFound:
        return None
    except ValidationError:
        raise Corrupted(key, "it is not a manifest of outcomes") from None


@lru_cache(maxsize=4)
def _outcomes(store: "Store", use_case: str, names: tuple[str, ...], truths: bool) -> pd.DataFrame:
    sets = sorted((s for name in names if (s := _load(store, use_case, name))), key=lambda s: (s.added_at, s.id))
    if not sets:
        return pd.DataFrame({"target": pd.Series(dtype="float64")}, index=pd.Index([], dtype="str"))
    told = pd.concat([outcomes_of(store, one, truths=truths) for one in sets])
    return told[~told.index.duplicated(keep="first")]
