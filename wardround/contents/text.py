"""Texts as content: what a cell must be to be read, and which measures of it are features."""

from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.contents.base import Kind
from wardround.contents.text_letters import broken_characters, control_characters, script_shares
from wardround.contents.text_measures import measured
from wardround.use_cases.base import Content

if TYPE_CHECKING:
    import pandas as pd

    from wardround.sources.values import Column

LONGEST = 1_000_000
"""Characters that a text may have, unless the option ``longest`` says otherwise."""

_ENOUGH = 30  # letters that show which script a text is in
_CHINESE = (0.1, 0.2)  # below the first share of Chinese letters a note is not Chinese, below the second it is mixed
_ENGLISH = (0.5, 0.1)  # below the first share of Latin letters it is not English, above the second of Chinese mixed


def read(content: Content, column: "pd.Series[Any]") -> "Column":
    """Return the canonical texts of a raw column, with the faults of its rows.

    A canonical text is as delivered but for its line ends, which are ``\\n``. Bytes are taken as UTF-8. A row has the
    first fault that applies: missing (None, NaN), too long, empty, control characters, broken encoding, another
    language than the declared one (by its script), two languages mixed.
    """
    import pandas as pd

    from wardround.sources.values import Column, RowFault

    longest = int(content.options.get("longest", LONGEST))
    values = np.full(len(column), None, dtype=object)
    bad: dict[str, list[int]] = {}
    for row, cell in enumerate(column):
        text, reason = canonical(cell, longest=longest, language=content.language)
        if reason:
            bad.setdefault(reason, []).append(row)
        else:
            values[row] = text
    faults = tuple(
        RowFault(
            reason=f"{content.name}: {reason}", rows=np.array(rows, dtype=np.int64),
            texts=[_mark(column.iloc[row]) for row in rows],
        )
        for reason, rows in bad.items()
    )  # fmt: skip
    return Column(values=pd.Series(values, dtype=object), rows=faults)


def canonical(cell: Any, *, longest: int = LONGEST, language: str | None = None) -> tuple[str, str]:
    """Return the canonical text of one cell and "", or "" and why it cannot be read."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return "", "missing"
    if isinstance(cell, bytes | bytearray | memoryview):
        if len(cell) > 4 * longest:
            return "", _too_long(longest)
        try:
            cell = bytes(cell).decode("utf-8-sig")
        except UnicodeDecodeError:
            return "", "broken encoding"
    if not isinstance(cell, str):
        return "", "no text"
    if len(cell) > longest:
        return "", _too_long(longest)
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return "", "empty text"
    if control_characters(text):
        return "", "control characters"
    if broken_characters(text):
        return "", "broken encoding"
    return text, _language_fault(text, language)


def _too_long(longest: int) -> str:
    return f"longer than {longest:,} characters"


def _language_fault(text: str, language: str | None) -> str:
    letters, chinese, latin = script_shares(text)
    if language is None or letters < _ENOUGH:
        return ""
    if language == "zh":
        clear, enough = _CHINESE
        return "another language than declared" if chinese < clear else "mixed languages" if chinese < enough else ""
    clear, enough = _ENGLISH
    return "another language than declared" if latin < clear else "mixed languages" if chinese > enough else ""


def _mark(cell: Any) -> str:
    return cell if isinstance(cell, str) else repr(cell)


KIND = Kind(name="text", stored="text", read=read, measured=measured)
"""Texts."""
