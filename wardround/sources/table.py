"""A table on its way to the canonical frame: the columns read so far, and the faults found so far."""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from wardround.privacy import coarsen, pseudonyms
from wardround.sources.cells import STR, cells, missing, text_column
from wardround.sources.contents import Moved, Tell, deidentified, silent, take, told_of
from wardround.sources.moments import moments
from wardround.sources.schema import Fault
from wardround.sources.truths import content_of, per_hundred, read_truth, spans_moved, unfit
from wardround.sources.values import EXACT, Column, RowFault
from wardround.use_cases.base import TRUTHS, Content, UseCase

ROW_FAULTS = "row_faults"
"""The key in ``frame.attrs`` under which reading left reason -> row positions."""
DELIVERY = "delivery"
"""The key in ``frame.attrs`` under which reading left what it found about the delivery as a whole."""
NO_RECORD_ID = "record id missing"
NO_PATIENT_ID = "patient id missing"


@dataclass(kw_only=True)
class Work:
    """A table on its way: columns read so far, faults found so far."""

    use_case: UseCase
    raw: pd.DataFrame
    names: Sequence[str]
    key: bytes
    small_cell: int
    tell: Tell = silent
    values: dict[str, "pd.Series[Any]"] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    row_faults: dict[str, list[int]] = field(default_factory=dict)
    unread: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    nameless: dict[str, list[int]] = field(default_factory=dict)
    moved: dict[str, Moved] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)

    def column(self, name: str) -> "pd.Series[Any]":
        """Return a raw column, numbered from 0 whatever the index of the table."""
        return self.raw.iloc[:, self.names.index(name)].reset_index(drop=True)

    def keep(self, name: str, source: str, column: Column) -> None:
        """Take over a column that was read, and its faults."""
        self.values[name] = column.values
        self.faults += column.faults
        for fault in column.rows:
            self.note(source, fault)

    def note(self, source: str, fault: RowFault) -> None:
        """Book a fault of rows; what could not be read is kept as a keyed hash only."""
        rows = fault.rows.tolist()
        if not rows:
            return
        self.row_faults[fault.reason] = sorted({*self.row_faults.get(fault.reason, ()), *rows})
        own = hmac.digest(self.key, f"wardround unread\0{self.use_case.name}".encode(), "sha256")
        for row, text in zip(rows, fault.texts or (), strict=False):
            self.unread[row].append(hmac.digest(own, f"{source}\0{text}".encode(), "sha256").hex()[:16])

    def name_records(self, *, patients: bool = True) -> None:
        """Give every row its pseudonyms; a row without a record id gets one that no other row has."""
        case = self.use_case
        record, gone = self._names(case.record_id, "record id")
        self._book(NO_RECORD_ID, gone)
        self.values["record_id"] = self._pseudonyms("record", record)
        self.nameless = {"record_id": np.flatnonzero(gone).tolist()}
        if not patients:
            return
        if case.patient_id is None:
            self.values["patient_id"] = self._pseudonyms("patient", record)
            self.nameless["patient_id"] = self.nameless["record_id"]
            return
        patient, unknown = self._names(case.patient_id, "patient id")
        self._book(NO_PATIENT_ID, unknown)
        self.values["patient_id"] = self._pseudonyms("patient", patient)
        self.nameless["patient_id"] = np.flatnonzero(unknown).tolist()

    def _names(self, source: str, what: str) -> "tuple[pd.Series[str], npt.NDArray[np.bool_]]":
        column = self.column(source)
        numbers = column.to_numpy() if column.dtype.kind == "f" else _floats(column)
        if large := int((np.abs(numbers) > EXACT).sum()):
            self.faults.append(
                Fault(
                    fault=f"{what}: {large} value(s) in {source!r} are decimal numbers too long to be exact",
                    remedy="Export identifiers as text, so that none loses its last digits",
                )
            )
        held = cells(column)
        names = held.strings(~missing(held.texts))
        gone = names.isna().to_numpy()
        made_up = pd.Series([f"\0{what} missing in row {row}" for row in np.flatnonzero(gone)], dtype=STR)
        made_up.index = pd.Index(np.flatnonzero(gone))
        return names.fillna(made_up), gone

    def _pseudonyms(self, role: str, names: "pd.Series[str]") -> "pd.Series[str]":
        codes, unique = pd.factorize(names)
        known = pa.array(
            pseudonyms(self.key, self.use_case.name, role, pa.array(unique).to_pylist()), pa.large_string()
        )
        return text_column(known.take(pa.array(codes)))

    def _book(self, reason: str, rows: "npt.NDArray[np.bool_]") -> None:
        if rows.any():
            self.row_faults[reason] = np.flatnonzero(rows).tolist()

    def take_time(self, now: datetime) -> None:
        """Read the index time, hold it against the clock and against the times of measurement, and cut it down."""
        case = self.use_case
        assert case.time is not None
        read = moments("time", self.column(case.time), zone=case.time_zone, time_format=case.time_format, now=now)
        self.keep("time", case.time, read)
        for feature in case.features:
            if feature.measured_at is None:
                continue
            measured = moments(
                f"{feature.name} measured at", self.column(feature.measured_at), zone=case.time_zone,
                time_format=case.time_format if feature.measured_at == case.time else None, now=None,
            )  # fmt: skip
            self.faults += measured.faults
            for fault in measured.rows:
                self.note(feature.measured_at, fault)
            late = np.flatnonzero((measured.values > read.values).to_numpy(dtype=bool))
            if len(late):
                # the time of measurement is not kept: unless it counts for the batch id, a corrected one could not come
                texts = [moment.isoformat() for moment in measured.values.iloc[late]]
                reason = f"{feature.name}: measured after the prediction was due"
                self.note(feature.measured_at, RowFault(reason=reason, rows=late, texts=texts))
        self.values["time"] = coarsen(read.values, case.keep_time, case.time_zone)

    def take_findings(self) -> None:
        """Take over what the source's own reader found, in rows it could not read and in the delivery."""
        for reason, rows in self.raw.attrs.get(ROW_FAULTS, {}).items():
            places = np.asarray(rows, dtype=np.int64)
            self.note("", RowFault(reason=reason, rows=places, texts=[reason] * len(places)))
        self.told += self.raw.attrs.get(DELIVERY, ())

    def take_content(self, content: Content) -> None:
        """Read a content and what is measured of it."""
        # where patients have no names here, nothing is de-identified by them
        patients = self.values.get("patient_id", self.values["record_id"])
        raw = self.column(content.source_column)
        taken = take(self.use_case, content, raw, key=self.key, patients=patients, tell=self.tell)
        own = [rows for reason, rows in self.row_faults.items() if reason.startswith(f"{content.name}: ")]
        told = {row for rows in own for row in rows}
        rows = tuple(fault.outside(told) for fault in taken.column.rows)  # what its reader could not read is missing
        self.keep(content.name, content.source_column, replace(taken.column, rows=rows))
        self.values |= taken.features
        if taken.moved is not None:
            self.moved[content.name] = taken.moved
            self.told.append(told_of(content, taken.removed, self.small_cell))

    def take_target(self) -> None:
        """Read the outcome; where the table has none yet, it is missing in every row."""
        source = self.use_case.target.column
        if source not in self.names:
            self.values["target"] = pd.Series(np.full(len(self.raw), np.nan))
            self.values["truth"] = pd.Series(np.full(len(self.raw), None, dtype=object))
            return
        target, truth = read_truth(self.use_case, self.column(source))
        self.keep("target", source, target)
        if truth is not None:
            self.keep("truth", source, truth)
            self._place_truth(source)

    def _place_truth(self, source: str) -> None:
        """Bring the truths to the content as it is kept, and take out those that do not fit it."""
        content = content_of(self.use_case)
        if content is None:
            return
        form, truths = TRUTHS[self.use_case.problem], self.values["truth"]
        if form == "text" and not content.deidentified:
            truths, _ = deidentified(content, truths, key=self.key, patients=self.values["patient_id"])
        if form == "spans" and content.name in self.moved:
            truths = spans_moved(truths, self.moved[content.name])
        self.values["truth"] = truths
        if (fault := unfit(self.use_case, truths, self.values)) is not None:
            self.note(source, fault)
            self.values["truth"] = truths.mask(truths.index.isin(fault.rows), None)
            self.values["target"] = self.values["target"].mask(truths.index.isin(fault.rows))
        if form == "spans":
            self.values["target"] = per_hundred(self.values["target"], self.values[content.name])

    def frame(self, columns: Iterable[str]) -> pd.DataFrame:
        """Return the columns in order, with the book of row faults in ``attrs``."""
        frame = pd.DataFrame({name: self.values[name] for name in columns})
        frame.attrs = {
            ROW_FAULTS: self.row_faults,
            "row_marks": {str(row): "".join(sorted(marks)) for row, marks in sorted(self.unread.items())},
            "nameless": {name: rows for name, rows in self.nameless.items() if rows and name in frame.columns},
        }
        if self.told:
            frame.attrs[DELIVERY] = self.told
        return frame


def _floats(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    if column.dtype != object:
        return np.zeros(0)
    return np.array([value for value in column if isinstance(value, float)], dtype=np.float64)
