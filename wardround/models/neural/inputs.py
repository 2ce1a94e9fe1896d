"""From canonical rows to what a network is given: features, pictures and signals, each learned from training rows.

Every input gives one float32 array per row, scaled to mean 0 and spread 1 of the training rows, None where the row has
no such content; and the same array with one part after the other taken out, for explanations by occlusion (Zeiler &
Fergus 2014).
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from wardround.contents.arrays import unpacked
from wardround.errors import Corrupted, InputFault, NotTrainable
from wardround.models import storage
from wardround.models.estimators import prepared
from wardround.models.facts import MODEL
from wardround.models.matrices import owners
from wardround.models.neural.parameters import MOST
from wardround.models.preprocessing import PLACE, Encoding, learned, transformed
from wardround.problems.base import Floats
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float32]
REGIONS = 4
"""A picture is explained in so many times so many regions."""
SEGMENTS = 8
"""A signal is explained in so many stretches of time."""


class Input(ABC):
    """What a network is given of a row."""

    columns: tuple[str, ...]
    parts: tuple[str, ...]

    @abstractmethod
    def prepared(self, frame: "pd.DataFrame") -> list[Array | None]:
        """Return the array of each row, None where there is nothing.

        Raises:
            InputFault: a column is missing or holds something else.
        """

    @abstractmethod
    def without(self, x: Array) -> Array:
        """Return *x* with each of `parts` taken out, (parts, *x.shape)."""


class OfContent(Input):
    """An input whose places are places of a content."""

    @abstractmethod
    def on_content(self, saliency: Array, cell: Any) -> Array:
        """Return *saliency*, of the shape of the network's input, summed over channels, at the places of the content in
        *cell*: (height, width) or (time,)."""


@dataclass(kw_only=True)
class Features(Input):
    """The features as a vector: levels by one-hot, numbers imputed and scaled (see `wardround.models.preprocessing`).

    Without *missing*, that a number was missing is not among them. A part is taken out by giving it the value of an
    unremarkable patient.
    """

    encoding: Encoding
    transformer: Any
    missing: bool = True

    def __post_init__(self) -> None:
        self.columns = self.parts = self.encoding.columns
        reference = np.array([[np.nan if it is None else it for it in self.encoding.reference]])
        for place, name in enumerate(self.columns):
            if name in self.encoding.levels and np.isnan(reference[0, place]):
                reference[0, place] = len(self.encoding.levels[name]) + 1
        owner, says_missing = owners(self.transformer)
        self._keep = np.flatnonzero(~says_missing | self.missing)
        self.owner = owner[self._keep]
        self._reference = self._vectors(reference)[0]

    @classmethod
    def of(
        cls, use_case: UseCase, names: tuple[str, ...], frame: "pd.DataFrame", patients: Any, *, missing: bool = True
    ) -> "Features":
        """Learn the features *names* of training rows."""
        used = replace(use_case, features=tuple(use_case.feature(name) for name in names))
        encoding, matrix = learned(used, frame, patients)
        transformer = encoding.preprocessor(scaled=True)
        prepared(transformer, matrix)
        return cls(encoding=encoding, transformer=transformer, missing=missing)

    @property
    def width(self) -> int:
        """How long the vector is."""
        return len(self.owner)

    def prepared(self, frame: "pd.DataFrame") -> list[Array | None]:
        """Return the vector of each row."""
        return list(self._vectors(self.encoding.matrix(frame))) if len(frame) else []

    def without(self, x: Array) -> Array:
        """Return *x* with each feature as in an unremarkable patient, (features, width)."""
        gone = self.owner[None] == np.arange(len(self.columns))[:, None]
        return np.where(gone, self._reference, x)

    def _vectors(self, matrix: Floats) -> Array:
        return np.ascontiguousarray(transformed(self.transformer, matrix)[:, self._keep], dtype=np.float32)


@dataclass(kw_only=True)
class Pictures(OfContent):
    """Pictures as (channels, height, width): whole-number types as shares of their range, then scaled.

    With *size* they are brought to one size (area-averaged when smaller); without, each keeps its own.
    """

    name: str
    channels: int
    size: tuple[int, int] | None
    mean: float
    spread: float
    enhance: str

    def __post_init__(self) -> None:
        if self.size is not None and not all(0 < side <= MOST["largest"] for side in self.size):
            raise ValueError("a picture is out of bounds")
        self.columns = (self.name,)
        around = range(1, REGIONS + 1)
        self.parts = tuple(f"{self.name} row {i} column {j}" for i in around for j in around)

    @classmethod
    def of(
        cls, name: str, frame: "pd.DataFrame", *, enhance: str, largest: int | None
    ) -> tuple["Pictures", tuple[str, ...]]:
        """Learn from training rows, with what was noticed; *largest* is the longest side (None: every size stays)."""
        raw = cls(name=name, channels=0, size=None, mean=0.0, spread=1.0, enhance=enhance)
        found = [each for each in (raw._read(cell) for cell in frame[name]) if each is not None]
        if not found:
            raise NotTrainable(name, "no row has such a picture", "Look at the source and at the quarantine")
        sizes = Counter(each.shape[1:] for each in found)
        (height, width), _ = max(sizes.items(), key=lambda pair: (pair[1], pair[0]))
        notes = []
        size = None
        if largest is not None:
            shrunk = max(1.0, max(height, width) / largest)
            size = (max(1, round(height / shrunk)), max(1, round(width / shrunk)))
            if shrunk > 1 or len(sizes) > 1:
                notes.append(f"pictures of other sizes are brought to {size[0]} x {size[1]}")
        count = sum(each.size for each in found)
        mean = sum(float(each.sum(dtype=float)) for each in found) / count
        spread = (sum(float(((each - mean) ** 2).sum(dtype=float)) for each in found) / count) ** 0.5
        return (
            cls(name=name, channels=Counter(len(each) for each in found).most_common(1)[0][0], size=size, mean=mean,
                spread=spread or 1.0, enhance=enhance),
            tuple(notes),
        )  # fmt: skip

    def prepared(self, frame: "pd.DataFrame") -> list[Array | None]:
        """Return the picture of each row, (channels, height, width)."""
        out: list[Array | None] = []
        for cell in cells(frame, self.name):
            picture = self._read(cell)
            if picture is not None and len(picture) != self.channels:
                raise InputFault(
                    PLACE, f"{self.name}: a picture has {len(picture)} channel(s), the model was trained on "
                    f"{self.channels}", "Ingest it with the use case the model was trained for",
                )  # fmt: skip
            out.append(None if picture is None else self._scaled(picture))
        return out

    def without(self, x: Array) -> Array:
        """Return *x* with each region grey, (regions, channels, height, width)."""
        out = np.repeat(x[None], REGIONS**2, axis=0)
        rows, columns = (np.array_split(np.arange(length), REGIONS) for length in x.shape[1:])
        for place, (across, down) in enumerate((i, j) for i in rows for j in columns):
            out[place][:, across[:, None], down] = 0.0
        return out

    def on_content(self, saliency: Array, cell: Any) -> Array:
        """Return *saliency* (channels, height, width), summed, at the picture's own size (height, width)."""
        height, width = unpacked(cell).shape[:2]
        summed: Array = resized(saliency.sum(0)[None], (height, width))[0]
        return summed

    def _read(self, cell: Any) -> Array | None:
        if cell is None or not isinstance(cell, bytes):
            return None
        array = unpacked(cell)
        if array.ndim not in (2, 3) or not array.size or array.dtype.kind not in "buif":
            raise InputFault(PLACE, f"{self.name} holds an array that is no picture", "Ingest the rows")
        if self.enhance != "none":
            from wardround.contents.enhancing import enhanced

            array = enhanced(array, self.enhance)
        scale = float(np.iinfo(array.dtype).max) if array.dtype.kind in "ui" else 1.0
        plain = np.nan_to_num(array.astype(np.float32) / np.float32(scale))
        return np.ascontiguousarray(plain[None] if plain.ndim == 2 else np.moveaxis(plain, 2, 0))

    def _scaled(self, picture: Array) -> Array:
        if self.size is not None:
            picture = resized(picture, self.size)
        return (picture - np.float32(self.mean)) / np.float32(self.spread)


def resized(picture: Array, size: tuple[int, int]) -> Array:
    """Return *picture* (channels, height, width) in another size, area-averaged where it becomes smaller."""
    if picture.shape[1:] == size:
        return picture
    made = functional.interpolate(torch.from_numpy(picture)[None], size=size, mode="bilinear", antialias=True)
    return np.asarray(made[0].numpy())


def facts_of(made: Input) -> dict[str, Any]:
    """Return what an input learned, as plain JSON values."""
    if isinstance(made, Features):
        return {"kind": "features", "encoding": asdict(made.encoding), "missing": made.missing}
    return {"kind": type(made).__name__.lower(), **asdict(made)}  # type: ignore[call-overload]


def files_of(made: Input | None) -> dict[str, bytes]:
    """Return what an input learned that is no plain value, as files."""
    return {MODEL: storage.dumps(made.transformer)} if isinstance(made, Features) else {}


def features_from(facts: Mapping[str, Any], files: Mapping[str, bytes], *, place: str) -> Features:
    """Return the features that `facts_of` and `files_of` gave.

    Raises:
        Corrupted: it is not what was saved.
    """
    from pydantic import TypeAdapter
    from sklearn.compose import ColumnTransformer

    transformer = storage.loads(files[MODEL], place=f"{place}/{MODEL}")
    if not isinstance(transformer, ColumnTransformer):
        raise Corrupted(f"{place}/{MODEL}", "it holds no preparation of features")
    encoding = TypeAdapter(Encoding).validate_python(facts["encoding"])
    return Features(encoding=encoding, transformer=transformer, missing=bool(facts["missing"]))


def cells(frame: "pd.DataFrame", name: str) -> Any:
    """Return the cells of a content (n,).

    Raises:
        InputFault: there is no such column.
    """
    if name not in frame:
        raise InputFault(
            PLACE, f"1 of the columns the model needs is missing: {name}",
            "Ingest them with the use case the model was trained for",
        )  # fmt: skip
    return frame[name]
