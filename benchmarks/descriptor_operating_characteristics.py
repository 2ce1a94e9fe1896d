"""How often the monitor is wrong about what is measured of pictures, signals and texts, and which changes it sees.

The rows are real (WARDROUND_DATA); a random half is the reference, the other half arrives in rounds. In unchanged ones
every decision but "none" is a false alarm. Then a change is planted in the contents themselves, measured again as
ingest measures them, and counted how often the first round that holds it raises an alarm of drift or quality.

    WARDROUND_DATA=... python benchmarks/descriptor_operating_characteristics.py [--quick] [--use-case NAME ...]
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from wardround.contents.arrays import packed, unpacked
from wardround.domain import Action, Batch, Decision
from wardround.monitoring.decision import decide
from wardround.monitoring.drift import DRIFT_KINDS, drift_readings
from wardround.monitoring.profile import Profile, build_profile
from wardround.monitoring.quality import QUALITY_KINDS, quality_readings
from wardround.monitoring.summary import BatchSummary
from wardround.problems.base import Prediction
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases import load
from wardround.use_cases.base import UseCase

START = datetime(2026, 1, 5, tzinfo=UTC)
Change = Callable[[Any, np.random.Generator], Any]


def _array(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Change:
    return lambda cell, random: packed(change(unpacked(cell), random))


def _grey(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Change:
    def changed(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
        kind = np.iinfo(picture.dtype)
        return np.clip(np.rint(change(picture.astype(float) / kind.max, random) * kind.max), 0, kind.max).astype(
            picture.dtype
        )

    return _array(changed)


def _blurred(sigma: float) -> Change:
    from scipy.ndimage import gaussian_filter

    return _grey(lambda picture, _: gaussian_filter(picture, sigma))


def _channels(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Change:
    def changed(series: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return np.column_stack([series[:, :1], change(series[:, 1:], random)]).astype(np.float32)

    return _array(changed)


CHANGES: dict[str, dict[str, Change]] = {
    "image": {
        "exposure + 2 %": _grey(lambda picture, _: picture * 1.02),
        "exposure + 10 %": _grey(lambda picture, _: picture * 1.10),
        "noise, 2 % of the range": _grey(lambda picture, random: picture + random.normal(0, 0.02, picture.shape)),
        "blur, half a pixel": _blurred(0.5),
        "inverted": _grey(lambda picture, _: 1.0 - picture),
    },
    "series": {
        "gain + 5 %": _channels(lambda values, _: values * 1.05),
        "gain + 20 %": _channels(lambda values, _: values * 1.20),
        "noise, a tenth of the spread": _channels(
            lambda values, random: values + random.normal(0, 0.1 * max(float(np.nanstd(values)), 1e-9), values.shape)
        ),
        "every second sample gone": lambda cell, _: packed(unpacked(cell)[::2]),
        "lead off (constant)": _channels(lambda values, _: np.full_like(values, np.nanmedian(values))),
    },
    "text": {
        "last tenth cut off": lambda text, _: text[: max(1, len(text) * 9 // 10)],
        "second half cut off": lambda text, _: text[: max(1, len(text) // 2)],
        "one character in 50 broken": lambda text, random: "".join(
            "\N{REPLACEMENT CHARACTER}" if random.random() < 0.02 else letter for letter in text
        ),
        "upper case": lambda text, _: text.upper(),
    },
}  # fmt: skip


def measured(use_case: UseCase, raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the features of *raw* as ingest measures them; rows that ingest would quarantine are left out."""
    frame = canonical(use_case, raw, settings, place="benchmark")
    bad = sorted({row for rows in frame.attrs["row_faults"].values() for row in rows})
    frame.attrs = {}
    return frame[["record_id", "patient_id", *use_case.feature_names]].drop(index=bad).reset_index(drop=True)


def visit(use_case: UseCase, profile: Profile, frame: pd.DataFrame, history: list[Decision]) -> Decision:
    """Make one round on *frame* without predictions: what is judged are the inputs."""
    still = replace(
        use_case, monitoring=replace(use_case.monitoring, rows_per_round=None, freshness=None, min_rows=0)
    )  # fmt: skip
    summary = BatchSummary(profile)
    summary.update(frame)
    as_of = START + timedelta(weeks=len(history))
    batch = Batch(
        use_case=use_case.name, id=str(len(history)), label="", source="", rows_in=len(frame), rows_accepted=len(frame),
        rows_quarantined=0, rows_labelled=0, refused=False, outcomes=(), faults=(), ingested_at=as_of,
    )  # fmt: skip
    readings = (
        *quality_readings(still, profile, summary, batch, as_of=as_of, small_cell=10),
        *drift_readings(still, profile, summary, history),
    )
    return decide(
        still, batch, readings, champion="c", rows=len(frame), outcomes=0, importance=(), as_of=as_of, decided_at=as_of
    )


def halves(use_case: UseCase, frame: pd.DataFrame, random: np.random.Generator) -> tuple[Profile, np.ndarray]:
    """Return the profile of a random half of the patients, and the rows of the others in random order."""
    codes, names = pd.factorize(frame["patient_id"])
    rank = random.permutation(len(names))[codes]
    mine = rank < len(names) // 2
    reference = frame[mine]
    blank = np.full(len(reference), np.nan)
    profile = build_profile(use_case, reference, Prediction(value=blank), blank, (), seed=1, loss=blank)
    others = np.flatnonzero(~mine)
    return profile, others[np.argsort(rank[others], kind="stable")]


def table(name: str, rounds: int, rows: int, seed: int) -> list[dict[str, object]]:
    """Return the lines of one use case: *rounds* unchanged rounds of *rows* rows, then each change."""
    use_case, settings, random = load(name), Settings(), np.random.default_rng(seed)
    raw = read(use_case, use_case.source, settings)
    frame = measured(use_case, raw, settings)
    rows = min(rows, len(frame) // 4)
    decided, alarmed, made = 0, 0, 0
    while made < rounds:
        profile, others = halves(use_case, frame, random)
        history: list[Decision] = []
        for start in range(0, len(others) - rows + 1, rows):
            history.append(visit(use_case, profile, frame.iloc[others[start : start + rows]], history))
        decided += sum(decision.action is not Action.NONE for decision in history)
        alarmed += sum(any(reading.alarm for reading in decision.readings) for decision in history)
        made += len(history)
    common = {"use case": name, "columns": len(use_case.features), "reference": len(frame) // 2, "batch": rows}
    yearly = use_case.monitoring.rounds_per_year / made
    found: list[dict[str, object]] = [
        {
            **common, "change": "none", "rounds": made,
            "result": f"{decided * yearly:.2f} false decisions a year (any alarm: {alarmed * yearly:.2f})",
        }
    ]  # fmt: skip
    content = use_case.contents[0]
    for change, plant in CHANGES[content.kind].items():
        planted = raw.copy()
        planted[content.source_column] = [
            None if cell is None else plant(cell, random) for cell in raw[content.source_column]
        ]
        planted.attrs = raw.attrs
        moved = measured(use_case, planted, settings).set_index("record_id")
        kept = len(moved) / max(len(frame), 1)
        line = {**common, "change": change, "rounds": 40}
        if kept < 0.5:
            found.append({**line, "result": f"{1 - kept:.0%} of the rows are refused at ingest"})
            continue
        seen, first = 0, {}
        for _ in range(40):
            profile, others = halves(use_case, frame, random)
            names = [one for one in frame["record_id"].to_numpy()[others[:rows]] if one in moved.index]
            decision = visit(use_case, profile, moved.loc[names].reset_index(), [])
            alarms = [r for r in decision.readings if r.alarm and r.kind in (*DRIFT_KINDS, *QUALITY_KINDS)]
            seen += bool(alarms)
            for reading in alarms:
                what = reading.column or reading.kind
                first[what] = first.get(what, 0) + 1
        by = ", ".join(sorted(first, key=lambda one: -first[one])[:3])
        told = f"; {1 - kept:.0%} of the rows refused" if kept < 0.995 else ""
        found.append({**line, "result": f"seen at once in {seen / 40:.0%}{f' ({by})' if by else ''}{told}"})
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the unchanged rounds")
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--rows", type=int, default=150, help="rows of a round, at most a quarter of all")
    parser.add_argument("--use-case", nargs="+", default=["chest_xray", "ecg_beats", "radiology_topics"])
    options = parser.parse_args()
    began = time.perf_counter()
    head = ("use case", "columns", "reference", "batch", "change", "rounds", "result")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for name in options.use_case:
        for row in table(name, 52 * (2 if options.quick else 20), options.rows, options.seed):
            print("| " + " | ".join(str(row[column]) for column in head) + " |", flush=True)
    print(f"\nseed {options.seed}, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
