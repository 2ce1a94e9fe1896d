"""The canonical frame: the one form that every source is brought to before anything is written or judged.

A fault of the table (its columns, the type of a whole column) refuses it, all faults at once. A fault of single
cells does not: the cell becomes missing and its row is named in ``frame.attrs["row_faults"]`` (reason -> row
positions), so that validation can put that row, and no other, into quarantine.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from wardround.domain import utc_now
from wardround.privacy import coarsen, enforce, leaving, policy_faults, pseudonyms
from wardround.sources.cells import STR, cells, missing, text_column
from wardround.sources.contents import Moved, deidentified, take
from wardround.sources.identity import canonical_id
from wardround.sources.moments import moments
from wardround.sources.schema import Fault, raise_all, schema_faults
from wardround.sources.truths import content_of, per_hundred, read_truth, spans_moved, unfit
from wardround.sources.values import EXACT, Column, RowFault, read_feature
from wardround.use_cases.base import TRUTHS, Content, UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings

__all__ = ["canonical", "canonical_id", "canonical_labels"]

DELIVERY = "delivery"
"""The key in ``frame.attrs`` under which reading left what it found about the delivery as a whole."""
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
    work.take_findings()
    for feature in use_case.features:
        if feature.of is None:
            work.keep(feature.name, feature.source_column, read_feature(feature, work.column(feature.source_column)))
    for content in use_case.contents:
        work.take_content(content)
    work.take_target()
    raise_all(place, work.faults)
    frame = work.frame(leaving(use_case))
    enforce(use_case, frame)
    return frame


def canonical_labels(use_case: UseCase, raw: pd.DataFrame, settings: "Settings", *, place: str) -> pd.DataFrame:
    """Read late outcomes: ``record_id`` (pseudonym), ``truth`` where it is no number, and ``target``, in table order.

    Only the columns of record id and outcome are looked at; any other is left where it is. Outcomes that are places in
    a text come with that text, and they and texts that are to be de-identified with the patient id. ``attrs`` as for
    `canonical`.

    Raises:
        InputFault: one of them is missing, there twice, or of a wrong type; or the problem asks for no outcome.
    """
    names = [str(name).strip() for name in raw.columns]
    faults = _no_rows(raw)
    if not use_case.target.column:
        faults.append(Fault(fault="the use case asks for no outcome", remedy="Add none"))
    form, content = TRUTHS.get(use_case.problem), content_of(use_case)
    beside = (content.source_column,) if content is not None and form == "spans" else ()
    by_patient = content is not None and form in ("spans", "text") and not content.deidentified
    if by_patient and use_case.patient_id is not None:
        beside = (*beside, use_case.patient_id)
    for column in dict.fromkeys((use_case.record_id, *beside, use_case.target.column)):
        if column and (count := names.count(column)) != 1:
            there = f"there {count} times" if count else f"missing (the table has {len(names)} columns)"
            remedy = f"Outcomes need record id{', text and patient id' if beside else ''} and target"
            faults.append(Fault(fault=f"the column {column!r} is {there}", remedy=remedy))
    raise_all(place, faults)
    work = _Work(use_case=use_case, raw=raw, names=names, key=settings.pseudonym_secret)
    work.name_records(patients=by_patient)
    if content is not None and form == "spans":
        work.take_content(content)
    work.take_target()
    raise_all(place, work.faults)
    return work.frame(("record_id", *(("truth",) if form else ()), "target"))


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
    moved: dict[str, Moved] = field(default_factory=dict)

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
        """Take over what the source's own reader found: files of rows that it could not read."""
        for reason, rows in self.raw.attrs.get("row_faults", {}).items():
            places = np.asarray(rows, dtype=np.int64)
            self.note("", RowFault(reason=reason, rows=places, texts=[reason] * len(places)))

    def take_content(self, content: Content) -> None:
        """Read a content and what is measured of it."""
        raw, patients = self.column(content.source_column), self.values["patient_id"]
        taken = take(self.use_case, content, raw, key=self.key, patients=patients)
        own = [rows for reason, rows in self.row_faults.items() if reason.startswith(f"{content.name}: ")]
        told = {row for rows in own for row in rows}
        rows = tuple(fault.outside(told) for fault in taken.column.rows)  # what its reader could not read is missing
        self.keep(content.name, content.source_column, replace(taken.column, rows=rows))
        self.values |= taken.features
        if taken.moved is not None:
            self.moved[content.name] = taken.moved

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
            "row_faults": self.row_faults,
            "row_marks": {str(row): "".join(sorted(marks)) for row, marks in sorted(self.unread.items())},
            "nameless": {name: rows for name, rows in self.nameless.items() if rows and name in frame.columns},
        }
        if DELIVERY in self.raw.attrs:
            frame.attrs[DELIVERY] = self.raw.attrs[DELIVERY]
        return frame


def _floats(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    if column.dtype != object:
        return np.zeros(0)
    return np.array([value for value in column if isinstance(value, float)], dtype=np.float64)
