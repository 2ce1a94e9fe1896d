"""Entities in a text: what every tagger does, and a dictionary of what was marked before.

A tagger says of each entity it finds whether the text holds it present, absent or possible.
"""

import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from wardround.contents.text_assertions import assertions
from wardround.errors import NotTrainable
from wardround.models.preprocessing import RARE
from wardround.models.sequences import shared
from wardround.models.texts import TextLearner, answered
from wardround.models.whole import Progress, texts_of
from wardround.problems.base import Floats, Objects, Prediction
from wardround.problems.tagging import spans

if TYPE_CHECKING:
    import pandas as pd

TERMS = "model.json"
_APART = "(?:(?<![A-Za-z])|(?![A-Za-z]))"
_NOTHING = "(?!)"
Spans = list[tuple[int, int, str]]


@dataclass(kw_only=True, eq=False)
class Tagger(TextLearner):
    """A learner that finds the spans of a text; *kinds* are the types it knows, sorted."""

    kinds: tuple[str, ...] = ()
    language: str | None = None

    @abstractmethod
    def found(self, texts: Sequence[str]) -> list[Spans]:
        """Return the spans of each text, sorted."""

    def examples(self, frame: "pd.DataFrame", patients: Any) -> list[tuple[Any, str, Spans]]:
        """Return (patient, text, spans) of each row with a text and a truth, and note the types and the language.

        Raises:
            NotTrainable: no span is marked in any.
        """
        assert self.use_case is not None
        texts, there = self.texts(frame)
        truths = frame["truth"].to_numpy(dtype=object)
        rows = [
            (patients[place], text, sorted(spans(truths[place])))
            for place, text in zip(there, texts, strict=True)
            if isinstance(truths[place], str)
        ]
        self.kinds = tuple(sorted({kind for _, _, marked in rows for _, _, kind in marked}))
        self.language = self.use_case.content(self.columns[0]).language
        if not self.kinds:
            raise NotTrainable(self.use_case.name, "no entity is marked in any of the rows", "Add marked texts")
        return rows

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row: its spans, each with its assertion, and how many per 100 characters."""
        texts, there = self.texts(frame)
        values, outputs = [], []
        for text, marked in zip(texts, self.found(texts), strict=True):
            values.append(100 * len(marked) / max(len(text), 1))
            asserted = assertions(text, [(start, end) for start, end, _ in marked])
            said = [[*span, each] for span, each in zip(marked, asserted, strict=True)]
            outputs.append(json.dumps(said, ensure_ascii=False))
        return answered(len(frame), there, values, outputs)

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return how many spans of each type a row has per 100 characters; together they are its value."""
        import pandas as pd

        texts, there = self.texts(frame)
        out = np.zeros((len(frame), len(self.kinds)))
        for place, text, marked in zip(there, texts, self.found(texts), strict=True):
            counts = Counter(kind for _, _, kind in marked)
            out[place] = [100 * counts[kind] / max(len(text), 1) for kind in self.kinds]
        return pd.DataFrame(out, columns=list(self.kinds), index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects:
        """Return per row 1 for each character that lies in a span, 0 elsewhere (characters,)."""
        texts, there = self.texts(frame)
        out = np.full(len(frame), None, dtype=object)
        for place, text, marked in zip(there, texts, self.found(texts), strict=True):
            inside = np.zeros(len(text), dtype=np.float32)
            for start, end, _ in marked:
                inside[start:end] = 1
            out[place] = inside
        return out

    def facts(self) -> Mapping[str, Any]:
        """Return what else it must know, as plain JSON values."""
        return {"kinds": list(self.kinds), "language": self.language}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave; see `WholeLearner.take`."""
        self.kinds, self.language = texts_of(facts["kinds"]), facts["language"]


@dataclass(kw_only=True, eq=False)
class Dictionary(Tagger):
    """Marks again what was marked in at least `RARE` patients, the longest term first, with its most frequent type.

    A term is left out where less than *share* of its occurrences were marked.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"share": 0.5}

    terms: dict[str, str] = field(default_factory=dict)

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn from the rows; see `WholeLearner.learn`."""
        rows = self.examples(frame, patients)
        known = shared(((who, {_surface(text[a:b]) for a, b, _ in marked}) for who, text, marked in rows), RARE)
        kinds: dict[str, Counter[str]] = {term: Counter() for term in known}
        for _, text, marked in rows:
            for start, end, kind in marked:
                if (term := _surface(text[start:end])) in kinds:
                    kinds[term][kind] += 1
        pattern = _pattern(tuple(known))
        whole = Counter(term for _, text, _ in rows for _, _, term in _matches(text, pattern))
        share = float(self.setting["share"])
        self.terms = {
            term: min(kinds[term], key=lambda kind: (-kinds[term][kind], kind))
            for term in sorted(known)
            if kinds[term].total() >= share * whole[term]
        }

    def found(self, texts: Sequence[str]) -> list[Spans]:
        """Return the spans of each text, sorted."""
        pattern = _pattern(tuple(self.terms))
        return [[(start, end, self.terms[term]) for start, end, term in _matches(text, pattern)] for text in texts]

    def files(self) -> dict[str, bytes]:
        """Return what it learned as files by name."""
        return {TERMS: json.dumps(self.terms, ensure_ascii=False, sort_keys=True, indent=1).encode()}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave; see `WholeLearner.take`."""
        super().take(files, facts, place=place)
        self.terms = {str(term): str(kind) for term, kind in json.loads(files[TERMS]).items()}


def _surface(text: str) -> str:
    return " ".join(text.lower().split())


@lru_cache(maxsize=8)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches the longest of *terms* at a place; a term of letters is none inside a word.

    Terms are grouped by their first character: a place where none begins is passed over at once.
    """
    of: dict[str, list[str]] = {}
    for term in sorted(filter(None, terms), key=lambda term: (-len(term), term)):
        of.setdefault(term[:1], []).append(re.escape(term[1:]))
    each = "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in of.items())
    return re.compile(f"{_APART}(?:{each}){_APART}" if of else _NOTHING)


def _matches(text: str, terms: re.Pattern[str]) -> Spans:
    """Return (start, end, term) of the terms in *text*, from left to right, the longest of those at a place."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose small form is longer would move what follows
        lower = text
    return [(*match.span(), match.group()) for match in terms.finditer(lower)]
