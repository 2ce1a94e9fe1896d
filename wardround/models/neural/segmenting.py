"""A U-Net that finds objects in pictures: which pixels are foreground, and which object each belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from wardround.contents.arrays import packed, unpacked
from wardround.errors import InputFault, NotTrainable, UseCaseInvalid
from wardround.models.neural.inputs import Array, Pictures
from wardround.models.neural.learner import Examples, NeuralLearner
from wardround.models.neural.loop import Rows
from wardround.models.neural.parameters import COMMON
from wardround.models.preprocessing import PLACE
from wardround.problems.base import Floats, Objects, Prediction

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class UNet(NeuralLearner):
    """A U-Net (Ronneberger et al. 2015) with two outputs per pixel: foreground, and core, an object without its rim.

    It learns from tiles of *tile* x *tile* pixels and is asked for whole pictures of any size. Cores that do not touch
    are objects, and every foreground pixel belongs to the nearest (after Caicedo et al. 2019). *value* is the
    foreground share, the explanation how much of it each region holds, the saliency P(foreground).
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **COMMON, "epochs": 40, "patience": 10, "batch_size": 8, "dropout": 0.1, "width": 8, "blocks": 3, "tile": 64,
        "augment": "shift", "enhance": "none", "content": "",
    }  # fmt: skip

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the brightness of the pictures."""
        assert self.use_case is not None
        names = [each.name for each in self.use_case.contents if each.kind in self.kind.contents]
        chosen = self.setting["content"] or (names or [""])[0]
        if chosen not in names:
            raise UseCaseInvalid(self._own, (f"candidates: {self.family} needs a content of kind image",))
        self.require(frame, (chosen, "truth"))
        self.body, notes = Pictures.of(chosen, frame, enhance=self.setting["enhance"], largest=None)
        return notes

    def examples(self, frame: "pd.DataFrame", target: Floats) -> Examples:
        """Return the tiles of the pictures that have a mask; the strata are of the rows' foreground shares."""
        there, rows = self.prepared(frame)
        masks = [frame["truth"].iloc[place] for place in there]
        x: list[Array] = []
        wanted, origin, shares = [], [], []
        for place, picture, cell in zip(there, rows.x, masks, strict=True):
            if not isinstance(cell, bytes):
                continue
            mask = unpacked(cell)
            if mask.shape != picture.shape[1:]:
                raise InputFault(PLACE, "a mask is not of its picture's size", "Ingest the rows")
            both = np.concatenate([picture, (mask > 0)[None], _cores(mask)[None]]).astype(np.float32)
            for tile in _tiles(both, self.setting["tile"]):
                x.append(tile[:-2])
                wanted.append(tile[-2:])
                origin.append(place)
                shares.append(float((mask > 0).mean()))
        if not x:
            raise NotTrainable(self._own, "no picture has a mask", "Add rows with a picture and its mask")
        strata = (np.array(shares) > np.median(shares)).astype(float)
        return Examples(
            rows=Rows(x=x), wanted=torch.from_numpy(np.array(wanted)), strata=strata, origin=np.array(origin)
        )

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the U-Net for the pictures' channels."""
        assert isinstance(self.body, Pictures)
        own = {name: self.setting[name] for name in ("width", "blocks", "dropout")}
        return "unet", {"channels": self.body.channels, "outputs": 2, **own}

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return cross-entropy and soft Dice loss (Milletari et al. 2016) together."""
        chance = torch.sigmoid(output)
        over = (0, 2, 3)
        shared, sums = (chance * wanted).sum(over), (chance + wanted).sum(over)
        dice: Tensor = 1 - (2 * shared + 1) / (sums + 1)
        return functional.binary_cross_entropy_with_logits(output, wanted) + dice.mean()

    def augmented(self, x: Tensor, wanted: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return a batch with its masks moved alike; *turn* also turns by right angles."""
        both, _ = super().augmented(torch.cat([x, wanted], 1), wanted, generator)
        if self.setting["augment"] == "turn" and both.shape[2] == both.shape[3]:
            both = torch.rot90(both, int(torch.randint(0, 4, (1,), generator=generator)), (2, 3))
        return both[:, : x.shape[1]], both[:, x.shape[1] :]

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return the foreground share and the mask of each row, npy bytes (height, width) of object numbers."""
        value, output = np.full(len(frame), np.nan), np.full(len(frame), None, dtype=object)
        for place, chance in self._chances(frame):
            foreground = chance[0] > 0.5
            value[place] = foreground.mean()
            output[place] = packed(_instances(foreground, chance[1] > 0.5))
        return Prediction(value=value, output=output)

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each region adds to the foreground share."""
        import pandas as pd

        assert isinstance(self.body, Pictures)
        out = np.full((len(frame), len(self.body.parts)), np.nan)
        for place, chance in self._chances(frame):
            foreground = (chance[:1] > 0.5).astype(np.float32)
            share = foreground.mean(dtype=float)
            out[place] = share - self.body.without(foreground).mean(axis=(1, 2, 3), dtype=float)
        return pd.DataFrame(out, columns=pd.Index(self.body.parts), index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects | None:
        """Return P(foreground) of each pixel, (height, width) per row."""
        out = np.full(len(frame), None, dtype=object)
        for place, chance in self._chances(frame):
            out[place] = chance[0]
        return out

    def _chances(self, frame: "pd.DataFrame") -> list[tuple[int, Array]]:
        """Return (row, P(foreground) and P(core), (2, height, width)) of each row that has a picture."""
        there, rows = self.prepared(frame)
        padded = Rows(x=[_padded(each, 1 << (self.shape["blocks"] - 1)) for each in rows.x])
        found = [self.ask(member, padded) for member in self.members]
        out = []
        for number, place in enumerate(there):
            height, width = rows.x[number].shape[1:]
            logits = sum(each[number][:, :height, :width] for each in found) / len(found)
            out.append((int(place), (1 / (1 + np.exp(-logits))).astype(np.float32)))
        return out


def _cores(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels of objects all of whose neighbours are of the same object."""
    padded = np.pad(mask, 1, mode="edge")
    same = mask > 0
    for down in (0, 1, 2):
        for across in (0, 1, 2):
            same &= padded[down : down + mask.shape[0], across : across + mask.shape[1]] == mask
    return np.asarray(same)


def _instances(foreground: NDArray[np.bool_], core: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Return object numbers (height, width): foreground that touches a core belongs to the nearest core, what is left
    is an object of its own per connected part."""
    parts, _ = ndimage.label(foreground)
    cores, count = ndimage.label(core & foreground)
    nearest = ndimage.distance_transform_edt(cores == 0, return_distances=False, return_indices=True)
    with_core = np.isin(parts, np.unique(parts[cores > 0])) & foreground
    out = np.where(with_core, cores[tuple(nearest)], 0)
    rest, _ = ndimage.label(foreground & ~with_core)
    out = np.where(rest > 0, rest + count, out)
    return out.astype(np.uint16)


def _padded(picture: Array, multiple: int) -> Array:
    """Return *picture* (channels, height, width) mirrored at its end to sides that are multiples of *multiple*."""
    more = [(0, 0), *((0, -side % multiple) for side in picture.shape[1:])]
    return np.pad(picture, more, mode="symmetric")


def _tiles(picture: Array, side: int) -> list[Array]:
    """Return *picture* (channels, height, width) in squares of *side* x *side*, mirrored at its end to fit."""
    whole = _padded(picture, side)
    return [
        np.ascontiguousarray(whole[:, i : i + side, j : j + side])
        for i in range(0, whole.shape[1], side)
        for j in range(0, whole.shape[2], side)
    ]
