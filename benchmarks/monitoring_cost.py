"""What a round of monitoring costs, beside Evidently's drift preset on the same rows in the same run.

Every size runs in a process of its own, so that its peak memory is its own. wardround streams generated chunks against
a stored profile of 20,000 patients (all its readings: quality, drift, prediction drift, joint reading, performance).
For the comparison both sides get the same frame, already in memory, and Evidently gets as many reference rows as
batch rows.

    python benchmarks/monitoring_cost.py [--quick]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

CHUNK = 65_536
NUMBERS = tuple(f"number_{i}" for i in range(24))
LEVELS = (2, 3, 5, 12, 50, 200)
CATEGORIES = tuple(f"category_{i}" for i in range(len(LEVELS)))
REFERENCE = 20_000
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
COMPARED = ((10_000, 3), (100_000, 3), (1_000_000, 1))


def chunk(rows, seed):  # type: ignore[no-untyped-def]
    """Return generated canonical rows and predictions."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    ids = pd.Series(np.char.mod("%024x", random.integers(0, 2**62, rows))).astype("str")
    columns = {"record_id": ids, "patient_id": ids}
    for i, name in enumerate(NUMBERS):
        z = random.standard_normal(rows)
        columns[name] = z if i % 3 == 0 else np.exp(z) if i % 3 == 1 else np.round(10 * z)
    for name, levels in zip(CATEGORIES, LEVELS, strict=True):
        names = pd.Index([f"level {k}" for k in range(levels)], dtype="str")
        columns[name] = pd.Series(names.take(random.integers(0, levels, rows)))
    probability = 1 / (1 + np.exp(-columns[NUMBERS[0]]))
    columns["target"] = (random.random(rows) < probability).astype(float)
    return pd.DataFrame(columns), probability


def use_case():  # type: ignore[no-untyped-def]
    """Return the use case of the generated rows."""
    from wardround.use_cases.base import Feature, Source, Target, UseCase

    return UseCase(
        name="generated", question="What does a round cost?", problem="classification",
        source=Source(kind="csv", location="none"), record_id="record_id",
        target=Target(column="target", positive=(1,)), candidates=(), gates=(),
        features=(
            *(Feature(name=name, kind="numeric") for name in NUMBERS),
            *(Feature(name=name, kind="category") for name in CATEGORIES),
        ),
    )  # fmt: skip


def read(case, profile, parts, rows):  # type: ignore[no-untyped-def]
    """Make all readings and decide."""
    from datetime import UTC, datetime

    from wardround.domain import Batch
    from wardround.monitoring.decision import decide
    from wardround.monitoring.drift import drift_readings
    from wardround.monitoring.performance import performance_readings
    from wardround.monitoring.quality import quality_readings
    from wardround.monitoring.summary import summarise

    now = datetime(2026, 1, 5, tzinfo=UTC)
    batch = Batch(
        use_case=case.name, id="b", label="b", source="", rows_in=rows, rows_accepted=rows, rows_quarantined=0,
        rows_labelled=rows, refused=False, outcomes=(), faults=(), ingested_at=now,
    )  # fmt: skip
    summary = summarise(profile, parts)
    readings = (
        *quality_readings(case, profile, summary, batch, as_of=now, small_cell=10),
        *drift_readings(case, profile, summary),
        *performance_readings(case, profile, summary),
    )
    return decide(
        case, batch, readings, champion="c", rows=rows, outcomes=rows, importance=profile.importance, as_of=now,
        decided_at=now,
    )  # fmt: skip


def profile_of(case):  # type: ignore[no-untyped-def]
    """Return the stored profile of the reference."""
    from types import SimpleNamespace

    from wardround.monitoring.profile import build_profile

    frame, value = chunk(REFERENCE, 0)
    return build_profile(case, frame, SimpleNamespace(value=value), frame["target"].to_numpy(), {}, 1)


def ours(rows: int) -> dict[str, float]:
    """Monitor *rows* generated rows by streaming; generating is not counted as time, but as memory."""
    case = use_case()
    profile = profile_of(case)
    generating = 0.0

    def parts() -> Iterator[object]:
        nonlocal generating
        for start in range(0, rows, CHUNK):
            began = time.perf_counter()
            made = chunk(min(CHUNK, rows - start), start + 1)
            generating += time.perf_counter() - began
            yield made

    began = time.perf_counter()
    decision = read(case, profile, parts(), rows)
    seconds = time.perf_counter() - began - generating
    return {"rows": rows, "seconds": seconds, "peak_mib": _peak(), "action": decision.action.value}


def pair(rows: int, runs: int) -> dict[str, float]:
    """Time wardround and Evidently's preset on one frame in memory, *runs* times in turn."""
    os.environ["DO_NOT_TRACK"] = "1"
    import warnings

    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    warnings.simplefilter("ignore")
    case = use_case()
    profile = profile_of(case)
    frame, value = chunk(rows, 1)
    other, _ = chunk(rows, 2)
    definition = DataDefinition(numerical_columns=list(NUMBERS), categorical_columns=list(CATEGORIES))
    columns = [*NUMBERS, *CATEGORIES]
    plain = [part[columns].astype(dict.fromkeys(CATEGORIES, object)) for part in (frame, other)]
    mine, its = [], []
    for _ in range(runs):
        began = time.perf_counter()
        parts = ((frame.iloc[s : s + CHUNK], value[s : s + CHUNK]) for s in range(0, rows, CHUNK))
        read(case, profile, parts, rows)
        mine.append(time.perf_counter() - began)
        began = time.perf_counter()
        current, reference = (Dataset.from_pandas(part, data_definition=definition) for part in plain)
        Report([DataDriftPreset()]).run(current, reference).dict()
        its.append(time.perf_counter() - began)
    ratios = [b / a for a, b in zip(mine, its, strict=True)]
    return {
        "rows": rows, "runs": runs, "seconds": statistics.median(mine), "evidently": statistics.median(its),
        "ratio": statistics.median(ratios), "peak_mib": _peak(),
    }  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def _apart(*arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print both tables; exit 1 when 1,000,000 rows are not at least ten times cheaper or memory grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 100,000 rows only")
    parser.add_argument("--ours", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--pair", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(ours(options.ours)))
        return 0
    if options.pair:
        print(json.dumps(pair(*options.pair)))
        return 0
    most = 100_000 if options.quick else max(SIZES)
    print(
        "| rows x 30 columns | seconds | rows a second | peak memory of the process, MiB |\n|---|---|---|---|",
        flush=True,
    )
    streamed = []
    for rows in (size for size in SIZES if size <= most):
        streamed.append(_apart("--ours", str(rows)))
        last = streamed[-1]
        print(
            f"| {rows:,} | {last['seconds']:.2f} | {rows / last['seconds']:,.0f} | {last['peak_mib']:.0f} |", flush=True
        )
    print(
        "\n| rows x 30 columns | wardround, s | Evidently drift preset, s | ratio | runs (medians) |\n"
        "|---|---|---|---|---|"
    )
    compared = []
    for rows, runs in COMPARED:
        if rows > most:
            continue
        compared.append(_apart("--pair", str(rows), str(runs)))
        last = compared[-1]
        print(
            f"| {rows:,} | {last['seconds']:.2f} | {last['evidently']:.1f} | {last['ratio']:.0f} x | {runs} |",
            flush=True,
        )
    grown = streamed[-1]["peak_mib"] / streamed[1]["peak_mib"]
    print(f"\npeak memory at {streamed[-1]['rows']:,} rows is {grown:.2f} times that at {streamed[1]['rows']:,}")
    fast = all(last["ratio"] >= 10 for last in compared if last["rows"] >= 1_000_000)
    return 0 if fast and grown < 1.25 else 1


if __name__ == "__main__":
    raise SystemExit(main())
