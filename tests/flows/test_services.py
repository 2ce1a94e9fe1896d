"""The local Prefect: found again, restarted, ended with its parent; deployed twice without a trace."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from wardround import services
from wardround.errors import ServiceFailed, SettingsInvalid
from wardround.services import crashed
from wardround.services.api import call
from wardround.services.child import Child
from wardround.services.deploying import folder
from wardround.settings import Settings
from wardround.use_cases import REGISTRY


def snapshot(api_url: str) -> tuple:
    deployments = call(f"{api_url}/deployments/filter", {})
    automations = call(f"{api_url}/automations/filter", {})
    return sorted(d["id"] for d in deployments), sorted(a["name"] for a in automations)


def schedules_of_round(api_url: str) -> dict:
    found = call(f"{api_url}/deployments/name/round/round")["schedules"]
    return {s["slug"]: s for s in found}


def runs(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def test_deploying_again_changes_nothing_and_asks_little(prefect_session):
    before = snapshot(prefect_session.api_url)
    started = time.monotonic()
    names = services.deploy(prefect_session.api_url, prefect_session.settings)
    assert time.monotonic() - started < 2
    flows = ("ingest", "mend", "monitor", "promote", "retrain", "round", "score", "tell", "train")
    assert names == tuple(f"{name}/{name}" for name in flows)
    assert snapshot(prefect_session.api_url) == before


def test_deploying_after_a_change_leaves_no_duplicate_and_keeps_what_people_set(prefect_session):
    url = prefect_session.api_url
    deployment = call(f"{url}/deployments/name/round/round")["id"]
    mine = schedules_of_round(url)["thyroid"]
    wanted = {"use_case": "thyroid", "source": "s3://inbox/thyroid/"}
    place = f"{url}/deployments/{deployment}/schedules"
    call(f"{place}/{mine['id']}", {"active": True, "parameters": wanted}, method="PATCH")
    before = snapshot(url)
    (prefect_session.settings.home / "prefect" / "deployed.json").unlink()
    services.deploy(url, prefect_session.settings)
    assert snapshot(url) == before
    after = schedules_of_round(url)
    assert (after["thyroid"]["active"], after["thyroid"]["parameters"]) == (True, wanted)
    assert after["heart-disease"]["active"] is False
    assert len(after) == len(REGISTRY)


def test_a_schedule_that_a_person_added_survives_deploying(prefect_session):
    url = prefect_session.api_url
    deployment = call(f"{url}/deployments/name/monitor/monitor")["id"]
    added = {"schedule": {"cron": "5 5 * * *", "timezone": "UTC"}, "active": True, "parameters": {"batch": "march"}}
    call(f"{url}/deployments/{deployment}/schedules", [added])
    (prefect_session.settings.home / "prefect" / "deployed.json").unlink()
    services.deploy(url, prefect_session.settings)
    [kept] = call(f"{url}/deployments/{deployment}/schedules")
    assert kept["schedule"]["cron"] == "5 5 * * *"
    assert (kept["active"], kept["parameters"]) == (True, {"batch": "march"})


def test_an_installation_without_deployments_says_so(tmp_path, monkeypatch):
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "__init__.py").touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: type("Spec", (), {"origin": tmp_path / "flows/x.py"}))
    with pytest.raises(SettingsInvalid, match=r"prefect\.yaml.*install wardround from a checkout"):
        folder()


def test_a_service_that_is_slow_is_said_to_be_slow_and_not_what_its_log_ends_with(tmp_path):
    class Slow(Child):
        name, title = "slow", "the Prefect server"

        def ready(self):
            return False

    slow = Slow(tmp_path, detached=False)
    slow.log.parent.mkdir(parents=True)
    slow.log.write_text("Traceback (most recent call last)")
    slow.process = subprocess.Popen(["sleep", "60"])
    said = r"^the Prefect server failed: it did not answer within 1 seconds\. Try again .*slow\.log$"
    with pytest.raises(ServiceFailed, match=said):
        slow.await_ready(1.0)
    assert slow.process is None


def test_a_server_that_runs_is_found_and_left_running(prefect_session):
    home = prefect_session.settings.home
    assert services.running(home) == prefect_session.api_url
    with services.PrefectServer(home) as second:
        assert second.api_url == prefect_session.api_url
    services.require(prefect_session.api_url)


def test_another_homes_server_is_not_taken_for_ours(prefect_session, tmp_path):
    (tmp_path / "prefect").mkdir()
    note = (prefect_session.settings.home / "prefect" / "server.json").read_text()
    (tmp_path / "prefect" / "server.json").write_text(note)
    assert services.running(tmp_path) is None


def test_an_address_without_prefect_is_named():
    with pytest.raises(ServiceFailed, match=r"no answer from http://127\.0\.0\.1:9/api"):
        services.require("http://127.0.0.1:9/api")


def test_a_server_comes_back_at_its_address_and_ends_with_its_parent(migrated_home):
    port = services.free_port()
    with services.PrefectServer(migrated_home, port=port) as server:
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server.ensure_alive()
        services.require(server.api_url)
        assert f":{port}/" in server.api_url
    assert services.running(migrated_home) is None
    code = (
        "import sys, time; from pathlib import Path; from wardround.services import PrefectServer\n"
        f"s = PrefectServer(Path({str(migrated_home)!r})).start()\n"
        "print(s.port, s.process.pid, flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        known, child = (int(number) for number in parent.stdout.readline().split())
        parent.kill()
    assert known == port, "the address of the former start is kept"
    until = time.monotonic() + 60
    while runs(child) and time.monotonic() < until:
        time.sleep(0.1)
    assert not runs(child)


class Fake:
    """A service that only notes what is done to it."""

    def __init__(self, name: str, notes: list[str], *, fails: bool = False):
        self.name, self.notes, self.fails, self.detached = name, notes, fails, False

    def start(self) -> None:
        self.notes.append(f"start {self.name}")

    def stop(self) -> None:
        self.notes.append(f"stop {self.name}")
        if self.fails:
            raise OSError(self.name)

    def ensure_alive(self) -> None:
        self.notes.append(f"look at {self.name}")


def test_a_supervisor_stops_in_reverse_whatever_becomes_of_one():
    notes: list[str] = []
    supervisor = services.Supervisor()
    supervisor.add(Fake("s3", notes))
    supervisor.add(Fake("worker", notes, fails=True))
    with pytest.raises(OSError, match="worker"):
        supervisor.stop()
    assert notes == ["start s3", "start worker", "stop worker", "stop s3"]


def test_a_supervisor_looks_after_its_services_until_told_to_stop():
    notes: list[str] = []
    with services.Supervisor() as supervisor:
        supervisor.add(Fake("s3", notes))
        stopped = threading.Event()
        threading.Timer(1.5, stopped.set).start()
        supervisor.watch(stopped)
    assert "look at s3" in notes


def test_a_detached_supervisor_leaves_everything_running():
    notes: list[str] = []
    with services.Supervisor(detached=True) as supervisor:
        assert supervisor.add(Fake("s3", notes)).detached
    assert notes == ["start s3"]


def test_what_comes_up_in_the_background_reports_its_failure():
    def fail() -> None:
        raise ServiceFailed("Prefect", "no", "Look")

    with pytest.raises(ServiceFailed):
        services.Ready(fail).wait()
    services.Ready(lambda: None).wait()


def test_a_port_that_is_taken_in_the_meantime_is_left_to_whoever_took_it(prefect_session, migrated_home, monkeypatch):
    taken = prefect_session.server.port
    monkeypatch.setattr("wardround.processes.is_free", lambda port: True)
    with services.PrefectServer(migrated_home, port=taken) as server:
        assert server.port != taken
        assert services.running(migrated_home) == server.api_url
    services.require(prefect_session.api_url)


def test_services_that_should_stay_up_do_not_when_what_they_were_for_has_failed():
    class Witness:
        detached, ran = False, False

        def start(self) -> None:
            self.ran = True

        def stop(self) -> None:
            self.ran = False

        def ensure_alive(self) -> None: ...

    def use(service: Witness, failure: Exception | None) -> None:
        with services.Supervisor(detached=True) as supervisor:
            supervisor.add(service)
            if failure:
                raise failure

    stays, ends = Witness(), Witness()
    use(stays, None)
    with pytest.raises(ValueError, match="failed"):
        use(ends, ValueError("failed"))
    assert stays.ran
    assert not ends.ran


def crashed_run(url: str, *, times: int = 1) -> str:
    deployment = call(f"{url}/deployments/name/score/score")["id"]
    parameters = {"use_case": "heart_disease", "batch": "march"}
    run = call(f"{url}/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]
    for state in ("PENDING", "RUNNING", "CRASHED") * times:
        answer = call(f"{url}/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
        assert answer["status"] == "ACCEPT"
    return run


def test_a_run_that_crashed_is_made_again_and_one_that_crashes_always_is_left(prefect_session):
    url = prefect_session.api_url
    once, always = crashed_run(url), crashed_run(url, times=crashed.MOST_ATTEMPTS)
    assert crashed.make_again(url, once)
    assert call(f"{url}/flow_runs/{once}")["state"]["name"] == "AwaitingRetry"
    assert not crashed.make_again(url, once), "it is in the queue already"
    assert not crashed.make_again(url, always)
    assert call(f"{url}/flow_runs/{always}")["state"]["type"] == "CRASHED"


def test_prefects_event_of_a_crash_starts_the_mending(prefect_session):
    run = crashed_run(prefect_session.api_url)
    wanted = {"flows": {"name": {"any_": ["mend"]}}}
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = call(f"{prefect_session.api_url}/flow_runs/filter", wanted)
        if any(each["parameters"]["run"] == f"prefect.flow-run.{run}" for each in found):
            return
        time.sleep(0.2)
    pytest.fail("nobody looks after the run that died")


def test_what_a_dead_worker_left_behind_is_ended_and_made_again_and_a_cancelled_run_is_not(prefect_session, tmp_path):
    url = prefect_session.api_url
    running, cancelling = (crashed_run(url) for _ in range(2))
    for run, state in ((running, "RUNNING"), (cancelling, "CANCELLING")):
        call(f"{url}/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
    orphan = subprocess.Popen(["sleep", "600"], env={"PREFECT__FLOW_RUN_ID": running, "PATH": os.environ["PATH"]})
    crashed.release(url)
    assert orphan.wait(10) == -signal.SIGKILL
    assert call(f"{url}/flow_runs/{running}")["state"]["name"] == "AwaitingRetry"
    assert call(f"{url}/flow_runs/{cancelling}")["state"]["type"] == "CANCELLED"


def test_telling_is_switched_on_where_somebody_is_to_be_told_and_stays_paused_when_a_person_paused_it(
    prefect_session, tmp_path
):
    url, settings = prefect_session.api_url, prefect_session.settings
    memory = settings.home / "prefect" / "deployed.json"

    def schedule() -> dict:
        [found] = call(f"{url}/deployments/name/tell/tell")["schedules"]
        return found

    def deploy_after_a_change(told: Settings) -> bool:
        memory.write_text(json.dumps(json.loads(memory.read_text()) | {"content": "another"}))
        services.deploy(url, told)
        return schedule()["active"]

    assert deploy_after_a_change(settings) is False
    with_alerts = settings.model_copy(update={"alerts": tmp_path / "alerts.toml"})
    assert deploy_after_a_change(with_alerts) is True
    place = f"{url}/deployments/{call(f'{url}/deployments/name/tell/tell')['id']}/schedules/{schedule()['id']}"
    call(place, {"active": False}, method="PATCH")
    assert deploy_after_a_change(with_alerts) is False
    memory.write_text(json.dumps(json.loads(memory.read_text()) | {"told": False}))  # other tests tell nobody
