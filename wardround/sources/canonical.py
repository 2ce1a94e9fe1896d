"""The canonical frame: the one form that every source is brought to before anything is written or judged.

A fault of the table (its columns, the type of a whole column) refuses it, all faults at once. A fault of single
cells does not: the cell becomes missing and its row is named in ``frame.attrs["row_faults"]`` (reason -> row
positions), so that validation can put that row, and no other, into quarantine.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from wardround.domain import utc_now
from wardround.privacy import coarsen, enforce, leaving, policy_faults, pseudonyms
from wardround.sources.cells import STR, cells, missing, text_column
from wardround.sources.identity import canonical_id
from wardround.sources.moments import moments
from wardround.sources.schema import Fault, raise_all, schema_faults
from wardround.sources.values import EXACT, Column, RowFault, read_feature, read_target
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings

__all__ = ["canonical", "canonical_id", "canonical_labels"]

NO_RECORD_ID = "record id missing"
NO_PATIENT_ID = "patient id missing"


def canonical(
    use_case: UseCase, raw: pd.DataFrame, settings: "Settings", *, place: str, now: datetime | None = None
) -> pd.DataFrame:
    """Bring a raw table into the canonical form; rows stay in order and none is lost.

    Identifiers become pseudonyms, direct identifiers and ignored columns are dropped, times are cut down to
    ``keep_time``, missing codes become missing. ``attrs`` of the result (plain JSON values, none of a cell):
    ``row_faults`` reason -> row positions, ``row_marks`` row position -> keyed hash of what could not be read,
    ``nameless`` column -> positions of rows whose name is made up. *now* is the clock for future times.

    Raises:
        InputFault: with every fault of the table.
        PrivacyBroken: the use case would let an identifier leave ingest.
    """
    names = [str(name).strip() for name in raw.columns]
    raise_all(place, [*_no_rows(raw), *schema_faults(use_case, names), *_policy(use_case)])
    work = _Work(use_case=use_case, raw=raw, names=names, key=settings.pseudonym_secret)
    work.name_records()
    if use_case.time is not None:
        work.take_time(utc_now() if now is None else now)
    if use_case.site is not None:
        held = cells(work.column(use_case.site))
        work.values["site"] = held.strings(~missing(held.texts))
    for feature in use_case.features:
        work.keep(feature.name, feature.source_column, read_feature(feature, work.column(feature.source_column)))
    work.take_target()
    raise_all(place, work.faults)
    frame = work.frame(leaving(use_case))
    enforce(use_case, frame)
    return frame


def canonical_labels(use_case: UseCase, raw: pd.DataFrame, settings: "Settings", *, place: str) -> pd.DataFrame:
    """Read late outcomes: ``record_id`` (pseudonym) and ``target``, in the order of the table.

    Only the columns of record id and outcome are looked at; any other is left where it is. ``attrs`` as for
    `canonical`.

    Raises:
        InputFault: one of the two is missing, there twice, or of a wrong type.
    """
    names = [str(name).strip() for name in raw.columns]
    faults = _no_rows(raw)
    for column in (use_case.record_id, use_case.target.column):
        if (count := names.count(column)) != 1:
            there = f"there {count} times" if count else f"missing (the table has {len(names)} columns)"
            faults.append(Fault(fault=f"the column {column!r} is {there}", remedy="Outcomes need record id and target"))
    raise_all(place, faults)
    work = _Work(use_case=use_case, raw=raw, names=names, key=settings.pseudonym_secret)
    work.name_records(patients=False)
    work.take_target()
    raise_all(place, work.faults)
    return work.frame(("record_id", "target"))


def _no_rows(raw: pd.DataFrame) -> list[Fault]:
    if len(raw):
        return []
    return [
        Fault(fault="it has a header and no rows", remedy="Export it again, or wait until there is something in it")
    ]


def _policy(use_case: UseCase) -> list[Fault]:
    return [Fault(fault=fault, remedy="Mend the use case") for fault in policy_faults(use_case)]


@dataclass(kw_only=True)
class _Work:
    """A table on its way: columns read so far, faults found so far."""

    use_case: UseCase
    raw: pd.DataFrame
    names: Sequence[str]
    key: bytes
    values: dict[str, "pd.Series[Any]"] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    row_faults: dict[str, list[int]] = field(default_factory=dict)
    unread: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    nameless: dict[str, list[int]] = field(default_factory=dict)

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

    def take_target(self) -> None:
        """Read the outcome; where the table has none yet, it is missing in every row."""
        source = self.use_case.target.column
        if source in self.names:
            self.keep("target", source, read_target(self.use_case, self.column(source)))
        else:
            self.values["target"] = pd.Series(np.full(len(self.raw), np.nan))

    def frame(self, columns: Iterable[str]) -> pd.DataFrame:
        """Return the columns in order, with the book of row faults in ``attrs``."""
        frame = pd.DataFrame({name: self.values[name] for name in columns})
        frame.attrs = {
            "row_faults": self.row_faults,
            "row_marks": {str(row): "".join(sorted(marks)) for row, marks in sorted(self.unread.items())},
            "nameless": {name: rows for name, rows in self.nameless.items() if rows and name in frame.columns},
        }
        return frame


def _floats(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    if column.dtype != object:
        return np.zeros(0)
    return np.array([value for value in column if isinstance(value, float)], dtype=np.float64)
