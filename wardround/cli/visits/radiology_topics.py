"""Chest reports to learn from, a usual month, the same in Chinese, and reports of which hardly one is normal."""

from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

SEED = 20130802
FIRST, CLEAN = 1_600, 300
CHINESE = "胸廓对称，双肺纹理清晰，未见明显实变影。心影大小正常，双侧肋膈角锐利。"
"""What a template in Chinese says of a normal picture; made up."""


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("radiology_topics")
    rows = read(use_case, use_case.source, settings)
    rows = rows.iloc[np.random.default_rng(SEED).permutation(len(rows))]
    clean, rest = rows.iloc[FIRST : FIRST + CLEAN], rows.iloc[FIRST + CLEAN :]
    switched = clean["findings"].where(clean["findings"].isna(), CHINESE)
    files = (
        ("first-reports", rows.iloc[:FIRST], "chest reports with their headings", ""),
        ("usual", clean, "a usual month", "none"),
        ("in-chinese", clean.assign(findings=switched), "the same month, from a Chinese template", "quarantine"),
        ("hardly-normal", rest[rest["topics"].str.count(r"\|") >= 2], "reports of which none is normal", "retrain"),
    )  # fmt: skip
    return written(inbox, files)
