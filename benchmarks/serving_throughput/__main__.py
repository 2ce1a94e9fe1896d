"""wardround's prediction API beside MLflow's scoring server: the same model, the same rows, in turn, in one run.

Both answer single records for 50 clients that keep their connections, on this machine's loopback. wardround runs as
it ships (API key checked, every field validated, reasons and warnings computed, each prediction written to the durable
log before it is answered); MLflow parses and predicts. MLflow gets a virtual environment of its own, with the same
versions of Python, NumPy, pandas and scikit-learn and with uvicorn's fast event loop and parser. It loads the very file
of wardround's champion and asks the estimator as scikit-learn is asked; both must give the same numbers, or nothing is
timed. Only the API key's rate is raised, since one key plays all clients.

    python benchmarks/serving_throughput [--quick] [--cache FOLDER] [--rounds N] [--seconds S] [--family NAME]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from clients import CLIENTS, Contestant, in_turn, same_numbers
from servers import CASE, MLFLOW, SAME, environment, rows, running, save_for_mlflow, serve, train

REPOSITORY = Path(__file__).resolve().parents[2]
FAST_ENOUGH = 3.0


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
