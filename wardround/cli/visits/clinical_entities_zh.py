"""Records of an oncology ward to learn from, a usual month, the same in another encoding, and wards without tumours."""

from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

SEED = 20200101
CLEAN = 150
TUMOUR = "癌|瘤"


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("clinical_entities_zh")
    rows = read(use_case, use_case.source, settings)
    rows = rows.iloc[np.random.default_rng(SEED).permutation(len(rows))]
    tumour = rows["text"].str.contains(TUMOUR)
    ward, others = rows[tumour], rows[~tumour]
    clean = ward.iloc[:CLEAN]
    misread = clean["text"].map(lambda text: text.encode("gb18030").decode("latin-1"))
    files = (
        ("oncology", ward.iloc[CLEAN:], "records of an oncology ward, with their entities", ""),
        ("usual", clean, "a usual month on the ward", "none"),
        ("misread", clean.assign(text=misread), "the same month, GB 18030 read as Latin-1", "quarantine"),
        ("other-wards", others, "records of other wards, where nobody has a tumour", "retrain"),
    )  # fmt: skip
    return written(inbox, files)
