"""Decisions and what was done about them, as stored under ``rounds/``: found, remembered, pending."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardround import ledger
from wardround.domain import Action, Decision, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, NotFound
from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class RetrainingRecord:
    """What became of a decision to retrain: the challenger (None: none came of it) and a sentence about its fate.

    *as_of* is the moment the decision stood for; the cool-down is counted from it.
    """

    use_case: str
    batch: str
    champion: str | None
    version: str | None
    promoted: bool
    sentence: str
    as_of: datetime
    at: datetime


def decisions(store: Store, use_case: str, *, champion: str | None = None) -> tuple[Decision, ...]:
    """Return the decisions of *use_case* (only those under *champion* if given), by the moment they stand for."""
    end = f"/{champion}/decision.json" if champion else "/decision.json"
    return in_order(
        from_json(Decision, store.get(key)) for key in store.keys(f"rounds/{use_case}/") if key.endswith(end)
    )


def in_order(found: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return decisions by the moment they stand for."""
    return tuple(sorted(found, key=lambda decision: (decision.as_of, decision.decided_at, decision.batch)))


def latest_decision(store: Store, use_case: str, batch: str) -> Decision:
    """Return the newest decision about the batch with id *batch*.

    Raises:
        NotFound: no round has decided about it.
    """
    found = [
        from_json(Decision, store.get(key))
        for key in store.keys(f"rounds/{use_case}/{batch}/")
        if key.endswith("/decision.json")
    ]
    if not found:
        raise NotFound("decision about batch", batch, "Make a round first: `wardround monitor`")
    return max(found, key=lambda decision: (decision.decided_at, decision.as_of))


def stored_decision(store: Store, decision_key: str) -> Decision | None:
    """Return the decision at *decision_key*, or None."""
    try:
        return from_json(Decision, store.get(decision_key))
    except NotFound:
        return None


def retraining_key(decision: Decision) -> str:
    """Return where the record of acting on *decision* is stored."""
    return decision.key.removesuffix("decision.json") + "retraining.json"


def retraining_of(store: Store, decision: Decision) -> RetrainingRecord | None:
    """Return what became of *decision*, or None when nobody acted on it yet."""
    try:
        return from_json(RetrainingRecord, store.get(retraining_key(decision)))
    except NotFound:
        return None


def record_retraining(
    store: Store,
    decision: Decision,
    *,
    version: str | None,
    promoted: bool,
    sentence: str,
    actor: str,
    now: datetime,
) -> RetrainingRecord:
    """Remember, once, that *decision* was acted on; whoever comes second is told what the first one wrote."""
    record = RetrainingRecord(
        use_case=decision.use_case,
        batch=decision.batch,
        champion=decision.champion,
        version=version,
        promoted=promoted,
        sentence=sentence,
        as_of=decision.as_of,
        at=now,
    )
    key = retraining_key(decision)
    try:
        sha256 = store.put(key, to_json(record), sensitivity=Sensitivity.AGGREGATE)
    except AlreadyExists:
        record = from_json(RetrainingRecord, store.get(key))
        sha256 = sha256_of(store, key)
    ledger.append(
        store,
        act=f"retraining {key}",
        kind="retraining",
        use_case=decision.use_case,
        actor=actor,
        subject=key,
        hashes={key: sha256},
        reason=record.sentence,
        now=now,
    )
    return record


def pending(store: Store, use_case: str) -> tuple[Decision, ...]:
    """Return the decisions to retrain that nobody acted on: not in cool-down, no record of a retraining.

    An event that was lost is so found by the next round.
    """
    acted = _acted(store, use_case)
    return tuple(
        decision
        for decision in decisions(store, use_case)
        if decision.action is Action.RETRAIN and not decision.in_cool_down and retraining_key(decision) not in acted
    )


def in_cool_down(store: Store, use_case: str, as_of: datetime, cool_down: timedelta) -> bool:
    """Whether a retraining was decided on less than *cool_down* before *as_of*, whatever the champion.

    A decision to retrain counts from the moment it stands for, acted on or not yet, so that two rounds in a
    row do not both start one.
    """
    return any(
        decision.action is Action.RETRAIN
        and not decision.in_cool_down
        and timedelta(0) <= as_of - decision.as_of < cool_down
        for decision in decisions(store, use_case)
    )


def _acted(store: Store, use_case: str) -> frozenset[str]:
    return frozenset(key for key in store.keys(f"rounds/{use_case}/") if key.endswith("/retraining.json"))


def sha256_of(store: Store, key: str) -> str:
    """Return the sha256 of what is stored at *key*."""
    return hashlib.sha256(store.get(key)).hexdigest()
