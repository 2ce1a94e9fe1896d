"""Texts as numbers: the terms that occur in them, of which a model may keep only those that many patients share.

So no name, place or number of one patient survives in a model: a term is kept from `RARE` patients on, and digits are
in none.
"""

import math
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from itertools import pairwise
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

    def matrix(self, texts: Sequence[str]) -> Any:
        """Return the weights of the terms of *texts* as a sparse matrix (texts, terms), sorted: (1 + ln frequency) x
        inverse frequency, of length 1.

        Each text by itself, added up exactly: a row gets the same bits alone and in any batch.
        """
        known: dict[str, int] = self._number  # type: ignore[attr-defined]
        of = (_names(text, self.longest) for text in texts)
        counts = _counted(([known[name] for name in names if name in known] for names in of), known)
        return _weighted(counts, self.weights)

    def places(self, text: str) -> list[tuple[int, int, int]]:
        """Return (number, start, end) of every term of *text* that is told apart."""
        numbers: dict[str, int] = self._number  # type: ignore[attr-defined]
        return [(numbers[term], start, end) for term, start, end in found(text, self.longest) if term in numbers]


def learned(texts: Sequence[str], patients: Any, *, longest: int, most: int, least: int = RARE) -> tuple[Terms, Any]:
    """Return the terms that at least *least* patients share, at most the *most* frequent ones, of equals the first; and
    what `Terms.matrix` gives of *texts*, which are read only once.

    *patients* names the patient of each text. The inverse frequency is that among patients, smoothed as scikit-learn
    does: ln((1 + patients) / (1 + patients with the term)) + 1.
    """
    from scipy.sparse import csr_matrix

    every: defaultdict[str, int] = defaultdict()
    every.default_factory = every.__len__
    counts = _counted((map(every.__getitem__, _names(text, longest)) for text in texts), every)
    often = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= least)
    counts, words = counts[:, often], list(every)
    who: dict[Any, int] = {}
    rows = [who.setdefault(patient, len(who)) for patient in patients]
    of = csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, range(len(rows)))), shape=(len(who), len(rows)))
    held = (of @ counts).getnnz(axis=0).tolist()
    shared = sorted((-count, words[often[at]], at) for at, count in enumerate(held) if count >= least)[:most]
    kept = sorted((name, at) for _, name, at in shared)
    weights = np.array([math.log((1 + len(who)) / (1 + held[at])) + 1 for _, at in kept])
    terms = Terms(names=tuple(name for name, _ in kept), weights=weights, longest=longest)
    return terms, _weighted(counts[:, [at for _, at in kept]], weights)


def _counted(texts: Iterable[Iterable[int]], known: Sized) -> Any:
    """Return how often each of the terms *known* occurs in each text (texts, terms), given as numbers of terms."""
    from scipy.sparse import csr_matrix

    found, ends = array("i"), [0]
    for numbers in texts:
        found.extend(numbers)
        ends.append(len(found))
    ones = np.ones(len(found), dtype=np.int32)
    counts = csr_matrix((ones, np.array(found, dtype=np.int32), ends), shape=(len(ends) - 1, len(known)))
    counts.sum_duplicates()
    return counts


def _weighted(counts: Any, weights: Floats) -> Any:
    """Return the matrix that `Terms.matrix` speaks of from how often each term occurs (texts, terms)."""
    from scipy.sparse import csr_matrix

    counts.sort_indices()
    of = np.array([1 + math.log(max(count, 1)) for count in range(int(counts.data.max(initial=0)) + 1)])
    raw = of[counts.data] * weights[counts.indices]
    squares, ends = (raw * raw).tolist(), counts.indptr.tolist()
    lengths = [math.sqrt(math.fsum(squares[start:end])) for start, end in pairwise(ends)]
    values = raw / np.repeat(lengths, np.diff(counts.indptr))
    return csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
