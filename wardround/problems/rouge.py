"""How much two texts have in common: ROUGE-N and ROUGE-L (Lin 2004, "ROUGE: a package for automatic evaluation of
summaries"), as F1 of a summary against one reference.

Words are lower-cased runs of letters and digits, without stemming; Chinese is taken character by character.
"""

import re
from collections import Counter
from collections.abc import Sequence

_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")


def tokens(text: str) -> list[str]:
    """Return the words of *text*, lower-cased, and each Chinese character by itself."""
    return _TOKEN.findall(text.lower())


def rouge_n(one: Sequence[str], other: Sequence[str], n: int) -> float:
    """Return the F1 of the runs of *n* tokens that two token lists have in common, counted as often as they occur.

    Two texts without any such run differ in nothing if they are equal, and in everything if they are not.
    """
    first, second = (Counter(tuple(each[i : i + n]) for i in range(len(each) - n + 1)) for each in (one, other))
    total = first.total() + second.total()
    if not total:
        return float(list(one) == list(other))
    return 2 * (first & second).total() / total


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the F1 of the longest common subsequence of two token lists (1 for two empty ones)."""
    total = len(one) + len(other)
    return 2 * _common(one, other) / total if total else 1.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, a bit per token (Crochemore et al. 2001)."""
    places: dict[str, int] = {}
    for position, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << position
    everything = (1 << len(one)) - 1
    row = everything
    for token in other:
        met = row & places.get(token, 0)
        row = ((row + met) | (row - met)) & everything
    return len(one) - row.bit_count()
