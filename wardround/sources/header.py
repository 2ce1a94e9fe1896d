"""Names of columns as sources write them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def named(header: Iterable[Any]) -> "pd.Index[str]":
    """Return the column names: text without blanks around it; ``Unnamed: <position>`` where there is none.

    A name that comes twice stays twice, so that it can be refused.
    """
    import pandas as pd

    texts = ("" if name is None else str(name).strip() for name in header)
    return pd.Index([text or f"Unnamed: {position}" for position, text in enumerate(texts)], dtype="str")
