"""Chest pictures as a radiology department would send them: another week, a viewer's negatives, another exposure."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardround.cli.visits.base import Delivery

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
    inbox.mkdir(parents=True, exist_ok=True)

    def write(name: str, frame: Any) -> Path:
        frame.attrs = {}
        frame.to_parquet(inbox / f"{name}.parquet", index=False)
        return inbox / f"{name}.parquet"

    without = later.drop(columns=outcome)
    return (
        Delivery(
            label="train", path=write("train", first), what="2,428 chest pictures of children, with what was found"
        ),
        Delivery(
            label="next-week", path=write("next-week", without), expected="none",
            what="more pictures of the same kind, the findings to follow",
            outcomes=write("next-week-outcomes", later[[use_case.record_id, outcome]]),
        ),
        Delivery(
            label="negatives", path=write("negatives", redrawn(without, lambda share: 1 - share)),
            expected="quarantine",
            what="the same pictures as negatives: MONOCHROME1 that was taken for MONOCHROME2",
        ),
        Delivery(
            label="darker", path=write("darker", redrawn(last, lambda share: share**GAMMA)), expected="retrain",
            what="other children under another exposure: darker, nothing cut off; with what was found",
        ),
    )  # fmt: skip
