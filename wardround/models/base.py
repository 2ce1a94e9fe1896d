"""The `Learner` protocol, and `Family`: what is known of a way to learn before it is used."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from wardround.problems.base import Floats, Objects, Prediction

if TYPE_CHECKING:
    import pandas as pd

    from wardround.use_cases.base import Candidate


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a search needs of a learner: a scikit-learn *estimator* to be cloned, the *matrix* (n, k) it is fitted to,
    the *prefix* of the family's parameters, and how a fitted estimator *predicts* rows of the matrix."""

    estimator: Any
    matrix: Any
    prefix: str
    predict: Callable[[Any, Any], Prediction]


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
    def problem(self) -> str:
        """The name of the problem it learned."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs, features and contents, in declared order."""
        ...

    @property
    def holds_rows(self) -> bool:
        """Whether its files contain rows of training patients."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities were fitted on held-out folds."""
        ...

    @property
    def has_intervals(self) -> bool:
        """Whether `add_intervals` gives its predictions a lower and an upper end."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed while fitting, in sentences that tell no value of a row."""
        ...

    @property
    def levels(self) -> "Mapping[str, tuple[str, ...]]":
        """The levels it tells apart, by category column."""
        ...

    def check_parameters(self, names: Mapping[str, Any]) -> None:
        """Refuse parameters the family does not have.

        Raises:
            UseCaseInvalid: naming each of them.
        """
        ...

    def trial(self, frame: "pd.DataFrame", target: Floats, patients: Any, candidate: "Candidate", seed: int) -> Trial:
        """Return what a search of *candidate*'s parameters on these rows needs.

        Raises:
            NotTrainable: too few rows for what is asked.
        """
        ...

    def refuse(self, error: Exception) -> NoReturn:
        """Say what an *error* of the library beneath means to who asked; its own text may quote a value.

        Raises:
            UseCaseInvalid: a parameter has an impossible value.
            NotTrainable: a part of the rows cannot be learned from.
        """
        ...

    def fit(
        self,
        frame: "pd.DataFrame",
        target: Floats,
        patients: Any = None,
        *,
        seed: int = 0,
        intervals: bool = True,
        progress: "Callable[[str, float], None] | None" = None,
    ) -> "Learner":
        """Learn from *frame* (n rows), *target* (n,) and the patient of each row (default: ``patient_id``).

        Where the truth of a row is no number it is in ``frame["truth"]``. A family that uses them may be given rows
        without an outcome (NaN).

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
        """Return what each of its inputs adds to each row's prediction, one column each, index as *frame*.

        The columns are the same for every row: features, parts of a picture or of a signal, terms of a text.
        """
        ...

    def saliency(self, frame: "pd.DataFrame") -> "Objects | None":
        """Return per row where the answer comes from, as arrays over its content: (height, width) of a picture, (time,)
        of a signal, (characters,) of a text; None where it learns from features only."""
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
    """A way to learn one problem, by name; the code that does it is imported when it is used.

    *home* is where its `Learner` is (``module:class``): made of *use_case*, *kind*, *parameters* and *calibrate*, read
    back by ``restore(files, family, place)``. *extra* is the optional part of the installation that it needs (``deep``
    of ``wardround[deep]``). *contents*: it needs a content of one of these kinds; without, it learns from the features.
    *holds_rows*: the fitted model contains rows of training patients, so its files must be guarded as they are.
    *needs_calibration*: it ranks but gives no probability. *uses_unlabelled*: it also learns from rows that have no
    outcome.
    """

    name: str
    problem: str
    home: str
    extra: str | None = None
    contents: tuple[str, ...] = ()
    holds_rows: bool = False
    needs_calibration: bool = False
    uses_unlabelled: bool = False


@dataclass(frozen=True, kw_only=True)
class TabularFamily(Family):
    """One scikit-learn estimator behind the protocol.

    *estimator* is where it is (``module:class``), imported when one is built; *defaults* go before a candidate's
    parameters, *fixed* after them. *seeded*: it takes a seed. *inside* is where its parameters are, from the step of
    the pipeline (``regressor__``: the target is brought to mean 0 and spread 1, too). *scaled*: numbers are, before it.
    """

    home: str = "wardround.models.tabular:TabularLearner"
    estimator: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    scaled: bool = True
    inside: str = ""

    def build(self, parameters: Mapping[str, Any], seed: int) -> Any:
        """Return the unfitted estimator."""
        module, _, name = self.estimator.partition(":")
        own = {"random_state": seed} if self.seeded else {}
        made = getattr(importlib.import_module(module), name)(**{**self.defaults, **parameters, **self.fixed, **own})
        if not self.inside:
            return made
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.preprocessing import StandardScaler

        return TransformedTargetRegressor(regressor=made, transformer=StandardScaler())
