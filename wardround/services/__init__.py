"""The local Prefect: server and worker as supervised child processes, and the deployments on them.

Prefect itself is never imported here: it runs in its own processes and is talked to over its HTTP API.
"""

from pathlib import Path

from wardround.processes import Supervisor, free_port
from wardround.services.api import environment, prefect_home, quiet, require
from wardround.services.child import end, is_alive, read
from wardround.services.deploying import deploy
from wardround.services.desk import DeskServer
from wardround.services.server import PrefectServer, running
from wardround.services.worker import Ready, Worker, deploy_in_background

__all__ = [
    "DeskServer",
    "PrefectServer",
    "Ready",
    "Supervisor",
    "Worker",
    "deploy",
    "deploy_in_background",
    "environment",
    "free_port",
    "quiet",
    "require",
    "running",
    "stop_detached",
]


def stop_detached(home: Path) -> tuple[str, ...]:
    """End the desk, worker and server that were started detached on *home*; return the names of those that ran."""
    ended = []
    for name in ("desk", "worker", "server"):
        known = read(prefect_home(home) / f"{name}.json")
        if known.get("detached") and is_alive(known):
            end(known)
            ended.append(name)
    return tuple(ended)
