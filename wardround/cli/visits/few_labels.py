"""Thyroid requests of which one in twenty has been read: some to learn from, usual ones, thyroxine in another unit, and
a quarter in which the clinic for known thyroid patients sent most of them."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

SEED = 19840801
ONE_IN = 20
FIRST, CLEAN = 5_000, 1_500


def is_read(record: str) -> bool:
    """Whether somebody has read the request with this record number: every twentieth, by its hash."""
    return int(hashlib.sha256(record.encode()).hexdigest(), 16) % ONE_IN == 0


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("few_labels")
    rows = read(use_case, use_case.source, settings)
    unread = ~rows[use_case.record_id].astype(str).map(is_read)
    rows = rows.assign(**{use_case.target.column: rows[use_case.target.column].mask(unread)})
    rows = rows.iloc[np.random.default_rng(SEED).permutation(len(rows))]
    clean, rest = rows.iloc[FIRST : FIRST + CLEAN], rows.iloc[FIRST + CLEAN :]
    thyroxine = use_case.feature("tt4")
    micrograms = clean[thyroxine.source_column].astype(float) / thyroxine.other_units["ug/dL"]
    known = (rest[["on_thyroxine", "on_antithyroid_meds", "thyroid_surgery", "I131_treatment"]] == "t").any(axis=1)
    others = np.flatnonzero(~known)[: int(known.sum()) // 2]
    files = (
        ("first-requests", rows.iloc[:FIRST], "requests, one in twenty with a comment", ""),
        ("usual", clean, "requests as usual", "none"),
        ("thyroxine-in-micrograms", clean.assign(**{thyroxine.source_column: micrograms}),
         "the same requests with thyroxine in ug/dL", "quarantine"),
        ("thyroid-clinic", rest[known.to_numpy() | np.isin(np.arange(len(rest)), others)],
         "requests mostly for patients under treatment of the thyroid", "retrain"),
    )  # fmt: skip
    return written(inbox, files)
