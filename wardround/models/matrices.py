"""What the families over the matrix of a use case's features have in common: encoding, preparation, one stored file.

Sums over the columns of a row are added up here in a fixed order: a matrix product takes another one by the shape of
the batch (see `wardround.models.estimators`).
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wardround.errors import UseCaseInvalid
from wardround.models import storage
from wardround.models.estimators import prepared
from wardround.models.facts import MODEL
from wardround.models.preprocessing import Encoding, learned, transformed, versions
from wardround.models.whole import Progress, WholeLearner
from wardround.problems.base import Floats, Prediction

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class MatrixLearner(WholeLearner):
    """A `WholeLearner` of features alone. A family says what it learns from prepared rows and how it answers them.

    *model* is that, arrays and fitted scikit-learn estimators by name; *scaled*: numbers are brought to mean 0 and
    spread 1 before.
    """

    scaled: ClassVar[bool] = True

    encoding: Encoding | None = None
    prepare: Any = None
    model: dict[str, Any] = field(default_factory=dict)

    @abstractmethod
    def learn_prepared(
        self, rows: Floats, target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> dict[str, Any]:
        """Return what is learned from prepared *rows* (n, k), *target* (n,) and the patient of each row (n,)."""

    @abstractmethod
    def answered(self, rows: Floats) -> Prediction:
        """Return one prediction per prepared row."""

    @abstractmethod
    def explained(self, matrix: Floats) -> Floats:
        """Return what each feature adds, (rows, features), for rows as `Encoding.matrix` gives them."""

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """The levels it tells apart, by category column."""
        return self.encoding.levels if self.encoding is not None else {}

    def check_parameters(self, names: Mapping[str, Any]) -> None:
        """Refuse parameters the family does not have, and a calibration that it cannot give."""
        super().check_parameters(names)
        if self.calibrate:
            fault = f"candidates: {self.family} for {self.problem} has no calibration; leave calibrate out"
            raise UseCaseInvalid(self._own, (fault,))

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn encoding, preparation and the family's own from the rows; see `WholeLearner.learn`."""
        with threadpool_limits(limits=1):  # threads add up in the order in which they finish
            self.model = self.learn_prepared(
                self._learn_rows(frame, patients), target, patients, seed=seed, progress=progress
            )

    def _learn_rows(self, frame: "pd.DataFrame", patients: Any) -> Floats:
        """Learn encoding and preparation; return the prepared rows, which nothing else holds on to."""
        assert self.use_case is not None, "a stored learner is not fitted again"
        self.encoding, matrix = learned(self.use_case, frame, patients)
        self.columns, self.notes = self.encoding.columns, ()
        self.prepare = self.encoding.preprocessor(scaled=self.scaled)
        return prepared(self.prepare, matrix)

    def predict(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> Prediction:
        """Return one prediction per row of *frame*; columns in any order, others are not looked at."""
        return self.answered(transformed(self.prepare, self._matrix(frame)))

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each feature adds to each row's prediction: (rows, features), index as *frame*."""
        import pandas as pd

        return pd.DataFrame(self.explained(self._matrix(frame)), columns=list(self.columns), index=frame.index)

    def answer(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> tuple[Prediction, Floats]:
        """Return what `predict` and `explain` (rows, features) give for *frame*, or for its columns by name."""
        matrix = self._matrix(frame)
        return self.answered(transformed(self.prepare, matrix)), self.explained(matrix)

    def files(self) -> dict[str, bytes]:
        """Return the preparation and what was learned, in one skops file."""
        return {MODEL: storage.dumps({"prepare": self.prepare, "model": self.model})}

    def facts(self) -> Mapping[str, Any]:
        """Return the encoding."""
        assert self.encoding is not None, "an unfitted learner is not saved"
        return {"encoding": asdict(self.encoding)}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave; see `WholeLearner.take`."""
        from pydantic import TypeAdapter

        self.encoding = TypeAdapter(Encoding).validate_python(facts["encoding"])
        held = storage.loads(files[MODEL], place=f"{place}/{MODEL}")
        self.prepare, self.model = held["prepare"], dict(held["model"])

    def ablated(self, matrix: Floats, score: Callable[[Floats], Floats]) -> Floats:
        """Return by how much *score*, (versions, rows, k) of prepared rows -> (versions, rows), falls where one feature
        is at the training rows' median or most frequent level: (rows, features).

        The first version is the row as it is. One-at-a-time ablation (Covert, Lundberg and Lee 2021).
        """
        assert self.encoding is not None
        added = np.empty(matrix.shape)
        for part, found in versions(self.encoding, matrix):
            prepared = transformed(self.prepare, found.reshape(-1, found.shape[2]))
            scores = score(prepared.reshape(*found.shape[:2], -1))
            added[part] = (scores[0] - scores[1:]).T
        return added

    def _matrix(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> Floats:
        assert self.encoding is not None, "it was not fitted"
        return self.encoding.matrix(frame)


def owners(prepare: Any) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return of each prepared column the place of its feature, and whether it only says that the value was missing."""
    owner: list[int] = []
    says_missing: list[bool] = []
    for name, step, places in prepare.transformers_:
        if name == "numbers":
            gone = step.named_steps["impute"].indicator_.features_
            owner += [*places, *(places[place] for place in gone)]
            says_missing += [False] * len(places) + [True] * len(gone)
        elif name == "levels":
            for place, codes in zip(places, step.categories_, strict=True):
                owner += [place] * len(codes)
                says_missing += [False] * len(codes)
    return np.array(owner, dtype=np.intp), np.array(says_missing)


def product(rows: Floats, matrix: Floats) -> Floats:
    """Return rows @ matrix, (n, k) x (k, m), the columns of *rows* added one after the other."""
    out = np.zeros((len(rows), matrix.shape[1]))
    for column, weights in zip(rows.T, matrix, strict=True):
        out += column[:, None] * weights
    return out


def by_feature(columns: Floats, owner: NDArray[np.intp], features: int) -> Floats:
    """Return (n, features): the sum of each feature's *columns* (n, k), added one after the other."""
    out = np.zeros((len(columns), features))
    for column, place in zip(columns.T, owner.tolist(), strict=True):
        out[:, place] += column
    return out


def added_up(columns: Floats) -> Floats:
    """Return the sum of each row (n,) of *columns* (n, k), added one after the other."""
    total = np.zeros(len(columns))
    for column in columns.T:
        total += column
    return total
