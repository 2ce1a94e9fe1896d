"""The column policy: which columns may leave ingest, and a check of a frame against it."""

from typing import TYPE_CHECKING

from wardround.errors import PrivacyBroken
from wardround.privacy.pseudonyms import LENGTH
from wardround.privacy.times import coarsen
from wardround.use_cases.base import TRUTHS, Content, Feature, UseCase

if TYPE_CHECKING:
    import pandas as pd

_PSEUDONYM = rf"[0-9a-f]{{{LENGTH}}}"


def leaving(use_case: UseCase) -> tuple[str, ...]:
    """Return the columns of the canonical frame, in order: nothing else ever leaves ingest."""
    roles = ("record_id", "patient_id", *(("time",) if use_case.time else ()), *(("site",) if use_case.site else ()))
    return (*roles, *use_case.input_names, *(("truth",) if use_case.problem in TRUTHS else ()), "target")


def policy_faults(use_case: UseCase) -> tuple[str, ...]:
    """Return every way in which the use case's own columns break the policy; empty for a sound one."""
    raw = {use_case.record_id, *((use_case.patient_id,) if use_case.patient_id else ())}
    found = []
    read: list[tuple[str, Feature | Content]] = [("features", one) for one in use_case.features if one.of is None]
    read += [("contents", content) for content in use_case.contents]
    for what, one in read:
        if one.source_column in use_case.identifiers:
            found.append(f"{what}: {one.name!r} reads {one.source_column!r}, a direct identifier")
        if one.source_column in raw:
            found.append(f"{what}: {one.name!r} reads {one.source_column!r}, which names a record or a patient")
        if one.source_column == use_case.time:
            found.append(f"{what}: {one.name!r} reads {use_case.time!r} and would keep it finer than keep_time")
    for role, column in (("site", use_case.site), ("target", use_case.target.column)):
        if column and (column in use_case.identifiers or column in raw):
            found.append(f"{role}: {column!r} is an identifier")
    return tuple(found)


def enforce(use_case: UseCase, frame: "pd.DataFrame") -> None:
    """Let *frame* pass only if it holds exactly the columns that may leave, and pseudonyms for names.

    Raises:
        PrivacyBroken: another column is there, or a name that is no pseudonym, or a time finer than agreed.
    """
    faults = list(policy_faults(use_case))
    strange = [position for position, name in enumerate(frame.columns) if name not in leaving(use_case)]
    if strange:
        faults.append(f"{len(strange)} column(s) that may not leave ingest (positions {', '.join(map(str, strange))})")
    for role in ("record_id", "patient_id"):
        if role not in frame.columns:
            faults.append(f"the column {role} is missing")
        elif raw := int((~frame[role].astype("str").str.fullmatch(_PSEUDONYM)).sum()):
            faults.append(f"{raw} name(s) in {role} that are no pseudonyms")
    if "time" in frame.columns:
        times = frame["time"].dropna()
        fine = int((times != coarsen(times, use_case.keep_time, use_case.time_zone)).sum())
        if fine:
            faults.append(f"{fine} time(s) finer than the {use_case.keep_time} that may be kept")
    if faults:
        raise PrivacyBroken(use_case.name, tuple(faults))
