"""Approvals: what waits for a person, the verdict it rests on, and the form that signs a person's word on it."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from wardround import approvals, gating, registry, services
from wardround.approvals import Act, Standing
from wardround.domain import Champion, ModelVersion
from wardround.errors import ApprovalRefused, Corrupted, NotFound, ServiceFailed, SignInRefused
from wardround.people import Person, Right
from wardround.registry.manifests import manifest_key
from wardround.services import promotions
from wardround.serving.desk import frame
from wardround.serving.desk.frame import SignedIn
from wardround.serving.desk.judged import Judged
from wardround.serving.desk.proof import TooManyTries, proven
from wardround.store import Store
from wardround.use_cases.base import UseCase

router = APIRouter(prefix="/approvals")
Approver = Annotated[Person, Depends(frame.allowed(Right.APPROVE))]
DAYS = (1, 3, 7, 14, 30)
PATIENCE = 4.0
LONGEST_REASON = 2000


@dataclass(frozen=True, kw_only=True)
class Case:
    """One version as the person sees it above the form; what they sign is bound to these hashes."""

    version: ModelVersion
    manifest_sha256: str
    serving: Champion | None
    verdict_sha256: str = ""
    standing: Standing | None = None

    @property
    def serves(self) -> bool:
        """Whether it is the champion already."""
        return self.serving is not None and self.serving.version == self.version.version

    @property
    def token(self) -> str:
        """One text for all of it: what is signed must be what was shown."""
        champion = self.serving.version if self.serving else "none"
        return hashlib.sha256("\n".join((self.manifest_sha256, self.verdict_sha256, champion)).encode()).hexdigest()


@router.get("")
def listing(request: Request) -> Response:
    """Show every version that waits for a person."""
    settings, store, now = frame.get_settings(), frame.get_store(), frame.now()
    waiting: list[tuple[UseCase, Standing]] = []
    broken: list[tuple[UseCase, str]] = []
    for use_case in frame.use_cases().values():
        try:
            found = approvals.waiting(use_case, store=store, settings=settings, now=now)
        except (Corrupted, NotFound) as fault:  # what is damaged in one use case must not hide what waits in others
            broken.append((use_case, str(fault)))
        else:
            waiting += [(use_case, standing) for standing in found]
    t = frame.words(request)
    shown = [(use_case, standing, Judged(t, use_case)) for use_case, standing in waiting]
    return frame.page(request, "approvals.html", waiting=shown, broken=broken)


@router.get("/{name}/{version}")
def one(request: Request, person: SignedIn, name: str, version: str) -> Response:
    """Show one version's verdict, the approvals it has, and to an approver the form."""
    use_case = frame.use_case_named(name)
    return _page(request, person, use_case, _case(frame.get_store(), use_case, version))


@router.post("/{name}/{version}")
def give(
    request: Request,
    person: Approver,
    name: str,
    version: str,
    act: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    days: Annotated[str, Form()] = "",
    passphrase: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
) -> Response:
    """Sign the person's word with their key, and let Prefect look at the version again."""
    use_case, t, desk = frame.use_case_named(name), frame.words(request), frame.desk()
    store, settings, now = desk.store, desk.settings, desk.clock()
    typed = {"act": act, "reason": reason[:LONGEST_REASON], "days": days}
    case = _case(store, use_case, version)
    if (standing := case.standing) is None:
        return _page(request, person, use_case, case)
    errors = {}
    if act not in _acts(person, standing):
        errors["act"] = t("approval.act_missing")
    if not reason.strip():
        errors["reason"] = t("approval.reason_missing")
    elif len(reason) > LONGEST_REASON:
        errors["reason"] = t("form.too_long", n=LONGEST_REASON)
    if days not in {str(number) for number in DAYS}:
        errors["days"] = t("approval.days_missing")
    if not passphrase:
        errors["passphrase"] = t("approval.passphrase_missing")
    if seen != case.token:
        errors["act"] = t("approval.changed")
    if errors:
        return _page(request, person, use_case, case, errors=errors, typed=typed, status=422)
    try:
        proven(
            request, desk, person.name,
            lambda: approvals.give(
                use_case, case.version.version, act=Act(act), person=person.name, passphrase=passphrase,
                reason=reason.strip(), valid_for=timedelta(days=int(days)), store=store, settings=settings, now=now,
                seen=standing.verdict,
            ),
        )  # fmt: skip
    except SignInRefused:
        return _page(
            request, person, use_case, case, errors={"passphrase": t("approval.passphrase_wrong")}, typed=typed,
            status=422,
        )  # fmt: skip
    except TooManyTries as tries:
        return _page(
            request, person, use_case, case, errors={"passphrase": t("sign_in.wait", n=tries.seconds)}, typed=typed,
            status=429,
        )  # fmt: skip
    except ApprovalRefused as refused:
        return _page(request, person, use_case, case, not_counted=refused.reasons, typed=typed, status=409)
    key, values = _nudge(use_case.name, case.version.version)
    frame.tell(request, key, **values)
    return frame.redirect(f"/approvals/{use_case.name}/{case.version.version}")


def _acts(person: Person, standing: Standing) -> tuple[Act, ...]:
    """Which acts make sense: a failed verdict is overridden, a passed one promoted; one's own model only rejected."""
    if _trained(person, standing):
        return (Act.REJECT,)
    return (Act.PROMOTE if standing.verdict.passed else Act.OVERRIDE, Act.REJECT)


def _trained(person: Person, standing: Standing) -> bool:
    return standing.trainer is not None and approvals.is_called(standing.trainer, person.name, person.full_name)


def _case(store: Store, use_case: UseCase, version: str) -> Case:
    """Gather what is known of *version*, writing nothing: a page that is only looked at must not judge a model."""
    settings, now = frame.get_settings(), frame.now()
    candidate = registry.load(store, use_case.name, version)
    manifest = hashlib.sha256(store.get(manifest_key(use_case.name, candidate.version))).hexdigest()
    serving = registry.champion(store, use_case.name)
    case = Case(version=candidate, manifest_sha256=manifest, serving=serving)
    if case.serves:
        return case
    judged = gating.stored(use_case, candidate, serving.version if serving else None, store=store)
    if judged is None:
        return case
    standing = approvals.standing(use_case, candidate.version, store=store, settings=settings, now=now)
    return replace(case, verdict_sha256=judged[1], standing=standing)


def _page(
    request: Request,
    person: Person,
    use_case: UseCase,
    case: Case,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    not_counted: tuple[str, ...] = (),
    status: int = 200,
) -> Response:
    here = f"/approvals/{use_case.name}/{case.version.version}"
    if case.standing is None:
        given = approvals.of(frame.get_store(), use_case.name, case.version.version)
        return frame.page(
            request, "approval_none.html", here=here, use_case=use_case, case=case, given=given, serving=case.serving
        )
    t, standing, named = frame.words(request), case.standing, use_case.retraining.may_promote
    barred = ""
    if not person.may(Right.APPROVE):
        barred = "role"
    elif not person.own_passphrase:
        barred = "passphrase"
    elif "*" not in named and person.name not in named:
        barred = "named"
    return frame.page(
        request, "approval.html", status=status, here=here, errors=errors or {},
        typed=typed or {"act": "", "reason": "", "days": "7"}, use_case=use_case, case=case, standing=standing,
        barred=barred, say=Judged(t, use_case), named=", ".join(named), trained=_trained(person, standing),
        not_counted=not_counted,
        act_choices=[(act.value, t(f"act.{act}"), t(f"act_why.{act}")) for act in _acts(person, standing)],
        day_choices=[(str(number), t("approval.days", n=number)) for number in DAYS],
    )  # fmt: skip


def _nudge(name: str, version: str) -> tuple[str, dict[str, str]]:
    """Ask Prefect to look at the version again, and return what to tell the person who waits for the page."""
    desk = frame.desk()

    def ask() -> str:
        api_url = os.environ.get("PREFECT_API_URL") or services.running(desk.settings.home)
        if api_url is None:
            raise ServiceFailed("Prefect", "no server runs", "Start one with `wardround up`")
        return promotions.nudge(api_url, desk.origins.get(name, name), version)

    asking = ThreadPoolExecutor(1, thread_name_prefix="wardround-nudge")
    try:
        return "approval.told", {"done": asking.submit(ask).result(PATIENCE)}
    except StillRunning:
        return "approval.told_asked", {}
    except ServiceFailed:
        return "approval.told_away", {}
    finally:
        asking.shutdown(wait=False)
