"""The event of a round starts the retrain deployment: real server, worker and automation; no event is lost for good."""

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from prefect import flow

from tasks.results import Visited
from tasks.telling import RETRAIN, send_retrain_event
from wardround import services
from wardround.domain import Action, Batch, Cause, Decision, Sensitivity, to_json
from wardround.errors import RetrainingNotAsked
from wardround.services.api import call

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
CHAMPION = "a" * 16
SEND = """
import sys
from prefect import flow
from tasks.results import Visited
from tasks.telling import send_retrain_event

@flow(name="send", persist_result=False)
def send(**visited):
    send_retrain_event(visited["use_case"], Visited(**visited))

send(use_case="heart_disease", batch=sys.argv[1], champion=sys.argv[2], decision_key=sys.argv[3], action="retrain",
     cause="covariate shift", retraining_due=True)
"""


def decided(store, action: Action = Action.RETRAIN, letter: str = "b") -> Decision:
    """Store a batch and a decision about it, as a round leaves them behind that is killed before it sends the event."""
    batch = Batch(
        use_case="heart_disease", id=letter * 64, label="march", source="march.csv", rows_in=60, rows_accepted=0,
        rows_quarantined=60, rows_labelled=0, refused=True, outcomes=(), faults=("units",), ingested_at=NOW,
    )  # fmt: skip
    decision = Decision(
        use_case="heart_disease", batch=batch.id, label="march", champion=CHAMPION, action=action,
        cause=Cause.COVARIATE_SHIFT, reasons=("age moved",), what_would_change_it=(), readings=(), decided_at=NOW,
        as_of=NOW,
    )  # fmt: skip
    store.put(batch.manifest_key, to_json(batch), sensitivity=Sensitivity.ROW_LEVEL)
    store.put(decision.key, to_json(decision), sensitivity=Sensitivity.AGGREGATE)
    return decision


def visited(decision: Decision) -> Visited:
    return Visited(
        use_case=decision.use_case, batch=decision.batch, champion=decision.champion, decision_key=decision.key,
        action=decision.action.value, cause=decision.cause.value, retraining_due=True,
    )  # fmt: skip


def runs_for(api_url: str, batch: str) -> list[dict]:
    """Return the retrain runs that were created for *batch*."""
    runs = call(f"{api_url}/flow_runs/filter", {"flows": {"name": {"any_": ["retrain"]}}})
    return [run for run in runs if run["parameters"].get("batch") == batch]


def await_run(api_url: str, batch: str, *, ended: bool = False, patience: float = 180.0) -> dict:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for run in runs_for(api_url, batch):
            if not ended or run["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return run
        time.sleep(0.2)
    pytest.fail(f"no retrain run after {patience} s")


def left_running(api_url: str) -> str:
    """Leave a retrain run that looks alive and holds the only turn, as a worker does that is killed."""
    deployment = call(f"{api_url}/deployments/name/retrain/retrain")["id"]
    parameters = {"use_case": "heart_disease", "batch": "orphan", "cause": "covariate shift"}
    run = call(f"{api_url}/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]
    for state in ("PENDING", "RUNNING"):
        answer = call(f"{api_url}/flow_runs/{run}/set_state", {"state": {"type": state}})
        assert answer["status"] == "ACCEPT"
    return run


def test_a_process_that_ends_right_after_the_event_has_started_the_retraining(prefect, store, settings):
    """The worker acts on it; nothing is trained, since the champion it is about does not serve, and that is noted."""
    from wardround.monitoring.rounds import pending, retraining_of

    decision = decided(store)
    orphan = left_running(prefect.api_url)
    with services.Supervisor() as supervisor:
        supervisor.add(services.Worker(prefect.api_url, settings))
        subprocess.run([sys.executable, "-c", SEND, decision.batch, CHAMPION, decision.key], check=True, timeout=120)
        run = await_run(prefect.api_url, decision.batch, ended=True)
    assert run["state"]["type"] == "COMPLETED", run["state"]["message"]
    states = call(f"{prefect.api_url}/flow_run_states/?flow_run_id={orphan}")
    assert "CRASHED" in {state["type"] for state in states}
    assert run["name"] == "retrain heart_disease: covariate shift → nothing was trained"
    assert "outcome: nothing was trained" in run["tags"]
    assert run["parameters"] == {
        "use_case": "heart_disease", "batch": decision.batch, "cause": "covariate shift", "champion": CHAMPION,
    }  # fmt: skip
    record = retraining_of(store, decision)
    assert record is not None
    assert "does not serve any more" in record.sentence
    assert pending(store, "heart_disease") == ()


def test_an_event_starts_its_run_within_seconds_and_sending_it_again_is_one_event(prefect, store):
    decision = decided(store, letter="c")

    @flow(name="send twice", persist_result=False)
    def send_twice() -> set[str]:
        return {send_retrain_event("heart_disease", visited(decision)) for _ in range(2)}

    assert len(send_twice()) == 1
    sent = time.monotonic()
    await_run(prefect.api_url, decision.batch)
    assert time.monotonic() - sent < 20
    time.sleep(1)
    assert len(runs_for(prefect.api_url, decision.batch)) == 1


def test_a_lost_event_is_sent_by_the_next_round(prefect, store, monkeypatch):
    lost, later = decided(store, letter="d"), decided(store, Action.QUARANTINE, letter="e")
    import flows.round as module

    monkeypatch.setattr(module, "require_champion", lambda use_case: CHAMPION)
    monkeypatch.setattr(module, "monitor_batch", lambda *_: visited_without_retraining(later))
    for shown in ("show_decision", "show_pictures", "show_report", "resume_promotions"):
        monkeypatch.setattr(module, shown, lambda *_: None)
    module.round("heart_disease", batch=later.batch)
    run = await_run(prefect.api_url, lost.batch)
    assert run["parameters"]["champion"] == CHAMPION
    module.round("heart_disease", batch=later.batch)
    time.sleep(2)
    assert len(runs_for(prefect.api_url, lost.batch)) == 1, "what is under way is not asked for again"
    assert runs_for(prefect.api_url, later.batch) == []


def visited_without_retraining(decision: Decision) -> Visited:
    return Visited(**{**vars(visited(decision)), "retraining_due": False})


def test_broken_data_never_starts_training(prefect, store):
    from flows.retrain import retrain

    decision = decided(store, Action.QUARANTINE, letter="f")
    with pytest.raises(RetrainingNotAsked, match="quarantine"):
        retrain("heart_disease", decision.batch, "data fault", CHAMPION)


def test_retrain_with_a_human_sends_no_event(prefect, store):
    from tasks.watching import _visited

    assert _visited(decided(store, Action.RETRAIN_WITH_HUMAN, letter="0")).retraining_due is False
    assert RETRAIN == "wardround.decision.retrain"


def test_a_retraining_that_died_after_its_promotion_is_remembered_as_what_it_was(prefect, store):
    from flows.retrain import retrain
    from wardround import registry
    from wardround.domain import CriterionResult, ModelVersion, Verdict
    from wardround.monitoring.rounds import retraining_of

    decision = decided(store, letter="1")
    draft = ModelVersion(
        use_case="heart_disease", version="", problem="classification", family="logistic", parameters={},
        features=("age",), batches=(decision.batch,), label_sets=(), rows=60, patients=60, data_hash="b" * 64,
        use_case_hash="c" * 64, seed=1, code_version="0.1.0", packages={}, files={}, cause="covariate shift",
        parent=CHAMPION, created_at=NOW,
    )  # fmt: skip
    model = registry.register(store, draft, {"model.skops": b"weights"})
    held = CriterionResult(
        criterion="floor", kind="floor", metric="auroc", population="reference", figure=0.9, interval=None, limit=0.8,
        passed=True, sentence="0.90 against 0.80", reason="",
    )  # fmt: skip
    verdict = Verdict(
        use_case="heart_disease", challenger=model.version, champion=None, comparison="", criteria=(held,)
    )
    registry.promote(
        store, "heart_disease", model.version, verdict=verdict, actor="gate", reason="passed", expected=None, now=NOW
    )
    assert retrain("heart_disease", decision.batch, "covariate shift", CHAMPION) is None
    record = retraining_of(store, decision)
    assert record is not None
    assert (record.version, record.promoted) == (model.version, True)
    assert "which was trained because of it, is the champion now" in record.sentence
