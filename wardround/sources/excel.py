"""Excel workbooks (2007 and later): one sheet, whose first row names the columns."""

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wardround.contents.cells import Unreadable
from wardround.errors import InputFault
from wardround.sources.bounds import bounded
from wardround.sources.files import what_it_is
from wardround.sources.header import named
from wardround.use_cases.base import Scalar

if TYPE_CHECKING:
    import pandas as pd


def read_excel(data: bytes, options: Mapping[str, Scalar], *, place: str) -> "pd.DataFrame":
    """Read one sheet: option ``sheet``, or the only one that has rows. Wholly empty rows are left out.

    Raises:
        InputFault: it is no workbook, is damaged or has a password, or the sheet is missing or not certain.
    """
    import openpyxl

    if not data.startswith(b"PK"):
        what = what_it_is(data) or "something else"
        raise InputFault(place, f"this is not an Excel workbook, it begins like {what}", "Save it as .xlsx")
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles it does not draw
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheets = {sheet.title: _rows(sheet) for sheet in book.worksheets if _wanted(sheet.title, options)}
            names = [sheet.title for sheet in book.worksheets]
            book.close()
    except Unreadable as why:
        raise InputFault(place, str(why), "Save it as CSV or Parquet, or send it in parts") from None
    except Exception as error:  # openpyxl answers damage with whatever its parser met
        raise InputFault(
            place, f"the Excel workbook is cut short or damaged ({type(error).__name__})", "Save or copy it again"
        ) from None
    if "sheet" in options and not sheets:
        raise InputFault(
            place, f"there is no sheet {options['sheet']!r}, only {_list(names)}", "Set the option `sheet`"
        )
    filled = {name: rows for name, rows in sheets.items() if rows}
    if not filled:
        raise InputFault(place, "the workbook has no filled cell", "Export it again")
    if len(filled) > 1:
        raise InputFault(
            place, f"{len(filled)} sheets have rows ({_list(list(filled))})",
            "Say which one by the option `sheet`, or write file.xlsx#sheet",
        )  # fmt: skip
    return _frame(next(iter(filled.values())), place)


def _wanted(title: str, options: Mapping[str, Scalar]) -> bool:
    return "sheet" not in options or title == str(options["sheet"])


def _list(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:8])


def _rows(sheet: Any) -> list[tuple[Any, ...]]:
    sheet.reset_dimensions()  # what the file claims its extent to be is often wrong
    return [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]


def _frame(rows: list[tuple[Any, ...]], place: str) -> "pd.DataFrame":
    import pandas as pd

    header = list(rows[0])
    while header and header[-1] is None:
        header.pop()
    width = len(header)
    beyond = sum(any(cell is not None for cell in row[width:]) for row in rows[1:])
    if beyond:
        raise InputFault(
            place, f"{beyond} row(s) have cells to the right of the last named column",
            "Name every column in the first row, and keep notes off the sheet",
        )  # fmt: skip
    body = [row[:width] + (None,) * (width - len(row)) for row in rows[1:]]
    frame = pd.DataFrame(body, columns=range(width), dtype=object)
    frame.columns = named(header)
    return frame
