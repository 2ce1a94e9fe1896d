"""Summaries that quote: which sentences of a text to take without having learned anything, and the form of the answer.

Every learned summary is measured against the two of them here: the first sentences, and the central ones.
"""

import json
import math
from collections.abc import Sequence

import numpy as np

from wardround.contents.text_sentences import sentences
from wardround.problems.base import Floats
from wardround.problems.rouge import tokens

Spans = tuple[tuple[int, int], ...]
DAMPING = 0.85
"""How much of a sentence's rank comes from the sentences like it (Brin & Page 1998; Mihalcea & Tarau 2004)."""
_STEPS, _SETTLED = 100, 1e-9


def lead(text: str, count: int = 1) -> Spans:
    """Return the first *count* sentences of *text*."""
    return sentences(text)[:count]


def textrank(text: str, count: int = 1) -> Spans:
    """Return the *count* most central sentences of *text*, in its order; of equals the first."""
    found = sentences(text)
    return chosen(found, centrality([tokens(text[start:end]) for start, end in found]), count)


def chosen(found: Spans, scores: Sequence[float] | Floats, count: int) -> Spans:
    """Return the *count* spans with the highest *scores*, in the order of the text; of equals the first."""
    best = sorted(range(len(found)), key=lambda number: -round(float(scores[number]), 9))[:count]
    return tuple(found[number] for number in sorted(best))


def centrality(sentences_of: Sequence[Sequence[str]]) -> Floats:
    """Return the rank of each of a text's sentences, given as token lists (n,): TextRank (Mihalcea & Tarau 2004).

    The weight between two sentences is the cosine of their TF-IDF vectors, with the inverse frequencies of this text
    (LexRank: Erkan & Radev 2004); ranks come by power iteration.
    """
    count = len(sentences_of)
    if count < 2:
        return np.ones(count)
    held: dict[str, dict[int, int]] = {}  # how often each word is in each sentence
    for number, words in enumerate(sentences_of):
        for word in words:
            where = held.setdefault(word, {})
            where[number] = where.get(number, 0) + 1
    rarity = [math.log((1 + count) / (1 + many)) + 1 for many in range(count + 1)]
    norms: list[float] = []
    alike = np.zeros((count, count))
    for one, words in enumerate(sentences_of):
        own: list[float] = []
        shared: dict[int, list[float]] = {}  # of one sentence at a time: a long text has many pairs
        for word in dict.fromkeys(words):
            where = held[word]
            n, weight = where[one], rarity[len(where)]
            own.append((n * weight) ** 2)
            for other, m in where.items():
                if other == one:
                    break
                shared.setdefault(other, []).append(n * m * weight**2)
        norms.append(math.sqrt(math.fsum(own)))
        for other, products in shared.items():
            alike[one, other] = alike[other, one] = math.fsum(products) / (norms[one] * norms[other])
    totals = alike.sum(axis=1, keepdims=True)
    moves = np.divide(alike, totals, out=np.full_like(alike, 1 / count), where=totals > 0)
    rank = np.full(count, 1 / count)
    for _ in range(_STEPS):
        after = (1 - DAMPING) / count + DAMPING * np.add.reduce(moves * rank[:, None], axis=0)
        if np.maximum.reduce(np.abs(after - rank)) < _SETTLED:
            return np.asarray(after)
        rank = after
    return rank


def written(text: str, quoted: Spans) -> str:
    """Return the answer that quotes these spans of *text*: JSON with both, since a span means nothing without it."""
    return json.dumps({"quotes": [list(span) for span in quoted], "text": text}, ensure_ascii=False)


def read(answer: str) -> tuple[str, Spans]:
    """Return the text and the quoted spans of an answer.

    Raises:
        ValueError, KeyError, TypeError: it is not what `written` gives.
    """
    content = json.loads(answer)
    return str(content["text"]), tuple((int(start), int(end)) for start, end in content["quotes"])


def quoted_text(text: str, quoted: Spans) -> str:
    """Return what *quoted* quotes of *text*, one sentence a line."""
    return "\n".join(text[start:end] for start, end in quoted)
