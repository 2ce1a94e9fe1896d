"""Aspirates of a breast clinic: half to find groups in, a quarter as usual, the same at another magnification, and a
month in which mostly suspicious lumps were sent."""

from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

SEED = 19930101
FIRST, CLEAN = 285, 110
SUSPICIOUS = 13.5
"""A mean radius (pixels) above which a lump looks suspicious before the needle; one in five of the rest comes too."""


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("patient_clusters")
    rows = read(use_case, use_case.source, settings)
    generator = np.random.default_rng(SEED)
    rows = rows.iloc[generator.permutation(len(rows))]
    clean, rest = rows.iloc[FIRST : FIRST + CLEAN], rows.iloc[FIRST + CLEAN :]
    lengths = [f.source_column for f in use_case.features if f.other_units]
    factor = use_case.feature("radius").other_units["pixels at 40x"]
    sent = (rest["mean radius"] > SUSPICIOUS).to_numpy() | (generator.random(len(rest)) < 0.2)
    files = (
        ("first-half", rows.iloc[:FIRST], "half of the aspirates", ""),
        ("usual", clean, "a usual quarter", "none"),
        ("at-40x", clean.assign(**{name: clean[name] / factor for name in lengths}),
         "the same quarter, photographed at 40x where 63x is meant", "quarantine"),
        ("suspicious-lumps", rest[sent], "a month in which mostly suspicious lumps were sent", "retrain"),
    )  # fmt: skip
    return written(inbox, files)
