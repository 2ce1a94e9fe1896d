"""The flow runs in which a version waits to be promoted: found, resumed, started, over Prefect's HTTP API."""

from pathlib import PurePosixPath
from typing import Any

from wardround.errors import ServiceFailed
from wardround.services.api import call

FLOW = "promote"
DEPLOYMENT = f"{FLOW}/{FLOW}"
_ALIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED")


def nudge(api_url: str, use_case: str, version: str, *, cause: str = "an approval was given") -> str:
    """Let Prefect look again whether *version* may be promoted, and return in a sentence what was done.

    Resumes the suspended run of that version; where none is suspended and none is about to look, starts one.
    *use_case* is a name or a path that the worker can load. Doing it twice is harmless.

    Raises:
        ServiceFailed: Prefect does not answer, or the flow is not deployed there. The next round looks as well, so
            nothing is lost.
    """
    api_url = api_url.rstrip("/")
    alive = runs(api_url, version)
    for run in alive:
        if run["state"]["type"] == "PAUSED" and resume(api_url, run["id"]):
            return f"the run {run['name']!r} goes on"
    # a run that is looking just now may have looked before the approval was there, so it is no reason not to start
    if (coming := next((run for run in alive if run["state"]["type"] in ("SCHEDULED", "PENDING")), None)) is not None:
        return f"the run {coming['name']!r} is about to look"
    started = start(api_url, use_case, version, cause=cause)
    return f"the run {started['name']!r} was started"


def runs(api_url: str, version: str | None = None) -> list[dict[str, Any]]:
    """Return the runs of the flow that are not over (those of *version* if given), the oldest first."""
    found: list[dict[str, Any]] = call(
        f"{api_url}/flow_runs/filter",
        {
            "flows": {"name": {"any_": [FLOW]}},
            "flow_runs": {"state": {"type": {"any_": list(_ALIVE)}}, "deployment_id": {"is_null_": False}},
            "limit": 200,
        },
    )
    mine = [run for run in found if version is None or run["parameters"].get("version") == version]
    return sorted(mine, key=lambda run: (run["created"], run["id"]))


def resume(api_url: str, run: str) -> bool:
    """Resume the suspended run with the id *run*; False when it is not suspended any more."""
    answer = call(f"{api_url}/flow_runs/{run}/resume", {})
    return bool(answer["status"] == "ACCEPT")


def start(api_url: str, use_case: str, version: str, *, cause: str) -> dict[str, Any]:
    """Start a run for *version* and return it.

    Raises:
        ServiceFailed: the flow is not deployed there, or Prefect does not answer.
    """
    try:
        deployment = call(f"{api_url}/deployments/name/{DEPLOYMENT}")["id"]
    except ServiceFailed as failure:
        raise ServiceFailed(
            "Prefect", f"the deployment {DEPLOYMENT} was not found ({failure.detail})",
            "Deploy the flows with `wardround up`; the next round promotes what is approved",
        ) from None  # fmt: skip
    wanted = {
        "name": f"promotion in {PurePosixPath(use_case).stem}: {version}",
        "parameters": {"use_case": use_case, "version": version, "cause": cause},
    }
    run: dict[str, Any] = call(f"{api_url}/deployments/{deployment}/create_flow_run", wanted)
    return run
