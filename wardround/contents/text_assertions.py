"""Whether a finding in a clinical text is there, is denied, or is only possible: cues and their scope.

After NegEx (Chapman et al., "A simple algorithm for identifying negated findings and diseases in discharge summaries",
Journal of Biomedical Informatics 34, 2001), with the scope of ConText (Harkema et al. 2009): a cue reaches to the end
of its sentence, or to a word that ends its scope. What is said of others (family history) is not told apart.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from typing import Literal, NamedTuple

from wardround.contents.text_cues import CHINESE as CHINESE_CUES
from wardround.contents.text_cues import ENGLISH, LIST_OPENERS
from wardround.contents.text_sentences import sentences

Assertion = Literal["present", "absent", "possible"]

_CLAUSE = re.compile("[，,。；;]")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|with|shows?|but)\b|[，,。；;]", re.IGNORECASE)
_FAR = 60  # characters that a cue after a finding may stand from it


class _Cue(NamedTuple):
    start: int
    end: int
    means: Assertion
    before: bool
    after: bool
    chinese: bool


def assertion(text: str, start: int, end: int) -> Assertion:
    """Return what *text* says of the finding at [start, end): ``present``, ``absent`` or ``possible``."""
    return assertions(text, ((start, end),))[0]


def assertions(text: str, spans: Iterable[tuple[int, int]]) -> tuple[Assertion, ...]:
    """Return what *text* says of each finding in *spans*, in their order; the nearest cue that reaches it decides."""
    whole = sentences(text)
    begins = [begin for begin, _ in whole]

    @cache
    def cues(number: int) -> tuple[list[_Cue], list[int]]:
        return _cues(text, *whole[number])

    found: list[Assertion] = []
    for start, end in spans:
        number = bisect_right(begins, start) - 1
        found.append(_judged(text, start, end, *cues(number)) if number >= 0 else "present")
    return tuple(found)


def negations(text: str) -> int:
    """Return how many words of negation *text* has."""
    return sum(cue.means == "absent" for cue in _cues(text, 0, len(text))[0])


def _judged(text: str, start: int, end: int, cues: list[_Cue], ends: list[int]) -> Assertion:
    nearest: tuple[int, Assertion] | None = None
    for cue in cues:
        if cue.before and cue.end <= start:
            between, low, high = text[cue.end : start], cue.end, start
            stopped: object = cue.chinese and text[cue.start : cue.end] not in LIST_OPENERS and _CLAUSE.search(between)
        elif cue.after and cue.start >= end:
            between, low, high = text[end : cue.start], end, cue.start
            stopped = len(between) > _FAR or _VERB.search(between)
        else:
            continue
        if stopped or any(low <= place < high for place in ends):
            continue
        if nearest is None or len(between) <= nearest[0]:
            nearest = (len(between), cue.means)
    return nearest[1] if nearest else "present"


@cache
def _pattern() -> "re.Pattern[str]":
    """Return one pattern with a group per kind of cue and language, in the order in which they are tried."""
    groups = []
    for language, cues, form in (("e", ENGLISH, r"(?<![A-Za-z])(?:{})(?![A-Za-z])"), ("c", CHINESE_CUES, "(?:{})")):
        for kind, words in cues.items():
            groups.append(f"(?P<{language}_{kind}>{form.format('|'.join(words))})")
    return re.compile("|".join(groups), re.IGNORECASE)


def _cues(text: str, begin: int, end: int) -> tuple[list[_Cue], list[int]]:
    """Return the cues of text[begin:end], and the places where a scope ends."""
    found: list[_Cue] = []
    ends: list[int] = []
    for match in _pattern().finditer(text, begin, end):
        language, _, kind = str(match.lastgroup).partition("_")
        if kind == "end":
            ends.append(match.start())
        elif kind != "pseudo":
            means, _, side = kind.partition("_")
            found.append(
                _Cue(
                    match.start(), match.end(), "absent" if means == "absent" else "possible",
                    side in ("before", "around"), side in ("after", "around"), language == "c",
                )
            )  # fmt: skip
    return found, ends
