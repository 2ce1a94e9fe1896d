"""How often the monitor is wrong, and what it sees: the table of docs/explanation/decisions.md.

Patients are drawn from a known world (30 columns of different kinds, outcomes that follow a known probability), so that
every decision but "none" in an unchanged world is a false alarm. Every round goes through the whole monitor: summary,
quality, drift, performance, history, decision.

    python benchmarks/decision_operating_characteristics.py [--quick] [--seed N]
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from wardround.domain import Action, Batch, Decision
from wardround.monitoring.decision import decide
from wardround.monitoring.drift import drift_readings
from wardround.monitoring.performance import performance_readings
from wardround.monitoring.profile import Profile, build_profile
from wardround.monitoring.quality import quality_readings
from wardround.monitoring.summary import BatchSummary
from wardround.use_cases.base import Feature, Monitoring, Source, Target, UseCase

SHAPES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda z: z,
    lambda z: np.exp(0.8 * z),
    lambda z: np.floor(np.exp(0.5 * z + 1.0)),
    lambda z: z**3,
    lambda z: np.round(10.0 * z) / 10.0,
    lambda z: np.where(z > 0.5, z + 4.0, z),
)
LEVELS = (2, 3, 4, 5, 8, 12)
NUMERIC = tuple(f"number_{i}" for i in range(24))
CATEGORY = tuple(f"category_{i}" for i in range(6))
START = datetime(2026, 1, 5, tzinfo=UTC)
USE_CASE = UseCase(
    name="simulated",
    question="Is a false alarm raised?",
    problem="classification",
    source=Source(kind="csv", location="none"),
    record_id="record_id",
    target=Target(column="target", positive=(1,)),
    features=(
        *(Feature(name=name, kind="numeric") for name in NUMERIC),
        *(Feature(name=name, kind="category") for name in CATEGORY),
    ),
    candidates=(),
    gates=(),
    monitoring=Monitoring(false_alarms_per_year=1.0, rounds_per_year=52.0),
)


@dataclass(frozen=True)
class Predicted:
    """Predictions with the attribute that a profile reads."""

    value: np.ndarray


@dataclass(frozen=True)
class World:
    """A population; *correlation* between all columns, *shifted* columns moved by *shift* SD (before shaping)."""

    correlation: float = 0.0
    shift: float = 0.0
    shifted: tuple[int, ...] = ()

    def draw(self, rows: int, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
        """Return canonical rows and the model's (calibrated) predictions."""
        common = random.standard_normal((rows, 1))
        own = random.standard_normal((rows, len(NUMERIC) + len(CATEGORY)))
        z = np.sqrt(self.correlation) * common + np.sqrt(1.0 - self.correlation) * own
        z[:, self.shifted] += self.shift
        columns: dict[str, object] = {
            "record_id": np.arange(rows).astype(str).astype(object),
            "patient_id": np.arange(rows).astype(str).astype(object),
        }
        for i, name in enumerate(NUMERIC):
            columns[name] = SHAPES[i % len(SHAPES)](z[:, i])
        for i, (name, levels) in enumerate(zip(CATEGORY, LEVELS, strict=True)):
            cuts = np.quantile(np.linspace(-2, 2, 1001), np.linspace(0, 1, levels + 1)[1:-1])
            names = np.array([f"level {k}" for k in range(levels)], dtype=object)
            columns[name] = names[np.searchsorted(cuts, z[:, len(NUMERIC) + i])]
        probability = 1.0 / (1.0 + np.exp(-0.35 * z[:, :6].sum(axis=1)))
        columns["target"] = (random.random(rows) < probability).astype(float)
        return pd.DataFrame(columns), probability


def reference(world: World, rows: int, random: np.random.Generator) -> Profile:
    """Return the profile of a fresh reference of *rows* patients."""
    frame, probability = world.draw(rows, random)
    importance = dict.fromkeys((*NUMERIC, *CATEGORY), 1.0)
    return build_profile(USE_CASE, frame, Predicted(probability), frame["target"].to_numpy(), importance, seed=1)


def visit(profile: Profile, world: World, rows: int, random: np.random.Generator, history: list[Decision]) -> Decision:
    """Make one weekly round and return its decision."""
    frame, probability = world.draw(rows, random)
    summary = BatchSummary(profile)
    summary.update(frame, probability)
    as_of = START + timedelta(weeks=len(history))
    batch = Batch(
        use_case="simulated", id=str(len(history)), label="", source="", rows_in=rows, rows_accepted=rows,
        rows_quarantined=0, rows_labelled=rows, refused=False, outcomes=(), faults=(), ingested_at=as_of,
    )  # fmt: skip
    readings = (
        *quality_readings(USE_CASE, profile, summary, batch, as_of=as_of, small_cell=10),
        *drift_readings(USE_CASE, profile, summary, history),
        *performance_readings(USE_CASE, profile, summary),
    )
    return decide(
        USE_CASE, batch, readings, champion="c", rows=rows, outcomes=rows, importance=profile.importance,
        as_of=as_of, decided_at=as_of,
    )  # fmt: skip


def no_drift(
    correlation: float, ref_rows: int, rows: int, years: int, random: np.random.Generator
) -> dict[str, object]:
    """Replay *years* of 52 unchanged weeks, each with a reference of its own."""
    world = World(correlation=correlation)
    decisions, alarms = [], []
    for _ in range(years):
        profile, history = reference(world, ref_rows, random), []
        for _ in range(52):
            history.append(visit(profile, world, rows, random, history))
        decisions.append(sum(d.action is not Action.NONE for d in history))
        alarms.append(sum(any(r.alarm for r in d.readings) for d in history))
    return {
        "scenario": f"no drift, correlation {correlation:g}", "reference": ref_rows, "batch": rows,
        "runs": f"{years} years", "result": f"{np.mean(decisions):.2f} false decisions a year "
        f"(any alarm of any reading: {np.mean(alarms):.2f})", "limit": "at most 1 a year",
        "holds": float(np.mean(alarms)) <= 1.0,
    }  # fmt: skip


def seen(
    shift: float, ref_rows: int, rows: int, runs: int, correlation: float, random: np.random.Generator
) -> dict[str, object]:
    """Count how often a shift of *shift* SD in one of 30 columns raises that column's alarm in its first round."""
    unchanged, moved = World(correlation=correlation), World(correlation=correlation, shift=shift, shifted=(0,))
    hits = 0
    for run in range(runs):
        if run % 10 == 0:
            profile = reference(unchanged, ref_rows, random)
        hits += NUMERIC[0] in visit(profile, moved, rows, random, []).drifted
    return {
        "scenario": f"{shift:g} SD in 1 of 30 columns, correlation {correlation:g}", "reference": ref_rows,
        "batch": rows, "runs": runs, "result": f"seen at once in {100 * hits / runs:.1f} %",
        "limit": "at least 95 %" if shift >= 0.5 else "", "holds": hits / runs >= 0.95 if shift >= 0.5 else None,
    }  # fmt: skip


def sustained(shift: float, ref_rows: int, rows: int, runs: int, random: np.random.Generator) -> dict[str, object]:
    """Count the rounds until a lasting shift of one column is confirmed."""
    unchanged, moved = World(), World(shift=shift, shifted=(0,))
    delays = []
    for run in range(runs):
        if run % 5 == 0:
            profile = reference(unchanged, ref_rows, random)
        history: list[Decision] = []
        while len(history) < 12 and not (history and NUMERIC[0] in history[-1].drifted):
            history.append(visit(profile, moved, rows, random, history))
        delays.append(len(history) if NUMERIC[0] in history[-1].drifted else 99)
    found = sum(delay < 99 for delay in delays)
    return {
        "scenario": f"{shift:g} SD that lasts, 1 of 30 columns", "reference": ref_rows, "batch": rows, "runs": runs,
        "result": f"confirmed within 12 rounds in {100 * found / runs:.0f} %, median round {np.median(delays):.0f}",
        "limit": "", "holds": None,
    }  # fmt: skip


def tiny(
    shift: float, columns: int, ref_rows: int, rows: int, runs: int, random: np.random.Generator
) -> dict[str, object]:
    """Count the retrainings over a shift that is significant at this size and does not matter."""
    moved = World(shift=shift, shifted=tuple(range(columns)))
    decisions = []
    for run in range(runs):
        if run % 10 == 0:
            profile = reference(World(), ref_rows, random)
        decisions.append(visit(profile, moved, rows, random, []))
    retrained = sum(d.action is not Action.NONE for d in decisions)
    significant = np.mean([any((r.p or 1.0) < 1e-4 for r in d.readings if r.kind == "input drift") for d in decisions])
    return {
        "scenario": f"{shift:g} SD in {columns} of 30 columns", "reference": ref_rows, "batch": rows, "runs": runs,
        "result": f"{retrained} decisions to act (significant in {100 * significant:.0f} % of runs)",
        "limit": "0", "holds": retrained == 0,
    }  # fmt: skip


def main() -> int:
    """Print the table; exit 1 when an acceptance limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--seed", type=int, default=20260101)
    options = parser.parse_args()
    share = 10 if options.quick else 1
    random = np.random.default_rng(options.seed)
    began = time.perf_counter()
    rows = [
        no_drift(0.0, 2_000, 300, 40 // share, random),
        no_drift(0.6, 2_000, 300, 40 // share, random),
        no_drift(0.0, 150, 150, 40 // share, random),
        no_drift(0.6, 150, 150, 40 // share, random),
        no_drift(0.0, 5_000, 5_000, 10 // share, random),
        seen(0.5, 2_000, 300, 400 // share, 0.0, random),
        seen(0.5, 2_000, 300, 400 // share, 0.6, random),
        seen(0.25, 2_000, 300, 200 // share, 0.0, random),
        sustained(0.35, 2_000, 300, 50 // share, random),
        sustained(0.25, 2_000, 300, 50 // share, random),
        tiny(0.03, 1, 50_000, 50_000, 20 // share, random),
        tiny(0.03, 30, 50_000, 50_000, 20 // share, random),
    ]
    head = ("scenario", "reference", "batch", "runs", "result", "limit", "holds")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for row in rows:
        mark = {True: "yes", False: "NO", None: ""}[row["holds"]]
        print("| " + " | ".join(str(row[name]) for name in head[:-1]) + f" | {mark} |")
    print(f"\nseed {options.seed}, {time.perf_counter() - began:.0f} s")
    return int(any(row["holds"] is False for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
