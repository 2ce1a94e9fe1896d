"""The classical way to find objects in a picture: smooth, threshold, split by distance; nothing deep is needed.

It is the honest baseline of `unet`, and all it learns are two numbers that can be read: how far above or below the
automatic threshold to cut, and the smallest object that counts.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_local, threshold_otsu

from wardround.contents.arrays import packed, unpacked
from wardround.contents.enhancing import HOW, enhanced
from wardround.contents.image_measures import grey
from wardround.errors import InputFault, NotTrainable, UseCaseInvalid
from wardround.models.preprocessing import PLACE
from wardround.models.whole import Progress, WholeLearner, values_of
from wardround.problems.base import Floats, Objects, Prediction
from wardround.problems.segmentation import Mask, dice

if TYPE_CHECKING:
    import pandas as pd

OFFSETS = tuple(round(0.5 + 0.05 * step, 2) for step in range(23))
"""Multiples of the automatic threshold that are tried, 0.5 to 1.6."""
SHARE_OF_OBJECT = 0.25
"""What is smaller than this share of a training object's lower decile is a speck."""
_CHOICES = {"threshold": ("otsu", "local"), "objects": ("bright", "dark"), "enhance": HOW}
_LEAST = {"smoothing": 0, "apart": 1}


class Thresholding(WholeLearner):
    """Gaussian smoothing, Otsu's (1979) or a local threshold, and a watershed of the distance transform.

    Parameters: *smoothing* (standard deviation in pixels), *threshold* (``otsu`` or ``local``), *window* (pixels, odd,
    of the local one), *objects* (``bright`` or ``dark`` against their surroundings), *apart* (pixels between the
    centres of two objects), *enhance* (see `wardround.contents.enhancing`). Learned: *offset* and *smallest*.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "smoothing": 1.0, "threshold": "otsu", "window": 51, "objects": "bright", "apart": 7, "enhance": "none",
    }  # fmt: skip

    offset: float = 1.0
    smallest: int = 0
    usual: float = 0.0

    def faults(self, names: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what is wrong with the values of *names*, single ones or tuples of a grid."""
        if found := super().faults(names):
            return found
        given = {name: values_of(value) for name, value in names.items()}
        out = [
            f"{name} is one of {', '.join(choices)}"
            for name, choices in _CHOICES.items()
            if not set(given.get(name, ())) <= set(choices)
        ]
        if any(value < 1 or value % 2 != 1 for value in given.get("window", ())):
            out.append("window is odd")
        out += [
            f"{name} is at least {least}" for name, least in _LEAST.items() if min(given.get(name, (least,))) < least
        ]
        return tuple(out)

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Choose the offset with the best mean Dice on the training masks, and the smallest object from their sizes."""
        assert self.use_case is not None
        images = [content.name for content in self.use_case.contents if content.kind == "image"]
        if len(images) != 1:
            raise UseCaseInvalid(self._own, (f"candidates: {self.family} needs exactly one content of kind image",))
        self.columns = (images[0],)
        self.require(frame, (*self.columns, "truth"))
        rows = [
            (cell, truth)
            for cell, truth in zip(frame[images[0]], frame["truth"], strict=True)
            if isinstance(cell, bytes) and isinstance(truth, bytes)
        ]
        own, cuts, worth, sizes = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros((len(rows), len(OFFSETS))), []
        self.usual = -np.inf  # until it is known, no cut is moved up to it
        for row, (cell, truth) in enumerate(rows):
            picture, mask = self._smooth(cell), unpacked(truth).astype(np.int64)
            if mask.shape != picture.shape:
                raise InputFault(PLACE, "a mask is not of its picture's size", "Ingest the rows")
            own[row] = threshold_otsu(picture)
            cut = self._cut(picture, own[row])
            cuts[row] = np.min(cut)
            worth[row] = _worth(mask > 0, picture, cut)
            sizes.append(np.bincount(mask[mask > 0])[1:])
            if progress is not None:
                progress(f"threshold of {row + 1} of {len(rows)} pictures", (row + 1) / len(rows))
        if not any(map(len, sizes)):
            raise NotTrainable(self._own, "no training picture has an object", "Add rows with a picture and its mask")
        self.usual = float(np.median(own))
        moved = np.flatnonzero(cuts < self._lowest) if self.setting["threshold"] == "otsu" else np.empty(0, dtype=int)
        for row in moved.tolist():
            picture = self._smooth(rows[row][0])
            worth[row] = _worth(unpacked(rows[row][1]) > 0, picture, self._cut(picture, own[row]))
        self.offset = OFFSETS[int(worth.mean(axis=0).argmax())]
        every = np.concatenate(sizes)
        self.smallest = max(1, int(SHARE_OF_OBJECT * np.quantile(every[every > 0], 0.1)))

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return a mask per row and the share of it that is foreground; NaN where there is no picture."""
        self.require(frame, self.columns)
        masks = [self._mask(cell) for cell in frame[self.columns[0]]]
        output: Objects = np.full(len(frame), None, dtype=object)
        for row, mask in enumerate(masks):
            output[row] = None if mask is None else packed(mask.astype(np.uint16))
        share = np.array([np.nan if mask is None else float((mask > 0).mean()) for mask in masks])
        return Prediction(value=share, output=output)

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the share of the picture above the cut, and what was taken away from it as specks, (rows, 2)."""
        import pandas as pd

        self.require(frame, self.columns)
        added = np.full((len(frame), 2), np.nan)
        for row, cell in enumerate(frame[self.columns[0]]):
            if isinstance(cell, bytes):
                above = float(self._above(self._smooth(cell)).mean())
                mask = self._mask(cell)
                assert mask is not None
                added[row] = above, float((mask > 0).mean()) - above
        return pd.DataFrame(added, columns=["above the threshold", "specks left out"], index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects:
        """Return per row how far each pixel (height, width) is above the cut, in units of the cut."""
        self.require(frame, self.columns)
        found: Objects = np.full(len(frame), None, dtype=object)
        for row, cell in enumerate(frame[self.columns[0]]):
            if isinstance(cell, bytes):
                picture = self._smooth(cell)
                cut = _moved(self._cut(picture), self.offset)
                found[row] = (picture - cut) / np.maximum(np.abs(cut), np.finfo(np.float64).eps)
        return found

    def files(self) -> dict[str, bytes]:
        """Return the one file, its two numbers and the usual threshold, which the picture falls back to."""
        from wardround.domain import to_json

        learned = {"offset": self.offset, "smallest": self.smallest, "usual": self.usual}
        return {"model.json": to_json(learned, indent=1)}

    def facts(self) -> Mapping[str, Any]:
        """Return nothing: all it learned is in its file."""
        return {}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` gave; anything else is refused by `restore`."""
        import json

        learned = json.loads(files["model.json"])
        self.offset, self.usual = float(learned["offset"]), float(learned["usual"])
        self.smallest = int(learned["smallest"])
        if len(self.columns) != 1 or not np.isfinite([self.offset, self.usual]).all() or self.smallest < 0:
            raise ValueError("not what was saved")

    def _smooth(self, cell: bytes) -> Floats:
        array = unpacked(cell)
        if array.ndim not in (2, 3):
            raise InputFault(PLACE, "a picture is no array of rows and columns", "Ingest the rows with the use case")
        picture = grey(enhanced(array, str(self.setting["enhance"])).astype(np.float64))
        smooth = ndimage.gaussian_filter(picture, float(self.setting["smoothing"]))
        return np.asarray(smooth if self.setting["objects"] == "bright" else -smooth)

    def _cut(self, picture: Floats, own: float | None = None) -> Floats | float:
        """Return the automatic threshold of every pixel, or the one of all; *own* is Otsu's, where it is known."""
        if self.setting["threshold"] == "local":
            return np.asarray(threshold_local(picture, int(self.setting["window"]), method="gaussian"))
        if picture.max() == picture.min():
            own = self.usual
        # a picture without an object has two halves all the same: never cut far below where training pictures were
        return max(float(threshold_otsu(picture) if own is None else own), self._lowest)

    @property
    def _lowest(self) -> float:
        return float(_moved(self.usual, OFFSETS[0]))

    def _above(self, picture: Floats) -> NDArray[np.bool_]:
        return np.asarray(ndimage.binary_fill_holes(picture > _moved(self._cut(picture), self.offset)))

    def _mask(self, cell: object) -> Mask | None:
        from skimage.feature import peak_local_max  # learning asks neither
        from skimage.segmentation import watershed

        if not isinstance(cell, bytes):
            return None
        above = self._above(self._smooth(cell))
        pieces, _ = ndimage.label(above)
        sizes = np.bincount(pieces.ravel())
        kept = (sizes >= self.smallest)[pieces] & above
        distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(kept), 1.0)
        peaks = peak_local_max(
            distance, min_distance=int(self.setting["apart"]), labels=ndimage.label(kept)[0], exclude_border=False
        )
        seeds = np.zeros(kept.shape, dtype=np.int64)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        return np.asarray(watershed(-distance, seeds, mask=kept), dtype=np.int64)


def _worth(true: NDArray[np.bool_], picture: Floats, cut: Floats | float) -> list[float]:
    """Return the Dice coefficient of what is above *cut* times each of `OFFSETS`."""
    return [dice(true, picture > _moved(cut, offset)) for offset in OFFSETS]


def _moved(cut: Floats | float, offset: float) -> Floats | float:
    """Return *cut* times *offset*; below 0, where dark objects are, away from 0 means down just the same."""
    if isinstance(cut, float):
        return cut * offset if cut >= 0 else cut / offset
    return np.asarray(np.where(cut >= 0, cut * offset, cut / offset))
