"""A version asks to be champion: promoted, refused, or left waiting for the persons who have to approve it."""

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

from prefect import runtime
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL

from tasks.alerting import hand_over_if_possible
from tasks.policy import effect, say, world
from tasks.results import Settled
from wardround.domain import utc_now
from wardround.errors import ApprovalNeeded, PromotionRefused, ServiceFailed

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store
    from wardround.use_cases.base import UseCase

WAITS = "wardround.run.waits"


@effect("may {version:.12} be champion of {use_case}")
def settle_version(use_case: str, version: str, cause: str) -> Settled:
    """Promote *version* if its verdict, the use case and the approvals allow it now; else say what it waits for."""
    from wardround import promotion, registry
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    full = registry.load(store, chosen.name, version).version
    serving = registry.champion(store, chosen.name)
    if serving is not None and serving.version == full:
        return _settled(chosen, full, "promoted", "is the champion")
    try:
        promotion.promote(chosen, full, store=store, settings=settings, reason=cause, now=utc_now())
    except ApprovalNeeded as needed:
        return _settled(chosen, full, "waits", f"waits for {needed.missing}", needed.refused)
    except PromotionRefused as refusal:
        outcome = "rejected" if _is_rejected(chosen, full, store, settings) else "refused"
        return _settled(chosen, full, outcome, f"was not promoted: {'; '.join(refusal.reasons)}")
    return _settled(chosen, full, "promoted", "is the champion now")


@effect("ask the approvers about {settled.version:.12}")
def ask_people(use_case: str, settled: Settled) -> None:
    """Tell the approvers, once, that *settled* waits for one of them."""
    from wardround import alerts, approvals
    from wardround.use_cases import load

    settings, store = world()
    standing = approvals.standing(load(use_case), settled.version, store=store, settings=settings, now=utc_now())
    alerts.ask_for_approval(store, standing, now=utc_now())
    hand_over_if_possible(settings, store)


@effect("who else waits for {settled.version:.12}")
def waits_already(settled: Settled) -> bool:
    """Whether an earlier run waits for the same version, so that this one need not."""
    from wardround.services import promotions

    me = str(runtime.flow_run.id)
    alive = promotions.runs(_api_url(), settled.version)
    earlier = alive[: next((place for place, run in enumerate(alive) if run["id"] == me), len(alive))]
    if earlier:
        say(f"the run {earlier[0]['name']!r} waits for it already")
    return bool(earlier)


@effect("wake whoever waits for {settled.version:.12}")
def wake_the_others(settled: Settled) -> None:
    """Let other runs that wait for the same version look again, now that it is settled."""
    from wardround.services import promotions

    for run in promotions.runs(_api_url(), settled.version):
        if run["state"]["type"] == "PAUSED" and run["id"] != str(runtime.flow_run.id):
            promotions.resume(_api_url(), run["id"])


@effect("look after the approvals of {use_case}")
def resume_promotions(use_case: str) -> tuple[str, ...]:
    """Let runs go on whose version waits for nobody any more, and start one for what waits, or was approved, without.

    The review desk does so at once when an approval is given; this finds what it could not tell Prefect, and
    approvals that were asked for by an event that was lost. Returns a sentence for each run.
    """
    from wardround import approvals
    from wardround.services import promotions
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    waiting = {each.version for each in approvals.waiting(chosen, store=store, settings=settings, now=utc_now())}
    runs = [run for run in promotions.runs(_api_url()) if _is_about(run, chosen)]
    alive = {run["parameters"]["version"] for run in runs}
    done = []
    for run in runs:
        if run["state"]["type"] == "PAUSED" and run["parameters"]["version"] not in waiting:
            promotions.resume(_api_url(), run["id"])
            done.append(f"the run {run['name']!r} goes on")
    for version in (waiting | _approved(chosen, store, settings)) - alive:
        with contextlib.suppress(ServiceFailed):  # a server without the deployments, as a single command has it
            run = promotions.start(_api_url(), use_case, version, cause="a round found it waiting")
            done.append(f"the run {run['name']!r} was started")
    for sentence in done:
        say(sentence)
    return tuple(done)


def may_be_resumed() -> bool:
    """Whether a suspended run could go on: only a deployment's can, one that a command made ends instead."""
    return runtime.deployment.id is not None


def about_to_wait() -> str:
    """Say good-bye to whoever listens for this run's heartbeat, and return a key no suspension had before.

    Prefect's own event of the suspension is looked at up to 15 minutes late when the server was restarted not long
    before, and the waiting run would be taken for dead. A second suspension with the same key is passed over.
    """
    emit_event(event=WAITS, resource={"prefect.resource.id": f"prefect.flow-run.{runtime.flow_run.id}"})
    EventsWorker.instance().wait_until_empty()
    return str(uuid.uuid4())


def _is_about(run: dict[str, Any], use_case: "UseCase") -> bool:
    from wardround.errors import WardroundError
    from wardround.use_cases import load

    try:
        return load(run["parameters"].get("use_case", "")).name == use_case.name
    except WardroundError:
        return False


def _approved(use_case: "UseCase", store: "Store", settings: "Settings") -> set[str]:
    """Return the versions that persons have approved against the present champion and nobody has promoted yet."""
    from wardround import approvals, registry

    serving = registry.champion(store, use_case.name)
    champion, found = serving.version if serving else None, set()
    for version in {key.split("/")[2] for key in store.keys(f"approvals/{use_case.name}/")} - {champion}:
        if any(
            each.champion == champion and each.expires_at > utc_now()
            for each in approvals.of(store, use_case.name, version)
        ):
            with contextlib.suppress(PromotionRefused):
                if approvals.standing(use_case, version, store=store, settings=settings, now=utc_now()).allowed:
                    found.add(version)
    return found


def _is_rejected(use_case: "UseCase", version: str, store: "Store", settings: "Settings") -> bool:
    from wardround import approvals

    with contextlib.suppress(PromotionRefused):
        standing = approvals.standing(use_case, version, store=store, settings=settings, now=utc_now())
        return standing.rejected is not None
    return False


def _settled(use_case: "UseCase", version: str, outcome: str, sentence: str, refused: tuple[str, ...] = ()) -> Settled:
    say(f"{version} {sentence}")
    return Settled(use_case=use_case.name, version=version, outcome=outcome, sentence=sentence, refused=refused)  # type: ignore[arg-type]


def _api_url() -> str:
    return str(PREFECT_API_URL.value())
