"""wardround's prediction API beside MLflow's scoring server: the same model, the same rows, in turn, in one run.

Both answer single records for 50 clients that keep their connections, on this machine's loopback. wardround runs as
it ships (API key checked, every field validated, reasons and warnings computed, each prediction written to the durable
log before it is answered); MLflow parses and predicts. MLflow gets a virtual environment of its own, with the same
versions of Python, NumPy, pandas and scikit-learn and with uvicorn's fast event loop and parser. It loads the very file
of wardround's champion and asks the estimator as scikit-learn is asked; both must give the same numbers, or nothing is
timed. Only the API key's rate is raised, since one key plays all clients.

    python benchmarks/serving_throughput.py [--quick] [--cache FOLDER] [--rounds N] [--seconds S] [--family NAME]
"""

import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
MLFLOW = "3.17.2"
SAME = ("numpy", "pandas", "scikit-learn", "scipy", "skops")
CASE = "heart_disease"
CLIENTS = 50
RECORDS = 200
PATIENCE = 120.0
FAST_ENOUGH = 3.0
SAME_TO = 1e-12


@dataclass(frozen=True)
class Contestant:
    """A server that answers: where, with which process at its root, and the body it wants for a row."""

    name: str
    port: int
    pid: int
    path: str
    headers: tuple[str, ...]
    bodies: tuple[bytes, ...]

    def requests(self) -> list[bytes]:
        """Return the whole HTTP requests, one per row."""
        return [
            "\r\n".join(
                (f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Content-Type: application/json",
                 f"Content-Length: {len(body)}", *self.headers, "", "")
            ).encode() + body
            for body in self.bodies
        ]  # fmt: skip


class Connection:
    """One client with a connection that it keeps, which asks again as soon as it is answered."""

    def __init__(self, port: int, requests: list[bytes], place: int):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests, self.place = requests, place
        self.held = b""
        self.asked_at = 0.0

    def ask(self) -> None:
        """Send the next request."""
        self.place = (self.place + 1) % len(self.requests)
        self.held = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(self.requests[self.place])

    def answered(self) -> tuple[int, bytes] | None:
        """Return (status, body) when the whole answer is there."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed a kept connection")
        self.held += part
        end = self.held.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.held[:end].lower()
        start = head.find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0])
        if len(self.held) < end + 4 + length:
            return None
        return int(head[9:12]), self.held[end + 4 :]


def load(port: int, requests: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    """Ask for *seconds* with *clients* connections; return counts, latencies (s) and this process's own work."""
    selector = selectors.DefaultSelector()
    connections = [Connection(port, requests, place * 7) for place in range(clients)]
    for each in connections:
        selector.register(each.socket, selectors.EVENT_READ, each)
        each.ask()
    latencies: list[float] = []
    failed = 0
    began, work = time.perf_counter(), time.process_time()
    until, waiting = began + seconds, clients
    while waiting:
        ready = selector.select(timeout=30)
        if not ready:
            raise TimeoutError(f"{waiting} requests were not answered in 30 s")
        for key, _ in ready:
            connection = key.data
            done = connection.answered()
            if done is None:
                continue
            now = time.perf_counter()
            latencies.append(now - connection.asked_at)
            failed += done[0] != 200
            if now < until:
                connection.ask()
            else:
                waiting -= 1
    took = time.perf_counter() - began
    for each in connections:
        each.socket.close()
    return {
        "requests": len(latencies), "failed": failed, "seconds": took, "latencies": latencies,
        "own_work": (time.process_time() - work) / took,
    }  # fmt: skip


def each_once(port: int, requests: list[bytes]) -> list[Any]:
    """Return the parsed answers to every request, one after another."""
    connection = Connection(port, requests, -1)
    found = []
    for _ in requests:
        connection.ask()
        while (done := connection.answered()) is None:
            pass
        if done[0] != 200:
            raise SystemExit(f"port {port} answered {done[0]}: {done[1][:300]!r}")
        found.append(json.loads(done[1]))
    return found


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


def settled(port: int) -> None:
    """Wait until wardround's log has shipped what it holds, so that this work does not fall into another's turn."""
    import urllib.request

    until = time.monotonic() + 60
    while time.monotonic() < until:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        backlog = [float(line.split()[-1]) for line in lines if line.startswith("wardround_log_backlog ")]
        if not backlog or backlog[0] == 0:
            return
        time.sleep(0.5)


def in_turn(contestants: list[Contestant], *, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Load each in turn, *rounds* times; return the medians over the rounds."""
    measured: dict[str, list[dict[str, Any]]] = {each.name: [] for each in contestants}
    memory: dict[str, float] = {}
    for place in range(rounds):
        for each in contestants if place % 2 == 0 else contestants[::-1]:
            requests = each.requests()
            load(each.port, requests, CLIENTS, min(1.0, seconds))
            figures = load(each.port, requests, CLIENTS, seconds)
            if figures["failed"]:
                raise SystemExit(f"{each.name}: {figures['failed']} of {figures['requests']} requests failed")
            memory[each.name] = max(memory.get(each.name, 0.0), resident(each.pid))
            figures["throughput"] = figures["requests"] / figures["seconds"]
            cuts = statistics.quantiles(figures.pop("latencies"), n=100)
            figures["p50"], figures["p99"] = 1000 * cuts[49], 1000 * cuts[98]
            measured[each.name].append(figures)
            print(
                f"  {each.name}: {figures['throughput']:.0f}/s, p99 {figures['p99']:.1f} ms",
                file=sys.stderr,
                flush=True,
            )
            if each is contestants[0]:
                settled(each.port)
    medians = ("throughput", "p50", "p99", "own_work")
    return {
        name: {
            **{what: statistics.median(turn[what] for turn in turns) for what in medians},
            "least": min(turn["throughput"] for turn in turns),
            "most": max(turn["throughput"] for turn in turns),
            "requests": sum(turn["requests"] for turn in turns),
            "memory": memory[name],
        }
        for name, turns in measured.items()
    }  # fmt: skip


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the figures as a Markdown table, with ratios to the first row."""
    ours = next(iter(found.values()))
    lines = [
        "| server | answers a second (least to most) | p50, ms | p99, ms | memory, MiB | wardround's throughput is | "
        "wardround's p99 is |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        times = "" if one is ours else f"{ours['throughput'] / one['throughput']:.1f} times this"
        share = "" if one is ours else f"{ours['p99'] / one['p99']:.2f} of this"
        lines.append(
            f"| {name} | {one['throughput']:,.0f} ({one['least']:,.0f} to {one['most']:,.0f}) | {one['p50']:.1f} | "
            f"{one['p99']:.1f} | {one['memory']:.0f} | {times} | {share} |"
        )
    return "\n".join(lines)


def same_numbers(contestants: list[Contestant]) -> None:
    """Make sure that all give the same probability for every row, but for the order in which a sum was added up."""
    first: list[float] | None = None
    for each in contestants:
        numbers = [_probability(answer) for answer in each_once(each.port, each.requests())]
        first = first or numbers
        differing = sum(abs(a - b) > SAME_TO for a, b in zip(numbers, first, strict=True))
        if differing:
            raise SystemExit(f"{each.name} gives other numbers for {differing} of {len(numbers)} rows")


def _probability(answer: dict[str, Any]) -> float:
    given = answer["predictions"][0]
    return float(given["probability"] if isinstance(given, dict) else given)


def main() -> int:
    """Print the table; exit 1 when wardround is under three times MLflow's throughput or has a higher p99."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, MLflow as it comes only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--family", help="serve this family instead of the one that training chooses")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "wardround-benchmarks")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--save", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    if options.save:
        save_for_mlflow(options.save)
        return 0
    if options.quick:
        options.rounds, options.seconds = 2, 2.0
    with ExitStack() as stack:
        found, told = compare(stack, options)
    print(f"{told}\n\n{table(found)}")
    ours, *theirs = found.values()
    fast = all(ours["throughput"] >= FAST_ENOUGH * one["throughput"] and ours["p99"] < one["p99"] for one in theirs)
    return 0 if fast else 1


def compare(stack: ExitStack, options: argparse.Namespace) -> tuple[dict[str, dict[str, Any]], str]:
    """Set everything up, measure, and return the figures and what they were measured on."""
    from wardround import people, registry
    from wardround.local import EmbeddedS3
    from wardround.models.facts import FACTS, MODEL
    from wardround.processes import free_port
    from wardround.settings import Settings

    python = environment(options.cache)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wardround-benchmark-")))
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["WARDROUND_HOME"] = str(folder / "home")
    os.environ["WARDROUND_API_RATE"] = "100000000"
    settings = Settings()
    store = stack.enter_context(EmbeddedS3(settings.home)).store
    store.prepare()
    case, version = train(settings, store, options.family)
    now = datetime.now(UTC)
    _, token = people.add_api_key(
        store, system="benchmark", use_cases=(CASE,), by="benchmark", now=now, expires_at=now + timedelta(days=1)
    )
    (folder / "files").mkdir()
    for name in (MODEL, FACTS):
        (folder / "files" / name).write_bytes(registry.read_file(store, version, name))
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}
    subprocess.run([str(python), __file__, "--save", str(folder)], check=True, env=environ, stderr=subprocess.DEVNULL)

    given = rows(case, settings)
    truth = {"true": True, "false": False}
    booleans = {feature.name for feature in case.features if feature.kind == "boolean"}
    ours = tuple(
        json.dumps(
            {"records": [{"features": {k: truth.get(v, v) if k in booleans else v for k, v in row.items()}}]}
        ).encode()
        for row in given
    )
    theirs = tuple(json.dumps({"dataframe_records": [row]}).encode() for row in given)
    port = free_port()
    pid = stack.enter_context(
        running(
            [sys.executable, __file__, "--serve", str(port)], port, "/readyz", environ=environ, log=folder / "ours.log"
        )
    )
    contestants = [
        Contestant(
            "wardround, 1 process", port, pid, f"/v1/use-cases/{CASE}/predictions",
            (f"Authorization: Bearer {token}",), ours,
        )
    ]  # fmt: skip
    for workers in (1,) if options.quick else (1, 2):
        port = free_port()
        command = [
            str(python.with_name("mlflow")), "models", "serve", "-m", str(folder / "model"), "-p", str(port),
            "--env-manager", "local", "--workers", str(workers),
        ]  # fmt: skip
        path = {**environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        pid = stack.enter_context(running(command, port, "/ping", environ=path, log=folder / f"mlflow-{workers}.log"))
        name = "MLflow, 1 process (its default)" if workers == 1 else f"MLflow, {workers} processes"
        contestants.append(Contestant(name, port, pid, "/invocations", (), theirs))
    same_numbers(contestants)
    found = in_turn(contestants, rounds=options.rounds, seconds=options.seconds)
    busiest = max(one["own_work"] for one in found.values())
    versions = ", ".join(f"{name} {installed(name)}" for name in (*SAME[:3], "uvicorn"))
    told = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {versions}, "
        f"MLflow {MLFLOW}; "
        f"{version.family}, {len(case.features)} features; {CLIENTS} clients, {options.rounds} rounds of "
        f"{options.seconds:g} s, medians; {sum(one['requests'] for one in found.values()):,} requests, none failed; "
        f"the clients' process used at most {100 * busiest:.0f} % of a core"
    )
    return found, told


if __name__ == "__main__":
    raise SystemExit(main())
