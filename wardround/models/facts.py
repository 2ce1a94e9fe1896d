"""What is stored beside an estimator: ``learner.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardround.errors import Corrupted
from wardround.models.preprocessing import Encoding

MODEL, FACTS = "model.skops", "learner.json"
FORMAT = 1
NOT_KNOWN = "it does not describe a learner this version of wardround knows"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is stored beside the estimator."""

    format: int
    use_case: str
    problem: str
    family: str
    parameters: Mapping[str, Any]
    calibrated: bool
    holds_rows: bool
    half_width: float | None
    coverage: float | None
    notes: tuple[str, ...]
    encoding: Encoding


def read_facts(files: Mapping[str, bytes], *, place: str) -> Facts:
    """Return what is stored beside the estimator in *files*.

    Raises:
        Corrupted: a file is missing, or not what `TabularLearner.save` writes.
    """
    from pydantic import TypeAdapter, ValidationError

    missing = [name for name in (MODEL, FACTS) if name not in files]
    if missing:
        raise Corrupted(place, f"{', '.join(missing)} is missing")
    try:
        content = json.loads(files[FACTS])
        facts: Facts = TypeAdapter(Facts).validate_python(content | {"notes": tuple(content["notes"])})
    except (ValueError, KeyError, TypeError, ValidationError):
        raise Corrupted(f"{place}/{FACTS}", NOT_KNOWN) from None
    if facts.format != FORMAT:
        raise Corrupted(f"{place}/{FACTS}", f"its format is {facts.format}, this version of wardround reads {FORMAT}")
    return facts
