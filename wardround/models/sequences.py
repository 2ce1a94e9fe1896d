"""A text as sequences of tokens with tags: what a sequence labeller reads and writes (BIO tags: Ramshaw & Marcus 1995).

Digits are read as 0 and a feature is used only if enough patients share it, so that a model keeps no piece of one
patient's text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wardround.contents.text_sentences import sentences

_CHARACTER = re.compile(r"\S")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+|[^\w\s]|_")
_DIGIT = re.compile(r"\d")
_AROUND = 2
"""Tokens to either side of one that its features see."""
Tokens = list[tuple[int, int]]


def split(text: str, language: str | None) -> list[Tokens]:
    """Return start and end of the tokens of each sentence: characters in Chinese, else words and signs."""
    pattern = _CHARACTER if language == "zh" else _WORD
    return [[match.span() for match in pattern.finditer(text, start, end)] for start, end in sentences(text)]


def features(text: str, tokens: Tokens) -> list[list[str]]:
    """Return the features of each token: itself, its neighbours, the runs they form, their shapes, its ends."""
    words = [_DIGIT.sub("0", text[start:end].lower()) for start, end in tokens]
    shapes = [_shape(text[start:end]) for start, end in tokens]
    pad = ["^"] * _AROUND
    said, shape = [*pad, *words, *pad], [*pad, *shapes, *pad]
    out = []
    for at in range(_AROUND, len(words) + _AROUND):
        own = ["any"]
        for first in range(-_AROUND, _AROUND + 1):
            for length in range(1, 4):
                if first + length <= _AROUND + 1:
                    own.append(f"{first}:{'_'.join(said[at + first : at + first + length])}")
        own.append(f"s:{'_'.join(shape[at - 1 : at + 2])}")
        if len(said[at]) > 3:
            own += [f"<{said[at][:3]}", f">{said[at][-3:]}"]
        out.append(own)
    return out


def _shape(word: str) -> str:
    kinds = ("0" if c.isdigit() else "中" if "\u3400" <= c <= "\u9fff" else "A" if c.isupper() else "a" if c.isalpha()
             else "." for c in word)  # fmt: skip
    return re.sub(r"(.)\1+", r"\1+", "".join(kinds))


def shared(rows: Iterable[tuple[Any, Iterable[str]]], least: int) -> frozenset[str]:
    """Return what occurs with at least *least* patients among (patient, what occurs in one of their rows)."""
    of: dict[Any, set[str]] = {}
    for patient, held in rows:
        of.setdefault(patient, set()).update(held)
    counts = Counter(one for held in of.values() for one in held)
    return frozenset(one for one, count in counts.items() if count >= least)


def tagged(tokens: Tokens, spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """Return the tag of each token: B- at the first token of a span, I- at its others, O elsewhere."""
    tags, at = ["O"] * len(tokens), 0
    for start, end, kind in sorted(spans):
        while at < len(tokens) and tokens[at][1] <= start:
            at += 1
        first = at
        while at < len(tokens) and tokens[at][0] < end:
            tags[at] = f"{'B' if at == first else 'I'}-{kind}"
            at += 1
    return tags


def untagged(tokens: Tokens, tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the spans that *tags* say; an I- that continues nothing begins a span."""
    start, end, kind = 0, 0, ""
    for (first, last), tag in zip(tokens, tags, strict=True):
        if tag[0] == "I" and tag[2:] == kind:
            end = last
            continue
        if kind:
            yield start, end, kind
        start, end, kind = first, last, tag[2:]
    if kind:
        yield start, end, kind
