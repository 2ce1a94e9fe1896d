"""Who looked at a round: "reviewed by, at, comment", kept beside its decision and in the ledger."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from wardround import ledger
from wardround.domain import Decision, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, InputFault
from wardround.monitoring.rounds import sha256_of
from wardround.store import Store

LONGEST = 1_000
"""Characters of a comment: it is a remark, not a record of a patient."""


@dataclass(frozen=True, kw_only=True)
class SignOff:
    """*person* (the name they sign in with) reviewed the round of *batch* under *champion* (None: none served)."""

    use_case: str
    batch: str
    champion: str | None
    person: str
    comment: str
    at: datetime


def sign_off(store: Store, decision: Decision, *, person: str, comment: str, now: datetime) -> SignOff:
    """Record that *person* reviewed *decision*; the same person saying the same again is recorded once.

    Whether the person may is for the caller to check. The ledger binds the sign-off to the hash of the decision as
    stored; the comment itself stays out of the ledger, which can never forget.

    Raises:
        InputFault: the comment is longer than `LONGEST` characters.
        NotFound: the decision is not stored, so there is nothing to review.
    """
    said = comment.replace("\r\n", "\n").strip()
    if len(said) > LONGEST:
        raise InputFault("comment", f"it has {len(said):,} characters", f"Say it in {LONGEST:,} or fewer")
    judged = sha256_of(store, decision.key)
    made = SignOff(
        use_case=decision.use_case,
        batch=decision.batch,
        champion=decision.champion,
        person=person,
        comment=said,
        at=now,
    )
    named = hashlib.sha256(f"{judged}\n{person}\n{said}".encode()).hexdigest()[:16]
    key = f"{_prefix(decision)}{named}.json"
    try:
        sha256 = store.put(key, to_json(made), sensitivity=Sensitivity.AGGREGATE)
    except AlreadyExists:
        made = _read(store, key)
        sha256 = sha256_of(store, key)
    ledger.append(
        store, act=f"sign-off {key}", kind="sign-off", use_case=decision.use_case, actor=person, subject=key,
        hashes={key: sha256, decision.key: judged}, reason=f"reviewed the round of {decision.label}", now=made.at,
    )  # fmt: skip
    return made


def sign_offs_of(store: Store, decision: Decision) -> tuple[SignOff, ...]:
    """Return the sign-offs of *decision*, the oldest first.

    Raises:
        Corrupted: one of them cannot be read.
    """
    found = [_read(store, key) for key in store.keys(_prefix(decision))]
    return tuple(sorted(found, key=lambda each: (each.at, each.person)))


def _prefix(decision: Decision) -> str:
    return decision.key.removesuffix("decision.json") + "sign-offs/"


def _read(store: Store, key: str) -> SignOff:
    try:
        return from_json(SignOff, store.get(key))
    except ValueError:
        raise Corrupted(key, "it is not a sign-off") from None
