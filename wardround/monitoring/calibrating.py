"""Where a model's answers and what happened are held against each other, in groups large enough to be shown."""

from typing import TYPE_CHECKING

from wardround.evaluation.calibration import CalibrationPoint, calibration_points
from wardround.problems import problem_of
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.store import Store


def calibration_of_version(
    use_case: UseCase, version: str, *, store: "Store", small_cell: int
) -> tuple[CalibrationPoint, ...]:
    """Return the calibration of *version* on the rows it learned from, by predictions that did not see their patient.

    Raises:
        NotFound: there is no such version.
        Corrupted: its out-of-fold predictions are missing or not those that were written.
    """
    from wardround import registry
    from wardround.training import out_of_fold

    if not problem_of(use_case).scalar:
        return ()
    kept = out_of_fold(store, registry.load(store, use_case.name, version))
    return calibration_points(kept["target"], kept["value"], patients=kept["patient_id"], small_cell=small_cell)


def calibration_of_batch(
    use_case: UseCase, batch: str, version: str, *, store: "Store", small_cell: int
) -> tuple[CalibrationPoint, ...]:
    """Return the calibration of *version* on the rows of *batch* of which outcomes are known.

    Empty where it learned from the batch, did not score it, or too few outcomes are known.

    Raises:
        NotFound: there is no such batch or version.
        Corrupted: rows or predictions are not those that were written.
    """
    import pandas as pd

    from wardround import batches, registry, scoring
    from wardround.errors import NotFound

    found = batches.load(store, use_case.name, batch)
    model = registry.load(store, use_case.name, version)
    if found.id in model.batches or not found.rows_accepted or not problem_of(use_case).scalar:
        return ()
    try:
        predicted = scoring.predictions(store, use_case, found, model)
    except NotFound:
        return ()
    columns = [frame[["target", "patient_id"]] for frame in batches.frames(store, found, contents=False)]
    rows = pd.concat(columns, ignore_index=True)  # in the order of the predictions; a whole batch may not fit
    return calibration_points(rows["target"], predicted["value"], patients=rows["patient_id"], small_cell=small_cell)
