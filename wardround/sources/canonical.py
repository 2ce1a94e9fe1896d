"""The canonical frame: the one form that every source is brought to before anything is written or judged.

A fault of the table (its columns, the type of a whole column) refuses it, all faults at once. A fault of single
cells does not: the cell becomes missing and its row is named in ``frame.attrs["row_faults"]`` (reason -> row
positions), so that validation can put that row, and no other, into quarantine.
"""

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from wardround.domain import utc_now
from wardround.privacy import enforce, leaving, policy_faults
from wardround.sources.cells import cells, missing
from wardround.sources.contents import Tell, silent
from wardround.sources.identity import canonical_id
from wardround.sources.schema import Fault, raise_all, schema_faults
from wardround.sources.table import NO_RECORD_ID, Work
from wardround.sources.truths import content_of
from wardround.sources.values import read_feature
from wardround.use_cases.base import TRUTHS, UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings

__all__ = ["NO_RECORD_ID", "canonical", "canonical_id", "canonical_labels"]


def canonical(
    use_case: UseCase, raw: pd.DataFrame, settings: "Settings", *, place: str, now: datetime | None = None,
    tell: Tell = silent,
) -> pd.DataFrame:  # fmt: skip
    """Bring a raw table into the canonical form; rows stay in order and none is lost.

    Identifiers become pseudonyms, direct identifiers and ignored columns are dropped, times are cut down to
    ``keep_time``, missing codes become missing. ``attrs`` of the result (plain JSON values, none of a cell):
    ``row_faults`` reason -> row positions, ``row_marks`` row position -> keyed hash of what could not be read,
    ``nameless`` column -> positions of rows whose name is made up. *now* is the clock for future times, *tell* is told
    how far it is.

    Raises:
        InputFault: with every fault of the table.
        PrivacyBroken: the use case would let an identifier leave ingest.
    """
    names = [str(name).strip() for name in raw.columns]
    raise_all(place, [*_no_rows(raw), *schema_faults(use_case, names), *_policy(use_case)])
    work = Work(
        use_case=use_case, raw=raw, names=names, key=settings.pseudonym_secret, small_cell=settings.small_cell,
        tell=tell,
    )  # fmt: skip
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
    work = Work(use_case=use_case, raw=raw, names=names, key=settings.pseudonym_secret, small_cell=settings.small_cell)
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
