"""Sources: whatever a hospital can hand over (files, databases, buckets), read into one canonical frame."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wardround.errors import InputFault
from wardround.errors.extras import ExtraMissing
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

_SUFFIXES: dict[Literal["csv", "parquet", "excel"], tuple[str, ...]] = {
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm"),
}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How a kind of source beyond tables is read: ``read_<module>`` of *module* here, with the optional part *extra*
    of wardround; on the command line it is written ``<prefix>:path``."""

    module: str
    prefix: str
    extra: str | None = None


READERS: Mapping[str, Reader] = {
    "dicom": Reader(module="dicom", prefix="dicom", extra="imaging"),
    "images": Reader(module="images", prefix="images", extra="imaging"),
    "waveforms": Reader(module="waveforms", prefix="waveforms", extra="signals"),
    "delimited series": Reader(module="delimited", prefix="delimited"),
    "events": Reader(module="events", prefix="events"),
    "fhir": Reader(module="fhir", prefix="fhir"),
    "reports": Reader(module="reports", prefix="reports"),
    "tagged": Reader(module="tagged", prefix="tagged"),
}
"""Kind of source beyond tables -> its reader, imported when such a source is read."""


def read(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read all columns of *source*, as it names and types them (CSV: as text), in its order.

    The frame is raw: it holds identifiers and must go nowhere but into `canonical.canonical`, which takes over what a
    reader found in single rows (``attrs["row_faults"]``) and in the delivery (``attrs["delivery"]``).

    Raises:
        InputFault: it is missing, empty, damaged, or not what its kind says.
        ExtraMissing: it needs a part of wardround that is not installed here.
        StoreFailed: an S3 endpoint did not do what was asked.
        ServiceFailed: a database server did not answer.
    """
    if source.kind == "sql":
        from wardround.sources.sql import read_sql

        return read_sql(source, settings)
    if source.kind == "s3":
        from wardround.sources.s3 import read_s3

        return read_s3(use_case, source, settings)
    if source.kind == "log":
        raise InputFault("log:online", "predictions are no table and hold no outcomes", "Name where the outcomes are")
    if source.kind == "package":
        from wardround.sources.package import read_package

        return read_package(use_case, source)
    if source.kind in READERS:
        return _read_beyond(use_case, source, settings)
    from wardround.sources.files import read_file

    return read_file(use_case, source, settings)


def _read_beyond(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    reader = READERS[source.kind]
    try:
        module: Any = importlib.import_module(f"{__name__}.{reader.module}")
        frame: pd.DataFrame = getattr(module, f"read_{reader.module}")(use_case, source, settings)
    except ModuleNotFoundError as error:
        if reader.extra is None or (error.name or "").startswith("wardround"):
            raise
        raise ExtraMissing(f"a source of the kind {source.kind!r}", reader.extra, error.name or "") from None
    return frame


def kind_of(name: str) -> Literal["csv", "parquet", "excel"] | None:
    """Return the kind of file (``csv``, ``parquet``, ``excel``) that *name*'s suffix says, or None."""
    return next((kind for kind, suffixes in _SUFFIXES.items() if name.lower().endswith(suffixes)), None)


def source_from(text: str, use_case: UseCase | None = None) -> Source:
    """Return the source that *text* names: a path (by its suffix), a database URL, ``s3:``, ``package:`` or ``log:``.

    ``#`` adds the table of a database or the sheet of a workbook: ``sqlite:///ward.db#visits``. The prefix of a reader
    (``dicom:``, ``images:``, ``waveforms:``, ``delimited:``, ``events:``, ``fhir:``, ``reports:``, ``tagged:``) comes
    before a path; such a source has the options of *use_case*'s own, if that is of the same kind.

    Raises:
        InputFault: it cannot be told what kind of source this is.
    """
    prefix, _, path = text.strip().partition(":")
    for kind, reader in READERS.items():
        if prefix == reader.prefix and not path.startswith("//"):
            own = use_case.source.options if use_case is not None and use_case.source.kind == kind else {}
            return Source(kind=kind, location=path.strip(), options=own)  # type: ignore[arg-type]
    place, _, part = text.strip().partition("#")
    if place.startswith("s3://"):
        return Source(kind="s3", location=text.strip())
    if place.startswith(("package:", "sklearn:", "wardround:")):
        return Source(kind="package", location=place.removeprefix("package:"))
    if place.startswith("log:"):
        if place != "log:online":
            raise InputFault(place, "there is no such log", "Write log:online for what the prediction API answered")
        return Source(kind="log", location="online")
    if re.match(r"[a-z][a-z0-9+_]*://", place):
        return Source(kind="sql", location=place, options={"table": part} if part else {})
    match kind_of(place):
        case "excel":
            return Source(kind="excel", location=place, options={"sheet": part} if part else {})
        case "parquet":
            return Source(kind="parquet", location=text.strip())
        case "csv":
            return Source(kind="csv", location=text.strip())
    if place.lower().endswith((".db", ".sqlite", ".sqlite3")):
        raise InputFault(place, "this looks like a database file", f"Name its table: sqlite:///{place}#table")
    if place.lower().endswith(".xls"):
        raise InputFault(place, "this is Excel's format before 2007, which is not read", "Save it as .xlsx")
    known = ", ".join(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
    raise InputFault(
        place, "its name does not tell what kind of source it is",
        f"Give a path that ends in one of {known}, a database URL with #table, s3://bucket/prefix/, package:name, "
        f"log:online, or one of {', '.join(f'{reader.prefix}:' for reader in READERS.values())} before a path",
    )  # fmt: skip
