"""Pictures made easier to read: equalised, denoised or sharpened, in one fixed way each, with figures before and after.

The figures need no reference picture. They say what changed, not that it helped: that is for a gate to judge.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import Floats
from wardround.contents.image_measures import grey, noise, sharpness
from wardround.errors import CallInvalid

How = Literal["none", "equalised", "denoised", "sharpened"]
HOW: tuple[str, ...] = get_args(How)
CLIP = 0.01
"""Share of a tile's pixels above which a grey level's count is cut (contrast-limited; Zuiderveld 1994)."""
FIGURES = ("contrast", "entropy", "sharpness", "noise")
SHOWN = 4
"""Pictures in a before-and-after."""
_RADIUS, _AMOUNT = 1.0, 1.0


def enhanced(array: NDArray[Any], how: str) -> NDArray[Any]:
    """Return *array* (height, width[, 3]) enhanced, of the same shape and type; the same picture gives the same bits.

    ``equalised``: contrast-limited adaptive histogram equalisation (Zuiderveld 1994). ``denoised``: non-local means
    (Buades, Coll and Morel 2005) at the noise that Immerkaer's estimate finds. ``sharpened``: unsharp masking.
    ``none``: as it is. The picture's range is kept (see `span`).

    Raises:
        CallInvalid: there is no such way.
        ExtraMissing: scikit-image is not installed.
    """
    if how not in HOW:
        raise CallInvalid(f"there is no enhancement {how!r}: choose one of {', '.join(HOW)}")
    if how == "none":
        return array
    low, high = span(array)
    if high <= low:
        return array
    picture = (array.astype(np.float64) - low) / (high - low)
    made = np.clip(_WAYS[how](picture), 0.0, 1.0) * (high - low) + low
    return np.asarray(np.rint(made) if array.dtype.kind in "iu" else made).astype(array.dtype)


def quality(array: NDArray[Any], *, of: tuple[float, float] | None = None) -> Mapping[str, float]:
    """Return what `FIGURES` names of a picture: root mean square contrast and noise as shares of its range, entropy in
    bits (Shannon 1948, 256 grey levels), and sharpness (`wardround.contents.image_measures.sharpness`). *of* is the
    range (its own `span`, unless it is given: before and after must have one)."""
    low, high = span(array) if of is None else of
    picture = grey((array.astype(np.float64) - low) / (high - low if high > low else 1.0))
    counts = np.histogram(picture, bins=256, range=(0.0, 1.0))[0]
    chances = counts[counts > 0] / counts.sum()
    return {
        "contrast": float(picture.std()), "entropy": float(-(chances * np.log2(chances)).sum()) + 0.0,
        "sharpness": sharpness(picture), "noise": noise(picture),
    }  # fmt: skip


def before_after(arrays: Sequence[NDArray[Any]], how: str) -> bytes:
    """Return a PNG picture of the first `SHOWN` of *arrays*, as they are above and enhanced below, with figures.

    The picture shows patients: it belongs where the pictures themselves may be, and nowhere else.
    """
    from matplotlib.figure import Figure

    chosen = list(arrays[:SHOWN])
    figure = Figure(figsize=(2.6 * max(1, len(chosen)), 6.0), layout="constrained")
    panels = figure.subplots(2, max(1, len(chosen)), squeeze=False)
    for column, array in enumerate(chosen):
        low, high = span(array)
        for row, picture in enumerate((array, enhanced(array, how))):
            figures = quality(picture, of=(low, high))
            shown = (picture.astype(np.float64) - low) / (high - low if high > low else 1.0)
            panels[row, column].imshow(shown, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
            panels[row, column].set_axis_off()
            panels[row, column].set_title(
                f"{'before' if row == 0 else how}\ncontrast {figures['contrast']:.3f}, "
                f"noise {figures['noise']:.4f}\nsharpness {figures['sharpness']:.2f}",
                fontsize=8,
            )
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _equalised(picture: Floats) -> Floats:
    return np.asarray(_skimage("exposure").equalize_adapthist(picture, clip_limit=CLIP))


def _denoised(picture: Floats) -> Floats:
    level = noise(grey(picture))
    colour = -1 if picture.ndim == 3 else None
    return np.asarray(
        _skimage("restoration").denoise_nl_means(
            picture, patch_size=5, patch_distance=6, h=0.8 * level, sigma=level, fast_mode=True, channel_axis=colour
        )
    ) if level > 0 else picture  # fmt: skip


def _sharpened(picture: Floats) -> Floats:
    colour = -1 if picture.ndim == 3 else None
    return np.asarray(_skimage("filters").unsharp_mask(picture, radius=_RADIUS, amount=_AMOUNT, channel_axis=colour))


_WAYS = {"equalised": _equalised, "denoised": _denoised, "sharpened": _sharpened}


def _skimage(part: str) -> Any:
    import importlib

    from wardround.errors.extras import ExtraMissing

    try:
        return importlib.import_module(f"skimage.{part}")
    except ModuleNotFoundError as error:
        raise ExtraMissing("enhancing a picture", "imaging", error.name or "skimage") from None


def span(array: NDArray[Any]) -> tuple[float, float]:
    """Return the range that *array* is a picture of: 0 to the most its bits hold (8 at least) of whole numbers from 0
    on, else what it has."""
    if array.dtype.kind in "iu" and array.min() >= 0:
        return 0.0, float(2 ** max(8, int(array.max()).bit_length()) - 1)
    return float(array.min()), float(array.max())
