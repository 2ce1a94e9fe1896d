"""The demo's inbox: the files that four hospitals would send, made from the one shipped table.

Only this module and `demo` know these batches; to everything else they are files like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HALVES_SEED = 19880101


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One file that arrives: *label* names the batch, *outcomes* a file that arrives later, if any."""

    label: str
    path: Path
    what: str
    outcomes: Path | None = None


def deliver(inbox: Path) -> tuple[Delivery, ...]:
    """Write the files into *inbox* and return them in the order of their arrival, the training batch first.

    Cleveland is cut in halves by a fixed seed: the first trains the first champion, the second arrives
    without outcomes, and once more with its cholesterol in mmol/L.
    """
    import numpy as np

    from wardround.settings import Settings
    from wardround.sources import read
    from wardround.use_cases import load

    use_case = load("heart_disease")
    rows = read(use_case, use_case.source, Settings())
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
                outcomes=late if label == "cleveland-clean-half" else None,
            )
        )
    return tuple(deliveries)
