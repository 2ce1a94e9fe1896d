"""Cells as text: the one form in which a CSV, a workbook and a database agree.

A column is held as its distinct texts and, per row, which of them it is: what a text means is worked out once,
however many rows have it.
"""

import datetime as dt
import decimal
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wardround.use_cases.base import Scalar

MISSING = ("", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "?")
"""Texts that mean missing in every column, whatever their case, unless the use case allows them as values."""

Flags = npt.NDArray[np.bool_]
STR: Any = pd.StringDtype(na_value=np.nan)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A column as text: row *i* holds ``texts[codes[i]]``, or nothing where the code is -1."""

    codes: npt.NDArray[np.int64]
    texts: Any  # pyarrow large_string

    def rows(self, of_texts: npt.NDArray[Any], empty: Any) -> npt.NDArray[Any]:
        """Spread a value per text over the rows; rows without text get *empty*."""
        return np.append(of_texts, np.array([empty], dtype=of_texts.dtype))[self.codes]

    def strings(self, keep: Flags) -> "pd.Series[str]":
        """Return the texts per row, missing where *keep* (a flag per text) is not set."""
        gone = ~self.rows(keep, False)
        return text_column(self.texts.take(pa.array(np.where(gone, 0, self.codes), mask=gone)))

    def at(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts of the given rows."""
        texts: list[str] = self.texts.take(pa.array(self.codes[rows])).to_pylist()
        return texts


def text_column(array: Any) -> "pd.Series[str]":
    """Return an Arrow array of texts as a column of pandas' ``str`` type."""
    column: pd.Series[str] = pd.Series(STR.__from_arrow__(array), dtype=STR)
    return column


def cells(column: "pd.Series[Any]") -> Cells:
    """Take a column of any source apart into `Cells`.

    Blanks around a text go, Unicode is composed (NFC), a whole number has no decimals (``1.0`` is ``1``), and
    truth values are ``true`` and ``false``.
    """
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string":
        column = column.astype(STR)
    if isinstance(column.dtype, pd.StringDtype):
        array = pa.array(column)
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        array = array.cast(pa.large_string())
        encoded = array.dictionary_encode()
        codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        texts = encoded.dictionary
    else:
        values: Any
        if column.dtype == object:
            codes, values = pd.factorize(np.array([_text(value) for value in column], dtype=object))
        else:
            codes, values = pd.factorize(column)
            if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
                values = values.to_numpy()  # single floats stay single: 2.3 must not become 2.299999952
        texts = pa.array([_text(value) for value in values], type=pa.large_string())
    return Cells(codes=np.asarray(codes, dtype=np.int64), texts=normal(texts))


def normal(texts: Any) -> Any:
    """Return the one spelling of each text (see `cells`)."""
    texts = pc.utf8_normalize(pc.utf8_trim_whitespace(texts), form="NFC")
    texts = pc.replace_substring_regex(texts, r"^([+-]?[0-9]+)\.0+$", r"\1")
    lower = pc.utf8_lower(texts)
    return pc.if_else(pc.is_in(lower, value_set=pa.array(["true", "false"], pa.large_string())), lower, texts)


def token(value: Scalar) -> str:
    """Return the spelling that a value of the use case has among `cells`."""
    text: str = normal(pa.array([_text(value)], pa.large_string()))[0].as_py()
    return text


def tokens(values: Iterable[Scalar] | None) -> frozenset[str]:
    """Return the spellings of several values."""
    return frozenset(token(value) for value in values or ())


def among(texts: Any, values: Iterable[str]) -> Flags:
    """Return, per text, whether it is one of *values*."""
    found = pc.is_in(texts, value_set=pa.array(sorted(values), pa.large_string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def matching(texts: Any, pattern: str) -> Flags:
    """Return, per text, whether *pattern* (RE2) fits it."""
    return np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False), dtype=bool)


def missing(texts: Any, *, codes: Iterable[Scalar] = (), values: Iterable[Scalar] | None = None) -> Flags:
    """Return, per text, whether it means missing: by `MISSING`, unless among *values*, or by the use case's *codes*."""
    usual = among(pc.utf8_lower(texts), MISSING) & ~among(texts, tokens(values))
    return usual | among(texts, tokens(codes))


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        return str(int(value)) if np.isfinite(value) and value == int(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return None if value.is_nan() else format(value.normalize(), "f") if value.is_finite() else str(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)
