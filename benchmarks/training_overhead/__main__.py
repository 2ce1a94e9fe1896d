"""What wardround adds to training, family by family, beside a plain script of the library that it uses.

Both sides learn the same model from the same generated rows in memory: the same preparation, calibration on held-out
patients where wardround calibrates, the interval of a regression, the resamples of groups; and write it to files that
run no code. Every run has a process of its own, so that its peak memory is its own; a small run before the measured one
loads what is imported; the sides take turns. Time is processor time on one thread; the ratio is that of the least of
the runs, since other work on the machine can only add.

    python benchmarks/training_overhead [--quick] [--runs N] [--only NAME ...]
"""

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from cases import CASES, Case, forgotten  # noqa: E402  # after the threads are set

MOST = 1.10
SMALL = 600
FEW = 10
"""Files of fewer kB have no ratio: they are the names of what was learned."""
HEAD = """\
| family, problem | rows | training, s: least (median) | plain | ratio | memory, MiB | plain | ratio | files, kB | \
plain | ratio |
|---|---|---|---|---|---|---|---|---|---|---|"""
WHAT = {"seconds": 1, "peak": 1024, "size": 1000}


def measured(side: str, case: Case) -> dict[str, float]:
    """Train *case* once on few rows and once on all of them; return the figures of the second time."""
    for count, epochs in ((min(SMALL, case.count), case.epochs and 1), (case.count, case.epochs)):
        rows = case.make(count)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            if side == "ours":
                with_wardround = importlib.import_module("with_wardround")
                use_case, frame = with_wardround.asked(case.problems[0], rows)
                setting = case.parameters | ({"epochs": 1} if epochs == 1 else {})
                began = time.process_time()
                with_wardround.train(case.family, use_case, frame, rows.target, setting, folder)
            else:
                module, function = case.plain.split(":")
                plain = getattr(importlib.import_module(module), function)
                began = time.process_time()
                plain(case.first, rows, folder, *([] if epochs is None else [epochs]))
            seconds = time.process_time() - began
            size = sum(path.stat().st_size for path in folder.iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "size": size, "peak": peak}


def apart(side: str, case: Case) -> dict[str, float]:
    """Return the figures of one run in a process of its own."""
    command = [sys.executable, str(Path(__file__).parent), "--side", side, case.name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{case.name}, {side}:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(case: Case, runs: int) -> tuple[str, float]:
    """Return the line of the table and the worst ratio in it."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
    for run in range(runs):
        for side in ("ours", "plain") if run % 2 else ("plain", "ours"):
            if side == "ours" or case.plain:
                found[side].append(apart(side, case))
    cells, worst = [case.name, f"{case.count:,}"], 0.0
    for what, scale in WHAT.items():
        each = [[run[what] / scale for run in found[side]] for side in ("ours", "plain")]
        shown = [f"{min(one):.2f} ({statistics.median(one):.2f})" if what == "seconds" else f"{min(one):,.1f}"
                 for one in each if one]  # fmt: skip
        if what == "size" and min(each[0]) < FEW:
            cells += [*shown, *[""] * (3 - len(shown))]
        elif case.plain:
            ratio = min(each[0]) / min(each[1])
            worst = max(worst, ratio)
            cells += [*shown, f"{ratio:.2f}"]
        else:
            cells += [*shown, "learns nothing", ""]
    return "| " + " | ".join(cells) + " |", worst


def main() -> int:
    """Print the table; exit 1 when wardround costs over 10 % more, or when a family has no case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of each")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="families, or names of lines")
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side, name = options.side
        print(json.dumps(measured(side, next(case for case in CASES if case.name == name))))
        return 0
    if missing := forgotten():
        print(f"no case trains {', '.join(missing)}", file=sys.stderr)
        return 1
    chosen = [case for case in CASES if not options.only or {case.name, case.family} & set(options.only)]
    if not chosen:
        print(f"there is no such family; the lines are {'; '.join(case.name for case in CASES)}", file=sys.stderr)
        return 1
    print(HEAD, flush=True)
    over = []
    for case in chosen:
        shown, worst = line(case, 1 if options.quick else options.runs)
        print(shown, flush=True)
        if worst > MOST:
            over.append(case.name)
    if over:
        print(f"over {MOST:.2f}: {'; '.join(over)}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
