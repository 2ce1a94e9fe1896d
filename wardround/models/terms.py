"""Texts as numbers: the terms that occur in them, of which a model may keep only those that many patients share.

So no name, place or number of one patient survives in a model: a term is kept from `RARE` patients on, and digits are
in none.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wardround.models.preprocessing import RARE
from wardround.problems.base import Floats

_ONE = r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+(?:['’-][^\W\d_\u3400-\u9fff]+)*"
_SPACE = r"[^\S\n]*\n?[^\S\n]*"
_TOKEN, _JOINED = re.compile(_ONE), re.compile(_SPACE)
_STEP = re.compile(rf"({_ONE})({_SPACE})(?=([^\W\d_]?))")
"""A word, the white space behind it, and the letter with which the next word follows, if one does."""

Found = tuple[str, int, int]
"""A term with its first character and the one behind its last."""


def found(text: str, longest: int) -> list[Found]:
    """Return every term of *text* with its place: words, lower-cased, and Chinese characters, in runs of up to
    *longest* with nothing but white space between them."""
    tokens = [(match.group().lower(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    terms = []
    for first in range(len(tokens)):
        term, start, end = tokens[first]
        terms.append((term, start, end))
        for word, begin, after in tokens[first + 1 : first + longest]:
            if not _JOINED.fullmatch(text, end, begin):
                break
            term, end = f"{term}{' ' if begin > end else ''}{word}", after
            terms.append((term, start, end))
    return terms


def _names(text: str, longest: int) -> list[str]:
    """Return the terms that `found` gives, in another order and without their places, several times as fast."""
    steps = _STEP.findall(text)
    words = [word.lower() for word, _, _ in steps]
    joints = [(" " if space else "") if follows else None for _, space, follows in steps]
    names, runs = list(words), words
    for more in range(1, longest):
        runs = [
            run + joint + word if run and joint is not None else ""
            for run, joint, word in zip(runs, joints[more - 1 :], words[more:], strict=False)
        ]
        names += filter(None, runs)
    return names


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Terms told apart, sorted, with their inverse frequencies (terms,), and how many words the longest may have."""

    names: tuple[str, ...]
    weights: Floats
    longest: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {name: number for number, name in enumerate(self.names)})
        object.__setattr__(self, "_weight", self.weights.tolist())

    def vector(self, text: str) -> dict[int, float]:
        """Return the weights of a text's terms by number: (1 + ln frequency) x inverse frequency, of length 1.

        Each text by itself, added up exactly: a row gets the same bits alone and in any batch.
        """
        numbers: dict[str, int] = self._number  # type: ignore[attr-defined]
        weights: list[float] = self._weight  # type: ignore[attr-defined]
        counts = Counter([numbers[name] for name in _names(text, self.longest) if name in numbers])
        raw = {number: (1 + math.log(count)) * weights[number] for number, count in sorted(counts.items())}
        length = math.sqrt(math.fsum(value * value for value in raw.values()))
        return {number: value / length for number, value in raw.items()}

    def matrix(self, texts: Sequence[str]) -> Any:
        """Return the vectors of *texts* as a sparse matrix (texts, terms)."""
        from scipy.sparse import csr_matrix

        vectors = [self.vector(text) for text in texts]
        ends = np.cumsum([0, *map(len, vectors)])
        numbers = np.array([number for vector in vectors for number in vector], dtype=np.int32)
        values = np.array([value for vector in vectors for value in vector.values()], dtype=float)
        return csr_matrix((values, numbers, ends), shape=(len(texts), len(self.names)))

    def places(self, text: str) -> list[tuple[int, int, int]]:
        """Return (number, start, end) of every term of *text* that is told apart."""
        numbers: dict[str, int] = self._number  # type: ignore[attr-defined]
        return [(numbers[term], start, end) for term, start, end in found(text, self.longest) if term in numbers]


def learned(texts: Sequence[str], patients: Any, *, longest: int, most: int, least: int = RARE) -> Terms:
    """Return the terms that at least *least* patients share, at most the *most* frequent ones, of equals the first.

    *patients* names the patient of each text. The inverse frequency is that among patients, smoothed as scikit-learn
    does: ln((1 + patients) / (1 + patients with the term)) + 1.
    """
    of: dict[Any, list[str]] = {}
    for text, patient in zip(texts, patients, strict=True):
        of.setdefault(patient, []).append(text)
    counts: Counter[str] = Counter()
    for own in of.values():
        counts.update({name for text in own for name in _names(text, longest)})
    shared = sorted((-count, term) for term, count in counts.items() if count >= least)[:most]
    names = tuple(sorted(term for _, term in shared))
    weights = np.array([math.log((1 + len(of)) / (1 + counts[name])) + 1 for name in names])
    return Terms(names=names, weights=weights, longest=longest)
