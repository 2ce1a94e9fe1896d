"""Times: read with their zone, checked against the clock."""

import re
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wardround.sources.cells import Cells, Flags, cells, matching, missing
from wardround.sources.schema import Fault
from wardround.sources.values import Column, RowFault

_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?"
_ZONE = r" ?(Z|[+-][0-9]{2}:?[0-9]{2})$"
_SAMPLE = datetime(2001, 11, 21, 10, 11, 12)
EARLIEST = pd.Timestamp("1900-01-01", tz="UTC")
AHEAD = timedelta(days=1)
"""How far ahead of the clock a time may be before it is called future: zones differ by up to a day."""


def moments(name: str, column: "pd.Series[Any]", *, zone: str, time_format: str | None, now: datetime | None) -> Column:
    """Read times as datetime64[us, UTC]; a time without zone is one of *zone*.

    Typed times are taken as they are. Text is read by *time_format* (its first characters, where it is longer
    than the format), else as ISO 8601. Of the two readings of a clock that was set back the first is meant.
    Times in another format, impossible ones (30 February, before 1900) and future ones (by *now*) are faults.
    """
    rows: list[RowFault] = []
    faults: list[Fault] = []
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in ("datetime", "datetime64", "date"):
        column = pd.to_datetime(column, errors="coerce", utc=_all_zoned(column))
    if pd.api.types.is_datetime64_any_dtype(column):
        utc = _utc(column.dt.as_unit("us").reset_index(drop=True), zone)
    else:
        held = cells(column)
        of_texts, gone, shaped = _parsed(held.texts, zone, time_format)
        stamps = of_texts.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        utc = pd.Series(held.rows(stamps, np.datetime64("NaT", "us"))).dt.tz_localize("UTC")
        unread = of_texts.isna().to_numpy() & ~gone
        for bad, reason in ((unread & ~shaped, "in another format"), (unread & shaped, "not possible")):
            _judge(name, held, gone, bad, reason, time_format, rows, faults)
    old = np.flatnonzero((utc < EARLIEST).to_numpy())
    if len(old):
        texts = [moment.isoformat() for moment in utc.iloc[old]]
        rows.append(RowFault(reason=f"{name}: before 1900", rows=old, texts=texts))
        utc = utc.mask(utc < EARLIEST)
    if now is not None:
        future = np.flatnonzero((utc > pd.Timestamp(now + AHEAD)).to_numpy())
        if len(future):
            rows.append(RowFault(reason=f"{name}: in the future", rows=future))
    return Column(values=utc, rows=tuple(rows), faults=tuple(faults))


def _judge(
    name: str, held: Cells, gone: Flags, bad: Flags, reason: str, time_format: str | None,
    rows: list[RowFault], faults: list[Fault],
) -> None:  # fmt: skip
    places = np.flatnonzero(held.rows(bad, False))
    there = int(held.rows(~gone, False).sum())
    if 2 * len(places) > there:
        expected = f"the format {time_format}" if time_format else "ISO 8601 (2026-03-31 or 2026-03-31T14:05)"
        faults.append(
            Fault(
                fault=f"{name}: {len(places)} of {there} times: {reason}, not {expected}"
                if reason == "in another format"
                else f"{name}: {len(places)} of {there} times: {reason}",
                remedy="Set the use case's `time_format` to the one format of the column, or export ISO 8601",
            )
        )
    elif len(places):
        rows.append(RowFault(reason=f"{name}: {reason}", rows=places, texts=held.at(places)))


def _parsed(texts: Any, zone: str, time_format: str | None) -> "tuple[pd.Series[pd.Timestamp], Flags, Flags]":
    """Return, per text: the time in UTC (NaT: none), whether it is missing, whether it has the shape of a time."""
    gone = missing(texts)
    text = pd.Series(texts.to_pandas(), dtype=object)
    if time_format is not None:
        length = len(_SAMPLE.strftime(time_format))
        read, cut = (
            pd.to_datetime(part, format=time_format, errors="coerce", utc="%z" in time_format).dt.as_unit("us")
            for part in (text.where(~gone), text.where(~gone).str[:length])
        )
        return _utc(read.where(read.notna(), cut), zone), gone, matching(texts, _shape(time_format))
    aware = matching(texts, _ISO + _ZONE)
    plain = matching(texts, _ISO + "$")
    naive = _utc(pd.to_datetime(text.where(plain), format="ISO8601", errors="coerce").dt.as_unit("us"), zone)
    zoned = pd.to_datetime(text.where(aware), format="ISO8601", errors="coerce", utc=True).dt.as_unit("us")
    return naive.where(~aware, zoned), gone, aware | plain


def _shape(time_format: str) -> str:
    """Return a pattern that texts of the format fit by the kind of their characters."""
    sample = _SAMPLE.strftime(time_format)
    return "^" + "".join("[0-9]" if c.isdigit() else r"\pL" if c.isalpha() else re.escape(c) for c in sample)


def _all_zoned(column: "pd.Series[Any]") -> bool:
    return all(getattr(value, "tzinfo", None) is not None for value in column.dropna())


def _utc(times: "pd.Series[Any]", zone: str) -> "pd.Series[pd.Timestamp]":
    if times.dt.tz is not None:
        zoned: pd.Series[pd.Timestamp] = times.dt.tz_convert("UTC")
        return zoned
    first: npt.NDArray[np.bool_] = np.ones(len(times), dtype=bool)
    local = times.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    utc: pd.Series[pd.Timestamp] = local.dt.tz_convert("UTC")
    return utc
