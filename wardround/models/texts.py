"""What the learners of texts have in common: the text they read, and rows that have none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import unpacked
from wardround.errors import Corrupted, InputFault
from wardround.models.whole import WholeLearner
from wardround.problems.base import Floats, Objects, Prediction

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class TextLearner(WholeLearner):
    """A learner of the first text among a use case's contents; a row without one gets no prediction (NaN)."""

    def __post_init__(self) -> None:
        if not self.columns and self.use_case is not None:
            self.columns = tuple(content.name for content in self.use_case.contents if content.kind == "text")[:1]

    def texts(self, frame: "pd.DataFrame") -> "tuple[list[str], NDArray[np.intp]]":
        """Return the texts of the rows that have one, and the places of those rows.

        Raises:
            InputFault: the column is missing.
        """
        self.require(frame, self.columns)
        cells = frame[self.columns[0]].to_numpy(dtype=object)
        there = np.array([place for place, cell in enumerate(cells) if isinstance(cell, str)], dtype=np.intp)
        return [cells[place] for place in there], there


def spread(rows: int, there: Any, values: Floats) -> Floats:
    """Return *values* (len(there), ...) at their rows among *rows*, NaN elsewhere."""
    out = np.full((rows, *np.shape(values)[1:]), np.nan)
    out[there] = values
    return out


def answered(rows: int, there: Any, values: Sequence[float], outputs: Sequence[str]) -> Prediction:
    """Return the prediction of *rows* rows from the values and answers of those *there*."""
    output: Objects = np.full(rows, None, dtype=object)
    output[there] = outputs
    return Prediction(value=spread(rows, there, np.asarray(values, dtype=float)), output=output)


def stored(files: Mapping[str, bytes], name: str, *, shape: tuple[int, ...], place: str) -> Floats:
    """Return the numbers in the file *name*, of the *shape* that the other files say.

    Raises:
        Corrupted: it is no such array.
    """
    try:
        numbers = unpacked(files[name])
    except InputFault:
        raise Corrupted(f"{place}/{name}", "it is no array") from None
    if numbers.shape != shape or numbers.dtype != np.float64:
        raise Corrupted(f"{place}/{name}", "it does not fit what stands beside it")
    return numbers
