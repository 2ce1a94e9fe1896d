"""Where in a content the answers of a model come from: a mean over patients, kept beside its card; never one patient's.

Only the shape of the arrays that a learner gives is looked at: a length, or a height and a width.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from wardround import registry
from wardround.domain import ModelVersion, from_json
from wardround.monitoring.wording import number
from wardround.monitoring.words import percent
from wardround.problems.base import Floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from wardround.models import Learner
    from wardround.store import Store
    from wardround.use_cases.base import UseCase

SALIENCY = "saliency.json"
MOST_PATIENTS = 200
GRID = 64
_DECIMALS = 3


@dataclass(frozen=True, kw_only=True)
class MeanSaliency:
    """How much the answers rest on each place of *content*, on average over *patients*: ``saliency.json``.

    *values* fill *shape*, (length,) or (height, width), row by row; at most 64 a side. 1: as much as on an average
    place of the same patient's content.
    """

    content: str
    patients: int
    shape: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def array(self) -> Floats:
        """The values in their shape."""
        return np.array(self.values).reshape(self.shape)

    def pooled(self, *parts: int) -> Floats:
        """Return the values in *parts* equal parts along each side."""
        return _brought(self.array, parts)

    @property
    def concentration(self) -> float:
        """The share of everything that lies on the tenth of the places which count most (0.1: all count alike)."""
        ranked = np.sort(self.array.ravel())[::-1]
        return float(ranked[: max(1, round(len(ranked) / 10))].sum() / (ranked.sum() or 1.0))


def mean_saliency(
    learner: "Learner", use_case: "UseCase", frame: "pd.DataFrame", *, seed: int, small_cell: int
) -> MeanSaliency | None:
    """Return the mean absolute saliency over one row of each of at most 200 patients of *frame*, drawn by *seed*.

    Each row's is divided by its own mean first, so that no patient outweighs the others. None where the learner reads
    no content, cannot say where its answers come from, or can for fewer than *small_cell* patients only.
    """
    read = [content.name for content in use_case.contents if content.name in learner.columns]
    if not read:
        return None
    rows = frame[frame[read[0]].notna()].drop_duplicates("patient_id")
    if len(rows) < small_cell:
        return None
    rows = rows.sample(min(len(rows), MOST_PATIENTS), random_state=seed).reset_index(drop=True)
    found = learner.saliency(rows)
    arrays = [np.abs(np.asarray(each, dtype=float)) for each in (() if found is None else found) if each is not None]
    arrays = [each for each in arrays if each.size and np.isfinite(each).all() and each.any()]
    sides = {each.ndim for each in arrays}
    if len(arrays) < max(small_cell, 1) or sides not in ({1}, {2}):
        return None
    first = arrays[0].shape
    alike = max(first) <= GRID and all(each.shape == first for each in arrays)
    shape = first if alike else (GRID,) * len(first)
    mean = np.mean([_brought(each / each.mean(), shape) for each in arrays], axis=0)
    values = tuple(round(float(value), _DECIMALS) for value in mean.ravel())
    return MeanSaliency(content=read[0], patients=len(arrays), shape=shape, values=values)


def stored_saliency(store: "Store", version: ModelVersion) -> MeanSaliency | None:
    """Return what was kept with *version*; None where nothing was.

    Raises:
        Corrupted: it is not what was written.
    """
    if SALIENCY not in version.files:
        return None
    return from_json(MeanSaliency, registry.read_file(store, version, SALIENCY))


def saliency_picture(found: MeanSaliency) -> bytes:
    """Draw it: a curve along the length, or a heat map as the content lies."""
    from wardround.monitoring.pictures import BLUE, GREY, png, shades

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        if len(found.shape) == 1:
            edges = np.linspace(0, 100, found.shape[0] + 1)
            axes.stairs(found.array, edges, color=BLUE, linewidth=2, fill=False, baseline=None)
            axes.axhline(1.0, color=GREY, linestyle="--")
            axes.set_xlabel("share of the length, in %")
            axes.set_ylabel("weight (1: an average place)")
            axes.set_xlim(0, 100)
            axes.set_ylim(0, None)
            return
        mesh = axes.imshow(found.array, cmap=shades(), vmin=0, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        bar = figure.colorbar(mesh, ax=axes, shrink=0.8)
        bar.outline.set_visible(False)
        bar.set_label("weight (1: an average place)")

    flat = len(found.shape) == 1
    return png(draw, width=7.0 if flat else 6.0, height=3.8 if flat else 5.2)


def saliency_alt(found: MeanSaliency) -> str:
    """Say in sentences what `saliency_picture` shows."""
    place = " and ".join(
        f"{round(100 * (at + 0.5) / size)} % of its {side}"
        for at, size, side in zip(
            np.unravel_index(int(found.array.argmax()), found.shape), found.shape, _sides(found), strict=True
        )
    )
    return (
        f'Where in "{_name(found)}" the answers come from, as a mean over {found.patients} patients: most at {place} '
        f"({number(max(found.values), digits=2)} times an average place). The tenth of the places that counts most "
        f"holds {percent(round(found.concentration, 2))} of the whole."
    )


def _sides(found: MeanSaliency) -> tuple[str, ...]:
    return ("length",) if len(found.shape) == 1 else ("height", "width")


def _name(found: MeanSaliency) -> str:
    return found.content.replace("_", " ")


def _brought(array: Floats, shape: tuple[int, ...]) -> Floats:
    """Return *array* as means over a grid of *shape*; a place that lies across an edge counts for both by its share."""
    for axis, size in enumerate(shape):
        along = np.moveaxis(array, axis, 0)
        total = np.concatenate([np.zeros_like(along[:1]), np.cumsum(along, axis=0)])
        edges = np.linspace(0, len(along), size + 1)
        below = np.minimum(edges.astype(int), len(along) - 1)
        at = [total[low] + (edge - low) * along[low] for edge, low in zip(edges, below, strict=True)]
        means = np.stack([high - low for low, high in pairwise(at)]) * (size / len(along))
        array = np.moveaxis(means, 0, axis)
    return array
