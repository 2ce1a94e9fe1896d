"""Bag of words: a logistic regression on the terms of a text, for one outcome, several classes or several labels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import expit, logit

from wardround.contents.arrays import packed
from wardround.errors import Corrupted, NotTrainable
from wardround.models.estimators import fitted
from wardround.models.folds import PatientFolds
from wardround.models.terms import Terms, learned
from wardround.models.texts import TextLearner, spread, stored
from wardround.models.whole import Progress, texts_of
from wardround.problems.base import Floats, Objects, Prediction
from wardround.problems.multilabel import SEPARATOR

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = "model.npy"
SHOWN = 30
OTHERS = "(all other terms)"
FOLDS = 5
_FREE = 1e6
_ALIKE = "an outcome that does not vary among the rows is always answered alike"
_NOTHING = "the terms say nothing of an outcome among held-out patients, so it is always answered alike"


@dataclass(kw_only=True, eq=False)
class BagOfWords(TextLearner):
    """Terms in runs of up to *words*, at most *terms* of them, weighted by TF-IDF; a logistic regression with inverse
    penalty *C* for each outcome, one class or label against the rest. The probabilities of classes are made to add up
    to 1. *calibrate* passes each score through a logistic map fitted on held-out patients (Platt 1999), which is then
    part of the weights.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"C": 10.0, "words": 2, "terms": 20_000}

    terms: Terms | None = None
    outcomes: tuple[str, ...] = ()
    weights: Floats = field(default_factory=lambda: np.empty((0, 0)))
    intercepts: Floats = field(default_factory=lambda: np.empty(0))
    shown: tuple[int, ...] = ()

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities were fitted on held-out rows."""
        return self.calibrate

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn from the rows; see `WholeLearner.learn`."""
        assert self.use_case is not None
        texts, there = self.texts(frame)
        named = self.use_case.target.allowed if self.problem != "classification" else ("positive",)
        self.outcomes = tuple(str(name) for name in named or ())
        truth, patients = self._truth(frame, target)[there], np.asarray(patients)[there]
        self.terms, matrix = learned(
            texts, patients, longest=int(self.setting["words"]), most=int(self.setting["terms"])
        )
        if not self.terms.names:
            raise NotTrainable(
                self.use_case.name, "no term is shared by enough patients to be learned from", "Add rows"
            )
        self.weights, self.intercepts = (
            np.zeros((len(self.terms.names), len(self.outcomes))),
            np.zeros(len(self.outcomes)),
        )
        notes: set[str] = set()
        for number in range(len(self.outcomes)):
            if progress is not None:
                progress(f"outcome {number + 1} of {len(self.outcomes)}", number / len(self.outcomes))
            weights, intercept, noticed = self._one(matrix, truth[:, number], patients, seed)
            self.weights[:, number], self.intercepts[number] = weights, intercept
            notes.update(noticed)
        self.notes = tuple(sorted(notes))
        mass = np.asarray(matrix.mean(axis=0)).ravel() * np.abs(self.weights).max(axis=1)
        self.shown = tuple(sorted(np.argsort(-mass, kind="stable")[:SHOWN].tolist()))

    def _truth(self, frame: "pd.DataFrame", target: Floats) -> Floats:
        """Return 1 where a row has an outcome (n, outcomes)."""
        if self.problem == "classification":
            return np.asarray(target, dtype=float)[:, None]
        if self.problem == "multiclass":
            return np.asarray(np.asarray(target)[:, None] == np.arange(len(self.outcomes)), dtype=float)
        given = [set(str(cell).split(SEPARATOR)) for cell in frame["truth"]]
        return np.array([[name in labels for name in self.outcomes] for labels in given], dtype=float)

    def _one(self, matrix: Any, truth: Floats, patients: Any, seed: int) -> tuple[Floats, float, tuple[str, ...]]:
        """Return weights (terms,), intercept and what was noticed, for one outcome."""
        positive, strength = float(truth.sum()), float(self.setting["C"])
        if positive in (0.0, float(len(truth))):
            base = float(logit((positive + 0.5) / (len(truth) + 1)))
            return np.zeros(matrix.shape[1]), base, (_ALIKE,)
        model, notes = self._logistic(matrix, truth, seed, C=strength)
        weights, intercept = np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])
        folds = PatientFolds(FOLDS, stratify=True, seed=seed)
        if self.calibrate and folds.get_n_splits(None, truth, patients) > 1:
            scores = np.empty(len(truth))
            for train, test in folds.split(None, truth, patients):
                part, _ = self._logistic(matrix[train], truth[train], seed, C=strength)
                scores[test] = part.decision_function(matrix[test])
            line, _ = self._logistic(scores[:, None], truth, seed, C=_FREE)
            slope = float(np.ravel(line.coef_)[0])
            if slope <= 0:  # what was learned says nothing of others
                return np.zeros_like(weights), float(logit(positive / len(truth))), (*notes, _NOTHING)
            weights, intercept = weights * slope, intercept * slope + float(np.ravel(line.intercept_)[0])
        return weights, intercept, notes

    def _logistic(self, matrix: Any, truth: Floats, seed: int, *, C: float) -> tuple[Any, tuple[str, ...]]:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=C, max_iter=1_000, random_state=seed)
        return model, fitted(model, matrix, truth)

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row; see `wardround.problems` for its form."""
        texts, there = self.texts(frame)
        rows = len(frame)
        probability = self._probability(self._scores(texts))
        if self.problem == "classification":
            return Prediction(value=spread(rows, there, probability[:, 0]))
        output: Objects = np.full(rows, None, dtype=object)
        if self.problem == "multiclass":
            output[there] = np.array(self.outcomes, dtype=object)[probability.argmax(axis=1)]
            value = probability.max(axis=1)
        else:
            output[there] = [
                json.dumps(dict(zip(self.outcomes, row, strict=True)), ensure_ascii=False)
                for row in probability.tolist()
            ]
            value = probability.sum(axis=1)
        return Prediction(value=spread(rows, there, value), parts=spread(rows, there, probability), output=output)

    def _scores(self, texts: list[str]) -> Floats:
        """Return the log odds of each outcome (texts, outcomes)."""
        assert self.terms is not None
        return np.asarray(self.terms.matrix(texts) @ self.weights + self.intercepts)

    def _probability(self, scores: Floats) -> Floats:
        probability = np.asarray(expit(scores))
        if self.problem != "multiclass":
            return probability
        return np.asarray(probability / np.maximum(probability.sum(axis=1, keepdims=True), np.finfo(float).tiny))

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what the most important terms, and all others together, add to the log odds of the likeliest outcome.

        The columns are the same for every row; with the intercept they add up to its score.
        """
        import pandas as pd

        assert self.terms is not None
        texts, there = self.texts(frame)
        weights = self.weights[:, self._scores(texts).argmax(axis=1)].T
        added = np.ascontiguousarray(self.terms.matrix(texts).multiply(weights).toarray())
        shown = np.ascontiguousarray(added[:, list(self.shown)])
        both = np.column_stack([shown, added.sum(axis=1) - shown.sum(axis=1)])
        names = [*(self.terms.names[number] for number in self.shown), OTHERS]
        return pd.DataFrame(np.nan_to_num(spread(len(frame), there, both)), columns=names, index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects:
        """Return per row what each character of its text adds to the log odds of the likeliest outcome (characters,).

        A term's share is laid evenly over the characters of its occurrences.
        """
        assert self.terms is not None
        texts, there = self.texts(frame)
        likeliest = self._scores(texts).argmax(axis=1)
        out = np.full(len(frame), None, dtype=object)
        for place, text, outcome in zip(there, texts, likeliest, strict=True):
            row, places = self.terms.matrix([text]), self.terms.places(text)
            vector = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
            length = np.bincount(
                [n for n, _, _ in places], [end - start for _, start, end in places], len(self.terms.names)
            )
            laid = np.zeros(len(text), dtype=np.float32)
            for number, start, end in places:
                laid[start:end] += vector[number] * self.weights[number, outcome] / length[number]
            out[place] = laid
        return out

    def files(self) -> dict[str, bytes]:
        """Return what it learned as files by name."""
        assert self.terms is not None
        return {WEIGHTS: packed(np.column_stack([self.terms.weights, self.weights]))}

    def facts(self) -> Mapping[str, Any]:
        """Return what else it must know, as plain JSON values."""
        assert self.terms is not None
        return {
            "terms": list(self.terms.names), "longest": self.terms.longest, "outcomes": list(self.outcomes),
            "intercepts": self.intercepts.tolist(), "shown": list(self.shown),
        }  # fmt: skip

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave; see `WholeLearner.take`."""
        names, self.outcomes = texts_of(facts["terms"]), texts_of(facts["outcomes"])
        self.shown, self.intercepts = tuple(facts["shown"]), np.array(facts["intercepts"], dtype=float)
        if len(self.intercepts) != len(self.outcomes) or not set(self.shown) <= set(range(len(names))):
            raise Corrupted(place, "its terms and outcomes do not fit one another")
        both = stored(files, WEIGHTS, shape=(len(names), 1 + len(self.outcomes)), place=place)
        self.terms = Terms(names=names, weights=both[:, 0], longest=int(facts["longest"]))
        self.weights = np.ascontiguousarray(both[:, 1:])
