"""Scheduled visits on a real server: a missed hour, a late worker, a paused schedule."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from wardround import services
from wardround.services.api import call
from wardround.settings import Settings

pytestmark = [pytest.mark.slow]
PATIENCE = 180.0


@pytest.fixture
def hospital(settings, migrated_home) -> Iterator[tuple[services.PrefectServer, Settings]]:
    """A server of its own with everything deployed, no worker yet, and the test's own store."""
    place = settings.model_copy(
        update={"home": migrated_home, "pseudonym_key": SecretStr("for tests, and no more" * 2)}
    )
    server = services.PrefectServer(migrated_home, port=services.free_port()).start()
    try:
        services.deploy(server.api_url, place)
        yield server, place
    finally:
        server.stop()


def until(found: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.5)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


class Hourly:
    """An hourly schedule of the deployment `tell` whose next visit is due at *due*."""

    def __init__(self, server: services.PrefectServer, due: datetime):
        self.server, self.due = server, due
        self.deployment = call(f"{server.api_url}/deployments/name/tell/tell")["id"]
        every = {"interval": 3600, "anchor_date": due.isoformat()}
        made = call(
            f"{server.api_url}/deployments/{self.deployment}/schedules",
            [{"active": True, "schedule": every, "slug": "hourly"}],
        )
        self.place = f"{server.api_url}/deployments/{self.deployment}/schedules/{made[0]['id']}"

    def runs(self) -> list[dict[str, Any]]:
        wanted = {"deployments": {"id": {"any_": [self.deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return call(f"{self.server.api_url}/flow_runs/filter", wanted)

    def visit(self) -> dict[str, Any] | None:
        """The run of the hour that is due first."""
        at = [run for run in self.runs() if abs(datetime.fromisoformat(run["expected_start_time"]) - self.due) < SECOND]
        assert len(at) <= 1, "one hour, one visit"
        return at[0] if at else None

    def state(self) -> str:
        visit = self.visit()
        return visit["state"]["name"] if visit else ""


SECOND = timedelta(seconds=1)


def test_a_visit_whose_hour_passed_without_server_and_worker_is_marked_late_and_made_once(hospital):
    server, settings = hospital
    hourly = Hourly(server, (datetime.now(UTC) + timedelta(seconds=25)).replace(microsecond=0))
    until(hourly.visit, "the visit is planned")
    server.stop()
    time.sleep(max(0.0, (hourly.due - datetime.now(UTC)).total_seconds()) + 2)
    server.start()
    assert hourly.state() in ("Scheduled", "Late"), "an hour that passed is not forgotten"
    until(lambda: hourly.state() == "Late", "the server says that the visit is late")
    with services.Supervisor() as supervisor:
        supervisor.add(services.Worker(server.api_url, settings))
        until(lambda: hourly.state() == "Completed", "the visit is made")
    made = [run for run in hourly.runs() if run["state"]["type"] not in ("SCHEDULED",)]
    assert len(made) == 1
    planned = [run for run in hourly.runs() if run["state"]["type"] == "SCHEDULED"]
    assert planned, "the next hours are planned as before"


def test_a_paused_schedule_plans_nothing_until_it_is_resumed(hospital):
    server, _ = hospital
    hourly = Hourly(server, (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0))
    until(hourly.visit, "the visit is planned")
    call(hourly.place, {"active": False}, method="PATCH")
    until(lambda: not hourly.runs(), "what was planned is taken back")
    time.sleep(6)  # the server plans every five seconds
    assert hourly.runs() == []
    call(hourly.place, {"active": True}, method="PATCH")
    until(hourly.visit, "the visit is planned again")
