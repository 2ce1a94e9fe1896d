"""Beats of one patient: three in five to learn from, a usual week, the same with an electrode that comes loose and at
half the sampling rate, and a night of runs of premature beats."""

from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

SEED = 20001001
FIRST, CLEAN = 300, 90
LOOSE = 0.4
"""Share of the beats during which the electrode is off."""
PREMATURE, ORDINARY = "r on t", 20


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.contents.arrays import packed, unpacked
    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("ecg_beats")
    beat, kind = use_case.contents[0].source_column, use_case.target.column
    rows = read(use_case, use_case.source, settings)
    generator = np.random.default_rng(SEED)
    rows = rows.iloc[generator.permutation(len(rows))].reset_index(drop=True)
    usual, rest = rows.iloc[FIRST : FIRST + CLEAN], rows.iloc[FIRST + CLEAN :]
    loose = generator.random(len(usual)) < LOOSE

    def flat(cell: bytes) -> bytes:
        series = unpacked(cell).copy()
        series[:, 1:] = 0.0
        return packed(series)

    beats = zip(usual[beat], loose, strict=True)
    lead_off = usual.assign(**{beat: [flat(cell) if off else cell for cell, off in beats]})
    halved = usual.assign(**{beat: [packed(unpacked(cell)[::2]) for cell in usual[beat]]})
    runs = rest[(rest[kind] == PREMATURE) | (rest.groupby(kind).cumcount() < ORDINARY)]
    files = (
        ("first-beats", rows.iloc[:FIRST], "three in five of the beats, with their kinds", ""),
        ("usual-week", usual.drop(columns=kind), "a usual week, the kinds to follow", "none"),
        ("lead-off", lead_off, "the same week with an electrode that comes loose", "quarantine"),
        ("rate-halved", halved, "the same week from a monitor set to half the sampling rate", "quarantine"),
        ("runs", runs, "a night of runs of premature beats", "retrain"),
    )
    return written(inbox, files, late={"usual-week": usual[[use_case.record_id, kind]]})
