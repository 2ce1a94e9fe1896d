"""Objects in pictures with SciPy and scikit-image alone."""

import json
from pathlib import Path

import numpy as np
from rows import Rows
from scipy import ndimage
from skimage.filters import threshold_otsu

OFFSETS = [round(0.5 + 0.05 * step, 2) for step in range(23)]


def thresholding(family: str, rows: Rows, folder: Path) -> None:
    """Choose and keep the multiple of Otsu's threshold with the best Dice, and the smallest size of an object."""
    worth, cuts, sizes = [], [], []
    for picture, mask in zip(rows.content, rows.masks, strict=True):
        smooth, true = ndimage.gaussian_filter(picture.astype(float), 1.0), mask > 0
        cut = threshold_otsu(smooth)
        cuts.append(cut)
        found = [smooth > cut * offset for offset in OFFSETS]
        worth.append([2 * (one & true).sum() / max(one.sum() + true.sum(), 1) for one in found])
        sizes.append(np.bincount(mask[true])[1:])
    every = np.concatenate(sizes)
    learned = {
        "offset": OFFSETS[int(np.mean(worth, axis=0).argmax())], "usual": float(np.median(cuts)),
        "smallest": max(1, int(0.25 * np.quantile(every[every > 0], 0.1))),
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(learned))
