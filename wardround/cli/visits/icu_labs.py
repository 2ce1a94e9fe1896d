"""Stays in intensive care: two thirds to learn from, a usual month, the same from a laboratory that reports grams per
litre, and patients who bleed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardround.cli.visits.base import Delivery, written

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

SEED = 20150101
CLEAN = 32
"""Stays of the usual month; a patient's stays come together."""
IN_GRAMS_PER_LITRE = 10.0
BLED = {"haemoglobin": (1.0, -2.4), "platelets": (0.5, 0.0), "calcium": (1.0, -1.2), "urea": (1.6, 0.0)}
"""Channel -> by what its values are multiplied, and what is then added: a planted shift, no real ward."""


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the batches into *inbox* and return them in the order of their arrival."""
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("icu_labs")
    outcome = use_case.target.column
    rows = read(use_case, use_case.source, settings)
    patients = rows[use_case.patient_id].unique()
    place = dict(zip(patients, np.random.default_rng(SEED).permutation(len(patients)), strict=True))
    rows = rows.iloc[np.argsort(rows[use_case.patient_id].map(place), kind="stable")].reset_index(drop=True)
    usual = rows.iloc[-CLEAN:]
    first = rows[~rows[use_case.patient_id].isin(usual[use_case.patient_id])]
    files = (
        ("first-stays", first, "two thirds of the stays, with what became of them", ""),
        ("usual-month", usual.drop(columns=outcome), "a usual month, outcomes to follow", "none"),
        ("grams-per-litre", _changed(usual, {"haemoglobin": (IN_GRAMS_PER_LITRE, 0.0)}),
         "the same month, but the laboratory now reports haemoglobin in g/L", "quarantine"),
        ("bleeding", _changed(usual, BLED).drop(columns=outcome), "patients who bleed (planted)", "retrain"),
    )  # fmt: skip
    return written(inbox, files, late={"usual-month": usual[[use_case.record_id, outcome]]})


def _changed(rows: "pd.DataFrame", changes: dict[str, tuple[float, float]]) -> "pd.DataFrame":
    """Return *rows* with the values of channels changed, in the series and in what is summed up of them."""
    from wardround.contents.arrays import packed, unpacked
    from wardround.use_cases.icu_labs import LABS

    changed: dict[str, Any] = {}
    for channel, (times, plus) in changes.items():
        for column in rows.columns[rows.columns.str.startswith(f"{channel} ")]:
            if column.removeprefix(f"{channel} ") in ("first", "last", "lowest", "highest"):
                changed[column] = (rows[column] * times + plus).clip(lower=0.1)
    cells = []
    for cell in rows[LABS.source_column]:
        series = unpacked(cell).copy()
        for channel, (times, plus) in changes.items():
            at = 1 + LABS.channels.index(channel)
            series[:, at] = series[:, at] * times + plus
        cells.append(packed(series))
    return rows.assign(**changed, **{LABS.source_column: cells})
