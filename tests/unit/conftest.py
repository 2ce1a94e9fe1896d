"""A hospital with people on duty and models that wait: nothing trained, everything signed for real."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wardround import approvals, ledger, people, promotion, registry
from wardround.domain import Champion, CriterionResult, ModelVersion, Sensitivity, Verdict, to_json
from wardround.errors import ApprovalRefused
from wardround.evaluation.wording import described
from wardround.people import Role
from wardround.people.passphrases import Parameters
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases import load
from wardround.use_cases.base import UseCase

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CASE = load("heart_disease")
PERSONS = replace(CASE, retraining=replace(CASE.retraining, promotion="person"))
"""The same use case, where a passed verdict waits for an approval."""
OF = "the passphrase of {name}"


@pytest.fixture
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Argon2 cost next to nothing; no variable and no setting can do this, only a hand inside the process."""
    monkeypatch.setattr("wardround.people.passphrases.PRESENT", Parameters(time_cost=1, memory_cost=8, parallelism=1))


@dataclass(frozen=True)
class Hospital:
    """A store in which people are on duty and versions are registered and judged, as training and gating leave them."""

    store: Store
    settings: Settings
    case: UseCase = PERSONS

    def employ(self, name: str, role: Role = Role.APPROVER, *, own: bool = True) -> people.Person:
        given = f"given to {name} by the chief"
        person = people.add(
            self.store, name=name, full_name=f"{name.title()} the First", role=role, passphrase=given, by="chief",
            now=NOW - timedelta(days=30),
        )  # fmt: skip
        if not own:
            return person
        return people.change_passphrase(
            self.store, name, old=given, new=OF.format(name=name), now=NOW - timedelta(days=29)
        )

    def model(self, seed: int = 1, *, trainer: str = "worker", **judged: Any) -> str:
        """Register a version, say who trained it, and store its verdict as `judge` does."""
        draft = ModelVersion(
            use_case=CASE.name, version="", problem="classification", family="logistic", parameters={},
            features=("age",), batches=("a" * 64,), label_sets=(), rows=303, patients=303, data_hash="b" * 64,
            use_case_hash="c" * 64, seed=seed, code_version="0", packages={}, files={}, cause="a test", parent=None,
            created_at=NOW - timedelta(days=10) + timedelta(seconds=seed),
        )  # fmt: skip
        version = registry.register(self.store, draft, {"model.skops": b"weights"})
        ledger.append(
            self.store, act=f"model:{CASE.name}:{version.version}", kind="model", use_case=CASE.name, actor=trainer,
            subject=version.version, hashes=registry.hashes(self.store, version), reason="a test", now=NOW,
        )  # fmt: skip
        self.judge(version.version, **judged)
        return version.version

    def judge(
        self, version: str, *, passed: bool = True, champion: str | None = None, criteria: tuple[()] | None = None
    ) -> None:
        looked_at = tuple(
            CriterionResult(
                criterion=described(gate), kind="floor", metric="auroc", population="reference", figure=0.8,
                interval=None, limit=0.8, passed=passed, sentence=f"{described(gate)} was looked at", reason="r",
            )
            for gate in CASE.gates
        )  # fmt: skip
        verdict = Verdict(
            use_case=CASE.name, challenger=version, champion=champion, comparison="",
            criteria=looked_at if criteria is None else criteria,
        )  # fmt: skip
        key = f"models/{CASE.name}/{version}/verdicts/{champion or 'none'}.json"
        self.store.put(key, to_json(verdict, indent=1), sensitivity=Sensitivity.AGGREGATE)

    def give(self, version: str, person: str, act: str = "promote", **changes: Any) -> approvals.Approval:
        usual: dict[str, Any] = {
            "passphrase": OF.format(name=person), "reason": f"{person} looked at it", "valid_for": timedelta(days=7),
            "now": NOW, "case": self.case,
        }  # fmt: skip
        content = usual | changes
        return approvals.give(
            content.pop("case"), version, act=approvals.Act(act), person=person, store=self.store,
            settings=self.settings, **content,
        )  # fmt: skip

    def give_unchecked(self, version: str, person: str, act: str = "promote", **changes: Any) -> approvals.Approval:
        """Sign and store an approval as an altered program would: no rule is asked."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wardround.approvals.giving.faults", lambda *_: ())
            return self.give(version, person, act, **changes)

    def refusal_of(self, version: str, person: str) -> ApprovalRefused:
        with pytest.raises(ApprovalRefused) as refused:
            self.give(version, person)
        return refused.value

    def sign(self, approval: approvals.Approval, who: str, **changes: Any) -> approvals.Approval:
        """Return *approval* with other content, signed by *who* for real, stored nowhere."""
        signer = people.signer(self.store, who, OF.format(name=who))
        changed = replace(approval, key=signer.key, **changes)
        return replace(changed, signature=signer.sign(changed.message))

    def standing(self, version: str, *, now: datetime = NOW, case: UseCase | None = None) -> approvals.Standing:
        return approvals.standing(case or self.case, version, store=self.store, settings=self.settings, now=now)

    def waiting(self, *, now: datetime = NOW, case: UseCase | None = None) -> tuple[str, ...]:
        found = approvals.waiting(case or self.case, store=self.store, settings=self.settings, now=now)
        return tuple(one.version for one in found)

    def promote(self, version: str, *, now: datetime = NOW, case: UseCase | None = None) -> Champion:
        return promotion.promote(
            case or self.case, version, store=self.store, settings=self.settings, reason="it is time", now=now
        )

    def plant(self, approval: approvals.Approval, place: str) -> None:
        """Put *approval* at *place* and into the ledger, as somebody with the store's keys can."""
        number = int(place.rsplit("/", 1)[1].removesuffix(".json"))
        use_case, version = place.split("/")[1:3]
        body = to_json(approval)
        self.store.put(place, body, sensitivity=Sensitivity.AGGREGATE)
        ledger.append(
            self.store, act=f"approval:{use_case}:{version}:{number}", kind="approval", use_case=use_case,
            actor=approval.person, subject=version, hashes={place: hashlib.sha256(body).hexdigest()},
            reason=f"{approval.act}: {approval.reason}", now=NOW,
        )  # fmt: skip


@pytest.fixture
def duty(store: Store, settings: Settings, quick_passphrases: None) -> Hospital:
    """A hospital with two approvers, whose administrator is somewhere else."""
    place = Hospital(store, settings)
    for name in ("adams", "brown"):
        place.employ(name)
    return place


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Take one check of approvals out, by name: what a mutation of the code would do."""
    from wardround.approvals import checks

    def take_out(name: str) -> None:
        left = tuple(check for check in checks.CHECKS if check.__name__ != name)
        assert len(left) == len(checks.CHECKS) - 1
        monkeypatch.setattr(checks, "CHECKS", left)

    return take_out
