"""Runs whose process died: marked, their orphans ended, and made again; every step finds what was done before it."""

import contextlib
import os
import signal
from pathlib import Path

from wardround.services.api import POOL, call

MOST_ATTEMPTS = 3
"""A run that died so often would die again: a person has to look (too little memory, for example)."""


def release(api_url: str) -> None:
    """Take up what a worker of this machine left behind when it died: runs that look alive and hold their turn.

    Their processes, which may live on, are ended; the runs are marked and made again. One that a person wanted
    cancelled is cancelled.

    Raises:
        ServiceFailed: the server does not answer.
    """
    dead = {
        "work_pools": {"name": {"any_": [POOL]}},
        "flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}},
    }
    for run in call(f"{api_url}/flow_runs/filter", dead):
        _end_processes_of(run["id"])
        if run["state"]["type"] == "CANCELLING":
            _set_state(api_url, run["id"], "CANCELLED", "Cancelled", "its worker was stopped while it was cancelled")
        else:
            _set_state(api_url, run["id"], "CRASHED", "Crashed", "its worker was stopped")
            make_again(api_url, run["id"])


def make_again(api_url: str, run: str) -> bool:
    """Put the crashed run with the id *run* into the queue again; False: it did not crash, or it did too often.

    Raises:
        ServiceFailed: there is no such run, or the server does not answer.
    """
    known = call(f"{api_url}/flow_runs/{run}")
    if known["state"]["type"] != "CRASHED" or known["run_count"] >= MOST_ATTEMPTS:
        return False
    said = f"its process died; what it had done is found again (attempt {known['run_count'] + 1} of {MOST_ATTEMPTS})"
    return _set_state(api_url, run, "SCHEDULED", "AwaitingRetry", said)


def _set_state(api_url: str, run: str, kind: str, name: str, message: str) -> bool:
    state = {"type": kind, "name": name, "message": message}
    answer = call(f"{api_url}/flow_runs/{run}/set_state", {"state": state})
    return bool(answer["status"] == "ACCEPT")


def _end_processes_of(run: str) -> None:
    """Kill what still works for the run with the id *run* on this machine: its worker cannot look after it any more."""
    mark = f"PREFECT__FLOW_RUN_ID={run}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
            if mark in (place / "environ").read_bytes().split(b"\0"):
                os.kill(int(place.name), signal.SIGKILL)
