"""Chest reports to learn from, a usual month, the same in another encoding, and the long reports of a chest clinic."""

from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

SEED = 20130801
FIRST, CLEAN = 1_200, 300
LONG = 250
"""Characters from which on findings are long; three in ten are."""


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("radiology_summary")
    rows = read(use_case, use_case.source, settings)
    rows = rows.iloc[np.random.default_rng(SEED).permutation(len(rows))]
    clean, rest = rows.iloc[FIRST : FIRST + CLEAN], rows.iloc[FIRST + CLEAN :]
    misread = clean["findings"].map(lambda text: text.encode("utf-16-le").decode("latin-1"), na_action="ignore")
    clinic = rest[(rest["findings"].str.len() >= LONG).to_numpy(dtype=bool) & (rest["topics"] != "normal").to_numpy()]
    files = (
        ("first-reports", rows.iloc[:FIRST], "chest reports with their impressions", ""),
        ("usual", clean, "a usual month", "none"),
        ("misread", clean.assign(findings=misread), "the same month, UTF-16 read as Latin-1", "quarantine"),
        ("chest-clinic", clinic, "long reports of a chest clinic, where hardly a picture is normal", "retrain"),
    )  # fmt: skip
    return written(inbox, files)
