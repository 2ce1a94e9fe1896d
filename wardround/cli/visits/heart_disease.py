"""The files that four hospitals would send, made from the one shipped table."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wardround.cli.visits.base import Delivery

if TYPE_CHECKING:
    from wardround.settings import Settings

HALVES_SEED = 19880101


def deliver(inbox: Path, settings: "Settings") -> tuple[Delivery, ...]:
    """Write the files into *inbox* and return them in the order of their arrival, the training batch first.

    Cleveland is cut in halves by a fixed seed: the first trains the first champion, the second arrives
    without outcomes, and once more with its cholesterol in mmol/L.
    """
    import numpy as np

    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("heart_disease")
    rows = read(use_case, use_case.source, settings)
    cholesterol = use_case.feature("cholesterol")
    hospital, outcome, chol = use_case.site, use_case.target.column, cholesterol.source_column
    per_hospital = {name: rows[rows[hospital] == name] for name in sorted(rows[hospital].unique())}
    cleveland = per_hospital["Cleveland"]
    order = np.random.default_rng(HALVES_SEED).permutation(len(cleveland))
    first, second = cleveland.iloc[order[: len(order) // 2]], cleveland.iloc[order[len(order) // 2 :]]
    millimoles = second.assign(**{chol: (second[chol].astype(float) / cholesterol.other_units["mmol/L"]).round(2)})
    files: Mapping[str, object] = {
        "cleveland": first,
        "cleveland-clean-half": second.drop(columns=outcome),
        "hungary": per_hospital["Hungary"],
        "cleveland-unit-mmol": millimoles,
        "switzerland": per_hospital["Switzerland"],
        "va-long-beach": per_hospital["VA Long Beach"],
    }
    told = {
        "cleveland": "one half of Cleveland, with outcomes",
        "cleveland-clean-half": "the held-back half of Cleveland, outcomes to follow",
        "hungary": "another hospital: Hungary",
        "cleveland-unit-mmol": "Cleveland again, but the laboratory now reports cholesterol in mmol/L",
        "switzerland": "another hospital: Switzerland",
        "va-long-beach": "another hospital: VA Long Beach",
    }
    expected = dict.fromkeys(files, "quarantine") | {
        "cleveland": "", "cleveland-clean-half": "none", "hungary": "retrain",
    }  # fmt: skip
    inbox.mkdir(parents=True, exist_ok=True)
    late = inbox / "cleveland-clean-half-outcomes.csv"
    second[[use_case.record_id, outcome]].to_csv(late, index=False)
    deliveries = []
    for label, frame in files.items():
        path = inbox / f"{label}.csv"
        frame.to_csv(path, index=False)  # type: ignore[attr-defined]
        deliveries.append(
            Delivery(
                label=label,
                path=path,
                what=told[label],
                expected=expected[label],
                outcomes=late if label == "cleveland-clean-half" else None,
            )
        )
    return tuple(deliveries)
