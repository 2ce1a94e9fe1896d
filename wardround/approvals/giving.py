"""How an approval is given: who they are is proved, every rule is asked, then it is signed, stored and recorded."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wardround import gating, people, registry
from wardround.approvals.approval import Act, Approval, of, record
from wardround.approvals.checks import faults
from wardround.approvals.counting import evidence_of, facts_of
from wardround.domain import Sensitivity, Verdict, to_json
from wardround.errors import AlreadyExists, ApprovalRefused, CallInvalid, Conflict
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store

LONGEST = timedelta(days=90)
"""How long an approval may be valid: what was true of the ward a season ago has to be looked at again."""
_LONGEST_REASON = 2000
_ATTEMPTS = 8


def give(
    use_case: UseCase,
    version: str,
    *,
    act: Act,
    person: str,
    passphrase: str,
    reason: str,
    valid_for: timedelta,
    store: "Store",
    settings: "Settings",
    now: datetime,
    seen: Verdict | None = None,
) -> Approval:
    """Sign and store what *person* says about *version* and its verdict against the present champion.

    Judges the version first if it was not yet. *reason* stands in the ledger: no patient belongs there. *seen* is the
    verdict that they looked at: if another one counts by now, since the champion moved, nothing is signed.

    Raises:
        CallInvalid: no reason, or a time that is not between nothing and `LONGEST`.
        SignInRefused: *passphrase* is not *person*'s.
        NotAllowed: their role does not include approving.
        NotFound: there is no such version.
        PromotionRefused: it serves already, or its verdict is on other criteria than are configured now.
        ApprovalRefused: the approval would not count; the error says why.
    """
    reason = reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise CallInvalid(f"give the reason, in at most {_LONGEST_REASON} characters: it stands in the ledger")
    if not timedelta(0) < valid_for <= LONGEST:
        raise CallInvalid(f"an approval is valid for more than nothing and at most {LONGEST.days} days")
    signer = people.signer(store, person, passphrase)
    people.require(signer.person, people.Right.APPROVE)
    gating.gate(use_case, version, store=store, settings=settings, now=now)
    candidate = registry.load(store, use_case.name, version)
    pointer = registry.champion(store, use_case.name)
    serving = pointer.version if pointer else None
    judged = gating.stored(use_case, candidate, serving, store=store)
    if judged is None:
        raise Conflict(f"champions/{use_case.name}.json")
    if seen is not None and to_json(judged[0]) != to_json(seen):
        raise ApprovalRefused(use_case.name, candidate.version, ("another verdict counts now than the one you saw",))
    facts = facts_of(use_case, candidate, pointer, judged[0], store=store, now=now)
    draft = Approval(
        use_case=use_case.name, version=candidate.version, number=0, manifest_sha256=facts.manifest_sha256,
        verdict_key=gating.verdict_key(candidate, serving), verdict_sha256=judged[1], champion=serving, act=act,
        reason=reason, person=person, key=signer.key, given_at=now, expires_at=now + valid_for, signature="",
    )  # fmt: skip
    for _ in range(_ATTEMPTS):
        given = of(store, use_case.name, candidate.version)
        for approval in given:
            if approval == _signed(draft, approval.number, signer):  # a killed attempt of this very act got this far
                record(store, approval)
                return approval
        approval = _signed(draft, len(given) + 1, signer)
        reasons = faults(approval, facts, evidence_of(store, approval, approval.stored_at, approval.sha256))
        if reasons:
            raise ApprovalRefused(use_case.name, candidate.version, reasons)
        try:
            store.put(approval.stored_at, to_json(approval), sensitivity=Sensitivity.AGGREGATE)
        except AlreadyExists:  # another person was faster
            continue
        record(store, approval)
        return approval
    raise Conflict(f"approvals/{use_case.name}/{candidate.version}/")


def _signed(draft: Approval, number: int, signer: people.Signer) -> Approval:
    numbered = replace(draft, number=number)
    return replace(numbered, signature=signer.sign(numbered.message))
