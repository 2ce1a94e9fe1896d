"""The ledger: one entry per act, each holding the hash of the one before, in create-only objects.

Entry *n* is ``ledger/<n, twelve digits>.json``; ``ledger/acts/<sha256 of the act>.json`` is its seal (number and hash).
Before entry *n* + 1 is written, the seal of entry *n* is: so only the last entry can lack its seal, and an act
that is retried after a kill is found either by its seal or as the last entry. Seals also show what a chain
alone cannot: an altered last entry and a cut-off end.
"""

import contextlib
import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from wardround.domain import LedgerEntry, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, NotFound
from wardround.store import Store

KINDS = (
    "ingest", "labels", "model", "verdict", "decision", "promotion", "rollback", "quarantine release",
    "quarantine drop", "retraining", "arming", "settlement", "person", "api key", "approval", "sign-off", "ticket",
)  # fmt: skip
GENESIS = "0" * 64
ENTRIES = "ledger/"
ACTS = "ledger/acts/"
_NUMBER = re.compile(r"ledger/(\d{12})\.json")
_HEADS: dict[Store, tuple[int, str]] = {}  # the last sealed entry this process wrote: what comes after it is asked
_TURN = threading.Lock()  # threads of one process take turns: races for a number cost the server a second each


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What `verify` found: *count* entries were read, *first_bad* is the number of the first bad one or None."""

    count: int
    first_bad: int | None
    detail: str

    @property
    def intact(self) -> bool:
        """Whether every entry and every object they name is as it was written."""
        return self.first_bad is None


@dataclass(frozen=True, kw_only=True)
class _Seal:
    act: str
    number: int
    sha256: str


def append(
    store: Store,
    *,
    act: str,
    kind: str,
    use_case: str,
    actor: str,
    subject: str,
    hashes: Mapping[str, str],
    reason: str,
    now: datetime,
) -> LedgerEntry:
    """Record an act once, however often it is retried, and return its entry.

    *act* identifies the act, *subject* is what it was done to, *hashes* the immutable objects it made or
    rests on (key -> sha256).

    Raises:
        ValueError: *kind* is not one of `KINDS`, a hash is not a sha256, or *now* has no time zone.
        StoreFailed: the store did not take it.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of ledger entry: one of {', '.join(KINDS)}")
    for key, value in hashes.items():
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise ValueError(f"the hash of {key} is not a sha256 in hexadecimal digits")
    if now.tzinfo is None:
        raise ValueError("the moment of an act needs its time zone")
    with _TURN:
        while True:
            number, previous = _sealed_head(store)
            if (entry := find(store, act)) is not None:
                return entry
            entry = LedgerEntry(
                number=number + 1, act=act, kind=kind, use_case=use_case, actor=actor, subject=subject,
                hashes=dict(hashes), reason=reason, at=now, previous=previous,
            )  # fmt: skip
            body = to_json(entry)
            try:
                store.put(entry_key(entry.number), body, sensitivity=Sensitivity.AGGREGATE)
            except AlreadyExists:
                time.sleep(random.uniform(0, 0.2))  # another process took the number
                continue
            _HEADS[store] = entry.number, _seal(store, entry, body)
            return entry


def recorded(store: Store, act: str) -> bool:
    """Whether *act* has its seal; False may also mean that it is the last entry and was not sealed yet."""
    return store.exists(_act_key(act))


def find(store: Store, act: str) -> LedgerEntry | None:
    """Return the entry of *act*, None when it has none; also None for a last entry that a kill left without its seal.

    Raises:
        Corrupted: the entry is not the one that was sealed.
    """
    try:
        seal = _read_seal(store, _act_key(act))
    except NotFound:
        return None
    try:
        body = store.get(entry_key(seal.number))
    except NotFound:
        body = b""
    entry = _parse(body)
    if entry is None or entry.act != act or hashlib.sha256(body).hexdigest() != seal.sha256:
        raise Corrupted(entry_key(seal.number), "it is not the entry that was sealed")
    return entry


def entries(store: Store, *, use_case: str | None = None, kind: str | None = None) -> Iterator[LedgerEntry]:
    """Yield the entries in order, those of one *use_case* or *kind* when it is given.

    Raises:
        Corrupted: an entry cannot be read.
    """
    for number, key in _listing(store):
        entry = _parse(store.get(key))
        if entry is None or entry.number != number:
            raise Corrupted(key, "it is not a ledger entry")
        if use_case in (None, entry.use_case) and kind in (None, entry.kind):
            yield entry


def verify(store: Store) -> Verification:
    """Check the whole chain, then every object its entries name; the first bad entry is named.

    An entry is bad when it is missing, altered, not linked to the one before, recorded twice, or names an object that
    is missing or altered (quarantined rows that a later entry says were dropped may be missing).
    Takes one read per entry and one per object.

    Raises:
        StoreFailed: the store did not answer.
    """
    seals = {key: store.get(key) for key in store.keys(ACTS)}  # before the entries: each seal's entry is there
    found: list[LedgerEntry] = []
    previous, unsealed = GENESIS, 0

    def bad(number: int, fault: str) -> Verification:
        return Verification(count=len(found), first_bad=number, detail=f"entry {number}: {fault}")

    for expected, (number, key) in enumerate(_listing(store), start=1):
        if number != expected:
            return bad(expected, "it is missing")
        try:
            body = store.get(key)
        except Corrupted as error:
            return bad(number, error.detail)
        entry = _parse(body)
        if entry is None or entry.number != number:
            return bad(number, "it was altered and is not an entry of that number any more")
        seal = seals.pop(_act_key(entry.act), None)
        if seal not in (None, _seal_of(entry, body)):
            return bad(number, "it, or its seal, was altered, or its act is recorded twice")
        if unsealed:
            return bad(unsealed, "it was altered, or its seal is missing")
        if entry.previous != previous:
            return bad(max(1, number - 1), f"it was altered: entry {number} holds another hash")
        unsealed = number if seal is None else 0
        found.append(entry)
        previous = hashlib.sha256(body).hexdigest()
    if seals:
        return bad(_number_in(seals) or max(1, len(found)), "its seal is there, it was altered or is missing")
    return _verify_objects(store, found)


def entry_key(number: int) -> str:
    """Return the key of entry *number* (from 1)."""
    return f"{ENTRIES}{number:012d}.json"


def _verify_objects(store: Store, found: list[LedgerEntry]) -> Verification:
    dropped = {key for entry in found if entry.kind == "quarantine drop" for key in entry.hashes}
    actual: dict[str, str | None] = {}
    for entry in found:
        for key, expected in entry.hashes.items():
            if key not in actual:
                try:
                    actual[key] = store.sha256(key)
                except NotFound:
                    actual[key] = None
                except Corrupted:
                    actual[key] = "damaged"
            if actual[key] == expected or (actual[key] is None and key in dropped):
                continue
            fault = "is missing" if actual[key] is None else "was altered"
            return Verification(
                count=len(found), first_bad=entry.number, detail=f"entry {entry.number}: the object {key} {fault}"
            )
    return Verification(
        count=len(found), first_bad=None, detail=f"{len(found)} entries and {len(actual)} objects are intact"
    )


def _last(store: Store, known: int) -> int:
    """Return the last number, 0 for an empty ledger: asked from *known* on, or found in logarithmic time."""
    low, step = known, 1
    while not known and store.exists(entry_key(low + step)):
        low, step = low + step, step * 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if store.exists(entry_key(middle)) else (low, middle)
    for number, _ in _listing(store, after=low):
        low = number  # written meanwhile, or behind a hole that `verify` will name and nothing may fill
    return low


def _sealed_head(store: Store) -> tuple[int, str]:
    """Return the last number and the hash the next entry must hold; the last entry is sealed when this returns."""
    known = _HEADS.get(store, (0, GENESIS))
    number = _last(store, known[0])
    if number == known[0]:
        return known
    body = store.get(entry_key(number))
    entry = _parse(body)
    if entry is None:  # altered: the chain goes on over what is there, and `verify` names it
        return number, hashlib.sha256(body).hexdigest()
    try:
        return number, _read_seal(store, _act_key(entry.act)).sha256
    except NotFound:
        return number, _seal(store, entry, body)


def _seal(store: Store, entry: LedgerEntry, body: bytes) -> str:
    """Seal the entry if it is not yet, and return the hash in its seal: the true one if it was altered since."""
    try:
        store.put(_act_key(entry.act), _seal_of(entry, body), sensitivity=Sensitivity.AGGREGATE)
    except AlreadyExists:
        return _read_seal(store, _act_key(entry.act)).sha256
    return hashlib.sha256(body).hexdigest()


def _seal_of(entry: LedgerEntry, body: bytes) -> bytes:
    return to_json(_Seal(act=entry.act, number=entry.number, sha256=hashlib.sha256(body).hexdigest()))


def _number_in(seals: Mapping[str, bytes]) -> int | None:
    found = []
    for body in seals.values():
        with contextlib.suppress(ValueError, TypeError):
            found.append(_Seal(**json.loads(body)).number)
    return min(found, default=None)


def _read_seal(store: Store, key: str) -> _Seal:
    body = store.get(key)
    try:
        return _Seal(**json.loads(body))
    except (ValueError, TypeError):
        raise Corrupted(key, "it is not the seal of a ledger entry") from None


def _listing(store: Store, *, after: int = 0) -> Iterator[tuple[int, str]]:
    for key in store.keys(ENTRIES, after=entry_key(after) if after else ""):
        match = _NUMBER.fullmatch(key)
        if match is None:
            if key.startswith(ACTS):
                return  # letters sort behind digits
            continue
        yield int(match[1]), key


def _parse(body: bytes) -> LedgerEntry | None:
    try:
        return from_json(LedgerEntry, body)
    except ValueError:
        return None


def _act_key(act: str) -> str:
    return f"{ACTS}{hashlib.sha256(act.encode()).hexdigest()}.json"
