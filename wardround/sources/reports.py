"""Reports: a folder or an archive of text files, one record each, or of XML reports of the Indiana University kind."""

import tarfile
import xml.parsers.expat
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from wardround.contents.text import LONGEST
from wardround.errors import InputFault
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

SUFFIXES = (".txt", ".xml")
SECTIONS = {"COMPARISON": "comparison", "INDICATION": "indication", "FINDINGS": "findings", "IMPRESSION": "impression"}
COLUMNS = ("record id", "title", *SECTIONS.values(), "topics")
"""Columns of XML reports; *topics* are their MeSH headings up to ``/``, each once, joined by ``|``. Text files have
``record id`` and ``text``. A record id is the file's name without its suffix, and is made a pseudonym as any other."""

_MOST_BYTES = 16 * 1024 * 1024  # a file beyond this is not read; what is shorter is judged by its characters
_MARKUP = (b"<!doctype", b"<!entity")  # XML that defines entities could grow without end (billion laughs)


def read_reports(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read every ``.txt`` or every ``.xml`` file under a folder, or in a ``.tar``, ``.tgz`` or ``.tar.gz`` archive.

    Rows are in the order of the files' names. Option ``encoding`` is that of text files (default UTF-8). A file that
    cannot be read gives a row without text and a fault in ``attrs["row_faults"]``; no message names a file.

    Raises:
        InputFault: there is no such place, it holds neither or both kinds of file, or the archive is damaged.
    """
    import pandas as pd

    path = _place(source.location, settings)
    encoding = str(source.options.get("encoding", "utf-8-sig"))
    try:
        "".encode(encoding)
    except LookupError:
        raise InputFault(source.location, f"there is no encoding {encoding!r}", "Mend the option `encoding`") from None
    files = sorted(_folder(path) if path.is_dir() else _archive(path, source.location), key=lambda file: file[0])
    kinds = {name.lower()[-4:] for name, _ in files}
    if len(kinds) != 1:
        has = f"both {' and '.join(SUFFIXES)} files" if kinds else f"no file that ends in {' or '.join(SUFFIXES)}"
        raise InputFault(source.location, f"it holds {has}", "Name a folder or an archive of one kind of report")
    xml_kind = kinds == {".xml"}
    faults: dict[str, list[int]] = defaultdict(list)
    rows: list[dict[str, Any]] = []
    for number, (name, data) in enumerate(files):
        row, reason = _report(data) if xml_kind else _text(data, encoding)
        rows.append({"record id": _record(name), **row})
        if reason:
            faults[reason].append(number)
    columns = COLUMNS if xml_kind else ("record id", "text")
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    named = {content.source_column: content.name for content in use_case.contents}
    frame.attrs["row_faults"] = {
        f"{name}: {reason}": rows for reason, rows in faults.items() for name in _meant(named, columns)
    }
    return frame


def _meant(named: dict[str, str], columns: tuple[str, ...]) -> list[str]:
    """Return the contents that the columns are read into; a fault of a file is one of each of them."""
    return [named[column] for column in columns if column in named] or ["reports"]


def _place(location: str, settings: "Settings") -> Path:
    given = Path(location).expanduser()
    places = [given] if given.is_absolute() or settings.data is None else [given, settings.data / given]
    for path in places:
        if path.exists():
            return path
    raise InputFault(
        location, "there is no such folder or archive", "Check the path, or set WARDROUND_DATA to the folder it is in"
    )


def _record(name: str) -> str:
    return Path(name).name[:-4]


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in path.rglob("*"):
        if file.is_file() and not file.name.startswith(".") and file.name.lower().endswith(SUFFIXES):
            with file.open("rb") as stream:
                yield str(file.relative_to(path)), stream.read(_MOST_BYTES + 1)


def _archive(path: Path, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the reports in an archive; nothing is unpacked onto the disk, and no link is followed."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                hidden = Path(member.name).name.startswith(".")
                if member.isfile() and not hidden and member.name.lower().endswith(SUFFIXES):
                    stream = archive.extractfile(member)
                    assert stream is not None
                    yield member.name, stream.read(_MOST_BYTES + 1)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputFault(
            place, f"it is no archive of reports, or is cut short or damaged ({type(error).__name__})",
            "Copy it again, or name a folder, a .tar or a .tgz",
        ) from None  # fmt: skip


def _text(data: bytes, encoding: str) -> tuple[dict[str, str | None], str]:
    if len(data) > _MOST_BYTES:
        return {"text": None}, f"longer than {LONGEST:,} characters"
    try:
        return {"text": data.decode(encoding)}, ""
    except UnicodeError:
        return {"text": None}, "broken encoding"


def _report(data: bytes) -> tuple[dict[str, str | None], str]:
    """Return the columns of one XML report, and why it has none."""
    if len(data) > _MOST_BYTES:
        return {}, f"longer than {LONGEST:,} characters"
    if any(mark in data.lower() for mark in _MARKUP):
        return {}, "XML that defines entities"
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, xml.parsers.expat.ExpatError, LookupError, ValueError) as error:
        broken = "not well-formed (invalid token)" in str(error) or "encoding" in str(error)
        return {}, "broken encoding" if broken else "damaged XML"
    row: dict[str, str | None] = {"title": _inside(root.find(".//Article/ArticleTitle"))}
    for part in root.iter("AbstractText"):
        if (column := SECTIONS.get(str(part.get("Label", "")).upper())) is not None:
            row[column] = _inside(part)
    topics = [str(major.text or "").split("/")[0].strip() for major in root.findall(".//MeSH/major")]
    row["topics"] = "|".join(dict.fromkeys(topic for topic in topics if topic)) or None
    return row, ""


def _inside(element: "ElementTree.Element | None") -> str | None:
    """Return the text of an element, None where it has none: a report without findings is no empty text."""
    text = "" if element is None else "".join(element.itertext()).strip()
    return text or None
