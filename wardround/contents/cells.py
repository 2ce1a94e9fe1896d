"""How the cells of arrays are read: each by itself, what cannot be read told by its reason and kept as a hash only."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import packed
from wardround.use_cases.base import Content

if TYPE_CHECKING:
    import pandas as pd

    from wardround.sources.values import Column


class Unreadable(Exception):
    """Why a cell is nothing that the content can take; the text holds no value of it."""


def read_each(
    content: Content, column: "pd.Series[Any]", array_of: Callable[[Content, object], NDArray[Any]]
) -> "Column":
    """Return canonical cells (npy bytes, None where there is none) and the faults of rows, by reason.

    *array_of* gives the array of a raw cell, or raises `Unreadable`.
    """
    import pandas as pd

    from wardround.sources.values import Column, RowFault

    cells = np.full(len(column), None, dtype=object)
    reasons: dict[str, list[int]] = {}
    texts: dict[str, list[str]] = {}
    for row, cell in enumerate(column):
        try:
            cells[row] = packed(array_of(content, cell))
        except Unreadable as why:
            reason = f"{content.name}: {why}"
            reasons.setdefault(reason, []).append(row)
            texts.setdefault(reason, []).append(hashlib.sha256(cell if isinstance(cell, bytes) else b"").hexdigest())
    faults = tuple(
        RowFault(reason=reason, rows=np.asarray(rows, dtype=np.int64), texts=texts[reason])
        for reason, rows in reasons.items()
    )
    return Column(values=pd.Series(cells, dtype=object), rows=faults)
