"""What differs between two versions: how they were made, and how good they turned out to be."""

from dataclasses import dataclass
from typing import Any

from wardround.domain import Evaluation, ModelVersion, from_json
from wardround.registry.manifests import read_file
from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One fact in which two versions differ; None: that version has no such fact.

    *fact* is a field of the manifest, ``parameters.<name>``, ``packages.<name>``, or a metric (rounded to four digits).
    """

    fact: str
    one: Any
    other: Any


def differences(store: Store, one: ModelVersion, other: ModelVersion) -> tuple[Difference, ...]:
    """Return every fact in which *one* and *other* differ, in the order of the manifest, metrics last.

    The hashes of single files are left out: they follow from the rest.

    Raises:
        Corrupted: an evaluation is not what was written.
    """
    left, right = _facts(store, one), _facts(store, other)
    return tuple(
        Difference(fact=fact, one=left.get(fact), other=right.get(fact))
        for fact in dict.fromkeys([*left, *right])
        if left.get(fact) != right.get(fact)
    )


def in_short(value: Any) -> Any:
    """Cut the content hashes in *value* down to what one can still look up; a list becomes one text."""
    if isinstance(value, list | tuple):
        return ", ".join(str(in_short(each)) for each in value)
    return value[:12] if isinstance(value, str) and len(value) == 64 else value


def _facts(store: Store, version: ModelVersion) -> dict[str, Any]:
    from pydantic import TypeAdapter

    evaluation = from_json(Evaluation, read_file(store, version, "evaluation.json"))
    facts: dict[str, Any] = TypeAdapter(ModelVersion).dump_python(version, mode="json")
    facts |= {f"parameters.{key}": value for key, value in facts.pop("parameters").items()}
    facts |= {f"packages.{key}": value for key, value in facts.pop("packages").items()}
    facts.pop("files")
    return facts | {figure.metric: figure.value and round(figure.value, 4) for figure in evaluation.figures}
