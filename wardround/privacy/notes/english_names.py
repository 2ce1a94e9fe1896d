"""Names of people in English notes: titles, labels, relatives, credentials, name lists, and words no list has."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from wardround.contents.text_lists import listed
from wardround.privacy.notes.english_vocabulary import derived, is_drug_or_finding, is_known, is_name, is_word
from wardround.privacy.notes.english_words import (
    AFTER_EPONYM,
    BY,
    CALLED,
    CHART,
    CREDENTIALS,
    DOES,
    LABELS,
    NEVER,
    NO_PERSON,
    NOT_AGAIN,
    PARTICLES,
    RELATIVES,
    TITLES,
    WEAK_TITLES,
)
from wardround.privacy.notes.rules import Finding

_WORD = re.compile(r"[A-Za-zÀ-ɏ](?:[A-Za-zÀ-ɏ]|['’.-](?=[A-Za-zÀ-ɏ])){0,60}")
_JOIN = re.compile(r"[ \t]{0,2}|\.[ \t]{1,2}")
_LABELLED = re.compile(r"(?:\(s\)|'s)?[ \t]{0,2}[:=#][ \t\n]{0,3}|[ \t]{0,2}-[ \t]")
_LIST_JOIN = re.compile(r",[ \t]{1,2}")


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    plain: str


def names(text: str) -> Iterator[Finding]:
    """Yield the names in an English note, those that occur a second time without a title included."""
    words = [
        _Word(m.start(), m.end(), m.group(), m.group().lower().rstrip(".").removesuffix("'s").removesuffix("’s"))
        for m in _WORD.finditer(text)
    ]
    taken: set[int] = set()
    for i, word in enumerate(words):
        if i:
            taken.update(_introduced(text, words, i))
        if _capital(word) and _credential_follows(text, words, i):
            taken.update(_back(text, words, i))
        if _from_dictionary(text, words, i) or _stranger(text, words, i) or _does(text, words, i):
            taken.add(i)
    seeds = frozenset(taken)
    for i in sorted(seeds):
        taken |= _beside(text, words, i, seeds)
    taken |= _again(text, words, taken)
    yield from _joined(text, words, taken)


def _introduced(text: str, words: list[_Word], i: int) -> list[int]:
    """Return the words of the name that the word before word *i* announces: a title, a label, a relative."""
    before, word = words[i - 1], words[i]
    gap = text[before.end : word.start]
    if before.plain in TITLES and _JOIN.fullmatch(gap) and _may_follow(word, before):
        return _run(text, words, i, keep_first=True)
    if before.plain in LABELS and _LABELLED.fullmatch(gap):
        return _run(text, words, i, keep_first=_capital(word), listed_too=True)
    if not _capital(word):
        return []
    if before.plain in CALLED and re.fullmatch(r"[ \t]{1,2}(?:by[ ])?[\"“']?", gap):
        return _run(text, words, i, keep_first=True)
    if _kept(word) or _eponym(text, words, i) or (word.text.isupper() and not is_name(word.plain)):
        return []
    if before.plain in RELATIVES and re.fullmatch(r",?[ \t(]{1,2}(?:is[ ])?", gap):
        return _run(text, words, i)
    return _run(text, words, i) if before.plain in BY and re.fullmatch(r":?[ \t]{1,2}", gap) else []


def _capital(word: _Word) -> bool:
    return word.text[0].isupper() and word.plain not in NEVER


def _kept(word: _Word) -> bool:
    """Whether a capitalised word is an ordinary one that a weak context does not make a name."""
    return (is_word(word.plain) or is_known(word.plain)) and not is_name(word.plain)


def _may_follow(word: _Word, title: _Word) -> bool:
    if word.plain in PARTICLES and word.plain not in NEVER:
        return True
    if word.plain in NEVER or (title.plain == "miss" and not _capital(word)):
        return False
    if _capital(word):
        return not (title.plain in WEAK_TITLES and _kept(word))
    return title.plain in ("mr", "mrs", "ms", "dr") and not (is_word(word.plain) and not is_name(word.plain))


def _run(text: str, words: list[_Word], i: int, *, keep_first: bool = False, listed_too: bool = False) -> list[int]:
    """Return the words of the name that begins at word *i*, at most six, without ordinary words at its end."""
    found = [i]
    lower = not words[i].text[0].isupper()
    for k in range(i + 1, min(i + 6, len(words))):
        gap = text[words[k - 1].end : words[k].start]
        joined: object = _JOIN.fullmatch(gap) if "\n" not in gap else None
        if gap.startswith(".") and len(words[k - 1].text) > 2 and words[k - 1].plain not in CREDENTIALS:
            joined = None
        if not joined and listed_too and k == i + 1:
            joined = _LIST_JOIN.fullmatch(gap)
        if not joined or not (_capital(words[k]) or words[k].plain in PARTICLES or (lower and is_name(words[k].plain))):
            break
        found.append(k)
    while len(found) > (1 if keep_first else 0) and (
        (_kept(words[found[-1]]) and len(words[found[-1]].plain) > 1) or words[found[-1]].plain in PARTICLES
    ):
        found.pop()
    return found if keep_first or (found and not all(_kept(words[k]) for k in found)) else []


def _credential_follows(text: str, words: list[_Word], i: int) -> bool:
    if i + 1 >= len(words) or words[i].plain in CREDENTIALS:
        return False
    after = words[i + 1]
    gap = text[words[i].end : after.start]
    return after.plain in CREDENTIALS and after.text[0].isupper() and re.fullmatch(r",?[ \t]{0,2}", gap) is not None


def _back(text: str, words: list[_Word], i: int) -> list[int]:
    found = [i]
    for k in range(i - 1, max(i - 4, -1), -1):
        if not _JOIN.fullmatch(text[words[k].end : words[k + 1].start]) or not (
            (_capital(words[k]) and not (_kept(words[k]) and len(words[k].plain) > 1)) or words[k].plain in PARTICLES
        ):
            break
        found.append(k)
    return [] if all(_kept(words[k]) for k in found) else found


def _from_dictionary(text: str, words: list[_Word], i: int) -> bool:
    """Whether word *i* stands in the name lists, and is no ordinary word or stands beside another name."""
    word = words[i]
    bare = word.plain.removesuffix("'s").removesuffix("’s")
    if not _capital(word) or not is_name(bare) or is_known(word.plain) or _eponym(text, words, i):
        return False
    if not is_word(bare):
        return not word.text.isupper() or len(bare) > 3
    for k in (i - 1, i + 1):
        if 0 <= k < len(words):
            low, high = min(i, k), max(i, k)
            beside = words[k]
            if (
                re.fullmatch(r",?[ \t]|\.[ \t]", text[words[low].end : words[high].start]) and _capital(beside)
                and ((is_name(beside.plain) and (not is_word(beside.plain) or (bare in listed("given_names_us") and k > i)))
                     or (len(beside.plain) == 1 and k > i))
            ):  # fmt: skip
                return True
    return False


def _does(text: str, words: list[_Word], i: int) -> bool:
    """Whether word *i*, a name that is a word too, begins a sentence and does what only a person does."""
    word = words[i]
    if i + 1 >= len(words) or not _capital(word) or not is_name(word.plain) or word.plain in NO_PERSON:
        return False
    after = text[word.end : words[i + 1].start]
    if after == ", " and words[i + 1].plain in ("the", "a", "an", "our", "his", "her", "my"):
        return any(each.plain in RELATIVES or each.plain in LABELS for each in words[i + 2 : i + 4])
    return words[i + 1].plain in DOES and after == " "


def _beside(text: str, words: list[_Word], i: int, seeds: frozenset[int]) -> set[int]:
    """Return the neighbours of a name that belong to it although they are ordinary words: Grace, Winter.

    A walk ends at the next of *seeds*, whose own walk goes on from there: without that a list of names would take the
    square of its length.
    """
    found: set[int] = set()
    last = words[i + 2] if i + 2 < len(words) and words[i + 1].plain == "and" else words[i]
    if last is not words[i] and _capital(last) and last.plain in listed("given_names_us"):
        found.add(i + 2)
    k = i
    while k + 1 < len(words) and re.fullmatch(r"[ ]|\.[ ]", text[words[k].end : words[k + 1].start]):
        k += 1
        if k in seeds:
            break
        if len(words[k].plain) == 1 and words[k].text.isupper():
            continue
        if (
            not words[k].text[0].isupper()
            or words[k].plain not in listed("surnames_us")
            or words[k].plain in CREDENTIALS
        ):
            break
        found.add(k)
    k = i
    while k and re.fullmatch(r"[ ]|\.[ ]|,[ ]", text[words[k - 1].end : words[k].start]):
        gap = text[words[k - 1].end : words[k].start]
        k -= 1
        if k in seeds:
            break
        if len(words[k].plain) == 1 and words[k].text.isupper():
            continue
        names = listed("surnames_us") if gap == ", " else listed("given_names_us")
        if not words[k].text[0].isupper() or words[k].plain not in names or words[k].plain in NO_PERSON:
            break
        if gap == ", " and k and text[words[k - 1].end : words[k].start] in (" ", ", "):
            break
        found.add(k)
    return found


def _stranger(text: str, words: list[_Word], i: int) -> bool:
    """Whether word *i* is capitalised and neither a word, nor a drug, nor a thing that is named after somebody."""
    word = words[i]
    plain = word.plain.removesuffix("'s").removesuffix("’s")
    if not word.text[0].isupper() or len(plain) < 3 or word.text.isupper() or is_known(plain) or is_word(plain):
        return False
    capitals = sum(letter.isupper() for letter in word.text)
    if capitals > 2 or (capitals > 1 and len(plain) < 5) or plain in CHART or _eponym(text, words, i):
        return False
    return not is_drug_or_finding(plain) and not derived(plain)


def _eponym(text: str, words: list[_Word], i: int) -> bool:
    for k in range(i + 1, min(i + 3, len(words))):
        if not re.fullmatch(r"[ -]|'s[ ]|[ ]{1,2}", text[words[k - 1].end : words[k].start]):
            return False
        if words[k].plain in AFTER_EPONYM and words[k].text[0].islower():
            return True
    return False


def _again(text: str, words: list[_Word], taken: set[int]) -> set[int]:
    """Return further places of the names that were found, written with a capital."""
    known = {
        word.plain.removesuffix("'s").removesuffix("’s")
        for word in (words[i] for i in taken)
        if len(word.plain) > 2 and word.plain not in NEVER and word.plain not in TITLES and word.plain not in PARTICLES
        and word.plain not in CREDENTIALS and (not is_word(word.plain) or is_name(word.plain)) and word.plain not in NOT_AGAIN
    }  # fmt: skip
    return {
        i for i, word in enumerate(words)
        if word.text[0].isupper() and word.plain.removesuffix("'s").removesuffix("’s") in known and not _eponym(text, words, i)
    }  # fmt: skip


def _joined(text: str, words: list[_Word], taken: set[int]) -> Iterator[Finding]:
    """Yield runs of taken words as one name each, with initials between and before them."""
    for i in list(taken):
        k = i - 1
        if (
            k >= 0
            and k not in taken
            and len(words[k].plain) == 1
            and words[k].text.isupper()
            and re.fullmatch(r"\.?[ ]", text[words[k].end : words[i].start])
        ):
            taken.add(k)
        k = i + 1
        if k < len(words) and k not in taken and len(words[k].plain) == 1 and words[k].text.isupper() and words[k].plain not in (
            "a", "i"
        ) and re.fullmatch(r",?[ ]", text[words[i].end : words[k].start]):  # fmt: skip
            taken.add(k)
    start = end = -1
    for i in sorted(taken):
        word = words[i]
        stop = word.end - 2 if word.text.lower().endswith(("'s", "’s")) else word.end
        if start >= 0 and re.fullmatch(r"[ ]|\.[ ]|,[ ]", text[end : word.start]):
            end = stop
            continue
        if start >= 0:
            yield Finding(start, end, "name")
        start, end = word.start, stop
    if start >= 0:
        yield Finding(start, end, "name")
