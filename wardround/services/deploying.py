"""Put what ``deployments/`` declares onto a Prefect server: the work pool, the deployments, the automations.

Doing it again changes nothing. What people changed in the UI stays: whether a schedule is active, its
parameters, and schedules of their own.
"""

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from wardround.errors import ServiceFailed, SettingsInvalid
from wardround.services.api import POOL, call, environment, prefect_home
from wardround.services.child import read
from wardround.settings import Settings

CODE = ("flows", "tasks")
RUNS_AT_ONCE = 2


def folder() -> Path:
    """Return the folder of the deployments, which stands beside the ``flows`` package in a checkout.

    Raises:
        SettingsInvalid: wardround was installed without it.
    """
    found = importlib.util.find_spec("flows")
    home = Path(found.origin).parent.parent / "deployments" if found and found.origin else Path("deployments")
    if not (home / "prefect.yaml").is_file():
        raise SettingsInvalid(
            "deployments/prefect.yaml",
            f"it is not at {home}: this installation lacks it, so install wardround from a checkout "
            "(`pip install --editable .`), or copy the folder there",
        )
    return home


def deploy(api_url: str, settings: Settings) -> tuple[str, ...]:
    """Bring the server at *api_url* to what ``deployments/`` says; return the deployments as ``flow/name``.

    When nothing changed since the last time on that server it costs one question instead of some seconds.

    Raises:
        ServiceFailed: the server refused, or a flow could not be loaded; the message holds what Prefect said.
        SettingsInvalid: there are no deployments to be found.
    """
    home = folder()
    ensure_pool(api_url)
    before = _deployments(api_url)
    memory = prefect_home(settings.home) / "deployed.json"
    told = settings.alerts is not None
    state = {"content": _fingerprint(home), "deployments": {d["id"]: _full_name(d) for d in before}, "told": told}
    known = read(memory)
    if before and known == state:
        return _names(before)
    declared = str(home / "prefect.yaml")
    finished = subprocess.run(
        (sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--prefect-file", declared, "--all"),
        env=environment(settings, api_url=api_url),
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        said = (finished.stdout + finished.stderr).strip()[-1500:]
        raise ServiceFailed("deploying the flows", said or "Prefect said nothing", f"Mend {declared}")
    after = _deployments(api_url)
    _keep_what_people_set(api_url, before, after)
    _automations(api_url, home)
    if told and not known.get("told"):  # once: whoever pauses it later has it paused
        _switch_on(api_url, after, "tell/tell")
    memory.parent.mkdir(parents=True, exist_ok=True)
    state["deployments"] = {d["id"]: _full_name(d) for d in after}
    memory.write_text(json.dumps(state))
    return _names(after)


def ensure_pool(api_url: str, *, limit: int | None = None) -> None:
    """Create the work pool that deployments and worker meet in; *limit*: how many runs it has at the same time.

    An existing pool keeps its template, which people may have changed, and without *limit* also how many.

    Raises:
        ServiceFailed: the server does not answer.
    """
    # the limit is the pool's, since a worker that has one dies when a run is resumed while its process still ends
    pools = call(f"{api_url}/work_pools/filter", {"work_pools": {"name": {"any_": [POOL]}}})
    if not pools:
        template = json.loads((folder() / "work-pools" / "process.json").read_text())
        wanted = {"base_job_template": template, "concurrency_limit": limit or RUNS_AT_ONCE}
        call(f"{api_url}/work_pools/", {"name": POOL, "type": "process", **wanted})
    elif limit is not None and pools[0]["concurrency_limit"] != limit:
        call(f"{api_url}/work_pools/{POOL}", {"concurrency_limit": limit}, method="PATCH")


def _deployments(api_url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(
        f"{api_url}/deployments/filter", {"work_pools": {"name": {"any_": [POOL]}}, "limit": 200}
    )
    flows = {flow["id"]: flow["name"] for flow in call(f"{api_url}/flows/filter", {"limit": 200})}
    for deployment in found:
        deployment["flow_name"] = flows.get(deployment["flow_id"], "")
    return found


def _full_name(deployment: dict[str, Any]) -> str:
    return f"{deployment['flow_name']}/{deployment['name']}"


def _names(deployments: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(_full_name(deployment) for deployment in deployments))


def _keep_what_people_set(api_url: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Give back the schedules' switches, parameters and additions that deploying has overwritten."""
    now = {_full_name(deployment): deployment for deployment in after}
    for old in before:
        new = now.get(_full_name(old))
        if new is None:
            continue
        declared = {schedule["slug"]: schedule for schedule in new["schedules"] if schedule["slug"]}
        ids = {schedule["id"] for schedule in new["schedules"]}
        for schedule in old["schedules"]:
            mine = {key: schedule[key] for key in ("active", "parameters")}
            place = f"{api_url}/deployments/{new['id']}/schedules"
            if schedule["slug"] in declared:
                known = declared[schedule["slug"]]
                if any(known[key] != value for key, value in mine.items()):
                    call(f"{place}/{known['id']}", mine, method="PATCH")
            elif not schedule["slug"] and schedule["id"] not in ids:
                call(place, [{"schedule": schedule["schedule"], **mine}])


def _automations(api_url: str, home: Path) -> None:
    """Create the automations of ``automations.json`` that the server does not know by name."""
    known = {automation["name"] for automation in call(f"{api_url}/automations/filter", {"limit": 200})}
    for automation in json.loads((home / "automations.json").read_text()):
        if automation["name"] not in known:
            call(f"{api_url}/automations/", automation)


def _fingerprint(home: Path) -> str:
    """Hash everything a deployment is made of: what is declared, and the flows with their parameters."""
    digest = hashlib.sha256()
    files = [home / "prefect.yaml", home / "automations.json"]
    for package in CODE:
        files += sorted((home.parent / package).glob("*.py"))
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _switch_on(api_url: str, deployments: list[dict[str, Any]], name: str) -> None:
    """Make the declared schedules of the deployment *name* active."""
    for deployment in deployments:
        if _full_name(deployment) == name:
            for schedule in deployment["schedules"]:
                place = f"{api_url}/deployments/{deployment['id']}/schedules/{schedule['id']}"
                call(place, {"active": True}, method="PATCH")
