"""Whether a table has the columns that the use case speaks of, and no other."""

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wardround.errors import InputFault
from wardround.use_cases.base import UseCase

_A_NAME = re.compile(r"(?!.*[0-9]{4})[A-Za-z][A-Za-z0-9 _.:()%/-]{0,48}")
"""What may be repeated as the name of an unknown column: no address, date, telephone or record number."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One reason why a table cannot be read as the use case describes it; columns and counts only."""

    fault: str
    remedy: str


def raise_all(place: str, faults: Sequence[Fault]) -> None:
    """Raise one InputFault that names every fault; return if there is none."""
    if not faults:
        return
    text = "; ".join(fault.fault for fault in faults)
    raise InputFault(
        place,
        text if len(faults) == 1 else f"{len(faults)} faults: {text}",
        ". ".join(dict.fromkeys(fault.remedy for fault in faults)),
    )


def needed_columns(use_case: UseCase) -> frozenset[str]:
    """Return the source columns that every table of the use case has to have (the target may come later)."""
    optional = (use_case.patient_id, use_case.time, use_case.site)
    features = [feature for feature in use_case.features if feature.of is None]
    return frozenset(
        {use_case.record_id}
        | {column for column in optional if column}
        | {feature.source_column for feature in features}
        | {content.source_column for content in use_case.contents}
        | {feature.measured_at for feature in features if feature.measured_at}
    )


def known_columns(use_case: UseCase) -> frozenset[str]:
    """Return every source column that the use case speaks of."""
    outcome = {use_case.target.column} - {""}
    return needed_columns(use_case) | outcome | {*use_case.identifiers, *use_case.ignored}


def schema_faults(use_case: UseCase, columns: Sequence[str]) -> list[Fault]:
    """Return what is wrong with the *columns* of a table: missing, renamed, unknown, there twice.

    Where most columns are unknown, there may be no header, and what stands in its place are values of a patient:
    then none of it is repeated.
    """
    needed, known = needed_columns(use_case), known_columns(use_case)
    missing = sorted(needed - set(columns))
    if 2 * len(missing) > len(needed):
        return [
            Fault(
                fault=f"{len(missing)} of the {len(needed)} needed columns are missing "
                f"({_listed(missing)}); its first row may be no header, so it is not shown",
                remedy="Check that this is the right table, that its first row names the columns, and its delimiter",
            )
        ]
    counts = Counter(columns)
    extra = [(position, name) for position, name in enumerate(columns, 1) if name not in known]
    faults = [
        Fault(fault=f"the column {name!r} is there {counts[name]} times", remedy="Keep one of them")
        for name in sorted(name for name in counts if counts[name] > 1 and name in known)
    ]
    for name in missing:
        alike = _alike(name, [other for _, other in extra])
        faults.append(
            Fault(fault=f"the column {name!r} is missing; {alike!r} may be its new name", remedy="Rename it back")
            if alike
            else Fault(fault=f"the column {name!r} is missing", remedy="Add the missing columns to the export")
        )
    if extra:
        shown = [repr(name) if _A_NAME.fullmatch(name) else f"column {position}" for position, name in extra]
        faults.append(
            Fault(
                fault=f"{len(extra)} unknown column(s): {_listed(shown)}",
                remedy="An unknown column could name a patient: drop it from the export, or add it to the use case's "
                "`identifiers` or `ignored`",
            )
        )
    return faults


def _alike(name: str, others: Sequence[str]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]", "", other.lower()): other for other in others if _A_NAME.fullmatch(other)}
    close = difflib.get_close_matches(re.sub(r"[^a-z0-9]", "", name.lower()), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
