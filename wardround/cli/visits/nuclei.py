"""Crops of one slide as a microscope would send them: others of the slide, negatives, another gain and focus."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    from wardround.settings import Settings

GAIN = 1.8
BLUR = 1.0
"""Standard deviation in pixels: as if the focus were a little off."""


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the files into *inbox* and return them in the order of their arrival, the training batch first.

    Every other four diagonals of the slide are learned from; the other 32 crops are not seen in training.

    Raises:
        InputFault: the picture and its mask are not under ``WARDROUND_DATA``.
    """
    import numpy as np
    from scipy.ndimage import gaussian_filter

    from wardround.contents.arrays import packed, unpacked
    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("nuclei")
    picture, mask = use_case.contents[0].source_column, use_case.target.column
    every = read(use_case, use_case.source, settings)
    places = np.arange(len(every))
    learned = (places // 8 + places % 8) % 8 < 4
    first, later = every[learned], every[~learned]

    def redrawn(frame: Any, change: Any) -> Any:
        cells = [np.clip(np.rint(change(unpacked(cell).astype(float))), 0, 255) for cell in frame[picture]]
        return frame.assign(**{picture: [packed(cell.astype(np.uint8)) for cell in cells]})

    without = later.drop(columns=mask)
    files = (
        ("slide", first, "32 crops of a slide, with their nuclei drawn", ""),
        ("rest-of-slide", without, "the other 32 crops of the slide, the drawings to follow", "none"),
        ("negatives", redrawn(without, lambda cell: 255 - cell),
         "the same crops as negatives: MONOCHROME1 that was taken for MONOCHROME2", "quarantine"),
        ("other-gain", redrawn(later, lambda cell: gaussian_filter(GAIN * cell, BLUR)),
         "the crops from another detector: more gain, a little out of focus; with their nuclei drawn", "retrain"),
    )  # fmt: skip
    return written(inbox, files, late={"rest-of-slide": later[[use_case.record_id, mask]]})
