"""What automations and people are told of a round and a verdict: events, and artifacts in the Prefect UI."""

import base64
import time
import uuid
from typing import TYPE_CHECKING

from prefect import runtime
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.events import Event, emit_event
from prefect.events.worker import EventsWorker

from tasks.logbook import log_line, slug, tell
from tasks.policy import effect, say, world
from tasks.results import Judged, Trained, Visited
from wardround.domain import Decision, Verdict, from_json
from wardround.errors import ServiceFailed

if TYPE_CHECKING:
    from wardround.evaluation.calibration import CalibrationPoint
    from wardround.use_cases.base import UseCase

RETRAIN = "wardround.decision.retrain"
APPROVE = "wardround.approval.requested"
LAST_ROUNDS = 12


@effect("send the event: retrain {visited.use_case}")
def send_retrain_event(use_case: str, visited: Visited) -> str:
    """Tell Prefect that a round decided to retrain, and make sure it has heard; return the event's id.

    The event's id belongs to the decision and the sending run: trying again is one event, a later round that finds
    the decision still pending sends another. A lost event is no lost decision.

    Raises:
        ServiceFailed: Prefect did not confirm the event; the decision stays pending.
    """
    payload = {
        "batch": visited.batch, "champion": visited.champion, "cause": visited.cause,
        "decision_key": visited.decision_key,
    }  # fmt: skip
    sent = _send(RETRAIN, visited.use_case, visited.decision_key, {"use_case": use_case, **payload})
    say(f"the event {RETRAIN} is with Prefect: {visited.cause}")
    return sent


@effect("send the event: {trained.version:.12} waits for a person")
def send_approval_event(use_case: str, trained: Trained, cause: str) -> str:
    """Tell Prefect that a version waits for a person, and make sure it has heard; return the event's id.

    Raises:
        ServiceFailed: Prefect did not confirm the event; the next round finds the version waiting.
    """
    payload = {"version": trained.version, "cause": cause, "verdict_key": trained.verdict_key}
    sent = _send(APPROVE, trained.use_case, trained.verdict_key, {"use_case": use_case, **payload})
    say(f"the event {APPROVE} is with Prefect: {trained.version} waits for a person")
    return sent


def _send(name: str, use_case: str, about: str, payload: dict[str, str | None]) -> str:
    """Send an event whose id belongs to what it is *about* and to this run, and wait until Prefect has it."""
    event_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{about} {runtime.flow_run.id}")
    event = emit_event(
        event=name,
        resource={"prefect.resource.id": f"wardround.use-case.{use_case}", "prefect.resource.name": use_case},
        payload=payload,
        id=event_id,
    )
    if event is None or not _arrived(event):
        raise ServiceFailed(
            "Prefect", f"it did not confirm the event {name}",
            "What asked for it is kept in the store, and the next round sends it again",
        )  # fmt: skip
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
def show_decision(use_case: str, visited: Visited) -> None:
    """Write the decision and its readings for the people on duty, and the outcome behind the run's name."""
    from wardround.monitoring.logbook import look_closer, outcome_of
    from wardround.monitoring.story import decision_markdown, readings_table

    settings, store = world()
    decision = from_json(Decision, store.get(visited.decision_key))
    key = f"round-{slug(decision.use_case)}"
    told = f"{decision.label}: {outcome_of(decision)}"
    closer = look_closer(
        settings.desk_url, f"use-cases/{decision.use_case}/rounds/{decision.batch}/{decision.champion or 'none'}",
        f"wardround report {decision.label} --use-case {use_case}",
    )  # fmt: skip
    tell(decision_markdown(decision, closer=closer), key=key, description=told)
    create_table_artifact(readings_table(decision), key=f"{key}-readings", description=told)
    log_line(outcome_of(decision))


@effect("draw the last rounds")
def show_pictures(use_case: str, visited: Visited) -> None:
    """Draw drift, calibration and performance over the last rounds, inside the page: it needs no other server."""
    from wardround.monitoring import pictures
    from wardround.monitoring.calibrating import calibration_of_batch
    from wardround.monitoring.rounds import decisions
    from wardround.use_cases import load

    settings, store = world()
    rounds = decisions(store, visited.use_case)[-LAST_ROUNDS:]
    metrics = {r.column for each in rounds for r in each.readings if r.kind == "estimated performance" and r.column}
    pages = [_picture(pictures.drift_heat_map(rounds), pictures.drift_heat_map_alt(rounds))]
    pages += [
        _picture(pictures.performance_over_time(rounds, metric), pictures.performance_over_time_alt(rounds, metric))
        for metric in sorted(metrics)
    ]
    if visited.champion is not None:
        chosen = load(use_case)
        points = calibration_of_batch(
            chosen, visited.batch, visited.champion, store=store, small_cell=settings.small_cell
        )
        pages.append(_calibration(chosen, points))
    told = f"the last {len(rounds)} rounds" if len(rounds) > 1 else "the first round"
    tell("\n\n".join(pages), key=f"pictures-{slug(visited.use_case)}", description=told)


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
        store.link(key), link_text=f"Report of {decision.label}", key=f"report-{slug(decision.use_case)}",
        description=told,
    )  # fmt: skip


@effect("show the verdict")
def show_verdict(use_case: str, judged: Judged) -> None:
    """Write the verdict with every criterion, and how far the model's own figures hold."""
    from wardround.monitoring.calibrating import calibration_of_version
    from wardround.monitoring.story import verdict_markdown
    from wardround.use_cases import load

    settings, store = world()
    verdict = from_json(Verdict, store.get(judged.verdict_key))
    chosen = load(use_case)
    points = calibration_of_version(chosen, judged.version, store=store, small_cell=settings.small_cell)
    curve = _calibration(chosen, points)
    told = f"{judged.version}: {'passed' if judged.passed else 'not passed'}"
    tell(f"{verdict_markdown(verdict)}\n\n{curve}", key=f"gate-{slug(judged.use_case)}", description=told)


def _calibration(use_case: "UseCase", points: "tuple[CalibrationPoint, ...]") -> str:
    """Draw whether the answers hold, where they are numbers to be held against an outcome."""
    from wardround.monitoring import pictures
    from wardround.problems import problem_of

    problem = problem_of(use_case)
    if not problem.scalar:
        return ""
    title = "Do the probabilities hold?" if problem.two_classes else "Do the predicted values hold?"
    return _picture(pictures.calibration_curve(points, title=title), pictures.calibration_curve_alt(points))


def _picture(png: bytes, alt: str) -> str:
    words = " ".join(alt.replace("[", "(").replace("]", ")").split())
    return f"![{words}](data:image/png;base64,{base64.b64encode(png).decode()})\n\n{words}"
