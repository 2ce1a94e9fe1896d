"""What becomes of a scheduled round when the server is down at the hour, the worker is down, or somebody paused it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wardround import services
from wardround.services.api import call
from wardround.settings import Settings

OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Clock:
    """A server without a worker, and schedules of single seconds on its deployment ``round``."""

    def __init__(self, home: Path):
        self.server = services.PrefectServer(home, port=services.free_port()).start()
        self.deployment = call(f"{self.api}/deployments/name/round/round")["id"]

    @property
    def api(self) -> str:
        return self.server.api_url

    def add(self, batch: str, *, after: timedelta, times: int = 1) -> tuple[str, datetime]:
        """Let *times* runs start in seconds that follow each other; return the schedule's id and the first second."""
        first = (datetime.now(UTC) + after).replace(microsecond=0)
        rule = f"DTSTART:{first:%Y%m%dT%H%M%S}\nRRULE:FREQ=SECONDLY;INTERVAL=1;COUNT={times}"
        parameters = {"use_case": "heart_disease", "batch": batch}
        wanted = {"schedule": {"rrule": rule, "timezone": "UTC"}, "active": True, "parameters": parameters}
        [made] = call(f"{self.api}/deployments/{self.deployment}/schedules", [wanted])
        return made["id"], first

    def runs(self, batch: str) -> list[dict]:
        found = call(f"{self.api}/flow_runs/filter", {"flows": {"name": {"any_": ["round"]}}, "sort": "START_TIME_ASC"})
        return [run for run in found if run["parameters"].get("batch") == batch]

    def await_runs(self, batch: str, count: int, *, states: tuple[str, ...] = ()) -> list[dict]:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found = [run for run in self.runs(batch) if not states or run["state"]["type"] in states]
            if len(found) == count:
                return found
            time.sleep(0.3)
        pytest.fail(f"no {count} runs of {batch} in {states}: {[run['state'] for run in self.runs(batch)]}")

    def await_past(self, moment: datetime) -> None:
        while datetime.now(UTC) < moment + timedelta(seconds=2):
            time.sleep(0.2)


@pytest.fixture
def clock(
    migrated_home: Path, settings_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clock]:
    for name, value in settings_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS", "2")  # it plans once a minute otherwise
    clock = Clock(migrated_home)
    yield clock
    clock.server.stop()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.slow
def test_rounds_missed_while_server_or_worker_was_down_are_made_in_turn_and_a_paused_one_is_not(
    clock: Clock, settings: Settings
) -> None:
    paused, _ = clock.add("paused", after=timedelta(seconds=90))
    clock.await_runs("paused", 1)
    call(f"{clock.api}/deployments/{clock.deployment}/schedules/{paused}", {"active": False}, method="PATCH")
    assert clock.runs("paused") == [], "what a paused schedule had planned is not planned any more"
    _, due = clock.add("missed", after=timedelta(seconds=20), times=2)
    clock.await_runs("missed", 2, states=("SCHEDULED",))

    clock.server.stop()  # it is down at the hour
    clock.await_past(due)
    clock.server.start()
    assert len(clock.runs("missed")) == 2
    manual = {"use_case": "heart_disease", "batch": "by hand"}
    call(f"{clock.api}/deployments/{clock.deployment}/create_flow_run", {"parameters": manual})
    late = [run["state"]["name"] for run in clock.await_runs("missed", 2, states=("SCHEDULED",))]
    assert set(late) <= {"Scheduled", "Late"}

    worker = services.Worker(clock.api, settings).start()
    try:
        made = clock.await_runs("missed", 2, states=OVER)
        clock.await_runs("by hand", 1, states=OVER)
    finally:
        worker.stop()
    for run in made:
        assert run["state"]["type"] == "FAILED", "there is no champion here: the round was made and said so"
        assert "has no champion yet" in run["state"]["message"]
        assert run["auto_scheduled"]
        assert moment(run["start_time"]) > moment(run["expected_start_time"])
    first, second = sorted(made, key=lambda run: moment(run["start_time"]))
    assert moment(second["start_time"]) >= moment(first["end_time"]), "rounds wait for each other"
    assert clock.runs("paused") == []
