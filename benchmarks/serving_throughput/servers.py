"""The servers: the model that wardround serves and MLflow is given, and their processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

MLFLOW = "3.17.2"
SAME = ("numpy", "pandas", "scikit-learn", "scipy", "skops")
CASE = "heart_disease"
RECORDS = 200
PATIENCE = 120.0


def train(settings: Any, store: Any, family: str | None) -> tuple[Any, Any]:
    """Ingest the real table, train and promote; return the use case and the version that serves."""
    from expectations import suite_for
    from wardround import gating, promotion, training
    from wardround.ingest import ingest
    from wardround.use_cases import load as use_case_named

    case = use_case_named(CASE)
    if family is not None:
        case = replace(case, candidates=tuple(each for each in case.candidates if each.family == family))
    now = datetime.now(UTC)
    batch = ingest(case, case.source, suite_for(case), label="all", store=store, settings=settings, now=now).batch
    version = training.train(
        case, [batch.id], store=store, settings=settings, seed=case.seed, cause="benchmark", parent=None, now=now
    )
    gating.gate(case, version.version, store=store, settings=settings, now=now)
    promotion.promote(case, version.version, store=store, settings=settings, reason="benchmark", now=now)
    return case, version


def rows(case: Any, settings: Any) -> list[dict[str, Any]]:
    """Return real rows as canonical JSON values: numbers, text, None."""
    import pandas as pd

    from wardround.sources import read
    from wardround.sources.canonical import canonical

    frame = canonical(case, read(case, case.source, settings), settings, place="benchmark")
    chosen = frame.sample(RECORDS, random_state=7)[list(case.feature_names)]
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in chosen.to_dict("records")
    ]


def environment(cache: Path) -> Path:
    """Return the Python of an environment with MLflow and our versions of what predicts, made once in *cache*."""
    own = [f"{name}=={installed(name)}" for name in SAME]
    folder = cache / f"mlflow-{MLFLOW}-{'-'.join(each.split('==')[1] for each in own)}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"making an environment for MLflow {MLFLOW} in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        wanted = [f"mlflow=={MLFLOW}", "uvicorn[standard]", *own]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
        (folder / "ready").touch()
    return python


def save_for_mlflow(folder: str) -> None:
    """Save the champion's files, found in *folder*, as an MLflow model; runs in MLflow's environment."""
    import mlflow

    class Champion(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
        """The champion's scikit-learn estimator, asked as scikit-learn is asked, behind look-ups of levels."""

        def load_context(self, context: Any) -> None:
            from wardround.models import load as load_model

            learner = load_model({name: Path(path).read_bytes() for name, path in context.artifacts.items()}, place="")
            self.estimator, encoding = learner.estimator, learner.encoding
            self.columns = encoding.columns
            self.codes = {
                name: {level: float(code) for code, level in enumerate(levels)}
                for name, levels in encoding.levels.items()
            }

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            import numpy as np

            matrix = np.zeros((len(model_input), len(self.columns) + 1))  # the estimator's last column is not used
            for place, name in enumerate(self.columns):
                held = model_input[name].tolist()
                codes = self.codes.get(name)
                if codes is None:
                    matrix[:, place] = [np.nan if value is None else value for value in held]
                else:
                    matrix[:, place] = [
                        len(codes) + 1.0 if value is None or value != value else codes.get(value, float(len(codes)))
                        for value in held
                    ]
            return self.estimator.predict_proba(matrix)[:, 1]

    files = {path.name: str(path) for path in Path(folder, "files").iterdir()}
    mlflow.pyfunc.save_model(Path(folder, "model"), python_model=Champion(), artifacts=files, pip_requirements=[])


def serve(port: int) -> None:
    """Serve as `wardround serve` does; runs in a process of its own."""
    import uvicorn

    from wardround.serving.app import create
    from wardround.settings import Settings

    uvicorn.run(create(Settings(), use_cases=[CASE]), port=port, log_level="warning", access_log=False)


@contextmanager
def running(command: list[str], port: int, ready: str, *, environ: dict[str, str], log: Path) -> Iterator[int]:
    """Run a server until it answers at *ready*, give its process id, and end it and its children afterwards."""
    import signal
    import urllib.error
    import urllib.request

    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environ, stdout=said, stderr=said, start_new_session=True)
        try:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5):
                        break
                except (urllib.error.URLError, OSError):
                    if process.poll() is not None or time.monotonic() > until:
                        raise SystemExit(f"{command[0]} did not start:\n{log.read_text()[-2000:]}") from None
                    time.sleep(0.2)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def resident(pid: int) -> float:
    """Return the resident memory of *pid* and all below it, in MiB."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    total, todo = 0.0, [pid]
    while todo:
        one = todo.pop()
        todo += children.get(one, [])
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)
    return total
