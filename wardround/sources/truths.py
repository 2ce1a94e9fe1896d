"""Truths that are no number: masks, spans, texts, labels; read from a source column, beside the number that stands
for each."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wardround.contents.arrays import packed, shape_of, unpacked
from wardround.contents.text import LONGEST
from wardround.errors import InputFault
from wardround.sources.cells import MISSING, among, cells, missing, tokens
from wardround.sources.contents import Moved, hashed
from wardround.sources.schema import Fault
from wardround.sources.values import Column, RowFault, judged, read_target
from wardround.use_cases.base import TRUTHS, WITHIN, Content, Target, UseCase

NEW_CLASS = "new outcome class"
UNREADABLE = {
    "mask": "no picture of instance numbers (npy, height by width)",
    "spans": "no list of [start, end, type]",
    "text": "no text",
    "labels": "no labels",
}
MISPLACED = {"mask": "not of the size of its picture", "spans": "a place outside its text"}
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_MOST = np.iinfo(np.uint16).max


class _Unreadable(ValueError):
    """A truth cannot be read; its argument is the reason."""


def content_of(use_case: UseCase) -> Content | None:
    """Return the content that the truths of *use_case* are about: a mask's picture, the text of spans or a summary."""
    kind = WITHIN.get(TRUTHS.get(use_case.problem, ""))
    return next((content for content in use_case.contents if content.kind == kind), None)


def target_values(use_case: UseCase) -> tuple[float, ...] | None:
    """Return the values that ``target`` can take: of classes their numbers, of labels how many; None: any number."""
    if not use_case.target.column:
        return None
    names = len(use_case.target.allowed or ())
    counts = {"classification": 2, "anomaly": 2, "multiclass": names, "multilabel": names + 1}
    return tuple(map(float, range(counts[use_case.problem]))) if use_case.problem in counts else None


def read_truth(use_case: UseCase, column: "pd.Series[Any]") -> tuple[Column, Column | None]:
    """Read an outcome column: the number ``target`` (float64), and the truth itself where it is no number.

    The truth is in the canonical form of `wardround.problems.base.Problem`, None where there is none yet. Labels: the
    empty text says that none of them holds; a missing cell says that nobody looked. Of spans the number is their count
    until the length of their text is known (`per_hundred`).
    """
    form = TRUTHS.get(use_case.problem)
    if form is None:
        if use_case.problem == "multiclass":
            return _class_index(use_case.target, column), None
        return read_target(use_case, column), None
    truths, numbers, bad = _read_cells(_READERS[form], use_case.target, column, empty_counts=form == "labels")
    rows = sum(len(places) for places in bad.values())
    there = rows + sum(truth is not None for truth in truths)
    target, truth = pd.Series(numbers), pd.Series(truths, dtype=object)
    if 2 * rows > there:
        told = "; ".join(f"truth: {len(places)} of {there} cells: {reason}" for reason, places in bad.items())
        return Column(values=target), Column(values=truth, faults=(Fault(fault=told, remedy=_REMEDY),))
    faults = tuple(
        RowFault(reason=f"truth: {reason}", rows=np.array(places), texts=[hashed(column.iloc[row]) for row in places])
        for reason, places in bad.items()
    )
    return Column(values=target), Column(values=truth, rows=faults)


def unfit(use_case: UseCase, truths: "pd.Series[Any]", contents: Mapping[str, "pd.Series[Any]"]) -> RowFault | None:
    """Return the rows whose truth is a place in a content that the content does not have, if there are any.

    *contents* holds the canonical cells by name, row by row as *truths*; where a row's is missing, nothing is said.
    """
    form, content = TRUTHS.get(use_case.problem), content_of(use_case)
    if form not in MISPLACED or content is None or content.name not in contents:
        return None
    fits: Callable[[Any, Any], bool] = _mask_fits if form == "mask" else _spans_fit
    pairs = enumerate(zip(truths, contents[content.name], strict=True))
    rows = [row for row, (truth, cell) in pairs if not (pd.isna(truth) or pd.isna(cell)) and not fits(truth, cell)]
    if not rows:
        return None
    return RowFault(reason=f"truth: {MISPLACED[form]}", rows=np.array(rows, dtype=np.int64))


def spans_moved(truths: "pd.Series[Any]", moved: Moved) -> "pd.Series[Any]":
    """Return the spans of each row in the text as it is kept; *moved* takes those in the text as it came."""

    def kept(row: int, truth: str) -> str:
        return _spans_json({(*moved(row, start, end), kind) for start, end, kind in json.loads(truth)})

    found = [truth if truth is None else kept(row, truth) for row, truth in enumerate(truths)]
    return pd.Series(found, dtype=object)


def per_hundred(counts: "pd.Series[Any]", texts: "pd.Series[Any]") -> "pd.Series[float]":
    """Return numbers of spans per 100 characters of their texts; NaN where the text is missing or empty."""
    lengths = np.array([0 if pd.isna(text) else len(text) for text in texts], dtype=float)
    lengths[lengths == 0] = np.nan
    return pd.Series(100.0 * counts.to_numpy(dtype=float) / lengths)


def _class_index(target: Target, column: "pd.Series[Any]") -> Column:
    held = cells(column)
    allowed = target.allowed or ()
    gone = missing(held.texts, codes=target.missing_codes, values=allowed)
    index = np.full(len(gone), np.nan)
    for place, name in enumerate(allowed):
        index[among(held.texts, tokens([name]))] = place
    index[gone] = np.nan
    values = pd.Series(held.rows(index, np.nan), dtype=np.float64)
    return judged("target", values, held, gone, np.isnan(index) & ~gone, NEW_CLASS)


Read = Callable[[Target, Any], tuple[bytes | str, float]]


def _read_cells(
    read: Read, target: Target, column: "pd.Series[Any]", *, empty_counts: bool
) -> tuple[list[bytes | str | None], npt.NDArray[np.float64], dict[str, list[int]]]:
    truths: list[bytes | str | None] = [None] * len(column)
    numbers = np.full(len(column), np.nan)
    bad: dict[str, list[int]] = {}
    codes = tokens(target.missing_codes)
    for row, cell in enumerate(column):
        if _is_missing(cell, codes, empty_counts):
            continue
        try:
            truths[row], numbers[row] = read(target, cell)
        except _Unreadable as fault:
            bad.setdefault(str(fault), []).append(row)
    return truths, numbers, bad


def _is_missing(cell: Any, codes: frozenset[str], empty_counts: bool) -> bool:
    if isinstance(cell, str):
        text = cell.strip()
        return text in codes or (text.lower() in MISSING and not (text == "" and empty_counts))
    return not isinstance(cell, (bytes, bytearray, memoryview)) and bool(pd.isna(cell))


def _mask(_: Target, cell: Any) -> tuple[bytes, float]:
    if isinstance(cell, str):
        raise _Unreadable(UNREADABLE["mask"])
    try:
        array = unpacked(bytes(cell))
    except InputFault:
        raise _Unreadable(UNREADABLE["mask"]) from None
    if array.ndim != 2 or not array.size or array.dtype.kind not in "buif":
        raise _Unreadable(UNREADABLE["mask"])
    with np.errstate(invalid="ignore"):
        whole = bool(np.isfinite(array).all()) and array.min() >= 0 and array.max() <= _MOST
        numbers = array.astype(np.uint16)
    if not whole or not np.array_equal(numbers, array):
        raise _Unreadable(UNREADABLE["mask"])
    return packed(numbers), float((numbers > 0).mean())


def _spans(target: Target, cell: Any) -> tuple[str, float]:
    try:
        found = json.loads(cell)
        spans = sorted({(start, end, kind) for start, end, kind in found}) if isinstance(found, list) else None
    except (ValueError, TypeError, RecursionError):
        spans = None
    if spans is None or not all(
        type(start) is int
        and type(end) is int
        and 0 <= start < end
        and isinstance(kind, str)
        and kind
        and kind.isprintable()
        for start, end, kind in spans
    ):
        raise _Unreadable(UNREADABLE["spans"])
    if target.allowed is not None and not {kind for _, _, kind in spans} <= {str(name) for name in target.allowed}:
        raise _Unreadable(NEW_CLASS)
    return _spans_json(spans), float(len(spans))


def _spans_json(spans: Iterable[tuple[int, int, str]]) -> str:
    return json.dumps(sorted(spans), ensure_ascii=False, separators=(",", ":"))


def _text(_: Target, cell: Any) -> tuple[str, float]:
    if not isinstance(cell, str):
        raise _Unreadable(UNREADABLE["text"])
    text = cell.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > LONGEST:
        raise _Unreadable(f"longer than {LONGEST:,} characters")
    return text, float(len(_WORD.findall(text)))


def _labels(target: Target, cell: Any) -> tuple[str, float]:
    if not isinstance(cell, str):
        raise _Unreadable(UNREADABLE["labels"])
    allowed = [str(name) for name in target.allowed or ()]
    said = {name.strip() for name in cell.split("|") if name.strip()} - {str(name) for name in target.negative or ()}
    if not said <= set(allowed):
        raise _Unreadable(NEW_CLASS)
    return "|".join(name for name in allowed if name in said), float(len(said))


_READERS: Mapping[str, Read] = {"mask": _mask, "spans": _spans, "text": _text, "labels": _labels}
_REMEDY = "Check the outcome column, and the form in which the use case's problem wants its truth"


def _mask_fits(mask: bytes, picture: bytes) -> bool:
    return shape_of(mask)[:2] == shape_of(picture)[:2]


def _spans_fit(spans: str, text: str) -> bool:
    return all(end <= len(text) for _, end, _ in json.loads(spans))
