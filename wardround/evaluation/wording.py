"""The sentences of a verdict: criteria, rows and the comparison in words, without a count that is too small."""

import math
from collections.abc import Sequence

from wardround.evaluation.comparison import Judged, ScoredRows
from wardround.evaluation.intervals import REPLICATES
from wardround.privacy import suppressed
from wardround.use_cases.base import Comparison, Criterion, Floor

_WHICH = {
    "current": "current rows (the champion never learned from them)",
    "reference": "reference rows (the champion learned from them)",
}


def number(value: float) -> str:
    """Return a figure with four significant digits or decimals, ``unknown`` for what is no number."""
    if not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def described(gate: Criterion) -> str:
    """Return the criterion in a few words, different for different criteria."""
    if isinstance(gate, Floor):
        return f"{gate.metric} floor {gate.limit:g}"
    if isinstance(gate, Comparison):
        margin = "" if gate.kind == "superior" else f" by {gate.margin:g}"
        by = f" in every level of {', '.join(gate.by)}" if gate.by else ""
        return f"{gate.metric} {gate.kind}{margin} on {gate.population} rows{by}"
    return f"{gate.what} limit {gate.limit:g}"


def patients_of(count: int) -> str:
    """Return a number of patients in words."""
    return f"{count:,} patient{'' if count == 1 else 's'}"


def rows_in_words(rows: ScoredRows, population: str) -> str:
    """Return how many rows of how many patients these are."""
    return f"{len(rows):,} {population} rows of {patients_of(rows.patients)}"


def comparison_paragraph(challenger: Judged, champion: Judged | None, notes: Sequence[str], small_cell: int) -> str:
    """Return how the challenger was judged and compared, on how many rows of which patients, as a paragraph."""
    sentences = []
    for population in ("current", "reference"):
        rows = challenger.scored.get(population)
        if rows is None or not len(rows):
            continue
        patients = rows.patients
        count = suppressed(patients, small_cell)
        size = f"fewer than {small_cell} patients" if count is None else f"{len(rows):,} rows of {patients_of(count)}"
        if champion is None:
            sentences.append(f"The challenger was judged on {size} by {rows.how}.")
        elif population in champion.scored:
            sentences.append(
                f"On the {_WHICH[population]}: {size}, the challenger by {rows.how}, "
                f"the champion by {champion.scored[population].how}."
            )
    if champion is None:
        sentences.append("There is no champion yet, so nothing was compared and the floors alone decide.")
    else:
        if "current" not in challenger.scored:
            sentences.append(
                "The challenger learned from no rows that are new to the champion, so the champion's own rows stand in "
                "for the current population in every comparison and floor."
            )
        else:
            sentences.append(
                "The current rows are the population that called for a new model: there it must prove its "
                "worth. The reference rows are the patients the champion was made for, who may still come: there it "
                "must do no harm."
            )
        sentences.append(
            f"Both models were compared on the same records; patients were drawn {REPLICATES:,} times, all rows of a "
            "patient together. Every criterion must hold, so testing several makes a wrong pass rarer, not more "
            "frequent."
        )
    return " ".join((*sentences, *notes))
