"""The `Learner` protocol, and `Family`: what a learner of tables needs to know of a scikit-learn estimator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wardround.problems.base import Floats, Prediction

if TYPE_CHECKING:
    import pandas as pd


class Learner(Protocol):
    """Something that learns from canonical rows and predicts for others.

    What it needs of the training rows (imputation, scaling, levels) is inside it, so that a row gets the same
    prediction, to the last bit, alone, in a batch, with its columns in another order or beside others nobody uses.
    """

    @property
    def family(self) -> str:
        """The name of its family."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs, in declared order."""
        ...

    def fit(
        self, frame: "pd.DataFrame", target: Floats, patients: Any = None, *, seed: int = 0, intervals: bool = True
    ) -> "Learner":
        """Learn from *frame* (n rows), *target* (n,) and the patient of each row (default: ``patient_id``).

        Raises:
            InputFault: a column is missing or not of its type.
            NotTrainable: too few rows for what is asked.
        """
        ...

    def add_intervals(self, frame: "pd.DataFrame", target: Floats, patients: Any = None, *, seed: int = 0) -> None:
        """Give a fitted learner its prediction intervals, from the rows it learned from (regression)."""
        ...

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row.

        Raises:
            InputFault: a column is missing or not of its type.
        """
        ...

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each feature adds to each row's prediction, one column per feature."""
        ...

    def answer(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> tuple[Prediction, Floats]:
        """Return what `predict` and `explain` (rows, features) give for *frame*, or for its columns by name.

        To the last bit, with less to do: somebody waits for it.
        """
        ...

    def descriptors(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the table that expectations and drift monitoring look at; a table describes itself."""
        ...

    def save(self) -> dict[str, bytes]:
        """Return its files by name; none of them can execute code when it is loaded."""
        ...


@dataclass(frozen=True, kw_only=True)
class Family:
    """One scikit-learn estimator behind the protocol.

    *build* makes it from (parameters, seed). *inside* is where its parameters are, from the step of the pipeline
    (``regressor__`` where the target is scaled too). *scaled*: numbers are brought to mean 0 and spread 1 before it.
    *needs_calibration*: it ranks but gives no probability. *holds_rows*: the fitted model contains (scaled) rows of
    training patients, so its file must be guarded as they are.
    """

    name: str
    problem: str
    build: Callable[[Mapping[str, Any], int], Any]
    scaled: bool = True
    inside: str = ""
    needs_calibration: bool = False
    holds_rows: bool = False
