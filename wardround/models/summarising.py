"""Summaries that quote: the first sentences of a text, its central ones, and those that references would have taken."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from wardround.contents.arrays import packed
from wardround.contents.text_sentences import sentences
from wardround.errors import NotTrainable
from wardround.models.estimators import fitted
from wardround.models.terms import Terms, learned
from wardround.models.texts import TextLearner, answered, stored
from wardround.models.whole import Progress
from wardround.problems.base import Floats, Objects, Prediction
from wardround.problems.quoting import Spans, centrality, chosen, written
from wardround.problems.rouge import rouge_l, tokens

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = "model.npy"
PLACES = ("first", "last", "position", "length", "centrality", "of how many")
"""What is known of a sentence beside its terms."""


@dataclass(kw_only=True, eq=False)
class Quoter(TextLearner):
    """A learner that quotes the *sentences* best sentences of a text; a family says what is good about one."""

    defaults: ClassVar[Mapping[str, Any]] = {"sentences": 1}
    inputs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def merits(self, text: str, found: Spans) -> Floats:
        """Return what each of the *inputs* adds to the merit of each sentence (sentences, inputs)."""

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn nothing: what is good about a sentence is known beforehand."""
        self.require(frame, self.columns)

    def quoted(self, text: str) -> Spans:
        """Return the spans of the sentences it quotes of *text*."""
        found = sentences(text)
        return chosen(found, self.merits(text, found).sum(axis=1), int(self.setting["sentences"]))

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row; see `wardround.problems.summary`."""
        texts, there = self.texts(frame)
        quotes = [self.quoted(text) for text in texts]
        kept = [
            sum(end - start for start, end in spans) / max(len(text), 1)
            for text, spans in zip(texts, quotes, strict=True)
        ]
        return answered(len(frame), there, kept, [written(*pair) for pair in zip(texts, quotes, strict=True)])

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each of its inputs adds to the mean merit of the sentences that a row quotes."""
        import pandas as pd

        texts, there = self.texts(frame)
        out = np.zeros((len(frame), len(self.inputs)))
        for place, text in zip(there, texts, strict=True):
            found = sentences(text)
            taken = [found.index(span) for span in self.quoted(text)]
            if taken:
                out[place] = self.merits(text, found)[taken].mean(axis=0)
        return pd.DataFrame(out, columns=list(self.inputs), index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects:
        """Return per row the merit of the sentence that each character of its text lies in (characters,)."""
        texts, there = self.texts(frame)
        out = np.full(len(frame), None, dtype=object)
        for place, text in zip(there, texts, strict=True):
            found, merit = sentences(text), np.zeros(len(text), dtype=np.float32)
            for (start, end), value in zip(found, self.merits(text, found).sum(axis=1), strict=True):
                merit[start:end] = value
            out[place] = merit
        return out

    def files(self) -> dict[str, bytes]:
        """Return no file: there is nothing beside the facts."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        """Return what else it must know, as plain JSON values."""
        return {}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave: nothing."""


@dataclass(kw_only=True, eq=False)
class Lead(Quoter):
    """Quotes the first sentences: in news, and in much else, hard to beat."""

    inputs: ClassVar[tuple[str, ...]] = ("position",)

    def merits(self, text: str, found: Spans) -> Floats:
        """Return 1 for the first sentence, and less for each one after."""
        return 1 / (1 + np.arange(len(found), dtype=float))[:, None]


@dataclass(kw_only=True, eq=False)
class TextRank(Quoter):
    """Quotes the central sentences (Mihalcea & Tarau 2004)."""

    inputs: ClassVar[tuple[str, ...]] = ("centrality",)

    def merits(self, text: str, found: Spans) -> Floats:
        """Return the rank of each sentence."""
        return centrality(_words(text, found))[:, None]


@dataclass(kw_only=True, eq=False)
class SentenceRanking(Quoter):
    """Quotes the sentences that are expected to share most with a reference: a ridge regression (penalty *alpha*) of
    each sentence's ROUGE-L with the reference on its terms, its place and its centrality.

    After the regression-based extraction of Galanis & Malakasiotis (2008) and Svore, Vanderwende & Burges (2007).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"sentences": 1, "alpha": 3.0, "words": 2, "terms": 20_000}
    inputs: ClassVar[tuple[str, ...]] = (*PLACES, "terms")

    terms: Terms | None = None
    weights: Floats = field(default_factory=lambda: np.empty(0))
    scale: Floats = field(default_factory=lambda: np.empty((2, 0)))

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn from the rows; see `WholeLearner.learn`."""
        from scipy.sparse import csr_matrix, hstack
        from sklearn.linear_model import Ridge

        texts, there = self.texts(frame)
        truths = frame["truth"].to_numpy(dtype=object)
        said, places, worth, who = [], [], [], []
        for place, text in zip(there, texts, strict=True):
            if not isinstance(truths[place], str):
                continue
            reference, found = tokens(truths[place]), sentences(text)
            if not found:
                continue
            words = _words(text, found)
            said += [text[start:end] for start, end in found]
            places.append(_places(words))
            worth += [rouge_l(each, reference) for each in words]
            who += [patients[place]] * len(found)
        if not said:
            raise NotTrainable(self._own, "no text has a summary to learn from", "Add rows with text and summary")
        self.terms, of_terms = learned(said, who, longest=int(self.setting["words"]), most=int(self.setting["terms"]))
        known = np.vstack(places)
        spread = known.std(axis=0)
        self.scale = np.stack([known.mean(axis=0), np.where(spread > 0, spread, 1.0)])
        matrix = hstack([csr_matrix((known - self.scale[0]) / self.scale[1]), of_terms]).tocsr()
        model = Ridge(alpha=float(self.setting["alpha"]), solver="sparse_cg", tol=1e-6, random_state=seed)
        self.notes = fitted(model, matrix, np.array(worth))
        self.weights = np.asarray(model.coef_, dtype=float)

    def merits(self, text: str, found: Spans) -> Floats:
        """Return what place, centrality and terms add to each sentence's expected ROUGE-L."""
        assert self.terms is not None
        if not found:
            return np.zeros((0, len(self.inputs)))
        known = (_places(_words(text, found)) - self.scale[0]) / self.scale[1] * self.weights[: len(PLACES)]
        rows = self.terms.matrix([text[start:end] for start, end in found])
        added = (rows.data * self.weights[len(PLACES) + rows.indices]).tolist()
        return np.column_stack([known, [math.fsum(added[start:end]) for start, end in pairwise(rows.indptr.tolist())]])

    def files(self) -> dict[str, bytes]:
        """Return what it learned as files by name."""
        assert self.terms is not None
        return {WEIGHTS: packed(np.concatenate([self.scale.ravel(), self.weights, self.terms.weights]))}

    def facts(self) -> Mapping[str, Any]:
        """Return what else it must know, as plain JSON values."""
        assert self.terms is not None
        return {"terms": list(self.terms.names), "longest": self.terms.longest}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave; see `WholeLearner.take`."""
        names, own = tuple(facts["terms"]), len(PLACES)
        numbers = stored(files, WEIGHTS, shape=(3 * own + 2 * len(names),), place=place)
        scale, self.weights, weights = np.split(numbers, [2 * own, 3 * own + len(names)])
        self.scale = scale.reshape(2, own)
        self.terms = Terms(names=names, weights=weights, longest=int(facts["longest"]))


def _words(text: str, found: Spans) -> list[list[str]]:
    return [tokens(text[start:end]) for start, end in found]


def _places(words: list[list[str]]) -> Floats:
    """Return what is known of each sentence beside its terms (sentences, `PLACES`)."""
    count = len(words)
    at = np.arange(count, dtype=float)
    lengths = np.log1p([len(each) for each in words])
    return np.column_stack(
        [
            at == 0,
            at == count - 1,
            at / max(count, 1),
            lengths,
            count * centrality(words),
            np.full(count, math.log(count)),
        ]
    )
