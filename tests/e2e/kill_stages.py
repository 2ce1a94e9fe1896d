"""A warm process that forks a child for one stage of work and kills it at a given moment (a script, no test).

Reads lines "<stage> <turn> <seconds or ->" and answers each with "<status> <seconds of work>".
"""

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

from wardround import ledger, registry
from wardround.domain import Cause, CriterionResult, ModelVersion, Verdict
from wardround.settings import Settings
from wardround.store import Store

USE_CASE = "heart_disease"
START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
FILES = {"model.skops": b"weights" * 1000, "card.md": b"# A model", "profile.json": b"{}"}


def draft(turn: int) -> ModelVersion:
    return ModelVersion(
        use_case=USE_CASE, version="", problem="classification", family="logistic", parameters={"C": 0.1},
        features=("age",), batches=("a" * 64,), label_sets=(), rows=303, patients=303, data_hash="b" * 64,
        use_case_hash="c" * 64, seed=turn, code_version="0.1.0", packages={}, files={}, cause="first", parent=None,
        created_at=START + timedelta(minutes=turn),
    )  # fmt: skip


def promote(store: Store, settings: Settings, turn: int) -> None:
    """Register a version, record it, promote it: what a flow does after training, without the training."""
    version = registry.register(store, draft(turn), FILES)
    ledger.append(
        store, act=f"model:{USE_CASE}:{version.version}", kind="model", use_case=USE_CASE, actor="tester",
        subject=version.version, hashes={version.prefix + n: h for n, h in version.files.items()}, reason="trained",
        now=version.created_at,
    )  # fmt: skip
    current = registry.champion(store, USE_CASE)
    expected = current.version if current else None
    if expected == version.version:
        registry.history(store, USE_CASE)
        return
    criterion = CriterionResult(
        criterion="floor", kind="floor", metric="auroc", population="reference", figure=0.9, interval=None, limit=0.8,
        passed=True, sentence="0.90 against 0.80", reason="",
    )  # fmt: skip
    verdict = Verdict(
        use_case=USE_CASE, challenger=version.version, champion=expected, comparison="", criteria=(criterion,)
    )
    registry.promote(
        store, USE_CASE, version.version, verdict=verdict, actor="tester", reason="passed", expected=expected,
        now=version.created_at,
    )  # fmt: skip


def ingest(store: Store, settings: Settings, turn: int) -> None:
    """Bring in other rows each turn, some of them impossible."""
    from expectations import suite_for
    from wardround.ingest import ingest
    from wardround.sources import read, source_from
    from wardround.use_cases.heart_disease import USE_CASE as HEART

    rows = read(HEART, HEART.source, settings).sample(120, random_state=turn)
    rows["chol"] = rows["chol"].where(rows["chol"].rank(method="first") > 3, 5000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"batch-{turn}.csv"
        rows.to_csv(path, index=False)
        ingest(
            HEART, source_from(str(path)), suite_for(HEART), label=f"batch-{turn}", store=store, settings=settings,
            now=START + timedelta(minutes=turn),
        )  # fmt: skip


def train(store: Store, settings: Settings, turn: int) -> None:
    """Train on the first hospital, gate, promote if the verdict passed: with another seed each turn."""
    from wardround import batches
    from wardround.gating import gate
    from wardround.training import train
    from wardround.use_cases.base import Candidate, Comparison, Floor
    from wardround.use_cases.heart_disease import USE_CASE as HEART

    small = replace(
        HEART,
        candidates=(Candidate(family="logistic", parameters={"C": 0.1}),),
        gates=(
            Floor(metric="auroc", limit=0.5, reason="a kill test"),
            Comparison(metric="auroc", kind="non-inferior", margin=0.4, reason="a kill test"),
        ),
    )
    now = START + timedelta(minutes=turn)
    batch = batches.load(store, HEART.name, "batch-0")
    version = train(
        small, (batch.id,), store=store, settings=settings, seed=turn, cause=Cause.NONE.value, parent=None, now=now
    )
    current = registry.champion(store, HEART.name)
    if current is not None and current.version == version.version:
        registry.history(store, HEART.name)
        return
    verdict = gate(small, version.version, store=store, settings=settings, now=now)
    if not verdict.passed:
        raise AssertionError(verdict.reasons)
    registry.promote(
        store, HEART.name, version.version, verdict=verdict, actor="tester", reason="passed",
        expected=verdict.champion, now=now,
    )  # fmt: skip


STAGES: dict[str, Callable[[Store, Settings, int], None]] = {"promote": promote, "ingest": ingest, "train": train}
HEAVY = {
    "promote": (),
    "ingest": (
        "great_expectations",
        "pandas",
        "pyarrow.parquet",
        "wardround.sources.canonical",
        "wardround.validation",
    ),
    "train": (
        "sklearn.ensemble",
        "sklearn.linear_model",
        "sklearn.model_selection",
        "skops.io",
        "wardround.training",
        "wardround.gating",
    ),
}


def work(act: Callable[[Store, Settings, int], None], turn: int, delay: float | None) -> tuple[int, float]:
    """Do *act* in a forked child, kill it after *delay* seconds of work, and return its status and its time."""
    settings = Settings()
    store = Store.from_settings(settings)
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            store.exists("models/warm")  # a connection of its own, so that the moments fall into the work
            os.write(tell, b".")
            act(store, settings, turn)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    started = time.monotonic()
    if delay is not None:
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1], time.monotonic() - started


if __name__ == "__main__":
    for line in sys.stdin:
        stage, turn, delay = line.split()
        for module in HEAVY[stage]:  # imported once here, so that the moments fall into the work
            import_module(module)
        status, seconds = work(STAGES[stage], int(turn), None if delay == "-" else float(delay))
        sys.stdout.write(f"{status} {seconds}\n")
        sys.stdout.flush()
