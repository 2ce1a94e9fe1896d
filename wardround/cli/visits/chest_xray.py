"""Chest pictures as a radiology department would send them: another week, a viewer's negatives, another exposure."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

GAMMA = 1.6
"""Exponent of the darker exposure: a half becomes a third, and nothing is cut off at either end."""


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the files into *inbox* and return them in the order of their arrival, the training batch first.

    Raises:
        InputFault: the archive is not under ``WARDROUND_DATA``.
    """
    import numpy as np

    from wardround.contents.arrays import packed, unpacked
    from wardround.sources import read
    from wardround.use_cases import load
    from wardround.use_cases.base import Source

    use_case = load("chest_xray")
    picture, outcome = use_case.contents[0].source_column, use_case.target.column

    def part(split: str) -> Any:
        place = Source(kind="images", location=use_case.source.location, options={"split": split})
        return read(use_case, place, settings)

    def redrawn(frame: Any, change: Any) -> Any:
        """Every grey level of 256 gets another."""
        levels = np.rint(255 * change(np.arange(256) / 255)).astype(np.uint8)
        return frame.assign(**{picture: [packed(levels[unpacked(cell)]) for cell in frame[picture]]})

    first, later, last = part("train"), part("val"), part("test")
    without = later.drop(columns=outcome)
    files = (
        ("train", first, "2,428 chest pictures of children, with what was found", ""),
        ("next-week", without, "more pictures of the same kind, the findings to follow", "none"),
        ("negatives", redrawn(without, lambda share: 1 - share),
         "the same pictures as negatives: MONOCHROME1 that was taken for MONOCHROME2", "quarantine"),
        ("darker", redrawn(last, lambda share: share**GAMMA),
         "other children under another exposure: darker, nothing cut off; with what was found", "retrain"),
    )  # fmt: skip
    return written(inbox, files, late={"next-week": later[[use_case.record_id, outcome]]})
