"""The log of what became of a batch's quarantined rows, and the accounting that follows from it.

The quarantined rows are written once. What happens to them is a short log of create-only acts beside them
(``acts/000000.json`` ...): an act is decided against all acts before it and takes the next number, so two people
cannot dispose of the same row. An act is the intention; whoever comes next finishes what a killed call left.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from wardround import batches, ledger
from wardround.arrivals import store_batch
from wardround.domain import Batch, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, NotFound
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class Act:
    """One disposal: *rows* are positions in the quarantined rows; *child* is the batch that a release makes."""

    number: int
    kind: Literal["release", "drop"]
    rows: tuple[int, ...]
    actor: str
    reason: str
    at: datetime
    child: Batch | None = None


@dataclass(frozen=True, kw_only=True)
class Accounting:
    """Where the rows of one batch are, counted from what is stored."""

    batch: str
    label: str
    rows_in: int
    accepted: int
    quarantined: int
    remaining: int
    released: int
    dropped: int

    @property
    def balanced(self) -> bool:
        """Whether every row that came in is in exactly one place."""
        disposed = self.remaining + self.released + self.dropped
        return self.rows_in == self.accepted + self.quarantined and self.quarantined == disposed


def account(store: "Store", batch: Batch, *, recount: bool = True) -> Accounting:
    """Count the rows of *batch* where they lie: accepted, still in quarantine, released (their batch exists), dropped.

    Without *recount* the accepted rows are taken from the manifest.

    Raises:
        Corrupted: stored rows are gone, or not those that were written.
    """
    accepted = _rows_at(store, batch.data_key, batch.data_sha256) if recount else batch.rows_accepted
    acts = acts_on(store, batch)
    dropped = {row for act in acts if act.kind == "drop" for row in act.rows}
    released: set[int] = set()
    for act in acts:
        if act.child is not None and store.exists(act.child.manifest_key):
            released.update(act.rows)
    there = 0
    if batch.rows_quarantined and not dropped:
        there = _rows_at(store, batch.quarantine_key, batch.quarantine_sha256)
    return Accounting(
        batch=batch.id, label=batch.label, rows_in=batch.rows_in, accepted=accepted,
        quarantined=batch.rows_quarantined, remaining=len(set(range(there)) - released), released=len(released),
        dropped=len(dropped),
    )  # fmt: skip


def acts_on(store: "Store", batch: Batch) -> tuple[Act, ...]:
    """Return all acts on *batch*'s quarantined rows, in order.

    Raises:
        Corrupted: one of them cannot be read.
    """
    found = []
    for key in store.keys(f"quarantine/{batch.use_case}/{batch.id}/acts/"):
        try:
            found.append(from_json(Act, store.get(key)))
        except ValueError:
            raise Corrupted(key, "it is not an act on quarantined rows") from None
    return tuple(found)


def take(store: "Store", batch: Batch, act: Act) -> bool:
    """Write *act* under its number; False when somebody else took that number first."""
    try:
        store.put(_key(batch, act.number), to_json(act), sensitivity=Sensitivity.ROW_LEVEL)
    except AlreadyExists:
        return False
    return True


def finished(store: "Store", use_case: UseCase, batch: Batch) -> tuple[Act, ...]:
    """Return all acts on *batch*, each carried through to its end."""
    acts = acts_on(store, batch)
    for act in acts:
        finish(store, use_case, batch, act)
    return acts


def finish(store: "Store", use_case: UseCase, batch: Batch, act: Act) -> Batch:
    """Do what *act* says unless it is done, write its ledger entry, and return the batch it made (or *batch*)."""
    made = batch
    hashes = {_key(batch, act.number): hashlib.sha256(to_json(act)).hexdigest()}
    told = "rows deleted"  # how many is in the act, which is under a row-level prefix: they may be few
    if act.child is None:
        hashes[batch.quarantine_key] = batch.quarantine_sha256
    else:
        made = _made(store, use_case, batch, act, act.child)
        hashes[made.manifest_key] = hashlib.sha256(store.get(made.manifest_key)).hexdigest()
        hashes[made.data_key] = made.data_sha256
        told = f"rows released as {made.label}"
    ledger.append(
        store, act=f"{act.kind}:{batch.use_case}:{batch.id}:{act.number}", kind=f"quarantine {act.kind}",
        use_case=batch.use_case, actor=act.actor, subject=batch.id, hashes=hashes,
        reason=f"{batch.label}: {told}: {act.reason}", now=act.at,
    )  # fmt: skip
    if act.child is None:
        store.delete(batch.quarantine_key)  # after the entry that lets it be missing
    return made


def quarantined_rows(store: "Store", batch: Batch) -> "pd.DataFrame | None":
    """Return all quarantined rows of *batch* with their two columns of reasons; None when they were deleted."""
    import pandas as pd

    chunks = list(batches.frames(store, batch, quarantined=True, late_labels=False))
    return pd.concat(chunks, ignore_index=True) if chunks else None


def _made(store: "Store", use_case: UseCase, batch: Batch, act: Act, child: Batch) -> Batch:
    from wardround.validation import Validated

    while True:
        try:
            return batches.load(store, batch.use_case, child.id)
        except NotFound:
            frame = quarantined_rows(store, batch)
        if frame is not None:
            kept = frame.iloc[list(act.rows)].reset_index(drop=True)
            validated = Validated(accepted=kept, quarantined=kept.iloc[:0], outcomes=child.outcomes, faults=())
            return store_batch(use_case, child, validated, store=store)[0]
        if not store.exists(child.manifest_key):
            # rows are only deleted after every act before has been finished
            raise Corrupted(batch.quarantine_key, "it is gone before its rows were released")


def _rows_at(store: "Store", key: str, sha256: str) -> int:
    from wardround.rows import parquet

    try:
        return int(parquet(store, key, sha256).metadata.num_rows)
    except NotFound:
        raise Corrupted(key, "it is gone") from None


def _key(batch: Batch, number: int) -> str:
    return f"quarantine/{batch.use_case}/{batch.id}/acts/{number:06d}.json"
