"""What a kind of content is: how its cells are read, how they lie in Parquet, what is measured of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wardround.contents.arrays import Floats
from wardround.use_cases.base import Content

if TYPE_CHECKING:
    import pandas as pd

    from wardround.sources.values import Column


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of content.

    A cell of the canonical frame is ``bytes`` (the npy form of an array, see `wardround.contents.arrays`) or ``str``;
    None where it is missing or could not be read. *read* takes a content and a raw column (bytes or text per row) and
    returns the canonical cells with the faults of rows, each reason beginning with the content's name; a row with a
    fault has no cell. *measured* takes a content and canonical cells and returns every measure (n,), NaN where there is
    none.
    """

    name: str
    stored: Literal["binary", "text"]
    read: "Callable[[Content, pd.Series[Any]], Column]"
    measured: "Callable[[Content, pd.Series[Any]], Mapping[str, Floats]]"
