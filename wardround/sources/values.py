"""What the cells of a column mean: numbers, truth values, levels, outcomes.

Each reader gives the values and what it could not read. What it could not read is missing in the values.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wardround.sources.cells import Cells, Flags, among, cells, matching, missing, tokens
from wardround.sources.schema import Fault
from wardround.use_cases.base import Feature, Scalar, Target, UseCase

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
INFINITE = r"^[+-]?(?i:inf(inity)?)$"
COMMA = r"^[+-]?[0-9]+,[0-9]+$"
TRUE = frozenset({"true", "t", "yes", "y", "1"})
FALSE = frozenset({"false", "f", "no", "n", "0"})
EXACT = 2.0**53


@dataclass(frozen=True, kw_only=True)
class RowFault:
    """Cells of one column that could not be read: why, in which rows, and (never shown) their texts.

    *texts* is None where the fault is not one of the content (a clock, another column).
    """

    reason: str
    rows: npt.NDArray[np.int64]
    texts: list[str] | None = None

    def outside(self, others: Collection[int]) -> "RowFault":
        """Return the fault without the rows *others*."""
        kept = [place for place, row in enumerate(self.rows.tolist()) if row not in others]
        texts = None if self.texts is None else [self.texts[place] for place in kept]
        return RowFault(reason=self.reason, rows=self.rows[kept], texts=texts)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that was read: its values per row, and the faults of rows and of the whole column."""

    values: "pd.Series[Any]"
    rows: tuple[RowFault, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_feature(feature: Feature, column: "pd.Series[Any]") -> Column:
    """Read a feature: float64, or text with ``true`` and ``false`` for truth values."""
    if feature.kind == "numeric":
        return numbers(feature.name, column, codes=feature.missing_codes)
    held = cells(column)
    gone = missing(held.texts, codes=feature.missing_codes, values=feature.allowed)
    if feature.kind == "category":
        return Column(values=held.strings(~gone))
    lower = pc.utf8_lower(held.texts)
    true, false = among(lower, TRUE), among(lower, FALSE)
    words = Cells(codes=held.codes, texts=pa.array(np.where(true, "true", "false"), pa.large_string()))
    values = words.strings((true | false) & ~gone)
    return judged(feature.name, values, held, gone, ~(true | false | gone), "not a truth value")


def numbers(name: str, column: "pd.Series[Any]", *, codes: tuple[Scalar, ...] = ()) -> Column:
    """Read numbers. Infinities are faults, text is a fault, and decimal commas refuse the column."""
    numeric_codes = [float(str(code)) for code in codes if _is_number(code)]
    if column.dtype == np.float64 or (isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu"):
        return _typed_numbers(name, column.to_numpy(dtype=np.float64, copy=True), numeric_codes)
    held = cells(column)
    gone = missing(held.texts, codes=codes)
    fits = matching(held.texts, NUMBER)
    parsed = pc.cast(pc.if_else(pa.array(fits), held.texts, None), pa.float64())
    of_texts = np.array(parsed.to_numpy(zero_copy_only=False), dtype=np.float64)
    infinite = (np.isinf(of_texts) | matching(held.texts, INFINITE)) & ~gone
    gone |= np.isin(of_texts, numeric_codes)
    of_texts[gone | infinite] = np.nan
    of_texts += 0.0
    values = pd.Series(held.rows(of_texts, np.nan), dtype=np.float64)
    read = judged(name, values, held, gone, infinite, "infinite")
    text = judged(name, values, held, gone, ~(fits | gone | infinite), "not a number")
    if comma := _decimal_comma(name, held, gone):
        return Column(values=values, faults=(comma,))
    return Column(values=values, rows=(*read.rows, *text.rows), faults=(*read.faults, *text.faults))


def _typed_numbers(name: str, values: npt.NDArray[np.float64], codes: list[float]) -> Column:
    infinite = np.isinf(values)
    signs = np.where(values > 0, 0, 1)
    values[np.isin(values, codes) | infinite] = np.nan
    series = pd.Series(values + 0.0)  # minus zero is zero
    if not infinite.any():
        return Column(values=series)
    held = Cells(codes=np.where(infinite, signs, -1), texts=pa.array(["inf", "-inf"], pa.large_string()))
    every = np.ones(2, dtype=bool)
    return judged(name, series, held, ~every, every, "infinite", of=int(series.notna().sum()))


def read_target(use_case: UseCase, column: "pd.Series[Any]") -> Column:
    """Read the outcome as float64: the number, or 0.0 / 1.0 of two classes; NaN where there is none yet."""
    target = use_case.target
    if use_case.problem == "regression":
        return numbers("target", column, codes=target.missing_codes)
    held = cells(column)
    meant = (*(target.allowed or ()), *(target.positive or ()), *(target.negative or ()))
    gone = missing(held.texts, codes=target.missing_codes, values=meant)
    new = ~gone & ~_in(held.texts, target.allowed) if target.allowed is not None else np.zeros_like(gone)
    if target.positive_above is not None:
        # a new class is named as such even where it is no number
        read = numbers("target", held.strings(~gone & ~new), codes=target.missing_codes)
        values = read.values.gt(target.positive_above).astype(np.float64).where(read.values.notna())
    else:
        read = Column(values=pd.Series(dtype=np.float64))
        values = pd.Series(held.rows(_classes(target, held.texts, gone | new), np.nan), dtype=np.float64)
    named = judged("target", values, held, gone, new, "new outcome class")
    return Column(values=values, rows=(*read.rows, *named.rows), faults=(*read.faults, *named.faults))


def _classes(target: Target, texts: Any, gone: Flags) -> npt.NDArray[np.float64]:
    positive = _in(texts, target.positive) if target.positive is not None else ~_in(texts, target.negative)
    return np.where(gone, np.nan, positive.astype(np.float64))


def _in(texts: Any, values: tuple[Scalar, ...] | None) -> Flags:
    found = among(texts, tokens(value for value in values or () if not isinstance(value, bool)))
    for value in values or ():
        if isinstance(value, bool):
            found |= among(pc.utf8_lower(texts), TRUE if value else FALSE)
    return found


def judged(
    name: str, values: "pd.Series[Any]", held: Cells, gone: Flags, bad: Flags, reason: str, *, of: int = 0
) -> Column:
    """Make a fault of the rows, or of the whole column where more than half of what is there is bad."""
    rows = np.flatnonzero(held.rows(bad, False))
    if not len(rows):
        return Column(values=values)
    there = of + int(held.rows(~gone, False).sum())
    if 2 * len(rows) > there:
        return Column(
            values=values,
            faults=(
                Fault(
                    fault=f"{name}: {len(rows)} of {there} values: {reason}",
                    remedy=_REMEDIES.get(reason, "Check the column and its kind in the use case"),
                ),
            ),
        )
    return Column(values=values, rows=(RowFault(reason=f"{name}: {reason}", rows=rows, texts=held.at(rows)),))


_REMEDIES = {
    "not a number": "Check the column, or declare its other spellings as missing codes or as a category",
    "new outcome class": "Check the outcome column, or extend the target's allowed values",
}


def _decimal_comma(name: str, held: Cells, gone: Flags) -> Fault | None:
    """Suspect a decimal comma where commas stand in for points: quarantining those rows would bend the rest."""
    commas = int(held.rows(matching(held.texts, COMMA), False).sum())
    points = int(held.rows(matching(held.texts, r"^[+-]?[0-9]*\.[0-9]+$"), False).sum())
    there = int(held.rows(~gone, False).sum())
    if not commas or commas <= points or commas * 100 <= there:
        return None
    return Fault(
        fault=f"{name}: {commas} of {there} numbers have a comma, as for decimals or thousands",
        remedy="Declare decimal commas by the option `decimal` = `,`, or export numbers with points",
    )


def _is_number(code: Scalar) -> bool:
    try:
        return bool(np.isfinite(float(str(code))))
    except ValueError:
        return False
