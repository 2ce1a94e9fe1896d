"""What people and automations are told: events, and artifacts in the Prefect UI. Aggregates only."""

import base64
import time
import uuid

from prefect import runtime
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.events import Event, emit_event
from prefect.events.worker import EventsWorker

from tasks.policy import effect, say, world
from tasks.results import Judged, Visited
from wardround.domain import Decision, Verdict, from_json
from wardround.errors import ServiceFailed

RETRAIN = "wardround.decision.retrain"
LAST_ROUNDS = 12


@effect("send the event: retrain {visited.use_case}")
def send_retrain_event(use_case: str, visited: Visited) -> str:
    """Tell Prefect that a round decided to retrain, and make sure it has heard; return the event's id.

    The event's id belongs to the decision and the sending run: trying again is one event, a later round that finds
    the decision still pending sends another. A lost event is no lost decision.

    Raises:
        ServiceFailed: Prefect did not confirm the event; the decision stays pending.
    """
    event_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{visited.decision_key} {runtime.flow_run.id}")
    event = emit_event(
        event=RETRAIN,
        resource={
            "prefect.resource.id": f"wardround.use-case.{visited.use_case}",
            "prefect.resource.name": visited.use_case,
        },
        payload={
            "use_case": use_case,
            "batch": visited.batch,
            "champion": visited.champion,
            "cause": visited.cause,
            "decision_key": visited.decision_key,
        },
        id=event_id,
    )
    if event is None or not _arrived(event):
        raise ServiceFailed(
            "Prefect", "it did not confirm the event that asks for retraining",
            "The decision stays pending and the next round sends it again",
        )  # fmt: skip
    say(f"the event {RETRAIN} is with Prefect: {visited.cause}")
    return str(event_id)


def _arrived(event: Event) -> bool:
    """Flush the event out of this process, then ask the server for it."""
    EventsWorker.instance().wait_until_empty()
    wanted = {"filter": {"id": {"id": [str(event.id)]}}}
    with get_client(sync_client=True) as client:
        for attempt in range(20):
            found = client.request("POST", "/events/filter", json=wanted).json()
            if found["events"]:
                return True
            time.sleep(0.05 * (attempt + 1))
    return False


@effect("show the decision")
def show_decision(visited: Visited) -> None:
    """Write the decision, its readings and its picture for the people on duty."""
    from wardround.monitoring.story import decision_markdown, readings_table

    _, store = world()
    decision = from_json(Decision, store.get(visited.decision_key))
    key = f"round-{_slug(decision.use_case)}"
    told = f"{decision.label}: {decision.action.value}"
    create_markdown_artifact(decision_markdown(decision), key=key, description=told)
    create_table_artifact(readings_table(decision), key=f"{key}-readings", description=told)


@effect("draw the last rounds")
def show_pictures(visited: Visited) -> None:
    """Draw drift and performance over the last rounds, inside the page itself so that it needs no other server."""
    from wardround.monitoring.pictures import (
        drift_heat_map,
        drift_heat_map_alt,
        performance_over_time,
        performance_over_time_alt,
    )
    from wardround.monitoring.rounds import decisions

    _, store = world()
    rounds = decisions(store, visited.use_case)[-LAST_ROUNDS:]
    metrics = {r.column for each in rounds for r in each.readings if r.kind == "estimated performance" and r.column}
    pages = [_picture(drift_heat_map(rounds), drift_heat_map_alt(rounds))]
    pages += [
        _picture(performance_over_time(rounds, metric), performance_over_time_alt(rounds, metric))
        for metric in sorted(metrics)
    ]
    told = f"the last {len(rounds)} rounds"
    create_markdown_artifact("\n\n".join(pages), key=f"pictures-{_slug(visited.use_case)}", description=told)


def _picture(png: bytes, alt: str) -> str:
    words = " ".join(alt.replace("[", "(").replace("]", ")").split())
    return f"![{words}](data:image/png;base64,{base64.b64encode(png).decode()})\n\n{words}"


@effect("write the full report")
def show_report(use_case: str, visited: Visited) -> None:
    """Write the full report beside the decision and link to it; the link is good for a week, the report for ever."""
    from wardround.monitoring.report import write_report
    from wardround.use_cases import load

    settings, store = world()
    decision = from_json(Decision, store.get(visited.decision_key))
    key = write_report(load(use_case), decision, store=store, settings=settings)
    told = f"{decision.label}, for a week; later: wardround report {decision.label} --use-case {use_case}"
    create_link_artifact(
        store.link(key), link_text=f"Report of {decision.label}", key=f"report-{_slug(decision.use_case)}",
        description=told,
    )  # fmt: skip


@effect("show the verdict")
def show_verdict(judged: Judged) -> None:
    """Write the verdict with every criterion for the people on duty."""
    from wardround.monitoring.story import verdict_markdown

    _, store = world()
    verdict = from_json(Verdict, store.get(judged.verdict_key))
    told = f"{judged.version}: {'passed' if judged.passed else 'not passed'}"
    create_markdown_artifact(verdict_markdown(verdict), key=f"gate-{_slug(judged.use_case)}", description=told)


def _slug(name: str) -> str:
    return name.replace("_", "-")
