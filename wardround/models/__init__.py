"""How it is learned: families of models behind one `Learner`. The registry is the one explicit dict below."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

from wardround.errors import Corrupted, UseCaseInvalid
from wardround.errors.extras import ExtraMissing
from wardround.models import beyond, kernel, linear, neighbours, trees
from wardround.models.base import Family, Learner
from wardround.models.facts import FACTS, NOT_KNOWN
from wardround.use_cases.base import UseCase

__all__ = ["FAMILIES", "Family", "Learner", "families", "learner", "load"]

FAMILIES: dict[tuple[str, str], Family] = {
    (family.problem, family.name): family
    for family in (
        *linear.FAMILIES, *kernel.FAMILIES, *trees.FAMILIES, *neighbours.FAMILIES, *beyond.FAMILIES,
    )
}  # fmt: skip
"""(problem, name) -> family."""


def families(problem: str) -> tuple[str, ...]:
    """Return the names of the families for *problem*."""
    return tuple(name for asked, name in FAMILIES if asked == problem)


def learner(
    family: str, use_case: UseCase, parameters: Mapping[str, Any] | None = None, *, calibrate: bool = False
) -> Learner:
    """Return an unfitted learner for *use_case*.

    Raises:
        UseCaseInvalid: there is no such family for the problem, or it has no such parameter.
        ExtraMissing: it needs a part of wardround that is not installed here.
    """
    found = FAMILIES.get((use_case.problem, family))
    if found is None:
        known = ", ".join(families(use_case.problem))
        raise UseCaseInvalid(use_case.name, (f"candidates: {family!r} is none for {use_case.problem}: {known}",))
    made: Learner = _home(found)(use_case=use_case, kind=found, parameters=dict(parameters or {}), calibrate=calibrate)
    made.check_parameters(parameters or {})
    return made


def load(files: Mapping[str, bytes], *, place: str = "the model") -> Learner:
    """Return the learner that `Learner.save` gave *files* of; nothing in them is executed.

    Raises:
        Corrupted: they are not what was saved.
        ExtraMissing: it needs a part of wardround that is not installed here.
    """
    if FACTS not in files:
        raise Corrupted(place, f"{FACTS} is missing")
    try:
        facts = json.loads(files[FACTS])
        found = FAMILIES[facts["problem"], facts["family"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupted(f"{place}/{FACTS}", NOT_KNOWN) from None
    home = _home(found)
    try:
        restored: Learner = home.restore(files, found, place=place)
        restored.answer({name: [None] for name in restored.columns})  # its files may each be whole, but of two learners
    except (Corrupted, ExtraMissing):
        raise
    except Exception as error:  # whatever files that were not saved together make it say
        raise Corrupted(place, f"its files are not those of one learner ({type(error).__name__})") from None
    return restored


def _home(family: Family) -> Any:
    module, _, name = family.home.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if family.extra is None or (error.name or "").startswith("wardround"):
            raise
        raise ExtraMissing(f"the family {family.name}", family.extra, error.name or "") from None
