"""The home of the families of tables: how their learner is made, and restored from its files."""

from collections.abc import Mapping
from typing import Any

from wardround.models import storage
from wardround.models.base import TabularFamily
from wardround.models.facts import MODEL, read_facts
from wardround.models.tabular import TabularLearner
from wardround.use_cases.base import UseCase


def unfitted(
    use_case: UseCase, family: TabularFamily, parameters: Mapping[str, Any], *, calibrate: bool
) -> TabularLearner:
    """Return an unfitted learner of *family*."""
    return TabularLearner(use_case=use_case, kind=family, parameters=dict(parameters), calibrate=calibrate)


def restored(files: Mapping[str, bytes], family: TabularFamily, *, place: str) -> TabularLearner:
    """Return the learner that was saved as *files*.

    Raises:
        Corrupted: a file is missing, or not what `TabularLearner.save` writes.
    """
    facts = read_facts(files, place=place)
    return TabularLearner(
        use_case=None, kind=family, parameters=dict(facts.parameters), calibrate=facts.calibrated,
        encoding=facts.encoding, estimator=storage.loads(files[MODEL], place=f"{place}/{MODEL}"),
        half_width=facts.half_width, notes=facts.notes, name=facts.use_case,
    )  # fmt: skip
