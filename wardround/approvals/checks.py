"""Why an approval does not count: one small rule each, asked at every promotion, whatever was asked when it was given.

A rule gets the approval, the facts about the version now, and the evidence about the approval; it returns the reason
why the approval does not count, or None.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wardround.approvals.approval import Act, Approval
from wardround.domain import LedgerEntry, Verdict
from wardround.people import Origin, Person, PublicKey, Right, verifies
from wardround.use_cases.base import UseCase

CLOCKS = timedelta(minutes=5)
"""How far the clocks of two machines may be apart."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true now of the version that asks for the champion's place; *trainer* is None when nobody knows."""

    use_case: UseCase
    version: str
    manifest_sha256: str
    champion: str | None
    verdict: Verdict
    trainer: str | None
    moves: tuple[Mapping[str, Any], ...]
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the store and the ledger say about one approval, which lies at *place*.

    *registered* is the ledger entry that names *key*, *recorded* the one of the approval at *place*; *verdict_sha256*
    is that of the verdict that it says it is about.
    """

    place: str
    person: Person | None
    key: PublicKey | None
    registered: LedgerEntry | None
    recorded: str | None
    verdict_sha256: str | None


Check = Callable[[Approval, Facts, Evidence], str | None]


def for_this_model(approval: Approval, facts: Facts, _: Evidence) -> str | None:
    """Refuse an approval of another model."""
    if (approval.use_case, approval.version) != (facts.use_case.name, facts.version):
        return f"it is for version {approval.version} of {approval.use_case}, not for this one"
    if approval.manifest_sha256 != facts.manifest_sha256:
        return "the model's manifest is another one than the one that was approved"
    return None


def against_this_champion(approval: Approval, facts: Facts, _: Evidence) -> str | None:
    """Refuse an approval that was given when another champion served."""
    if approval.champion == facts.champion:
        return None
    return f"the champion is {facts.champion or 'none'} now and was {approval.champion or 'none'} when it was given"


def on_this_verdict(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse an approval whose person saw another verdict than the stored one."""
    if evidence.verdict_sha256 == approval.verdict_sha256:
        return None
    return "the verdict is not the one its person saw"


def fits_the_verdict(approval: Approval, facts: Facts, _: Evidence) -> str | None:
    """Refuse to promote what failed without overriding it, and to override what passed or was never gated."""
    if approval.act is Act.PROMOTE and not facts.verdict.passed:
        return "the verdict failed: it takes overrides by two persons, not an approval"
    if approval.act is Act.OVERRIDE and facts.verdict.passed:
        return "the verdict is a pass: there is nothing to override"
    if approval.act is Act.OVERRIDE and not facts.verdict.criteria:
        return "no gate criterion is configured, and an ungated model is never promoted"
    return None


def signed(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse what its person did not sign as it stands there now."""
    if evidence.key is not None and verifies(evidence.key, approval.message, approval.signature):
        return None
    return f"it was altered after {approval.person} signed it, or signed by somebody else"


def recorded(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse what is not, at this place and in these words, in the ledger."""
    if evidence.recorded is None:
        return "it is not in the ledger"
    return None if evidence.recorded == approval.sha256 else "the ledger knows another approval in its place"


def not_expired(approval: Approval, facts: Facts, _: Evidence) -> str | None:
    """Refuse an approval whose time is over."""
    return None if facts.now < approval.expires_at else f"it expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC"


def not_from_the_future(approval: Approval, facts: Facts, _: Evidence) -> str | None:
    """Refuse an approval that is dated ahead, which would outlive what its person meant."""
    if approval.given_at <= facts.now + CLOCKS:
        return None
    return f"it says that it was given at {approval.given_at:%Y-%m-%d %H:%M} UTC, which is still to come"


def known_person(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse an approval of somebody nobody knows."""
    return f"there is no person {approval.person}" if evidence.person is None else None


def enabled_person(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse an approval of somebody who has been disabled since."""
    return f"{approval.person} is disabled" if evidence.person is not None and evidence.person.disabled else None


def person_with_the_right(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse an approval of somebody whose role does not include approving."""
    person = evidence.person
    if person is None or person.disabled or person.may(Right.APPROVE):
        return None
    return f"{approval.person} is {person.role} and may not {Right.APPROVE}"


def named_person(approval: Approval, facts: Facts, _: Evidence) -> str | None:
    """Refuse an approval of somebody else than the use case names."""
    named = facts.use_case.retraining.may_promote
    if "*" in named or approval.person in named:
        return None
    return f"the use case lets {' and '.join(named)} approve, not {approval.person}"


def present_key(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse a signature by a key that is not, or not any more, the person's."""
    if evidence.person is None or (evidence.key is not None and approval.key == evidence.person.key):
        return None
    return f"the key it is signed with is not {approval.person}'s present one"


def registered_key(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse a signature by a key that the ledger does not know: somebody put it into the store."""
    if evidence.key is None or evidence.registered is not None:
        return None
    return f"the key it is signed with is not in the ledger as {approval.person}'s"


def own_key(approval: Approval, _: Facts, evidence: Evidence) -> str | None:
    """Refuse a signature by a key whose passphrase an administrator knows."""
    if evidence.key is None or evidence.key.origin is Origin.CHOSEN:
        return None
    return (
        f"{approval.person} signed with a passphrase that {evidence.key.by} gave out: "
        "it counts after they changed it themselves (`wardround people passphrase`)"
    )


def not_by_trainer(approval: Approval, facts: Facts, evidence: Evidence) -> str | None:
    """Refuse to let somebody in favour of their own model; against it they may be."""
    if approval.act is Act.REJECT:
        return None
    if facts.trainer is None:
        return "the ledger does not say who trained the model"
    full_name = evidence.person.full_name if evidence.person else ""
    return f"{approval.person} trained the model" if is_called(facts.trainer, approval.person, full_name) else None


def first_use(approval: Approval, facts: Facts, evidence: Evidence) -> str | None:
    """Refuse an approval that brought a version in before."""
    for move in facts.moves:
        if evidence.place in move["hashes"]:
            return f"it was used for the promotion of {datetime.fromisoformat(move['at']):%Y-%m-%d %H:%M} UTC"
    oldest = facts.moves[0] if facts.moves else None
    if oldest is None or oldest["sequence"] == 1 or datetime.fromisoformat(oldest["at"]) <= approval.given_at - CLOCKS:
        return None
    return "the champion has moved so often since it was given that nobody can say whether it was used"


CHECKS: tuple[Check, ...] = (
    for_this_model, against_this_champion, on_this_verdict, fits_the_verdict, signed, recorded, not_expired,
    not_from_the_future, known_person, enabled_person, person_with_the_right, named_person, present_key, registered_key,
    own_key, not_by_trainer, first_use,
)  # fmt: skip


OF_THE_PERSON_NOW: tuple[Check, ...] = (
    known_person, enabled_person, person_with_the_right, named_person, present_key,
)  # fmt: skip
"""Not asked of a rejection: whoever may change its person's record must not be able to make it disappear."""


def is_called(actor: str, *names: str) -> bool:
    """Whether the *actor* of a ledger entry, a name that somebody typed, is one of *names*, however it is written."""
    return _plainly(actor) in {_plainly(name) for name in names}


def faults(approval: Approval, facts: Facts, evidence: Evidence) -> tuple[str, ...]:
    """Return every reason why *approval* does not count; none when it does."""
    asked = (check for check in CHECKS if approval.act is not Act.REJECT or check not in OF_THE_PERSON_NOW)
    found = (check(approval, facts, evidence) for check in asked)
    return tuple(reason for reason in found if reason is not None)


def _plainly(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
