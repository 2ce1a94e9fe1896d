"""From a decision to a champion that a person approved: real server, worker, automations; restarted while it waits."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prefect import flow
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.promoting import resume_promotions
from wardround import approvals, ledger, people, registry, services
from wardround.alerts import tickets
from wardround.approvals import Act
from wardround.cli.visits.heart_disease import deliver
from wardround.domain import utc_now
from wardround.monitoring.rounds import pending
from wardround.people import Role
from wardround.services import promotions
from wardround.services.api import call
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases import load

PASSPHRASE = "a quiet harbour at noon"
MINE = """
from dataclasses import replace

from wardround.use_cases.base import Candidate, Retraining
from wardround.use_cases.heart_disease import USE_CASE as HEART

never = Candidate(family="neighbours", parameters={"n_neighbors": 9000})
quick = Candidate(family="logistic", parameters={"C": %r})
USE_CASE = replace(HEART, candidates=(never, quick), retraining=Retraining(promotion=%r))
"""
DESK = "https://desk.example"


class Ward:
    """A server and a worker that can be restarted, and heart disease in two policies: the gate's, and a person's."""

    def __init__(self, home: Path, store: Store, folder: Path):
        self.store, self.settings = store, Settings()
        self.server = services.PrefectServer(home, port=services.free_port())
        self.worker = services.Worker("", self.settings)
        self.person, self.other, self.gate = (str(folder / f"{name}.py") for name in ("person", "other", "gate"))
        for path, c, policy in ((self.person, 0.1, "person"), (self.other, 1.0, "person"), (self.gate, 0.1, "gate")):
            Path(path).write_text(MINE % (c, policy))
        self.deliveries = {delivery.label: delivery.path for delivery in deliver(folder / "inbox", Settings())}
        first = "first of all, changed soon"
        people.add(store, name="lee", full_name="Lee", role=Role.APPROVER, passphrase=first, by="admin", now=utc_now())
        people.change_passphrase(store, "lee", old=first, new=PASSPHRASE, now=utc_now())

    @property
    def api(self) -> str:
        return self.server.api_url

    def start(self) -> None:
        self.server.start()
        self.worker = services.Worker(self.api, self.settings)
        self.worker.start()

    def stop(self) -> None:
        self.worker.stop()
        self.server.stop()

    def kill(self) -> None:
        """End both at once, as a power cut does."""
        for service in (self.worker, self.server):
            assert service.process is not None
            service.process.kill()
            service.process.wait()

    def run_of(self, flow: str, *states: str, after: str = "", **parameters: str) -> dict:
        """Return the newest run of *flow* with these parameters when it is in one of *states*, another than *after*."""
        found: list[dict] = []
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found = call(
                f"{self.api}/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"}
            )
            for run in found:
                asked = parameters.items() <= run["parameters"].items() and run["state"]["id"] != after
                if asked and run["state"]["type"] in states:
                    return run
            time.sleep(0.3)
        told = [(run["name"], self.history(run)) for run in found]
        pytest.fail(f"no run of {flow} became {states}: {told}; worker: {self.worker.log.read_text()[-3000:]}")

    def history(self, run: dict) -> list[str]:
        """Return the states *run* went through."""
        return [each["name"] for each in call(f"{self.api}/flow_run_states/?flow_run_id={run['id']}")]

    def stories(self, run: dict) -> list[str]:
        """Return what the run wrote for people, the newest first."""
        wanted = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}, "type": {"any_": ["markdown"]}}}
        return [each["data"] for each in call(f"{self.api}/artifacts/filter", wanted | {"sort": "CREATED_DESC"})]

    def log(self, run: dict) -> list[str]:
        """Return what the run logged."""
        wanted = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
        return [each["message"] for each in call(f"{self.api}/logs/filter", wanted)]

    def say(self, version: str, act: Act, *, valid_for: timedelta = timedelta(days=1)) -> None:
        """Let lee say something about *version*, as the review desk does."""
        approvals.give(
            load(self.person), version, act=act, person="lee", passphrase=PASSPHRASE, reason="seen with the ward",
            valid_for=valid_for, store=self.store, settings=self.settings, now=utc_now(),
        )  # fmt: skip

    def champion(self) -> str | None:
        serving = registry.champion(self.store, "heart_disease")
        return serving.version if serving else None


@flow(name="look after", persist_result=False)
def looked_after(use_case: str) -> tuple[str, ...]:
    """Do what a round does first."""
    return resume_promotions(use_case)


def told_elsewhere() -> None:
    """Send what this process has for the server it spoke to until now: whoever sends goes on with that one."""
    EventsWorker.drain_all()
    APILogWorker.drain_all()


@pytest.fixture
def ward(prefect, migrated_home, store, settings_environment, tmp_path, monkeypatch) -> Iterator[Ward]:
    for name, value in (settings_environment | {"WARDROUND_DESK_URL": DESK}).items():
        monkeypatch.setenv(name, value)
    ward = Ward(migrated_home, store, tmp_path)
    told_elsewhere()
    try:
        ward.start()
        with temporary_settings({PREFECT_API_URL: ward.api}):
            yield ward
            told_elsewhere()
    finally:
        ward.stop()


def test_a_decision_leads_to_a_champion_that_a_person_approved(ward):
    from flows.ingest import ingest
    from flows.round import round
    from flows.train import train

    first = train(ward.gate, [ingest(ward.gate, str(ward.deliveries["cleveland"]), "cleveland").batch])
    assert first.promoted
    visited = round(ward.person, str(ward.deliveries["hungary"]), "hungary")
    assert visited.retraining_due
    retrained = ward.run_of("retrain", "COMPLETED", "FAILED", batch=visited.batch)
    assert retrained["name"].endswith("→ waits for a person"), retrained["state"]
    assert any("Calibration curve of" in story for story in ward.stories(retrained))
    waiting = ward.run_of("promote", "PAUSED")
    version = waiting["parameters"]["version"]
    never = "neighbours cannot be trained: neighbours asks 9000 neighbours of"
    assert [line for line in ward.log(retrained) if f"candidate 1 of 2: {never}" in line]
    assert waiting["state"]["name"] == "Suspended"
    assert waiting["name"] == f"promotion in person: {version} → waits for a person"
    assert ward.champion() == first.version
    assert pending(ward.store, "heart_disease") == ()
    assert f"{DESK}/approvals/heart_disease/{version}" in ward.stories(waiting)[0]

    ward.say(version, Act.PROMOTE, valid_for=timedelta(seconds=1))  # over when somebody looks
    ward.kill()
    ward.start()
    assert call(f"{ward.api}/flow_runs/{waiting['id']}")["state"]["name"] == "Suspended"
    assert promotions.resume(ward.api, waiting["id"]), "somebody presses Resume in the Prefect UI"
    again = ward.run_of("promote", "PAUSED", after=waiting["state"]["id"], version=version)
    assert again["id"] == waiting["id"]
    assert ward.champion() == first.version, "to resume is not to approve"
    assert "expired" in ward.stories(again)[0]

    ward.say(version, Act.PROMOTE)
    assert "goes on" in promotions.nudge(ward.api, ward.person, version)
    done = ward.run_of("promote", "COMPLETED", version=version)
    assert done["id"] == waiting["id"]
    assert done["name"].endswith("→ promoted")
    assert [tag for tag in done["tags"] if tag.startswith("outcome")] == ["outcome: promoted"]
    assert ward.champion() == version
    *_, entry = ledger.entries(ward.store, kind="promotion")
    assert entry.subject == version
    assert "lee" in entry.actor


@pytest.mark.slow
def test_a_rejection_ends_the_run_and_a_round_finds_the_approval_that_prefect_was_not_told_of(ward):
    from flows.ingest import ingest
    from flows.train import train

    batch = ingest(ward.gate, str(ward.deliveries["cleveland"]), "cleveland").batch
    deployment = call(f"{ward.api}/deployments/name/round/round")["id"]
    asked = {"parameters": {"use_case": ward.person, "batch": batch}}
    too_early = call(f"{ward.api}/deployments/{deployment}/create_flow_run", asked)["id"]
    one, two = train(ward.person, [batch]), train(ward.other, [batch])
    assert one.waits
    assert two.waits
    for trained in (one, two):
        ward.run_of("promote", "PAUSED", version=trained.version)
    ward.say(one.version, Act.REJECT)
    promotions.nudge(ward.api, ward.person, one.version)
    ended = ward.run_of("promote", "COMPLETED", version=one.version)
    assert ended["name"].endswith("→ rejected")
    assert "lee rejected it: seen with the ward" in ward.stories(ended)[0]

    waiting = ward.run_of("promote", "PAUSED", version=two.version)
    call(f"{ward.api}/flow_runs/{waiting['id']}/set_state", {"state": {"type": "CANCELLED"}})
    ward.say(two.version, Act.PROMOTE)
    assert looked_after(ward.other) == (f"the run 'promotion in other: {two.version}' was started",)
    done = ward.run_of("promote", "COMPLETED", version=two.version)
    assert done["id"] != waiting["id"]
    assert ward.champion() == two.version

    failed = ward.run_of("round", "FAILED")
    assert failed["id"] == too_early
    assert ward.stories(failed)[0].startswith("# The answer is no")
    [ticket] = [each for each in tickets.listing(ward.store) if each.action == tickets.REPAIR]
    assert "has no champion yet" in ticket.reasons[0]
