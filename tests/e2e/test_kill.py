"""`kill -9` at random moments: the champion is the old or the new one, nothing is half done, the next run ends well."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from wardround import batches, ledger, registry
from wardround.store import Store

USE_CASE = "heart_disease"
SIXTY = pytest.param(60, id="60 moments", marks=[pytest.mark.slow, pytest.mark.timeout(3600)])
REPOSITORY = Path(__file__).resolve().parents[2]


class Ward:
    """The process that works and gets killed."""

    def __init__(self, environment: dict[str, str]):
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("kill_stages.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
            env=os.environ | environment | {"PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip

    def run(self, stage: str, turn: int, delay: float | None = None) -> tuple[int, float]:
        """Return the status of the work (0, or the signal that ended it) and how long it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{stage} {turn} {'-' if delay is None else delay}\n")
        self._process.stdin.flush()
        status, seconds = self._process.stdout.readline().split()
        return int(status), float(seconds)

    def complete(self, stage: str, turn: int) -> float:
        """Do the work to its end and return how long it took."""
        status, seconds = self.run(stage, turn)
        assert status == 0, f"{stage} {turn} did not complete"
        return seconds

    def killed(self, stage: str, turn: int, delay: float) -> bool:
        """Kill the work after *delay* seconds; False when it was done before."""
        status, _ = self.run(stage, turn, delay)
        assert status in (0, signal.SIGKILL), f"{stage} {turn} failed by itself"
        return status != 0

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def ward(settings_environment: dict[str, str]) -> Iterator[Ward]:
    process = Ward(settings_environment)
    yield process
    process.close()


def sound_champion(store: Store, *, turn: int) -> str | None:
    """Check the champion's files (every tenth turn all versions and the ledger), and return its version."""
    champion = registry.champion(store, USE_CASE)
    serving = [registry.load(store, USE_CASE, champion.version)] if champion else []
    for known in registry.versions(store, USE_CASE) if turn % 10 == 0 else serving:
        assert registry.read_files(store, known).keys() == known.files.keys()
    if turn % 10 == 0:
        found = ledger.verify(store)
        assert found.intact, found.detail
    return champion.version if champion else None


def seed_of(store: Store, version: str | None) -> int | None:
    return None if version is None else registry.load(store, USE_CASE, version).seed


def assert_recorded_once(store: Store) -> None:
    assert ledger.verify(store).intact
    acts = Counter(entry.act for entry in ledger.entries(store))
    assert set(acts.values()) <= {1}
    champion = registry.champion(store, USE_CASE)
    if champion is not None:
        subjects = [entry.subject for entry in ledger.entries(store, kind="promotion")]
        assert subjects == [move["version"] for move in registry.history(store, USE_CASE)][-len(subjects) :]
        assert len(subjects) == champion.sequence


@pytest.mark.parametrize("moments", [6, SIXTY])
def test_a_killed_promotion_leaves_the_old_champion_or_the_new_one(store: Store, ward: Ward, moments: int) -> None:
    rng = random.Random(20260101)
    seconds = max(ward.complete("promote", turn) for turn in (1000, 1001))
    kills = 0
    for turn in range(moments):
        old = sound_champion(store, turn=turn)
        kills += ward.killed("promote", turn, rng.uniform(0, 1.2) * seconds)
        new = sound_champion(store, turn=turn)
        assert new == old or seed_of(store, new) == turn
        ward.complete("promote", turn)
        assert seed_of(store, sound_champion(store, turn=turn)) == turn
    assert kills >= moments // 4
    assert_recorded_once(store)


def assert_rows_accounted(store: Store) -> None:
    for batch in batches.listing(store, USE_CASE):
        accepted = sum(len(frame) for frame in batches.frames(store, batch))
        quarantined = sum(len(frame) for frame in batches.frames(store, batch, quarantined=True))
        assert (accepted, quarantined) == (batch.rows_accepted, batch.rows_quarantined)
        assert accepted + quarantined == batch.rows_in
        assert quarantined >= 3


@pytest.mark.parametrize("moments", [4, SIXTY])
def test_a_killed_ingest_loses_no_row_and_doubles_none(store: Store, ward: Ward, moments: int) -> None:
    rng = random.Random(20260102)
    ward.complete("ingest", 1000)
    seconds = ward.complete("ingest", 1001)
    kills = 0
    for turn in range(moments):
        kills += ward.killed("ingest", turn, rng.uniform(0, 1.2) * seconds)
        if turn % 10 == 0:
            assert_rows_accounted(store)
            assert ledger.verify(store).intact
        ward.complete("ingest", turn)
        assert batches.load(store, USE_CASE, f"batch-{turn}").rows_in == 120
    assert kills >= moments // 4
    assert_rows_accounted(store)
    assert_recorded_once(store)
    subjects = Counter(entry.subject for entry in ledger.entries(store, kind="ingest"))
    assert set(subjects) == {batch.id for batch in batches.listing(store, USE_CASE)}


@pytest.mark.parametrize("moments", [2, SIXTY])
def test_a_killed_training_leaves_a_champion_that_loads_and_predicts(store: Store, ward: Ward, moments: int) -> None:
    from wardround.scoring import load_learner

    rng = random.Random(20260103)
    ward.complete("ingest", 0)
    ward.complete("train", 1000)
    seconds = ward.complete("train", 1001)
    rows = batches.rows(store, batches.load(store, USE_CASE, "batch-0"))
    kills = 0
    for turn in range(moments):
        old = sound_champion(store, turn=turn)
        kills += ward.killed("train", turn, rng.uniform(0, 1.2) * seconds)
        new = sound_champion(store, turn=turn)
        assert new is not None
        assert new == old or seed_of(store, new) == turn
        learner = load_learner(store, registry.load(store, USE_CASE, new))
        assert learner.predict(rows).value.shape == (len(rows),)
        ward.complete("train", turn)
        assert seed_of(store, sound_champion(store, turn=turn)) == turn
    assert kills >= moments // 4
    assert_recorded_once(store)
