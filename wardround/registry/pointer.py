"""The champion pointer: moved by compare-and-swap only, with its own history.

A move whose ledger entry was lost to a kill is recorded by whoever moves or reads the history next.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wardround import ledger
from wardround.domain import Champion, ModelVersion, Sensitivity, Verdict, from_json, to_json
from wardround.errors import AlreadyExists, Conflict, Corrupted, NotFound, PromotionRefused
from wardround.registry.manifests import hashes as hashes_of
from wardround.registry.manifests import load, manifest_key, read_files, resolve
from wardround.store import Store

HISTORY = 100
_MOVE = frozenset(("kind", "sequence", "version", "previous", "at", "by", "reason", "hashes"))
OVERRIDES = 2
"""How many approvals it takes to promote a version in spite of its failed verdict."""


def champion(store: Store, use_case: str) -> Champion | None:
    """Return the serving version's pointer, None when none was ever promoted.

    Raises:
        NotFound: the pointer names a version that is gone.
        Corrupted: the pointer was altered.
    """
    current, _ = _pointer(store, use_case)
    if current is not None and not store.exists(manifest_key(use_case, current.version)):
        raise NotFound(
            "model version",
            current.version,
            f"The champion of {use_case} is gone: go back to an earlier one with "
            f"`wardround rollback --use-case {use_case}`, or restore {manifest_key(use_case, current.version)}",
        )
    return current


def promote(
    store: Store,
    use_case: str,
    version: str,
    *,
    verdict: Verdict,
    actor: str,
    reason: str,
    expected: str | None,
    now: datetime,
    approvals: Mapping[str, str] | None = None,
    override: bool = False,
) -> Champion:
    """Make *version* the champion, if *verdict* passed it against the champion that serves now.

    *expected* is the version the verdict was made against (None: there was no champion). Of any number of callers
    that expect the same champion exactly one wins. *approvals* (key -> sha256) are kept with the move; with *override*
    two of them let a version with a failed verdict in. Whose they are and what they say is for the caller,
    `wardround.promotion`, to check.

    Raises:
        NotFound: there is no such version.
        Corrupted: one of its files or approvals was altered or is missing.
        PromotionRefused: the verdict failed, is about something else, or is stale because the champion moved.
    """
    approvals = approvals or {}
    candidate = load(store, use_case, version)
    current, tag = _pointer(store, use_case)
    _record(store, current)
    faults = _verdict_faults(candidate, verdict, expected)
    if not (verdict.passed or (override and verdict.criteria and len(approvals) >= OVERRIDES)):
        faults.extend(verdict.reasons)
    serving = current.version if current else None
    if serving == candidate.version:
        faults = [f"it is the champion already, since {current.moved_at:%Y-%m-%d %H:%M} UTC" if current else ""]
    elif serving != expected:
        faults.append(_stale(expected, serving))
    if faults:
        raise PromotionRefused(use_case, candidate.version, tuple(faults))
    read_files(store, candidate)
    _read_approvals(store, approvals)
    hashes = hashes_of(store, candidate) | _keep_verdict(store, candidate, verdict) | dict(approvals)
    return _move(store, use_case, candidate.version, current, tag, "promotion", actor, reason, now, hashes)


def rollback(store: Store, use_case: str, *, to: str | None = None, actor: str, reason: str, now: datetime) -> Champion:
    """Move the pointer back to the champion before, or to any earlier champion *to* (which may be a newer version).

    Without *to* it goes back behind the promotion of the present champion, so twice goes back twice.

    Raises:
        NotFound: there is no champion, none before it, or no such version.
        Corrupted: one of the target's files was altered or is missing.
        PromotionRefused: *to* never was champion (its gate must let it in), or serves already.
        Conflict: somebody else moved the pointer meanwhile.
    """
    current, tag = _pointer(store, use_case)
    if current is None:
        raise NotFound("champion", use_case, "Train and promote a model first: `wardround train`")
    _record(store, current)
    if to is None:
        target = _before(current)
        if target is None:
            raise NotFound("earlier champion", use_case, f"{current.version} was the first; promote another version")
    else:
        target = resolve(store, use_case, to)
        if target == current.version:
            raise PromotionRefused(use_case, target, ("it is the champion already",))
        if target not in {move["version"] for move in current.history}:
            raise PromotionRefused(
                use_case, target, ("it never was champion: `wardround promote` asks its gate, a rollback does not",)
            )
    manifest = load(store, use_case, target)
    read_files(store, manifest)
    hashes = hashes_of(store, manifest)
    try:
        return _move(store, use_case, target, current, tag, "rollback", actor, reason, now, hashes)
    except PromotionRefused:
        raise Conflict(_pointer_key(use_case)) from None


def history(store: Store, use_case: str) -> tuple[Mapping[str, Any], ...]:
    """Return the last moves of the pointer (at most 100), the oldest first, and record any the ledger lacks.

    Each has ``kind``, ``sequence``, ``version``, ``previous``, ``at``, ``by``, ``reason`` and ``hashes``.
    """
    current, _ = _pointer(store, use_case)
    _record(store, current)
    return current.history if current else ()


def _move(
    store: Store,
    use_case: str,
    version: str,
    current: Champion | None,
    tag: str | None,
    kind: str,
    actor: str,
    reason: str,
    now: datetime,
    hashes: Mapping[str, str],
) -> Champion:
    sequence = current.sequence + 1 if current else 1
    previous = current.version if current else None
    move = {
        "kind": kind, "sequence": sequence, "version": version, "previous": previous,
        "at": now.isoformat(), "by": actor, "reason": reason, "hashes": dict(hashes),
    }  # fmt: skip
    moved = Champion(
        use_case=use_case, version=version, sequence=sequence, moved_at=now, moved_by=actor, reason=reason,
        previous=previous, history=(*(current.history if current else ()), move)[-HISTORY:],
    )  # fmt: skip
    try:
        store.swap(_pointer_key(use_case), _plain(moved), tag)
    except Conflict:
        winner, _ = _pointer(store, use_case)
        raise PromotionRefused(use_case, version, (_stale(previous, winner.version if winner else None),)) from None
    _record(store, moved)
    return moved


def _record(store: Store, current: Champion | None) -> None:
    """Give every move its ledger entry, the oldest missing one first; a kill may have cut off the last."""
    missing: list[Mapping[str, Any]] = []
    for move in reversed(current.history if current else ()):
        if ledger.recorded(store, _act(current, move)):
            break
        missing.append(move)
    for move in reversed(missing):
        assert current is not None
        ledger.append(
            store, act=_act(current, move), kind=move["kind"], use_case=current.use_case, actor=move["by"],
            subject=move["version"], hashes=move["hashes"], reason=move["reason"],
            now=datetime.fromisoformat(move["at"]),
        )  # fmt: skip


def _act(current: Champion | None, move: Mapping[str, Any]) -> str:
    return f"promotion:{current.use_case if current else ''}:{move['sequence']}"


def _before(current: Champion) -> str | None:
    """The champion before the last promotion of the present one."""
    for move in reversed(current.history):
        if move["kind"] == "promotion" and move["version"] == current.version:
            return move["previous"] if move["previous"] is None else str(move["previous"])
    return None


def _verdict_faults(candidate: ModelVersion, verdict: Verdict, expected: str | None) -> list[str]:
    faults = []
    if verdict.use_case != candidate.use_case or verdict.challenger != candidate.version:
        faults.append(f"the verdict is about {verdict.challenger} of {verdict.use_case}, not about this version")
    if verdict.champion != expected:
        faults.append(f"the verdict compared it with {verdict.champion or 'no champion'}, not {expected or 'none'}")
    return faults


def _read_approvals(store: Store, approvals: Mapping[str, str]) -> None:
    for key, expected in approvals.items():
        if not key.startswith("approvals/") or not store.exists(key) or store.sha256(key) != expected:
            raise Corrupted(key, "it is not the approval that was counted")


def _stale(expected: str | None, serving: str | None) -> str:
    return (
        f"the champion is {serving or 'none'} now and was {expected or 'none'} when the verdict was made: "
        "somebody was faster, so gate it again against the present champion"
    )


def _keep_verdict(store: Store, candidate: ModelVersion, verdict: Verdict) -> dict[str, str]:
    """Make sure the verdict is in the store before it is acted on, and return its key and hash."""
    key = f"{candidate.prefix}verdicts/{verdict.champion or 'none'}.json"
    try:
        return {key: store.put(key, to_json(verdict, indent=1), sensitivity=Sensitivity.AGGREGATE)}
    except AlreadyExists:
        body = store.get(key)
    try:
        same = to_json(from_json(Verdict, body)) == to_json(verdict)
    except ValueError:
        same = False
    if not same:
        raise PromotionRefused(candidate.use_case, candidate.version, (f"another verdict is stored at {key}",))
    return {key: hashlib.sha256(body).hexdigest()}


def _pointer(store: Store, use_case: str) -> tuple[Champion | None, str | None]:
    content, tag = store.get_pointer(_pointer_key(use_case))
    if content is None:
        return None, tag
    try:
        found = from_json(Champion, to_json({k: v for k, v in content.items() if k not in ("nonce", "recent")}))
    except ValueError:
        raise Corrupted(_pointer_key(use_case), "it is not a champion") from None
    if found.use_case != use_case or not re.fullmatch(r"[0-9a-f]{16}", found.version):
        raise Corrupted(_pointer_key(use_case), "it is not a champion of this use case")
    if not found.history or any(not move.keys() >= _MOVE for move in found.history):
        raise Corrupted(_pointer_key(use_case), "its moves are not what was written")
    return found, tag


def _plain(current: Champion) -> dict[str, Any]:
    from pydantic import TypeAdapter

    plain: dict[str, Any] = TypeAdapter(Champion).dump_python(current, mode="json")
    return plain


def _pointer_key(use_case: str) -> str:
    return f"champions/{use_case}.json"
