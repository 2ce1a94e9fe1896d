"""The one road on which a version becomes champion: its verdict, the use case's policy, and the persons' approvals."""

from datetime import datetime
from typing import TYPE_CHECKING

from wardround import approvals, gating, registry
from wardround.approvals import Standing
from wardround.domain import Champion
from wardround.errors import ApprovalNeeded, PromotionRefused
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store


def promote(
    use_case: UseCase, version: str, *, store: "Store", settings: "Settings", reason: str, now: datetime
) -> Champion:
    """Make *version* the champion if its verdict, and the approvals it needs, allow it.

    A passed verdict promotes by itself where the use case leaves it to the gate, else it takes one approval; a failed
    one takes two overrides by different persons. A rejection stops both. Every approval is checked now, whatever was
    checked when it was given.

    Raises:
        NotFound: there is no such version.
        Corrupted: a model, its verdict or an approval is not what was written.
        PromotionRefused: the verdict failed and nobody began to override it, a person rejected the version, it serves
            already, or the champion moved meanwhile.
        ApprovalNeeded: it waits for a person; the error says for whom, and why approvals that were given do not count.
    """
    gating.gate(use_case, version, store=store, settings=settings, now=now)
    approvals.settle(store, use_case.name, version)
    found = approvals.standing(use_case, version, store=store, settings=settings, now=now)
    if not found.allowed:
        raise _refusal(found)
    persons = " and ".join(sorted({approval.person for approval in found.counting}))
    overridden = not found.verdict.passed
    return registry.promote(
        store,
        use_case.name,
        found.version,
        verdict=found.verdict,
        actor=f"{persons or 'gate'}, run by {settings.actor}",
        reason=f"failed verdict overridden: {reason}" if overridden else reason,
        expected=found.champion,
        now=now,
        approvals={approval.stored_at: approval.sha256 for approval in found.counting},
        override=overridden,
    )


def _refusal(found: Standing) -> PromotionRefused | ApprovalNeeded:
    if found.rejected is not None:
        said = f"{found.rejected.person} rejected it: {found.rejected.reason}"
        return PromotionRefused(found.use_case, found.version, (said,))
    told = tuple(f"{approval.act} by {approval.person}: {'; '.join(why)}" for approval, why in found.refused)
    if found.verdict.passed or found.counting:
        return ApprovalNeeded(found.use_case, found.version, found.missing, told)
    return PromotionRefused(found.use_case, found.version, (*found.verdict.reasons, *told))
