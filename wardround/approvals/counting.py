"""Where a version stands: its verdict, whose approvals count, whose do not and why, and what is still missing."""

import contextlib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wardround import gating, ledger, people, registry
from wardround.approvals.approval import Act, Approval, approval_key, ledger_act, of
from wardround.approvals.checks import Evidence, Facts, faults, is_called
from wardround.domain import Champion, LedgerEntry, ModelVersion, Verdict
from wardround.errors import Corrupted, NotFound, PromotionRefused
from wardround.registry.manifests import manifest_key
from wardround.registry.pointer import OVERRIDES
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands between *version* and the place of *champion*.

    *needs_person*: the gate alone does not promote it. *valid* count now, *refused* do not, each with its reasons;
    *rejected* is the first valid rejection. *missing* ends the sentence "it waits for ..." (empty: *allowed*).
    """

    use_case: str
    version: str
    champion: str | None
    verdict: Verdict
    trainer: str | None
    needs_person: bool
    valid: tuple[Approval, ...]
    refused: tuple[tuple[Approval, tuple[str, ...]], ...]
    rejected: Approval | None
    allowed: bool
    missing: str

    @property
    def counting(self) -> tuple[Approval, ...]:
        """The approvals a promotion would rest on: none where the gate promotes by itself."""
        wanted = Act.PROMOTE if self.verdict.passed else Act.OVERRIDE
        return tuple(it for it in self.valid if it.act is wanted) if self.needs_person else ()


def standing(use_case: UseCase, version: str, *, store: "Store", settings: "Settings", now: datetime) -> Standing:
    """Return where *version* (its first digits are enough) stands; it is judged first if it was not yet.

    Raises:
        NotFound: there is no such version.
        Corrupted: the model, its verdict or an approval is not what was written.
        PromotionRefused: it serves already, or its verdict is on other criteria than are configured now.
    """
    candidate = registry.load(store, use_case.name, version)
    pointer = registry.champion(store, use_case.name)
    if pointer is not None and pointer.version == candidate.version:
        raise PromotionRefused(use_case.name, candidate.version, ("it is the champion already",))
    found = gating.stored(use_case, candidate, pointer.version if pointer else None, store=store)
    verdict = found[0] if found else gating.gate(use_case, candidate.version, store=store, settings=settings, now=now)
    return _standing(facts_of(use_case, candidate, pointer, verdict, store=store, now=now), store)


def waiting(use_case: UseCase, *, store: "Store", settings: "Settings", now: datetime) -> tuple[Standing, ...]:
    """Return the versions that wait for a person, the newest first; none is judged for it.

    Those are the versions with a stored verdict against the present champion that passed where the use case wants a
    person, or that somebody began to override. Not those that were champion before.

    Raises:
        Corrupted: a model, a verdict or an approval is not what was written.
    """
    pointer = registry.champion(store, use_case.name)
    serving = pointer.version if pointer else None
    pattern = re.compile(rf"models/{re.escape(use_case.name)}/([0-9a-f]{{16}})/verdicts/{serving or 'none'}\.json")
    served = {move["version"] for move in pointer.history} if pointer else set()
    names = [match[1] for key in store.keys(f"models/{use_case.name}/") if (match := pattern.fullmatch(key))]
    found = []
    for name in names:
        if name in served:
            continue
        candidate = registry.load(store, use_case.name, name)
        with contextlib.suppress(PromotionRefused):  # judged by other criteria: it must be trained again
            stored = gating.stored(use_case, candidate, serving, store=store)
            if stored is None or (stored[0].passed and use_case.retraining.promotion == "gate"):
                continue
            one = _standing(facts_of(use_case, candidate, pointer, stored[0], store=store, now=now), store)
            if not one.allowed and one.rejected is None and (one.verdict.passed or one.counting):
                found.append((candidate.created_at, one))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True))


def facts_of(
    use_case: UseCase,
    candidate: ModelVersion,
    pointer: Champion | None,
    verdict: Verdict,
    *,
    store: "Store",
    now: datetime,
) -> Facts:
    """Gather what approvals of *candidate* are held against."""
    trained = ledger.find(store, f"model:{use_case.name}:{candidate.version}")
    manifest = store.get(manifest_key(use_case.name, candidate.version))
    return Facts(
        use_case=use_case, version=candidate.version, manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        champion=pointer.version if pointer else None, verdict=verdict, trainer=trained.actor if trained else None,
        moves=pointer.history if pointer else (), now=now,
    )  # fmt: skip


def evidence_of(store: "Store", approval: Approval, place: str, recorded: str | None) -> Evidence:
    """Gather what the store and the ledger say about *approval*, which lies at *place*."""
    try:
        person = people.find(store, approval.person)
    except NotFound:
        person = None
    key = people.public_key(store, approval.person, approval.key)
    about = f"models/{approval.use_case}/{approval.version}/verdicts/{approval.champion or 'none'}.json"
    seen = None
    if about == approval.verdict_key:
        with contextlib.suppress(NotFound):
            seen = hashlib.sha256(store.get(about)).hexdigest()
    return Evidence(
        place=place, person=person, key=key, registered=people.registration(store, key) if key else None,
        recorded=recorded, verdict_sha256=seen,
    )  # fmt: skip


def whose_count(use_case: UseCase, trainer: str | None, *, besides: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the persons *use_case* names whose approval could still count, without *trainer* and *besides*."""
    return tuple(
        name
        for name in use_case.retraining.may_promote
        if name not in besides and (trainer is None or not is_called(trainer, name))
    )


def whom(use_case: UseCase, trainer: str | None, *, besides: frozenset[str] = frozenset()) -> str:
    """Return who may approve a version that *trainer* trained, in words; not those in *besides*."""
    named = use_case.retraining.may_promote
    if "*" in named:
        return "an approver who did not train it"
    left = whose_count(use_case, trainer, besides=besides)
    return " or ".join(left) or f"an approver (the use case names only {' and '.join(named)}, and none of them is left)"


def _standing(facts: Facts, store: "Store") -> Standing:
    use_case, version = facts.use_case, facts.version
    valid: list[Approval] = []
    refused: list[tuple[Approval, tuple[str, ...]]] = []
    for number, approval in enumerate(of(store, use_case.name, version), start=1):
        place = approval_key(use_case.name, version, number)
        entry = ledger.find(store, ledger_act(use_case.name, version, number))
        known = entry.hashes.get(place, "") if entry else None
        require_no_lost_rejection(entry, approval, place)
        reasons = faults(approval, facts, evidence_of(store, approval, place, known))
        if reasons:
            refused.append((approval, reasons))
        else:
            valid.append(approval)
    rejected = next((approval for approval in valid if approval.act is Act.REJECT), None)
    needs_person = not facts.verdict.passed or use_case.retraining.promotion == "person"
    missing = _missing(facts, valid, rejected) if needs_person or rejected else ""
    return Standing(
        use_case=use_case.name, version=version, champion=facts.champion, verdict=facts.verdict, trainer=facts.trainer,
        needs_person=needs_person, valid=tuple(valid), refused=tuple(refused), rejected=rejected, allowed=not missing,
        missing=missing,
    )  # fmt: skip


def _missing(facts: Facts, valid: list[Approval], rejected: Approval | None) -> str:
    if rejected is not None:
        return f"another version: {rejected.person} rejected this one"
    if not facts.verdict.criteria:
        return "a gate: an ungated model is never promoted"
    if facts.verdict.passed:
        approved = any(approval.act is Act.PROMOTE for approval in valid)
        return "" if approved else whom(facts.use_case, facts.trainer)
    persons = persons_of(valid)
    if len(persons) >= OVERRIDES:
        return ""
    if not persons:
        return f"overrides of its failed verdict by {OVERRIDES} persons, each {whom(facts.use_case, facts.trainer)}"
    whose = whom(facts.use_case, facts.trainer, besides=persons)
    return f"a second person for the override besides {' and '.join(sorted(persons))}: {whose}"


def require_no_lost_rejection(entry: LedgerEntry | None, approval: Approval, place: str) -> None:
    """Make sure that no other text lies where the ledger knows a rejection: it would let in what a person stopped.

    Raises:
        Corrupted: another one does.
    """
    if entry is None or not entry.reason.startswith(f"{Act.REJECT}: ") or entry.hashes.get(place) == approval.sha256:
        return
    raise Corrupted(place, f"it was a rejection by {entry.actor} and is another text now")


def persons_of(valid: Sequence[Approval]) -> frozenset[str]:
    """Return the persons who override: two overrides by one person are one."""
    return frozenset(approval.person for approval in valid if approval.act is Act.OVERRIDE)
