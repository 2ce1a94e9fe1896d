"""Five planted months on real patients, through a real store, a really trained model and the whole visit."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from expectations import suite_for
from wardround import batches, ledger, registry, scoring
from wardround.domain import Action, Cause, CriterionResult, Reading, Sensitivity, Verdict
from wardround.errors import Corrupted, MonitorNotArmed, NoChampion
from wardround.ingest import ingest
from wardround.labels import add_labels
from wardround.monitoring import arming as arming_module
from wardround.monitoring import visit
from wardround.monitoring.arming import arm_version, stored_arming
from wardround.monitoring.settlement import settle, settlements
from wardround.monitoring.visit import (
    latest_decision,
    monitor,
    pending,
    record_retraining,
    retraining_of,
)
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.store import Store
from wardround.training import train
from wardround.use_cases.base import Candidate
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
WEEK = timedelta(days=7)
CASE = replace(USE_CASE, candidates=(Candidate(family="logistic", parameters={"C": 0.1}),))


@dataclass
class Ward:
    """A store with a champion that learned from half of Cleveland, and deliveries of the other patients."""

    store: Store
    settings: Settings
    folder: object
    raw: pd.DataFrame
    arriving: pd.DataFrame

    def deliver(self, label: str, rows: pd.DataFrame):
        path = self.folder / f"{label}.csv"
        rows.to_csv(path, index=False)
        source = source_from(str(path))
        done = ingest(CASE, source, suite_for(CASE), label=label, store=self.store, settings=self.settings, now=NOW)
        return done.batch

    def visit(self, batch, week: int = 1, **options):
        as_of = NOW + WEEK * week
        return monitor(CASE, batch, store=self.store, settings=self.settings, now=as_of, as_of=as_of, **options)


def _promote(store: Store, version, champion: str | None = None) -> None:
    criterion = CriterionResult(
        criterion="for the test", kind="floor", metric="auroc", population="current", figure=0.9, interval=None,
        limit=0.5, passed=True, sentence="above the floor", reason="test",
    )  # fmt: skip
    verdict = Verdict(
        use_case=CASE.name, challenger=version.version, champion=champion, comparison="none", criteria=(criterion,)
    )
    registry.promote(
        store, CASE.name, version.version, verdict=verdict, actor="tester", reason="test", expected=champion, now=NOW
    )


@pytest.fixture(scope="module")
def trained(s3_server, tmp_path_factory) -> Ward:
    """The ward as it is before the first visit, its monitor armed; never written to by a test."""
    store = replace(s3_server, prefix="monitoring-ward/")
    folder = tmp_path_factory.mktemp("ward")
    key = SecretStr("a fixed key, for tests and nothing else")
    settings = Settings(home=folder, pseudonym_key=key, actor="tester")
    raw = read(CASE, CASE.source, settings)
    home = raw[raw["dataset"] == "Cleveland"]
    order = np.random.default_rng(5).permutation(len(home))
    made = Ward(store, settings, folder, raw, home.iloc[order[152:]])
    first = made.deliver("first", home.iloc[order[:152]])
    version = train(
        CASE, (first.id,), store=store, settings=settings, seed=1, cause="first model", parent=None, now=NOW
    )  # fmt: skip
    _promote(store, version)
    arm_version(CASE, version.version, store=store, settings=settings, now=NOW)
    return made


@pytest.fixture
def ward(trained, store, settings, tmp_path) -> Ward:
    _copy(trained.store, store)
    return Ward(store, settings, tmp_path, trained.raw, trained.arriving)


@pytest.fixture
def unarmed(trained, store, settings, tmp_path) -> Ward:
    _copy(trained.store, store, without="monitors/")
    return Ward(store, settings, tmp_path, trained.raw, trained.arriving)


def _copy(here: Store, there: Store, without: str = "nothing") -> None:
    for key in here.keys(""):
        if not key.startswith((without, ".")):
            there.put(key, here.get(key), sensitivity=Sensitivity.AGGREGATE)


def test_five_planted_months_give_the_five_right_decisions(ward):
    rows = ward.arriving
    number = pd.to_numeric
    months = {
        "nothing": rows,
        "unit-change": rows.assign(chol=(number(rows["chol"]) / 38.67).round(2)),
        "feed-gone-null": rows.assign(thalch=np.nan),
        "case-mix": rows[rows["cp"] == "asymptomatic"],
        "label-flip": rows.assign(num=(number(rows["num"]) == 0).astype(int)),
    }
    expected = {
        "nothing": (Action.NONE, Cause.NONE),
        "unit-change": (Action.QUARANTINE, Cause.DATA_FAULT),
        "feed-gone-null": (Action.QUARANTINE, Cause.DATA_FAULT),
        "case-mix": (Action.RETRAIN, Cause.COVARIATE_SHIFT),
        "label-flip": (Action.RETRAIN_WITH_HUMAN, Cause.CONCEPT_DRIFT),
    }
    found = {}
    for week, (label, month) in enumerate(months.items()):
        # a record delivered again with other values is another record
        month = month.assign(id=month["id"].astype(int) + 10_000 * week)
        decision = ward.visit(ward.deliver(label, month), week=week)
        found[label] = (decision.action, decision.cause)
        assert decision.readings
        assert decision.reasons
    assert found == expected
    assert {d.label for d in pending(ward.store, CASE.name)} == {"case-mix"}
    assert ledger.verify(ward.store).intact


def test_a_champion_of_two_hospitals_reads_each_ones_batch_against_its_own_patients(unarmed):
    ward = unarmed
    first = batches.load(ward.store, CASE.name, "first")
    hungary = ward.deliver("hungary", ward.raw[ward.raw["dataset"] == "Hungary"])
    version = train(
        CASE,
        (first.id, hungary.id),
        store=ward.store,
        settings=ward.settings,
        seed=1,
        cause="test",
        parent=None,
        now=NOW,
    )
    champion = registry.champion(ward.store, CASE.name)
    _promote(ward.store, version, champion=champion.version)
    clean = ward.visit(ward.deliver("cleveland", ward.arriving))
    assert clean.champion == version.version
    assert (clean.action, clean.drifted) == (Action.NONE, ())
    assert any("patients at this site" in reading.sentence for reading in clean.readings)
    assert len(settlements(ward.store, CASE.name, version.version)) == 1
    assert stored_arming(ward.store, CASE.name, version.version).sites == 2
    for number, place in enumerate(("VA Long Beach", "Switzerland")):
        new = ward.visit(ward.deliver(f"new-{number}", ward.raw[ward.raw["dataset"] == place]), week=2 + number)
        assert new.action is not Action.NONE
        assert not any("patients at this site" in reading.sentence for reading in new.readings)


def test_a_visit_is_made_once_and_its_decision_is_final(ward):
    hungary = ward.deliver("hungary", ward.raw[ward.raw["dataset"] == "Hungary"])
    first = ward.visit(hungary)
    again = ward.visit(hungary, week=3)
    assert again == first
    assert latest_decision(ward.store, CASE.name, hungary.id) == first
    entries = [e for e in ledger.entries(ward.store) if e.kind == "decision"]
    assert len(entries) == 1
    assert first.action is Action.RETRAIN


def test_a_lost_event_is_found_until_somebody_acted(ward):
    hungary = ward.deliver("hungary", ward.raw[ward.raw["dataset"] == "Hungary"])
    decision = ward.visit(hungary)
    assert pending(ward.store, CASE.name) == (decision,)
    assert retraining_of(ward.store, decision) is None
    first = record_retraining(
        ward.store, decision, version="abc", promoted=True, sentence="promoted", actor="tester", now=NOW
    )  # fmt: skip
    second = record_retraining(
        ward.store, decision, version="def", promoted=False, sentence="late", actor="tester", now=NOW + WEEK
    )  # fmt: skip
    assert second == first == retraining_of(ward.store, decision)
    assert pending(ward.store, CASE.name) == ()


def test_a_second_shift_within_the_cool_down_starts_nothing(ward):
    hungary = ward.raw[ward.raw["dataset"] == "Hungary"]
    half = len(hungary) // 2
    first = ward.visit(ward.deliver("hungary-1", hungary.iloc[:half]), week=1)
    second_batch = ward.deliver("hungary-2", hungary.iloc[half:])
    as_of = NOW + WEEK + timedelta(days=3)
    second = monitor(CASE, second_batch, store=ward.store, settings=ward.settings, now=as_of, as_of=as_of)
    assert (first.action, first.in_cool_down) == (Action.RETRAIN, False)
    assert (second.action, second.in_cool_down) == (Action.RETRAIN, True)
    assert pending(ward.store, CASE.name) == (first,)


def test_estimates_are_settled_when_outcomes_arrive(ward):
    batch = ward.deliver("unlabelled", ward.arriving.drop(columns="num"))
    decision = ward.visit(batch)
    assert any(r.kind == "estimated performance" for r in decision.readings)
    assert not any(r.kind == "realised performance" for r in decision.readings)
    assert settle(CASE, store=ward.store, settings=ward.settings, now=NOW) == ()
    outcomes = ward.folder / "outcomes.csv"
    ward.arriving[["id", "num"]].to_csv(outcomes, index=False)
    add_labels(CASE, source_from(str(outcomes)), store=ward.store, settings=ward.settings, now=NOW)
    (settled,) = settle(CASE, store=ward.store, settings=ward.settings, now=NOW)
    row = settled.as_row()
    assert row["batch"] == "unlabelled"
    assert {figure["metric"] for figure in row["figures"]} == {"auroc", "brier", "accuracy"}
    assert all(figure["inside"] for figure in row["figures"])
    assert settle(CASE, store=ward.store, settings=ward.settings, now=NOW + WEEK) == ()
    assert len(settlements(ward.store, CASE.name, decision.champion)) == 1


def test_without_a_champion_there_is_nothing_to_visit(store, settings, tmp_path):
    raw = read(CASE, CASE.source, settings)
    ward = Ward(store, settings, tmp_path, raw, raw)
    batch = ward.deliver("first", raw[raw["dataset"] == "Cleveland"])
    with pytest.raises(NoChampion):
        ward.visit(batch)


def test_a_monitor_over_its_budget_does_not_decide(unarmed, monkeypatch):
    """A reading that always alarms makes every replayed round a false alarm, and then no decision is drawn."""
    ward = unarmed
    monkeypatch.setattr(arming_module, "drift_readings", lambda *_: (_loud(),))
    batch = ward.deliver("month", ward.arriving)
    with pytest.raises(MonitorNotArmed):
        ward.visit(batch)
    with pytest.raises(MonitorNotArmed):
        ward.visit(batch)
    champion = registry.champion(ward.store, CASE.name)
    assert not stored_arming(ward.store, CASE.name, champion.version).armed
    assert not list(ward.store.keys(f"rounds/{CASE.name}/{batch.id}/"))


def test_rows_are_streamed_with_their_own_predictions(ward):
    batch = ward.deliver("month", ward.arriving)
    decision = ward.visit(batch)
    profile = visit.load_profile(ward.store, CASE.name, decision.champion)
    stored = scoring.predictions(ward.store, CASE, batch, decision.champion).set_index("record_id")["value"]
    rows = batches.rows(ward.store, batch)
    summary = visit.summarise_batch(CASE, batch, profile, decision.champion, store=ward.store)
    expected = ((stored.reindex(rows["record_id"]).to_numpy() - rows["target"].to_numpy()) ** 2).mean()
    assert summary.loss.mean == pytest.approx(expected)


def _loud():
    return Reading(kind="duplicates", column=None, effect=1.0, limit=0.1, alarm=True, sentence="loud")


def test_predictions_of_other_rows_are_not_taken_for_the_batchs(ward, monkeypatch):
    batch = ward.deliver("month", ward.arriving)
    stored = scoring.prediction_frames

    def turned(*args, **options):
        for frame in stored(*args, **options):
            yield frame.iloc[::-1].reset_index(drop=True)

    monkeypatch.setattr(scoring, "prediction_frames", turned)
    with pytest.raises(Corrupted):
        ward.visit(batch)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_predictions_stream_in_other_pieces_than_the_rows(ward, monkeypatch, chunk):
    batch = ward.deliver("month", ward.arriving)
    stored = scoring.prediction_frames
    monkeypatch.setattr(scoring, "prediction_frames", lambda *args: stored(*args, chunk_rows=chunk))
    assert ward.visit(batch).action is Action.NONE


def test_on_rows_it_learned_from_a_champion_proves_nothing(ward):
    decision = ward.visit(batches.load(ward.store, CASE.name, "first"))
    assert not [r for r in decision.readings if r.kind.endswith("performance")]
    assert "proves nothing" in decision.reasons[-1]
    assert settle(CASE, store=ward.store, settings=ward.settings, now=NOW + WEEK * 2) == ()
    assert settlements(ward.store, CASE.name, decision.champion) == ()
