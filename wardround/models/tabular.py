"""The learner of tables: one family's estimator with its preprocessing, calibration and intervals inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline

from wardround.errors import UseCaseInvalid
from wardround.models import storage
from wardround.models.base import TabularFamily, Trial
from wardround.models.conformal import half_width
from wardround.models.estimators import fitted, point
from wardround.models.facts import FACTS, FORMAT, MODEL, Facts, read_facts
from wardround.models.folds import PatientFolds
from wardround.models.limits import Refused, calibratable, enough_rows, refused
from wardround.models.preprocessing import Encoding, learned, versions
from wardround.problems.base import Floats, Prediction
from wardround.problems.classification import CLIP
from wardround.problems.regression import COVERAGE
from wardround.use_cases.base import Candidate, UseCase

INNER_FOLDS = 5
ISOTONIC_FROM = 1_000
"""Rows from which on the calibration map is isotonic; below, a sigmoid (Platt 1999) is all the rows can carry."""


@dataclass(kw_only=True, eq=False)
class TabularLearner:
    """A `wardround.models.base.Learner` around one scikit-learn estimator.

    *half_width* is that of a regression's interval (`wardround.models.conformal`). *notes* say what was
    noticed while fitting.
    """

    use_case: UseCase | None
    kind: TabularFamily
    parameters: dict[str, Any]
    calibrate: bool = False
    encoding: Encoding | None = None
    estimator: Any = None
    half_width: float | None = None
    notes: tuple[str, ...] = ()
    name: str = field(default="")

    @property
    def family(self) -> str:
        """The name of its family."""
        return self.kind.name

    @property
    def problem(self) -> str:
        """The name of the problem it learned."""
        return self.kind.problem

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """The levels it tells apart, by category column."""
        return self.encoding.levels if self.encoding is not None else {}

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities are fitted on held-out folds."""
        return self.kind.problem == "classification" and (self.calibrate or self.kind.needs_calibration)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs, in declared order."""
        if self.encoding is not None:
            return self.encoding.columns
        return self.use_case.feature_names if self.use_case is not None else ()

    @property
    def holds_rows(self) -> bool:
        """Whether its file contains rows of training patients."""
        return self.kind.holds_rows

    @property
    def has_intervals(self) -> bool:
        """Whether `add_intervals` gives its predictions a lower and an upper end."""
        return self.kind.problem == "regression"

    @property
    def prefix(self) -> str:
        """Where the family's parameters are in the estimator that `unfitted` gives."""
        return ("estimator__" if self.calibrated else "") + "model__" + self.kind.inside

    def check_parameters(self, names: Mapping[str, Any]) -> None:
        """Refuse parameters the family does not have; see `Learner.check_parameters`."""
        inner = self.kind.build({}, 0)
        known = {
            name.removeprefix(self.kind.inside) for name in inner.get_params() if name.startswith(self.kind.inside)
        }
        if strange := sorted(set(names) - known):
            fault = f"candidates: {self.family} has no parameter {', '.join(map(repr, strange))}"
            raise UseCaseInvalid(self._own, (fault,))

    def refuse(self, error: Exception) -> NoReturn:
        """Say what *error*, with which scikit-learn refused to fit, means to who asked; its text may quote a value.

        Raises:
            UseCaseInvalid: a parameter has an impossible value.
            NotTrainable: a part of the rows cannot be learned from, for example for want of one of the outcomes.
        """
        refused(self._own, self.family, error)

    def learn_columns(self, frame: "pd.DataFrame", patients: Any) -> Floats:
        """Learn the encoding from training rows and return them as a matrix (rows, columns + 1); the last column is
        the patient's number, which inner folds read and no estimator does."""
        assert self.use_case is not None, "a stored learner is not fitted again"
        who = pd.factorize(np.asarray(patients))[0]
        self.encoding, matrix = learned(self.use_case, frame, who, who)
        return matrix

    def unfitted(self, rows: int, seed: int) -> Any:
        """Return the scikit-learn estimator to be fitted on *rows* rows of `learn_columns`' matrix."""
        assert self.encoding is not None
        steps = [
            ("prepare", self.encoding.preprocessor(scaled=self.kind.scaled)),
            ("model", self.kind.build(self.parameters, seed)),
        ]
        pipeline = Pipeline(steps)
        if not self.calibrated:
            return pipeline
        method = "sigmoid" if rows < ISOTONIC_FROM else "isotonic"
        folds = PatientFolds(INNER_FOLDS, stratify=True, seed=seed)
        return CalibratedClassifierCV(pipeline, method=method, cv=folds, ensemble=False)

    def fit(
        self,
        frame: "pd.DataFrame",
        target: Floats,
        patients: Any = None,
        *,
        seed: int = 0,
        intervals: bool = True,
        progress: Any = None,
    ) -> "TabularLearner":
        """Learn from *frame* (n rows), *target* (n,) and the patient of each row; see `Learner.fit`."""
        target = np.asarray(target, dtype=float)
        patients = _patients(frame, patients)
        matrix = self.learn_columns(frame, patients)
        self.require_rows(len(matrix), target, patients)
        estimator = self.unfitted(len(matrix), seed)
        try:
            self.notes = fitted(estimator, matrix, target)
        except Refused as refusal:
            self.refuse(refusal.error)
        model = estimator
        if self.calibrated:
            estimator.cv = None  # the folds are spent, and their type is not one a stored model needs
            model = estimator.calibrated_classifiers_[0].estimator
        mapper = getattr(model.named_steps["model"], "_bin_mapper", None)
        if mapper is not None:
            mapper.n_threads = 1  # it tells this machine's cores, and the same model must have the same bytes anywhere
        self.estimator = estimator
        self.half_width = None
        if intervals:
            self.add_intervals(frame, target, patients, seed=seed)
        return self

    def require_rows(self, rows: int, target: Floats, patients: Any, *, wanted: int = 0) -> None:
        """Refuse what so few rows cannot carry.

        Raises:
            NotTrainable: too few patients for calibration, or more neighbours asked for than half the rows.
        """
        neighbours = max(wanted, int(self.parameters.get("n_neighbors", 15)) if self.family == "neighbours" else 0)
        enough_rows(self._own, self.family, rows, neighbours)
        if self.calibrated:
            calibratable(self._own, target, patients)

    def add_intervals(self, frame: "pd.DataFrame", target: Floats, patients: Any = None, *, seed: int = 0) -> None:
        """Measure out-of-fold residuals on the training rows and keep their conformal quantile (regression)."""
        if self.kind.problem != "regression" or self.encoding is None:
            return
        target, patients = np.asarray(target, dtype=float), _patients(frame, patients)
        matrix = self.encoding.matrix(frame, pd.factorize(patients)[0])
        folds = PatientFolds(INNER_FOLDS, seed=seed)
        if folds.get_n_splits(None, target, patients) < 2:
            return

        def held_out(train: Any, test: Any) -> Floats:
            part = self.unfitted(len(train), seed)
            try:
                fitted(part, matrix[train], target[train])
            except Refused as refusal:
                self.refuse(refusal.error)
            return point(part, matrix[test], self.kind.problem)

        self.half_width = half_width(target, patients, folds.split(matrix, target, patients), held_out)

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row of *frame*; columns in any order, others are not looked at."""
        return self._interval(point(self.estimator, self._matrix(frame), self.kind.problem))

    def trial(self, frame: "pd.DataFrame", target: Floats, patients: Any, candidate: Candidate, seed: int) -> Trial:
        """Return its estimator and the matrix of these rows; see `Learner.trial`."""
        matrix = self.learn_columns(frame, patients)
        most = max((int(value) for value in candidate.grid.get("n_neighbors", ())), default=0)
        self.require_rows(len(frame), target, patients, wanted=4 * most if candidate.search == "halving" else most)
        return Trial(
            estimator=self.unfitted(len(frame), seed), matrix=matrix, prefix=self.prefix,
            predict=lambda fitted, rows: Prediction(value=point(fitted, rows, self.kind.problem)),
        )  # fmt: skip

    def saliency(self, frame: "pd.DataFrame") -> None:
        """Return None: it learns from features only."""

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each feature adds to each row's prediction: (rows, features), index as *frame*.

        It is the prediction less the one with this feature at the training rows' median or most frequent level, in log
        odds for a probability and in the target's unit for a number. For a linear family the contributions of a row add
        up to its distance from the reference patient; elsewhere features that act together are each given the joint
        effect (see `wardround.models.preprocessing.versions`).
        """
        return pd.DataFrame(self.answer(frame)[1], columns=list(self.columns), index=frame.index)

    def answer(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> tuple[Prediction, Floats]:
        """Return what `predict` and `explain` (rows, features) give for *frame*, or for its columns by name."""
        assert self.encoding is not None
        matrix = self._matrix(frame)
        value = np.empty(len(matrix))
        added = np.empty((len(matrix), len(self.columns)))
        for part, found in versions(self.encoding, matrix):
            points = point(self.estimator, found.reshape(-1, matrix.shape[1]), self.kind.problem)
            points = points.reshape(found.shape[:2])
            value[part] = points[0]
            scores = self._score(points)
            added[part] = (scores[0] - scores[1:]).T
        return self._interval(value), added

    def descriptors(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the columns it learned from, in declared order: a table describes itself."""
        self._matrix(frame)
        return frame[list(self.columns)]

    def save(self) -> dict[str, bytes]:
        """Return its two files: the estimator (skops) and what belongs to it (JSON)."""
        from wardround.domain import to_json

        assert self.encoding is not None, "an unfitted learner is not saved"
        facts = Facts(
            format=FORMAT,
            use_case=self.use_case.name if self.use_case else self.name,
            problem=self.kind.problem,
            family=self.family,
            parameters=self.parameters,
            calibrated=self.calibrated,
            holds_rows=self.kind.holds_rows,
            half_width=self.half_width,
            coverage=None if self.half_width is None else COVERAGE,
            notes=self.notes,
            encoding=self.encoding,
        )
        return {MODEL: storage.dumps(self.estimator), FACTS: to_json(facts)}

    @classmethod
    def restore(cls, files: Mapping[str, bytes], family: TabularFamily, *, place: str) -> "TabularLearner":
        """Return the learner that was saved as *files*.

        Raises:
            Corrupted: a file is missing, or not what `save` writes.
        """
        facts = read_facts(files, place=place)
        return cls(
            use_case=None, kind=family, parameters=dict(facts.parameters), calibrate=facts.calibrated,
            encoding=facts.encoding, estimator=storage.loads(files[MODEL], place=f"{place}/{MODEL}"),
            half_width=facts.half_width, notes=facts.notes, name=facts.use_case,
        )  # fmt: skip

    @property
    def _own(self) -> str:
        return self.use_case.name if self.use_case else self.name

    def _matrix(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> Floats:
        assert self.encoding is not None, "it was not fitted"
        matrix = self.encoding.matrix(frame)
        return np.column_stack([matrix, np.zeros(len(matrix))])

    def _interval(self, value: Floats) -> Prediction:
        if self.half_width is None:
            return Prediction(value=value)
        return Prediction(value=value, low=value - self.half_width, high=value + self.half_width)

    def _score(self, value: Floats) -> Floats:
        return np.asarray(logit(np.clip(value, CLIP, 1 - CLIP))) if self.kind.problem == "classification" else value


def _patients(frame: "pd.DataFrame", patients: Any) -> Any:
    if patients is not None:
        return np.asarray(patients)
    return frame["patient_id"].to_numpy() if "patient_id" in frame else np.arange(len(frame))
