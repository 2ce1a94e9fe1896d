"""Models at work: scoring, reading a batch, deciding, and remembering what was done about it."""

from datetime import datetime
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client

from tasks.policy import effect, say, world
from tasks.results import Scored, Trained, Visited
from wardround.domain import Action, Decision, from_json, utc_now
from wardround.errors import NoChampion, NotFound, RetrainingNotAsked

if TYPE_CHECKING:
    from wardround.store import Store


@effect("score {batch:.12}")
def score_batch(use_case: str, batch: str) -> Scored:
    """Score the accepted rows of *batch* with the champion; predictions that exist are left as they are."""
    from wardround import batches
    from wardround.scoring import score
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    found = batches.load(store, chosen.name, batch)
    done = score(chosen, found, store=store, settings=settings, now=utc_now())
    return Scored(
        use_case=chosen.name, batch=found.id, version=done.version, key=done.key, rows=done.rows, new=done.new
    )


@effect("monitor {batch:.12}")
def monitor_batch(use_case: str, batch: str, as_of: datetime | None) -> Visited:
    """Read *batch* against the champion's reference profile and write one decision with its reasons.

    *as_of* is the moment the visit stands for (None: now).
    """
    from wardround import batches
    from wardround.monitoring.visit import monitor
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    found = batches.load(store, chosen.name, batch)
    now = utc_now()
    decision = monitor(chosen, found, store=store, settings=settings, now=now, as_of=as_of or now)
    return _visited(decision)


@effect("who serves {use_case}")
def require_champion(use_case: str) -> str:
    """Return the champion's version.

    Raises:
        NoChampion: there is none yet, so there is nothing to score or watch.
    """
    from wardround import registry
    from wardround.use_cases import load

    _, store = world()
    name = load(use_case).name
    champion = registry.champion(store, name)
    if champion is None:
        raise NoChampion(name)
    return champion.version


@effect("what is pending for {use_case}")
def pending_decisions(use_case: str) -> tuple[Visited, ...]:
    """Return the decisions to retrain that nobody acted on and no run is about to: their event was lost."""
    from wardround.monitoring.rounds import pending
    from wardround.use_cases import load

    _, store = world()
    under_way = _batches_under_way()
    found = (_visited(decision) for decision in pending(store, load(use_case).name))
    return tuple(decided for decided in found if decided.batch not in under_way)


def _batches_under_way() -> set[str]:
    """Return the batches whose retraining is running or in the queue."""
    wanted = {
        "flows": {"name": {"any_": ["retrain"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
    }
    with get_client(sync_client=True) as client:
        return {
            run["parameters"].get("batch") for run in client.request("POST", "/flow_runs/filter", json=wanted).json()
        }


@effect("find the decision about {batch:.12}")
def find_decision(use_case: str, batch: str, champion: str | None) -> Visited:
    """Return the decision about *batch* under *champion* (None: the one that serves).

    Raises:
        NotFound: no such decision was made.
        RetrainingNotAsked: the decision is another one; broken data never starts training.
    """
    from wardround import batches, registry
    from wardround.use_cases import load

    _, store = world()
    name = load(use_case).name
    found = batches.load(store, name, batch)
    if champion is None and (serving := registry.champion(store, name)) is not None:
        champion = serving.version
    key = f"rounds/{name}/{found.id}/{champion or 'none'}/decision.json"
    if not store.exists(key):
        raise NotFound(
            f"decision about {found.label} under the champion", champion or "none",
            f"Make one first: `wardround monitor {found.label} --use-case {use_case}`",
        )  # fmt: skip
    decision = from_json(Decision, store.get(key))
    if decision.action not in (Action.RETRAIN, Action.RETRAIN_WITH_HUMAN):
        raise RetrainingNotAsked(found.label, decision.action.value, decision.cause.value)
    return _visited(decision)


@effect("is retraining still due")
def why_not_retrain(visited: Visited) -> str | None:
    """Return why the decision needs no retraining any more, or None when it still does."""
    from wardround import registry
    from wardround.monitoring.rounds import retraining_of

    _, store = world()
    if retraining_of(store, from_json(Decision, store.get(visited.decision_key))) is not None:
        reason = "this decision was acted on already"
    elif (promoted := _came_of(store, visited)) is not None:  # a former attempt died before it could note so
        reason = f"{promoted}, which was trained because of it, is the champion now"
    elif (serving := registry.champion(store, visited.use_case)) is None or serving.version != visited.champion:
        reason = f"{visited.champion}, which it is about, does not serve any more; the next round looks at the new one"
    else:
        return None
    say(f"nothing is trained: {reason}")
    return reason


@effect("remember what became of the decision")
def remember_retraining(visited: Visited, trained: Trained | None, sentence: str) -> None:
    """Note what became of the decision, so that no later round acts on it again."""
    from wardround.monitoring.rounds import record_retraining

    settings, store = world()
    promoted = _came_of(store, visited)
    record_retraining(
        store,
        from_json(Decision, store.get(visited.decision_key)),
        version=trained.version if trained else promoted,
        promoted=trained.promoted if trained else promoted is not None,
        sentence=sentence,
        actor=settings.actor,
        now=utc_now(),
    )


def _came_of(store: "Store", visited: Visited) -> str | None:
    """Return the champion if it was trained because of this decision: for its cause, on its batch."""
    from wardround import registry

    serving = registry.champion(store, visited.use_case)
    if serving is None:
        return None
    model = registry.load(store, visited.use_case, serving.version)
    mine = model.parent == visited.champion and model.cause == visited.cause and visited.batch in model.batches
    return serving.version if mine else None


def _visited(decision: Decision) -> Visited:
    return Visited(
        use_case=decision.use_case,
        batch=decision.batch,
        champion=decision.champion,
        decision_key=decision.key,
        action=decision.action.value,
        cause=decision.cause.value,
        retraining_due=decision.action is Action.RETRAIN and not decision.in_cool_down,
    )
