"""Units as FHIR writes them (UCUM), brought to the unit that a use case declares."""

from collections.abc import Mapping
from typing import Any

UCUM = "http://unitsofmeasure.org"

SPELLED: Mapping[str, str] = {
    "mm[Hg]": "mm Hg",
    "mmHg": "mm Hg",
    "a": "years",
    "/min": "1/min",
    "{beats}/min": "1/min",
    "m[IU]/L": "mU/L",
}
"""UCUM's (and some systems' own) spelling of a unit -> the one use cases are written in, where they differ."""


def factor(quantity: Mapping[str, Any], unit: str, others: Mapping[str, float]) -> float | None:
    """Return what *quantity* is multiplied with to be in *unit*; None when its unit is missing or not declared.

    The UCUM code counts where there is one, else the unit as it is shown to people. *others* maps further units to
    their factor. A quantity without a unit is not taken to be in the right one.
    """
    coded = quantity.get("code") if quantity.get("system") == UCUM else None
    name = coded if isinstance(coded, str) else quantity.get("unit")
    if not isinstance(name, str):
        return None
    name = name.replace("/dl", "/dL").replace("/l", "/L")  # UCUM knows the litre by both letters
    for spelling in (name, SPELLED.get(name, name)):
        if spelling == unit:
            return 1.0
        if spelling in others:
            return others[spelling]
    return None
