"""A run that failed tells its story too, and the people on duty hear of it where nobody was watching."""

import logging
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from tasks.alerting import hand_over_if_possible
from tasks.policy import world
from wardround.domain import utc_now
from wardround.errors import BatchRefused, WardroundError
from wardround.unexpected import withheld

WATCHED = ("ingest", "score")
"""Flows a person starts and waits for; of any other one that fails in a deployment the people on duty are told."""


def tell_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Write why *flow_run* failed and what to do, and open a ticket where nobody was watching.

    For ``on_failure`` of a flow. It never raises: what cannot be told stands in the run's log.
    """
    error = state.result(raise_on_failure=False)
    if not isinstance(error, Exception) or isinstance(error, BatchRefused):  # a refused batch has told its story
        return
    log = flow_run_logger(flow_run, flow)
    try:
        _tell(flow, flow_run, error)
        if flow_run.deployment_id is not None and flow.name not in WATCHED:
            _open_ticket(flow, flow_run, error, log)
    except Exception as trouble:
        log.warning("nobody was told of this failure: %s", withheld(trouble))


def _tell(flow: Flow[..., Any], run: FlowRun, error: Exception) -> None:
    from wardround.monitoring import logbook

    page = logbook.failure_story(flow.name, error if isinstance(error, WardroundError) else withheld(error))
    artifact = {
        "type": "markdown", "key": f"failed-{flow.name}", "data": page, "description": f"{run.name}: failed",
        "flow_run_id": str(run.id),
    }  # fmt: skip
    with get_client(sync_client=True) as client:
        client.request("POST", "/artifacts/", json=artifact)


def _open_ticket(
    flow: Flow[..., Any], run: FlowRun, error: Exception, log: "logging.LoggerAdapter[logging.Logger]"
) -> None:
    from wardround import alerts
    from wardround.use_cases import load

    settings, store = world()
    name = load(str(run.parameters.get("use_case", ""))).name
    ticket = alerts.report_failure(store, use_case=name, work=flow.name, error=error, now=utc_now())
    log.info("ticket %s: %s", ticket.id, ticket.headline)
    hand_over_if_possible(settings, store)
