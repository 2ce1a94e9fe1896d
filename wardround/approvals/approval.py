"""An approval: what a person signed, where it is stored, and what of it the ledger knows.

The approvals of a version are numbered in the order they were given, in create-only objects. The number is signed and
part of the ledger's act, so that a copy elsewhere, a gap and a removed last one are all noticed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from wardround import ledger, people
from wardround.domain import from_json, to_json
from wardround.errors import Corrupted

if TYPE_CHECKING:
    from wardround.store import Store

SIGNED = b"wardround approval 1\n"
"""What comes before the signed text, so that no signature made for something else can pass for an approval."""


class Act(StrEnum):
    """What a person says about a version."""

    PROMOTE = "promote"
    REJECT = "reject"
    OVERRIDE = "override"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What *person* said about one version, its verdict and the champion it would follow.

    *key* is the fingerprint of the key that *signature* (Ed25519, hexadecimal digits) was made with; it covers all
    other fields. *number* counts the approvals of the version from 1.
    """

    use_case: str
    version: str
    number: int
    manifest_sha256: str
    verdict_key: str
    verdict_sha256: str
    champion: str | None
    act: Act
    reason: str
    person: str
    key: str
    given_at: datetime
    expires_at: datetime
    signature: str

    @property
    def stored_at(self) -> str:
        """Where this value belongs."""
        return approval_key(self.use_case, self.version, self.number)

    @property
    def sha256(self) -> str:
        """The sha256 of this value as it is stored."""
        return hashlib.sha256(to_json(self)).hexdigest()

    @property
    def message(self) -> bytes:
        """The bytes that are signed: canonical JSON of all fields but the signature."""
        from pydantic import TypeAdapter

        fields = TypeAdapter(Approval).dump_python(self, mode="json")
        return SIGNED + to_json({name: value for name, value in fields.items() if name != "signature"})


def approval_key(use_case: str, version: str, number: int) -> str:
    """Return where the approval *number* of *version* is."""
    return f"approvals/{use_case}/{version}/{number:06d}.json"


def ledger_act(use_case: str, version: str, number: int) -> str:
    """Return the ledger's act of giving the approval *number* of *version*."""
    return f"approval:{use_case}:{version}:{number}"


def of(store: "Store", use_case: str, version: str) -> tuple[Approval, ...]:
    """Return every approval stored for *version* (all its digits), in the order they were given, unchecked.

    Raises:
        Corrupted: one cannot be read, or one that the ledger knows is missing.
    """
    keys = [key for key in store.keys(f"approvals/{use_case}/{version}/") if key.endswith(".json")]
    expected = [approval_key(use_case, version, number) for number in range(1, len(keys) + 1)]
    for key, place in zip(keys, expected, strict=True):
        if key != place:
            raise Corrupted(place, "it is missing")
    if ledger.recorded(store, ledger_act(use_case, version, len(keys) + 1)):
        raise Corrupted(approval_key(use_case, version, len(keys) + 1), "it is missing")
    return tuple(_read(store, key) for key in keys)


def settle(store: "Store", use_case: str, version: str) -> None:
    """Give every approval of *version* its ledger entry that a kill may have left without; its signature must hold."""
    for approval in of(store, use_case, version):
        if (approval.use_case, approval.version) == (use_case, version):
            record(store, approval)


def record(store: "Store", approval: Approval) -> None:
    """Write *approval* to the ledger, if its person signed it and it is where it belongs."""
    act = ledger_act(approval.use_case, approval.version, approval.number)
    key = people.public_key(store, approval.person, approval.key)
    if ledger.recorded(store, act) or key is None or not people.verifies(key, approval.message, approval.signature):
        return
    manifest = f"models/{approval.use_case}/{approval.version}/manifest.json"
    ledger.append(
        store, act=act, kind="approval", use_case=approval.use_case, actor=approval.person, subject=approval.version,
        hashes={
            approval.stored_at: approval.sha256, approval.verdict_key: approval.verdict_sha256,
            manifest: approval.manifest_sha256,
        },
        reason=f"{approval.act}: {approval.reason}", now=approval.given_at,
    )  # fmt: skip


def _read(store: "Store", key: str) -> Approval:
    body = store.get(key)
    try:
        approval = from_json(Approval, body)
    except ValueError:
        raise Corrupted(key, "it is not an approval") from None
    if to_json(approval) != body or None in (approval.given_at.tzinfo, approval.expires_at.tzinfo):
        raise Corrupted(key, "it is not an approval as one is written")
    return approval
