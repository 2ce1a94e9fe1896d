"""In a round the worker dies, the Prefect server dies, S3 is away for a minute: it ends right and is told once."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wardround import batches, ledger, registry, services
from wardround.alerts import tickets
from wardround.cli.visits.heart_disease import deliver
from wardround.domain import Action
from wardround.local import EmbeddedS3
from wardround.monitoring.rounds import decisions, retraining_of
from wardround.services.api import call
from wardround.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
S3_DOWN = 60.0
MINE = """
from dataclasses import replace

from wardround.use_cases.base import Candidate
from wardround.use_cases.heart_disease import USE_CASE as HEART

USE_CASE = replace(HEART, candidates=(Candidate(family="logistic", parameters={"C": 0.1}),))
"""
ALERTS = """
[[sinks]]
name = "ward"
kind = "webhook"
url = "{url}"
"""


@pytest.fixture
def pager() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server that keeps every message it is sent: its address, and the messages."""
    told: list[dict[str, Any]] = []

    class Pager(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pager)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", told
    server.shutdown()
    server.server_close()


def until(what: Callable[[], Any], patience: float = 600.0) -> Any:
    """Return what *what* gives as soon as it gives something."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    pytest.fail("it did not come")


def test_worker_server_and_store_die_in_a_round_and_people_are_told_once(tmp_path: Path, pager, monkeypatch) -> None:
    url, told = pager
    use_case = tmp_path / "heart.py"
    use_case.write_text(MINE)
    (tmp_path / "alerts.toml").write_text(ALERTS.format(url=url))
    home = tmp_path / "home"
    for name in [name for name in os.environ if name.startswith(("WARDROUND_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WARDROUND_HOME", str(home))
    monkeypatch.setenv("WARDROUND_ALERTS", str(tmp_path / "alerts.toml"))
    settings = Settings()
    inbox = {delivery.label: delivery.path for delivery in deliver(tmp_path / "inbox", Settings())}
    with EmbeddedS3(home, durable=False) as s3, services.Supervisor() as supervisor:
        store = s3.store
        server = supervisor.add(services.PrefectServer(home, port=services.free_port()))
        services.deploy(server.api_url, settings)
        worker = supervisor.add(services.Worker(server.api_url, settings))

        def run(flow: str, **parameters: object) -> str:
            deployment = call(f"{server.api_url}/deployments/name/{flow}/{flow}")["id"]
            place = f"{server.api_url}/deployments/{deployment}/create_flow_run"
            return str(call(place, {"parameters": parameters})["id"])

        def state(run: str) -> str:
            return str(call(f"{server.api_url}/flow_runs/{run}")["state"]["type"])

        def done(run: str) -> bool:
            now = state(run)
            assert now not in ("FAILED", "CANCELLED"), call(f"{server.api_url}/flow_runs/{run}")["state"]
            return now == "COMPLETED"

        first = run("ingest", use_case=str(use_case), source=str(inbox["cleveland"]), label="cleveland")
        until(lambda: done(first))
        first = run("train", use_case=str(use_case))
        until(lambda: done(first))
        before = registry.champion(store, "heart_disease")
        assert before is not None

        visit = run("round", use_case=str(use_case), source=str(inbox["hungary"]), label="hungary")
        until(lambda: len(batches.listing(store, "heart_disease")) == 2)  # in the middle of it
        for service in (worker, server):
            assert service.process is not None
            os.kill(service.process.pid, signal.SIGKILL)
            service.process.wait()
        server.ensure_alive()
        worker.ensure_alive()
        until(lambda: state(visit) == "RUNNING")
        endpoint = json.loads((home / "s3" / "run" / "endpoint.json").read_text())
        os.kill(endpoint["pid"], signal.SIGKILL)
        time.sleep(S3_DOWN)
        s3.ensure_alive()
        until(lambda: done(visit))

        [decision] = decisions(store, "heart_disease")
        assert decision.action is Action.RETRAIN
        record = until(lambda: retraining_of(store, decision))
        assert record.promoted, record.sentence
        serving = registry.champion(store, "heart_disease")
        assert serving is not None
        assert serving.version == record.version != before.version
        acts = Counter(entry.act for entry in ledger.entries(store))
        assert set(acts.values()) == {1}
        assert ledger.verify(store).intact
        assert [ticket.cause for ticket in tickets.listing(store)] == [decision.cause.value]
        telling = run("tell")
        until(lambda: done(telling))
        assert len(told) == 1, told
