"""How it is learned: families of models behind one `Learner`. The registry is the one explicit dict below."""

from collections.abc import Mapping
from typing import Any

from wardround.errors import UseCaseInvalid
from wardround.models import kernel, linear, neighbours, trees
from wardround.models.base import Family, Learner
from wardround.models.tabular import TabularLearner, restored
from wardround.use_cases.base import UseCase

__all__ = ["FAMILIES", "Family", "Learner", "families", "learner", "load"]

FAMILIES: dict[tuple[str, str], Family] = {
    (family.problem, family.name): family
    for family in (*linear.FAMILIES, *kernel.FAMILIES, *trees.FAMILIES, *neighbours.FAMILIES)
}
"""(problem, name) -> family."""


def families(problem: str) -> tuple[str, ...]:
    """Return the names of the families for *problem*."""
    return tuple(name for asked, name in FAMILIES if asked == problem)


def learner(
    family: str, use_case: UseCase, parameters: Mapping[str, Any] | None = None, *, calibrate: bool = False
) -> TabularLearner:
    """Return an unfitted learner for *use_case*.

    Raises:
        UseCaseInvalid: there is no such family for the problem, or it has no such parameter.
    """
    found = FAMILIES.get((use_case.problem, family))
    if found is None:
        known = ", ".join(families(use_case.problem))
        raise UseCaseInvalid(use_case.name, (f"candidates: {family!r} is none for {use_case.problem}: {known}",))
    made = TabularLearner(use_case=use_case, kind=found, parameters=dict(parameters or {}), calibrate=calibrate)
    made.check_parameters(made.parameters)
    return made


def load(files: Mapping[str, bytes], *, place: str = "the model") -> TabularLearner:
    """Return the learner that `Learner.save` gave *files* of; nothing in them is executed.

    Raises:
        Corrupted: they are not what was saved.
    """
    return restored(files, FAMILIES, place=place)
