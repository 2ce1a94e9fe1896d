"""Rows that were not accepted: show why, release what passes now, drop what never will."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from wardround import batches
from wardround.arrivals import check_label, described_batch, reasons_key
from wardround.domain import Batch
from wardround.errors import Corrupted, InputFault, NotFound, NothingReleased
from wardround.privacy import near, suppressed
from wardround.quarantine.acts import (
    Accounting,
    Act,
    account,
    acts_on,
    finish,
    finished,
    quarantined_rows,
    take,
)
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite

    from wardround.settings import Settings
    from wardround.store import Store
    from wardround.validation import Validated

__all__ = ["Accounting", "Act", "account", "acts_on", "drop", "listing", "release", "show"]


def listing(store: "Store", use_case: str) -> tuple[Accounting, ...]:
    """Return the accounting of every batch that had rows in quarantine, the oldest first."""
    known = batches.listing(store, use_case)
    return tuple(account(store, batch, recount=False) for batch in known if batch.rows_quarantined)


def show(store: "Store", use_case: UseCase, batch: Batch, *, small_cell: int) -> Mapping[str, str]:
    """Return the reasons for which rows of *batch* were quarantined and how many rows had each, most frequent first.

    Counts are rounded (``"~30"``) and those below *small_cell* are ``"<10"``: few rows are few patients.
    """
    if not batch.rows_quarantined:
        return {}
    key = reasons_key(batch)
    try:
        counts = json.loads(store.get(key))["reasons"]
    except (ValueError, KeyError):
        raise Corrupted(key, "it does not hold reasons") from None
    return {
        reason: f"<{small_cell}" if suppressed(rows, small_cell) is None else f"~{near(rows, small_cell):,}"
        for reason, rows in counts.items()
    }


def release(
    store: "Store",
    use_case: UseCase,
    batch: Batch,
    suite: "ExpectationSuite",
    *,
    settings: "Settings",
    now: datetime,
    reason: str,
) -> Batch:
    """Validate *batch*'s remaining quarantined rows again; those that pass become a new batch with *batch* as parent.

    A person asked for it, so the share of bad rows no longer refuses the batch; critical expectations about the
    whole still do. Values that could not be read were not kept: such rows never pass. Called again when nothing more
    passes, it returns the batch it made before.

    Raises:
        NotFound: no row of *batch* is in quarantine any more.
        NothingReleased: no row passes, or those that pass do not make a sound batch.
        InputFault: no *reason* is given.
    """
    _require(reason)
    while True:
        acts = finished(store, use_case, batch)
        made = [act for act in acts if act.child is not None]
        left, frame = _remaining(store, batch, acts)
        if frame is None and not made:
            raise _nothing_left(batch)
        passing, validated, why = _passing(use_case, frame, suite, now, settings.small_cell)
        if validated is None:
            if made:
                return finish(store, use_case, batch, made[-1])
            raise NothingReleased(batch.label, why)
        act = Act(
            number=len(acts), kind="release", rows=tuple(left[row] for row in passing), actor=settings.actor,
            reason=reason, at=now, child=_child(use_case, batch, validated, suffix=len(made) + 1, now=now),
        )  # fmt: skip
        if take(store, batch, act):
            return finish(store, use_case, batch, act)


def drop(store: "Store", use_case: UseCase, batch: Batch, *, settings: "Settings", now: datetime, reason: str) -> int:
    """Delete *batch*'s remaining quarantined rows for good and return how many; counts and *reason* stay.

    Called again it deletes what a killed call left and returns the same count.

    Raises:
        NotFound: *batch* never had rows in quarantine, or all were released.
        InputFault: no *reason* is given.
    """
    _require(reason)
    while True:
        acts = finished(store, use_case, batch)
        done = next((act for act in acts if act.kind == "drop"), None)
        if done is not None:
            return len(done.rows)
        left, _ = _remaining(store, batch, acts)
        if not left:
            raise _nothing_left(batch)
        act = Act(number=len(acts), kind="drop", rows=left, actor=settings.actor, reason=reason, at=now)
        if take(store, batch, act):
            finish(store, use_case, batch, act)
            return len(left)


def _passing(
    use_case: UseCase, frame: "pd.DataFrame | None", suite: "ExpectationSuite", now: datetime, small_cell: int
) -> "tuple[list[int], Validated | None, tuple[str, ...]]":
    """Return the positions that pass by themselves and their validation, or why there is none."""
    from wardround.validation import failing_rows, validate

    if frame is None:
        return [], None, ()
    passing = list(range(len(frame)))
    kept, first = frame, ""
    while passing:
        failing, told = failing_rows(use_case, kept, suite, now=now, small_cell=small_cell)
        first = first or told
        if not failing.any():
            break
        passing = [row for row, fails in zip(passing, failing, strict=True) if not fails]
        kept = kept[~failing].reset_index(drop=True)
        kept.attrs = {}
    if not passing:
        return [], None, (first,)
    validated = validate(use_case, kept, suite, now=now, small_cell=small_cell)
    return (passing, None, validated.faults) if validated.refused else (passing, validated, ())


def _child(use_case: UseCase, batch: Batch, validated: "Validated", *, suffix: int, now: datetime) -> Batch:
    from wardround.sources.canonical import canonical_id

    # the parent is part of the name: a wholly released batch has the content of the refused one, yet is another
    name = hashlib.sha256(f"{batch.id}:{canonical_id(validated.accepted)}".encode()).hexdigest()
    label = f"{batch.label[:50]}-released" + (f"-{suffix}" if suffix > 1 else "")
    check_label(label)
    return described_batch(
        use_case, validated, name=name, label=label, source=f"quarantine of {batch.label}", now=now, parent=batch.id
    )


def _remaining(store: "Store", batch: Batch, acts: tuple[Act, ...]) -> "tuple[tuple[int, ...], pd.DataFrame | None]":
    """Return the positions still in quarantine and their rows as ingest saw them (None: there is none)."""
    from wardround.rows import QUARANTINE_COLUMNS
    from wardround.validation import ROW_FAULTS

    gone = {row for act in acts for row in act.rows}
    left = tuple(row for row in range(batch.rows_quarantined) if row not in gone)
    stored = quarantined_rows(store, batch) if left else None
    if stored is None:
        return (), None
    frame = stored.iloc[list(left)].reset_index(drop=True)
    unreadable: dict[str, list[int]] = {}
    for row, reasons in enumerate(frame["unreadable"]):
        for reason in reasons:
            unreadable.setdefault(reason, []).append(row)
    frame = frame.drop(columns=list(QUARANTINE_COLUMNS))
    frame.attrs[ROW_FAULTS] = unreadable
    return left, frame


def _require(reason: str) -> None:
    if not reason.strip():
        raise InputFault("reason", "it is empty", "Say why, for those who read the ledger later")


def _nothing_left(batch: Batch) -> NotFound:
    return NotFound("row in quarantine of", batch.label, "`wardround quarantine list` shows where rows are")
