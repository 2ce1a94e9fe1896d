"""What a learner of tables cannot learn from, and how that is told without a value of a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.folds import PatientFolds
from wardround.problems.base import Floats


class Refused(Exception):
    """A library beneath would not be fitted; *error* is its own, whose text may quote a value."""

    def __init__(self, error: Exception):
        super().__init__(error)
        self.error = error


@contextmanager
def beneath() -> Iterator[None]:
    """Inside are calls of a library and no code of ours: what is wrong there is of the rows or the parameters.

    Raises:
        Refused: the library would not.
    """
    try:
        yield
    except (ValueError, RuntimeError, RuntimeWarning) as error:
        raise Refused(error) from None


def refused(use_case: str, family: str, error: Exception) -> NoReturn:
    """Say what *error*, with which a library beneath refused to fit, means to who asked; its text may quote a value.

    Raises:
        UseCaseInvalid: a parameter has an impossible value.
        NotTrainable: a part of the rows cannot be learned from, for example for want of one of the outcomes.
    """
    if type(error).__name__ == "InvalidParameterError":
        fault = f"candidates: {family} does not take one of the values in grid or parameters"
        raise UseCaseInvalid(use_case, (fault,)) from None
    raise NotTrainable(
        use_case,
        f"{family} cannot be fitted to some part of the rows ({type(error).__name__})",
        "Add rows with the rarer outcome, lower split.folds, take a candidate without search and calibration, or "
        "state a plausible range where numbers may be too large to calculate with",
    ) from None


def enough_rows(use_case: str, family: str, rows: int, neighbours: int) -> None:
    """Refuse to ask more neighbours than half the rows.

    Raises:
        NotTrainable: there are too few rows.
    """
    if neighbours > rows // 2:
        raise NotTrainable(
            use_case, f"{family} asks {neighbours} neighbours of {rows} rows", "Lower n_neighbors or add rows"
        )


def calibratable(use_case: str, target: Floats, patients: Any) -> None:
    """Refuse to calibrate on fewer than two patients with either outcome.

    Raises:
        NotTrainable: there are too few patients.
    """
    if PatientFolds(2, stratify=True).get_n_splits(None, target, patients) < 2:
        raise NotTrainable(
            use_case, "one of the two outcomes has fewer than 2 patients, so nothing can be calibrated", "Add rows"
        )
