"""Tagged text: a character and its tag per line (BIO), a blank line after each text."""

import json
from typing import TYPE_CHECKING

from wardround.errors import InputFault
from wardround.sources.files import locate
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

COLUMNS = ("record id", "text", "spans")
"""*spans* is JSON, ``[[start, end, "type"], ...]`` in characters of *text*; a record id is ``<file>-<text>``."""


def read_tagged(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read texts with a tag per character: ``character separator tag``, tags ``O``, ``B_type``, ``I_type`` (or ``-``).

    Options: ``files`` (names under the location, joined by ``,``; without it the location is one file), ``separator``
    (default one space) and ``encoding`` (default UTF-8). The tag is what follows the last separator, so that a
    character may be the separator itself. An ``I`` that no ``B`` of its type precedes begins a span. A text with a line
    that has no tag, or an unknown one, is kept without spans and named in ``attrs["row_faults"]``.

    Raises:
        InputFault: a file is missing, is not in that encoding, or holds no tagged text.
    """
    import pandas as pd

    separator = str(source.options.get("separator", " ")).replace("\\t", "\t")
    names = [name.strip() for name in str(source.options.get("files", "")).split(",") if name.strip()]
    places = [f"{source.location}/{name}" for name in names] or [source.location]
    rows: list[tuple[str, str, str | None]] = []
    bad: list[int] = []
    for number, place in enumerate(places, start=1):
        texts = _texts(_decoded(place, source, settings), separator)
        if not any(spans is not None for _, spans in texts):
            raise InputFault(
                place, "no text in it has a tag on every line", "Check the option `separator`, or name another file"
            )
        for position, (text, spans) in enumerate(texts, start=1):
            if spans is None:
                bad.append(len(rows))
            rows.append(
                (f"{number}-{position}", text, None if spans is None else json.dumps(spans, ensure_ascii=False))
            )
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    content = next((each.name for each in use_case.contents if each.source_column == "text"), "text")
    frame.attrs["row_faults"] = {f"{content}: a line without a tag": bad} if bad else {}
    return frame


def _decoded(place: str, source: Source, settings: "Settings") -> str:
    encoding = str(source.options.get("encoding", "utf-8-sig"))
    remedy = "Declare the true one by the option `encoding` (often gb18030), or write it as UTF-8"
    try:
        data = locate(place, settings).read_bytes().decode(encoding)
    except LookupError:
        raise InputFault(place, f"there is no encoding {encoding!r}", remedy) from None
    except UnicodeError:
        raise InputFault(place, f"it is not {encoding}", remedy) from None
    except OSError as error:
        raise InputFault(place, f"it could not be read ({type(error).__name__})", "Check the disk") from None
    return data.replace("\r\n", "\n").replace("\r", "\n")


def _texts(data: str, separator: str) -> list[tuple[str, list[list[int | str]] | None]]:
    """Return each text with its spans, None where one of its lines has no tag."""
    found: list[tuple[str, list[list[int | str]] | None]] = []
    lines: list[str] = []
    for line in [*data.split("\n"), ""]:
        if line:
            lines.append(line)
        elif lines:
            found.append(_joined(lines, separator))
            lines = []
    return found


def _joined(lines: list[str], separator: str) -> tuple[str, list[list[int | str]] | None]:
    pieces: list[str] = []
    spans: list[list[int | str]] = []
    at, sound, opened = 0, True, ""
    for line in lines:
        piece, found, tag = line.rpartition(separator)
        mark, _, kind = tag.replace("-", "_", 1).partition("_")
        if not found or not piece or mark not in ("B", "I", "O") or (mark == "O") != (not kind):
            sound = False
            piece, mark, kind = (piece if found else line), "O", ""
        if mark == "B" or (mark == "I" and kind != opened):
            spans.append([at, at + len(piece), kind])
        elif mark == "I":
            spans[-1][1] = at + len(piece)
        opened = kind
        pieces.append(piece)
        at += len(piece)
    return "".join(pieces), spans if sound else None
