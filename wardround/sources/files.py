"""Files on a disk: find them, read their bytes, hand them to the reader of their kind."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wardround.errors import InputFault
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook from before 2007, or one with a password",
    b"SQLite format 3\0": "a SQLite database",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
}
"""What the first bytes of a file give away."""


def locate(location: str, settings: "Settings", *, folder: bool = False, beside: Path | None = None) -> Path:
    """Return the path of a file, or of a *folder* where one will do: in *beside*, as given, under ``WARDROUND_DATA``.

    Raises:
        InputFault: it is in none of these places, or a folder where a file must be.
    """
    given = Path(location).expanduser()
    places = [home / given for home in (beside, Path(), settings.data) if home is not None]
    for path in places:
        if path.is_dir() and not folder:
            raise InputFault(location, "this is a folder, not a file", "Name one file, or use an s3:// prefix")
        if path.exists():
            return path
    looked = " and ".join(dict.fromkeys(os.path.normpath(path.absolute()) for path in places))
    more = "" if settings.data or given.is_absolute() else ", or set WARDROUND_DATA to the folder of your data"
    raise InputFault(location, f"there is no such file (looked at {looked})", f"Check the path{more}")


def files_under(folder: Path, place: str) -> list[Path]:
    """Return every file in *folder*, called *place* in messages, and its subfolders, in the order of their paths.

    Raises:
        InputFault: a link leads out of it: who may put files into a folder may not have others read.
    """
    home = folder.resolve()
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    if outside := sum(not path.resolve().is_relative_to(home) for path in found):
        raise InputFault(place, f"{outside} of its {len(found)} files are links that lead out of it",
                         "Put the files themselves into the folder")  # fmt: skip
    return found


def read_file(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read a file of kind ``csv``, ``parquet`` or ``excel`` (see `wardround.sources.read`)."""
    return read_bytes(use_case, source, file_bytes(source.location, settings), place=source.location)


def file_bytes(location: str, settings: "Settings", *, beside: Path | None = None) -> bytes:
    """Return the bytes of a file; see `locate`.

    Raises:
        InputFault: it is not there, or may or can not be read.
    """
    path = locate(location, settings, beside=beside)
    try:
        return path.read_bytes()
    except PermissionError:
        raise InputFault(location, "it may not be read", "Ask for the right to read it") from None
    except OSError as error:
        raise InputFault(location, f"it could not be read ({type(error).__name__})", "Check the disk") from None


def read_bytes(use_case: UseCase, source: Source, data: bytes, *, place: str) -> "pd.DataFrame":
    """Read the bytes of a file of *source*'s kind; *place* is what messages call it."""
    if not data:
        raise InputFault(place, "the file is empty (0 bytes)", "Export it again")
    if source.kind == "parquet":
        from wardround.sources.parquet import read_parquet

        binary = {use_case.target.column, *(content.source_column for content in use_case.contents)}
        return read_parquet(data, place=place, binary=binary)
    if source.kind == "excel":
        from wardround.sources.excel import read_excel

        return read_excel(data, source.options, place=place)
    from wardround.sources.csv import read_csv

    return read_csv(use_case, data, source.options, place=place)


def what_it_is(data: bytes) -> str | None:
    """Return what the first bytes say the file is, or None when they say nothing."""
    return next((name for magic, name in MAGIC.items() if data.startswith(magic)), None)
