"""The learner that sees whole rows, contents and all: what every family beyond scikit-learn's tables has in common."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from wardround.errors import Corrupted, InputFault, UseCaseInvalid
from wardround.models.base import Family, Trial
from wardround.models.facts import FACTS, FORMAT
from wardround.models.limits import Refused, refused
from wardround.models.preprocessing import PLACE
from wardround.problems.base import Floats, Objects, Prediction
from wardround.use_cases.base import Candidate, UseCase

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, float], None]
"""Told of long work: a sentence, and which share of it is done."""


@dataclass(kw_only=True, eq=False)
class WholeLearner(ABC):
    """A `wardround.models.base.Learner`; a family gives what is abstract here, and its parameters with their defaults.

    What a family learned is in files called ``model.*`` (`files`) and in plain values (`facts`); neither can execute
    code when it is read back (`take`). ``holds_rows`` is the family's.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}

    use_case: UseCase | None
    kind: Family
    parameters: dict[str, Any]
    calibrate: bool = False
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    name: str = field(default="")

    @abstractmethod
    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn from the rows; set ``columns``, ``notes`` and whatever `predict` needs.

        What a library beneath refuses (`wardround.models.limits.beneath`) is let through: it is told in words.
        """

    @abstractmethod
    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row; a row gets the same bits alone and in any batch."""

    @abstractmethod
    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each of its inputs adds to each row's prediction; see `Learner.explain`."""

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """Return what it learned as files by name, each beginning with ``model.``."""

    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """Return what else it must know, as plain JSON values."""

    @abstractmethod
    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave.

        Raises:
            Corrupted: it is not what was saved.
        """

    @property
    def family(self) -> str:
        """The name of its family."""
        return self.kind.name

    @property
    def problem(self) -> str:
        """The name of the problem it learned."""
        return self.kind.problem

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities were fitted on held-out rows."""
        return self.kind.problem == "classification" and (self.calibrate or self.kind.needs_calibration)

    @property
    def holds_rows(self) -> bool:
        """Whether its files contain rows of training patients."""
        return self.kind.holds_rows

    @property
    def has_intervals(self) -> bool:
        """Whether `add_intervals` gives its predictions a lower and an upper end."""
        return False

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """The levels it tells apart, by category column."""
        return {}

    @property
    def setting(self) -> dict[str, Any]:
        """All parameters: the family's defaults, and what the candidate says otherwise."""
        return {**self.defaults, **self.parameters}

    def check_parameters(self, names: Mapping[str, Any]) -> None:
        """Refuse parameters the family does not have, or with values that they cannot have."""
        if strange := sorted(set(names) - set(self.defaults)):
            fault = f"candidates: {self.family} has no parameter {', '.join(map(repr, strange))}"
            raise UseCaseInvalid(self._own, (f"{fault}; it has {', '.join(self.defaults)}",))
        if found := self.faults(names):
            raise UseCaseInvalid(self._own, tuple(f"candidates: {self.family}: {fault}" for fault in found))

    def faults(self, names: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what is wrong with the values of *names*, single ones or tuples of a grid."""
        numbers = [name for name in names if isinstance(self.defaults[name], int | float)]
        return tuple(f"{name} is a number" for name in numbers if not all(map(_is_number, values_of(names[name]))))

    def refuse(self, error: Exception) -> NoReturn:
        """Say what an *error* of the library beneath means; its text may quote a value."""
        refused(self._own, self.family, error)

    def fit(
        self,
        frame: "pd.DataFrame",
        target: Floats,
        patients: Any = None,
        *,
        seed: int = 0,
        intervals: bool = True,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from *frame* (n rows), *target* (n,) and the patient of each row; see `Learner.fit`."""
        if patients is None:
            patients = frame["patient_id"].to_numpy() if "patient_id" in frame else np.arange(len(frame))
        target = np.asarray(target, dtype=float)
        try:
            self.learn(frame, target, np.asarray(patients), seed=seed, progress=progress)
        except Refused as refusal:
            self.refuse(refusal.error)
        if intervals:
            self.add_intervals(frame, target, patients, seed=seed)
        return self

    def add_intervals(self, frame: "pd.DataFrame", target: Floats, patients: Any = None, *, seed: int = 0) -> None:
        """Give a fitted learner its prediction intervals; a family without them leaves it as it is."""
        return

    def saliency(self, frame: "pd.DataFrame") -> Objects | None:
        """Return where in its content each row's answer comes from, if the family can say."""
        return None

    def answer(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> tuple[Prediction, Floats]:
        """Return what `predict` and `explain` (rows, inputs) give for *frame*, or for its columns by name."""
        import pandas as pd

        rows = frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(dict(frame))
        return self.predict(rows), self.explain(rows).to_numpy(dtype=float)

    def descriptors(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the table that expectations and drift monitoring look at: what was measured of its rows at ingest."""
        names = self.described if self.use_case is None else self.use_case.feature_names
        self.require(frame, names)
        return frame[list(names)]

    def save(self) -> dict[str, bytes]:
        """Return its files by name; none of them can execute code when it is loaded."""
        from wardround.domain import to_json

        described = tuple(self.described if self.use_case is None else self.use_case.feature_names)
        facts = {
            "format": FORMAT, "use_case": self._own, "problem": self.problem, "family": self.family,
            "parameters": self.parameters, "calibrate": self.calibrate, "columns": list(self.columns),
            "notes": list(self.notes), "described": None if described == self.columns else described,
            "learned": dict(self.facts()),
        }  # fmt: skip
        return {**self.files(), FACTS: to_json(facts)}

    @classmethod
    def restore(cls, files: Mapping[str, bytes], family: Family, *, place: str) -> Self:
        """Return the learner that was saved as *files*.

        Raises:
            Corrupted: they are not what `save` writes; `wardround.models.load` makes that of any other error, too.
        """
        facts = json.loads(files[FACTS])
        if facts["format"] != FORMAT:
            raise Corrupted(f"{place}/{FACTS}", f"its format is not {FORMAT}, which this version of wardround reads")
        columns = texts_of(facts["columns"])
        made = cls(
            use_case=None, kind=family, parameters=dict(facts["parameters"]), calibrate=bool(facts["calibrate"]),
            columns=columns, notes=texts_of(facts["notes"]), name=str(facts["use_case"]),
            described=columns if facts["described"] is None else texts_of(facts["described"]),
        )  # fmt: skip
        made.take(files, facts["learned"], place=place)
        return made

    def trial(self, frame: "pd.DataFrame", target: Floats, patients: Any, candidate: Candidate, seed: int) -> Trial:
        """Return an estimator over row numbers that fits a learner like this one; see `Learner.trial`."""
        import pandas as pd

        from wardround.models.rows_estimator import RowsEstimator

        estimator = RowsEstimator(self, frame, seed, dict(self.parameters))
        matrix = np.column_stack([np.arange(len(frame)), pd.factorize(np.asarray(patients))[0]]).astype(float)
        return Trial(estimator=estimator, matrix=matrix, prefix="", predict=lambda fitted, rows: fitted.predicted(rows))

    def require(self, frame: "pd.DataFrame", names: Sequence[str]) -> None:
        """Refuse rows without the columns *names*.

        Raises:
            InputFault: naming those that are missing.
        """
        if absent := [name for name in names if name not in frame]:
            raise InputFault(
                PLACE, f"{len(absent)} of the {len(names)} columns the model needs are missing: {', '.join(absent)}",
                "Ingest them with the use case the model was trained for",
            )  # fmt: skip

    @property
    def _own(self) -> str:
        return self.use_case.name if self.use_case else self.name


def values_of(given: Any) -> tuple[Any, ...]:
    """Return the values of a parameter: itself, or those of a grid."""
    return tuple(given) if isinstance(given, tuple | list) else (given,)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def texts_of(stored: Sequence[Any]) -> tuple[str, ...]:
    """Return what was *stored* as texts.

    Raises:
        TypeError: something else is among them.
    """
    if not all(isinstance(each, str) for each in stored):
        raise TypeError("texts only")
    return tuple(stored)
