"""What was answered online, held against the models that answered: the same inputs give the same prediction.

The round looks at what the champion says about the rows of a batch. That this is what people were told is proven
here, for every answer of the batch, before its rows are believed.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from wardround import registry
from wardround.batches import CHUNK_ROWS
from wardround.domain import Severity
from wardround.errors import WardroundError
from wardround.privacy import rounded_in_words
from wardround.scoring import load_learner, reads_contents
from wardround.sources.log import Logged, read_log
from wardround.sources.shipped import Window
from wardround.use_cases.base import UseCase
from wardround.validation import DELIVERY

if TYPE_CHECKING:
    import pandas as pd

    from wardround.store import Store

CONTRADICTED = "answer: not what the model gives for these inputs"
"""The reason of a quarantined row whose answer was another."""
SAME = 1e-9
"""Up to this relative difference, answers differ by the arithmetic of another processor and not by their meaning."""
Flags = npt.NDArray[np.bool_]


def delivery(
    use_case: UseCase, window: Window, *, store: "Store", now: datetime, small_cell: int
) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """Return the canonical frame of *window* for validation, and sentences on what was found in reading it.

    One answer that contradicts its model refuses the batch: the log, the model or the server is not what it was, and
    nobody knows which other rows that touches.

    Raises:
        Corrupted: a shipment is gone, or not what was written.
        PrivacyBroken: a name is no pseudonym.
    """
    logged = read_log(use_case, window, store=store, now=now)
    wrong, near, unasked = _compared(use_case, logged, store)
    champion = registry.champion(store, use_case.name)
    elsewhere = int((logged.answers["version"] != (champion.version if champion else "")).sum())
    said = [
        _said("columns", Severity.CRITICAL, len(logged.frame), f"{fault.fault}. {fault.remedy}", False)
        for fault in logged.faults
    ]
    told = f"{_of(int(wrong.sum()), small_cell)} answers are not what the model gives for their inputs"
    if wrong.any():
        told += ": the log, the model or the server that answered is not what it was"
    said.append(_said("answers", Severity.CRITICAL, int(wrong.sum()), told, not wrong.any()))
    if near.any():
        told = f"{_of(int(near.sum()), small_cell)} answers differ from the model's in the last digits"
        said.append(_said("last digits", Severity.WARNING, int(near.sum()), told, False))
    if unasked.any():
        told = (
            f"{_of(int(unasked.sum()), small_cell)} answers rest on contents, which the log does not "
            "keep: they cannot be held against their model, and each stands as the log says"
        )
        said.append(_said("contents", Severity.WARNING, int(unasked.sum()), told, False))
    told = f"{_of(elsewhere, small_cell)} answers came from another version than today's champion"
    said.append(_said("versions", Severity.INFO, elsewhere, told, True))
    told = f"{_of(logged.repeated, small_cell)} answers were followed by another about the same record"
    said.append(_said("repeats", Severity.INFO, logged.repeated, told, True))
    frame = logged.frame
    if rows := (np.cumsum(logged.kept) - 1)[wrong & logged.kept].tolist():
        frame.attrs["row_faults"][CONTRADICTED] = rows
    frame.attrs[DELIVERY] = said
    return frame, tuple(finding["sentence"] for finding in said)


def _compared(use_case: UseCase, logged: Logged, store: "Store") -> tuple[Flags, Flags, Flags]:
    """Return, per entry, whether its answer is another than its model's, whether only in the last digits, and whether
    its model was not asked, since it needs what the log does not keep.

    An answer whose model is gone is not proven, so it counts as another.
    """
    wrong, near, unasked = (np.zeros(len(logged.answers), dtype=bool) for _ in range(3))
    for version, places in logged.answers.groupby("version").indices.items():
        try:
            learner = load_learner(store, registry.load(store, use_case.name, str(version)))
            if reads_contents(use_case, learner):
                unasked[places] = True
                continue
            for start in range(0, len(places), CHUNK_ROWS):
                part = places[start : start + CHUNK_ROWS]
                again = learner.predict(logged.inputs.iloc[part].reset_index(drop=True))
                for name in ("value", "low", "high"):
                    answered = logged.answers[name].to_numpy(dtype=float)[part]
                    held = getattr(again, name)
                    given = np.full(len(part), np.nan) if held is None else np.asarray(held, dtype=float)
                    close = np.isclose(answered, given, rtol=SAME, atol=0.0, equal_nan=True)
                    wrong[part] |= ~close
                    near[part] |= close & (answered != given) & ~np.isnan(given)
        except WardroundError:
            wrong[places] = True
    return wrong, near & ~wrong, unasked


def _of(rows: int, small_cell: int) -> str:
    return rounded_in_words(rows, small_cell) if rows else "no"


def _said(what: str, severity: Severity, rows: int, sentence: str, passed: bool) -> dict[str, Any]:
    return {"what": what, "severity": severity.value, "rows": rows, "sentence": sentence, "passed": passed}
