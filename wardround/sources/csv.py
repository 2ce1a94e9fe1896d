"""Delimited text: encoding and delimiter are found out or declared; every column is read as text.

What a cell means is left to the canonical step, so that ``1``, ``1.0`` and `` 1 `` have one meaning whatever the
kind of source.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wardround.errors import InputFault
from wardround.sources.files import what_it_is
from wardround.sources.header import named
from wardround.sources.schema import known_columns
from wardround.use_cases.base import Scalar, UseCase

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE = 65_536
MOST_UNZIPPED = 2 * 1024**3
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_csv(use_case: UseCase, data: bytes, options: Mapping[str, Scalar], *, place: str) -> "pd.DataFrame":
    """Read delimited text, also gzipped. Empty cells are missing, everything else is text.

    Options: ``encoding`` (without it UTF-8, or what a byte order mark says), ``delimiter`` (without it the one
    that gives the known columns), ``decimal`` (``,`` in numeric columns).

    Raises:
        InputFault: it is empty, cut short, binary, in another encoding, or its lines differ in length.
    """
    text = decoded(unzipped(data, place), options, place)
    if not text.strip():
        raise InputFault(place, "the file is empty", "Export it again")
    delimiter = _delimiter(use_case, text, options, place)
    frame = _parsed(text, delimiter, place)
    if options.get("decimal") == ",":
        _decimal_points(use_case, frame)
    return frame


def unzipped(data: bytes, place: str) -> bytes:
    """Return *data*, taken out of gzip where it is in it.

    Raises:
        InputFault: it is cut short or damaged, or would be over `MOST_UNZIPPED` bytes long.
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            found = file.read(MOST_UNZIPPED + 1)  # a small file may hold more than there is memory
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputFault(
            place, f"the gzip file is cut short or damaged ({type(error).__name__})", "Copy or export it again"
        ) from None
    if len(found) > MOST_UNZIPPED:
        raise InputFault(place, f"the gzip file holds more than {MOST_UNZIPPED // 2**30} GiB", "Send it in parts")
    return found


def decoded(data: bytes, options: Mapping[str, Scalar], place: str) -> str:
    """Return the text in *data*: in the encoding of a byte order mark, else of the option ``encoding``, else UTF-8.

    Raises:
        InputFault: it is no text, or not in that encoding.
    """
    if what := what_it_is(data):
        raise InputFault(place, f"this is {what}, not delimited text", "Name the file with its true suffix")
    declared = str(options.get("encoding", "")).lower()
    found = next((name for bom, name in _BOMS.items() if data.startswith(bom)), None)
    encoding = found or declared or "utf-8"
    remedy = "Declare the true one by the option `encoding` (often cp1252 or latin-1), or export it as UTF-8"
    if not (found or declared) and b"\0" in data[:_SAMPLE]:
        raise InputFault(place, "this is a binary file (it has zero bytes), not delimited text", remedy)
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InputFault(place, f"there is no encoding {encoding!r}", remedy) from None
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise InputFault(place, f"it is not {encoding} from line {line} on", remedy) from None
    if "\0" in text:
        raise InputFault(place, f"read as {encoding} it has zero characters: the encoding is wrong", remedy)
    if declared and not found and not declared.replace("_", "-").startswith("utf") and not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return text
        raise InputFault(
            place, f"it is declared as {declared}, but it is UTF-8 beyond doubt", "Drop the option `encoding`"
        )
    return text


def _delimiter(use_case: UseCase, text: str, options: Mapping[str, Scalar], place: str) -> str:
    known = known_columns(use_case)
    headers = {mark: _header(text, mark) for mark in DELIMITERS}
    best = max(headers, key=lambda mark: (len(known & set(headers[mark])), len(headers[mark])))
    declared = str(options["delimiter"]).replace("\\t", "\t") if "delimiter" in options else None
    if declared is not None and len(declared) != 1:
        raise InputFault(place, "the option `delimiter` must be one character", "Mend the option")
    chosen = declared or best
    if len(_header(text, chosen)) > 1:
        return chosen
    if declared and len(headers[best]) > 1:
        raise InputFault(
            place, f"the declared delimiter gives one column, a {DELIMITERS[best]} would give {len(headers[best])}",
            "Mend the option `delimiter`, or leave it out",
        )  # fmt: skip
    raise InputFault(
        place, f"only one column is found: the delimiter is none of {', '.join(DELIMITERS.values())}",
        "Declare it by the option `delimiter`",
    )  # fmt: skip


def _header(text: str, delimiter: str) -> list[str]:
    try:
        lines = csv.reader(io.StringIO(text[:_SAMPLE]), delimiter=delimiter)
        return [name.strip() for name in next((line for line in lines if line), [])]
    except csv.Error:
        return []


def _parsed(text: str, delimiter: str, place: str) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv

    width = len(_header(text, delimiter))
    ragged = 0

    def skip(_: Any) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(f"{text}\n".encode()),
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True, block_size=1 << 24, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={f"f{i}": pa.large_string() for i in range(width)},
                null_values=[""], strings_can_be_null=True,
            ),
        )  # fmt: skip
    except pa.ArrowException as error:  # its text quotes the line
        raise InputFault(
            place, f"it cannot be taken apart into lines and cells ({type(error).__name__})",
            "Look for a quotation mark that is never closed, or a line far longer than the others",
        ) from None  # fmt: skip
    if ragged:
        raise InputFault(
            place, f"{ragged} of {ragged + table.num_rows - 1} lines have more or fewer than {width} cells",
            "Put cells that contain the delimiter in quotation marks, and look whether the file is cut short",
        )  # fmt: skip
    text_type = pd.StringDtype(na_value=float("nan"))
    frame: pd.DataFrame = table.slice(1).to_pandas(types_mapper={pa.large_string(): text_type}.get)
    frame.columns = named(column[0].as_py() for column in table.columns)
    return frame


def _decimal_points(use_case: UseCase, frame: "pd.DataFrame") -> None:
    """Swap points and commas in the numeric columns; ``1.234,5`` then is no number, and is not guessed at."""
    numeric = {one.source_column for one in use_case.features if one.kind == "numeric" and one.of is None}
    if use_case.problem == "regression" or use_case.target.positive_above is not None:
        numeric.add(use_case.target.column)
    for position, name in enumerate(frame.columns):
        if name in numeric:
            swapped = frame.iloc[:, position].str.translate(str.maketrans(",.", ".,"))
            frame.isetitem(position, swapped.array)
