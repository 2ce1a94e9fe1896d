"""Reports: a folder or an archive of text files, one record each, or of XML reports of the Indiana University kind."""

import lzma
import tarfile
import xml.parsers.expat
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from wardround.contents.cells import Unreadable
from wardround.contents.text import LONGEST
from wardround.errors import InputFault
from wardround.sources.bounds import bounded
from wardround.sources.files import files_under
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
_MOST_IN_ALL = 2 * 1024**3  # of a folder or an archive: a small archive may hold more than there is memory
_DEEPEST = 100  # elements in each other; reports have ten


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
    found = _folder(path, source.location) if path.is_dir() else _archive(path, source.location)
    try:
        with bounded():  # an archive may say that its own headers are longer than there is memory
            files = sorted(_counted(found, source.location), key=lambda file: file[0])
    except Unreadable as why:
        raise InputFault(source.location, str(why), "Send it in parts") from None
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


def _counted(files: Iterator[tuple[str, bytes]], place: str) -> Iterator[tuple[str, bytes]]:
    held = 0
    for name, data in files:
        held += len(data)
        if held > _MOST_IN_ALL:
            raise InputFault(place, f"it holds more than {_MOST_IN_ALL // 2**30} GiB of reports", "Send it in parts")
        yield name, data


def _folder(path: Path, place: str) -> Iterator[tuple[str, bytes]]:
    for file in files_under(path, place):
        if not file.name.startswith(".") and file.name.lower().endswith(SUFFIXES):
            try:
                with file.open("rb") as stream:
                    yield str(file.relative_to(path)), stream.read(_MOST_BYTES + 1)
            except OSError as error:
                raise InputFault(
                    place, f"a file in it could not be read ({type(error).__name__})", "Ask for the right to read it"
                ) from None


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
            _at_its_end(archive)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise InputFault(
            place, f"it is no archive of reports, or is cut short or damaged ({type(error).__name__})",
            "Copy it again, or name a folder, a .tar or a .tgz",
        ) from None  # fmt: skip


def _at_its_end(archive: tarfile.TarFile) -> None:
    """Raise ReadError where an archive is not over: tarfile takes a damaged header for the end of all members."""
    file: Any = archive.fileobj
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError
    while file.read(2**20):  # to the checksum of what is compressed
        pass


def _text(data: bytes, encoding: str) -> tuple[dict[str, str | None], str]:
    if len(data) > _MOST_BYTES:
        return {"text": None}, f"longer than {LONGEST:,} characters"
    try:
        return {"text": data.decode(encoding)}, ""
    except UnicodeError:
        return {"text": None}, "broken encoding"


class _TooMuch(Exception):
    """Why XML is not built; the text holds nothing of it."""


class _Plain(ElementTree.TreeBuilder):
    """Builds XML that could not grow without end: no document type, whose entities multiply (billion laughs), whatever
    the encoding it is written in, and no elements in each other without number."""

    depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse."""
        raise _TooMuch("XML that defines entities")

    def start(self, tag: str, attrs: dict[str, str]) -> ElementTree.Element:
        """Begin an element."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _TooMuch(f"XML of more than {_DEEPEST} elements in each other")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        """End an element."""
        self.depth -= 1
        return super().end(tag)


def _report(data: bytes) -> tuple[dict[str, str | None], str]:
    """Return the columns of one XML report, and why it has none."""
    if len(data) > _MOST_BYTES:
        return {}, f"longer than {LONGEST:,} characters"
    try:
        root = ElementTree.fromstring(data, ElementTree.XMLParser(target=_Plain()))
    except _TooMuch as why:
        return {}, str(why)
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
