"""Names, places, dates and ages in English notes."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import NamedTuple

from wardround.contents.text_lists import listed
from wardround.privacy.notes import dates
from wardround.privacy.notes.english_words import (
    AFTER_EPONYM,
    BY,
    CALLED,
    CHART,
    CREDENTIALS,
    DOES,
    DRUGS,
    EPONYMS,
    GENERIC,
    INSTITUTIONS,
    LABELS,
    NEVER,
    NO_PERSON,
    PARTICLES,
    PLACE_VERBS,
    RELATIVES,
    STATE_CODES,
    STATES,
    STREETS,
    TITLES,
)
from wardround.privacy.notes.rules import Finding, Rule, rule

_CAP = r"(?:[A-Z][\w'’.-]{0,30})"
_UNIT = r"(?:,?[ ](?:Apt|Apartment|Suite|Ste|Unit|Room|Rm|Floor|Fl|Bldg|Building|Lot|\#)\.?[ ]?\#?\w{1,6})"
_ZIP = r"\d{5}(?:-\d{4})?(?!\d)"
PLACES: tuple[Rule, ...] = (
    rule(
        "place",
        rf"""(?<![\w.-])(?:(?:Flat|Apt|Apartment|Unit|Suite)\.?[ ]\w{{1,5}},[ ])?(?<!\d,)\d{{1,6}}[A-Za-z]?(?:-\d{{1,4}})?(?:[ ]1/2)?[ ](?:(?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th))[ ]){{1,5}}
        (?:{STREETS})\b\.?(?:[ ](?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\b\.?)?{_UNIT}?""",
    ),
    rule("place", rf"(?<![\w.])\d{{1,6}}[ ](?:[NSEW]\.?[ ])?(?:Broadway|Main|County[ ]Road|State[ ]Road|Route|Rural[ ]Route|Highway|Hwy)\b(?:[ ]\d{{1,4}})?{_UNIT}?"),
    rule("place", r"\b(?:P\.?[ ]?O\.?[ ]?Box|Post[ ]Office[ ]Box|RR|Rural[ ]Route)[ ]?\#?\d{1,6}(?:[ ]Box[ ]\d{1,5})?", re.I),
    rule("place", rf"(?P<x>{_CAP}(?:[ ]{_CAP}){{0,2}}),[ ](?:(?!MD|PA|ID|OR|ND|DO|MA)(?:{STATE_CODES})\b|(?:{STATE_CODES})(?=[ ]\d{{5}}|[.]?$))(?:[ ]{_ZIP})?", re.M),
    rule("place", rf"\b(?:{STATE_CODES})[ ](?P<x>{_ZIP})"),
    rule("place", r"(?<![\d-])\d{5}-\d{4}(?![\d-])"),
    rule("place", rf"\b(?i:{'|'.join(sorted(STATES))})[ ](?P<x>{_ZIP})"),
    rule("place", r"\b(?:Exit[ ]\d{1,3}(?:,[ ])?)?(?:Interstate|Route|Rte|Highway|Hwy|I-|US-|SR-)[ ]?\d{1,3}\b|\bExit[ ]\d{1,3}\b"),
    rule("place", rf"\b(?:zip|zip[ ]?code|postal[ ]code|postcode)[ ]?[:\#]?[ ]?(?P<x>{_ZIP}|[A-Z]{{1,2}}\d[A-Z\d]?[ ]?\d[A-Z]{{2}})", re.I),
    rule("place", r"(?<![\w-])[A-Z]{1,2}\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2}(?![\w-])"),
    rule("place", rf"\b(?:{PLACE_VERBS.replace(' ', '[ ]')})[ ]?[:]?[ ](?:the[ ])?(?P<x>{_CAP}(?:[ ](?:of[ ]|the[ ]|and[ ]|&[ ])?{_CAP}){{0,5}})", re.M),
    rule("place", rf"\b(?P<x>{_CAP}(?:[ ]{_CAP}){{0,2}}),[ ](?i:{'|'.join(sorted(STATES))})\b"),
    rule("place", rf"\b(?:City|Town|County|Village|Borough|Township|Port|Mount|Fort|Saint|San|Santa|Los|Las|El|New)[ ](?:of[ ])?{_CAP}(?:[ ]{_CAP})?"),
)  # fmt: skip
_INSTITUTION = re.compile(rf"\b(?:{INSTITUTIONS.replace(' ', '[ ]')})\b", re.VERBOSE)
_BEFORE = re.compile(r"(?:(?:[A-Z][\w'’.-]{0,30}|of|the|and|&|for|at|\d{1,3}(?:st|nd|rd|th)?)[ ]){1,7}\Z")
_WORD = re.compile(r"[A-Za-zÀ-ɏ](?:[A-Za-zÀ-ɏ]|['’.-](?=[A-Za-zÀ-ɏ])){0,60}")
_JOIN = re.compile(r"[ \t]{0,2}|\.[ \t]{1,2}")
_LIST_JOIN = re.compile(r",[ \t]{1,2}")
_END = re.compile(r"[.!?:;\n•*-][ \t\n\"'(\[]*\Z")


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    plain: str


def english(text: str) -> Iterator[Finding]:
    """Yield names, places, dates and ages of an English note; findings may overlap."""
    for each in chain(dates.SHARED, dates.ENGLISH):
        yield from each.found(text)
    for each in PLACES:
        for finding in each.found(text):
            if not _only_generic(text[finding.start : finding.end]):
                yield finding
    yield from _institutions(text)
    yield from _names(text)


def _only_generic(phrase: str) -> bool:
    words = re.findall(r"[a-z'’]+", phrase.lower())
    return all(
        word in GENERIC or word in STATES or word in NEVER or word in _MEDICAL for word in words
    ) and not re.search(r"\d", phrase)


_MEDICAL = frozenset(
    [
        "emergency",
        "department",
        "room",
        "floor",
        "unit",
        "ward",
        "icu",
        "ed",
        "er",
        "or",
        "pacu",
        "nicu",
        "picu",
        "micu",
        "sicu",
        "surgery",
        "cardiology",
        "neurology",
        "oncology",
        "orthopedics",
        "medicine",
        "service",
        "clinic",
        "hospital",
        "radiology",
        "center",
        "pod",
        "bed",
        "home",
        "hospice",
    ]
)


def _institutions(text: str) -> Iterator[Finding]:
    for match in _INSTITUTION.finditer(text):
        low = max(0, match.start() - 160)
        before = _BEFORE.search(text[low : match.start()])
        if before is None:
            continue
        words = before.group().split()
        while words and (words[0].lower() in GENERIC or words[0].lower() in NEVER):
            words.pop(0)
        if words:
            first = before.group().index(words[0])
            yield Finding(low + before.start() + first, match.end(), "place")


@cache
def _is_word(plain: str) -> bool:
    """Whether *plain* (lower case) is an ordinary word, also as a plural or a possessive."""
    words = listed("words_en")
    return plain in words or (plain.endswith("s") and plain[:-1] in words) or all(p in words for p in plain.split("-"))


@cache
def _is_name(plain: str) -> bool:
    return plain in listed("given_names_us") or plain in listed("surnames_us")


@cache
def _is_known(plain: str) -> bool:
    """Whether a capitalised word may stay wherever it stands."""
    bare = plain.removesuffix("'s").removesuffix("’s").replace("'", "").replace("’", "")
    return len(plain) < 3 or bare in EPONYMS or bare in DRUGS or bare in STATES or bare in NEVER or bare in CREDENTIALS


def _names(text: str) -> Iterator[Finding]:
    words = [
        _Word(m.start(), m.end(), m.group(), m.group().lower().rstrip(".").removesuffix("'s").removesuffix("’s"))
        for m in _WORD.finditer(text)
    ]
    taken: set[int] = set()
    for i, word in enumerate(words):
        before = words[i - 1] if i else None
        gap = text[before.end : word.start] if before else "\n"
        if before is not None:
            if before.plain in TITLES and _JOIN.fullmatch(gap) and _may_follow(word, before):
                taken.update(_run(text, words, i, keep_first=True))
            elif before.plain in LABELS and re.fullmatch(
                r"(?:\(s\)|'s)?[ \t]{0,2}[:=#][ \t\n]{0,3}|[ \t]{0,2}-[ \t]", gap
            ):
                taken.update(_run(text, words, i, keep_first=_capital(word), listed_too=True))
            elif (
                before.plain in RELATIVES
                and re.fullmatch(r",?[ \t(]{1,2}(?:is[ ])?", gap)
                and _capital(word)
                and not _kept(word)
            ):
                taken.update(_run(text, words, i))
            elif before.plain in CALLED and re.fullmatch(r"[ \t]{1,2}(?:by[ ])?[\"“']?", gap) and _capital(word):
                taken.update(_run(text, words, i, keep_first=True))
            elif before.plain in BY and re.fullmatch(r":?[ \t]{1,2}", gap) and _capital(word) and not _kept(word):
                taken.update(() if _eponym(text, words, i) else _run(text, words, i))
        if _capital(word) and _credential_follows(text, words, i):
            taken.update(_back(text, words, i))
        if _from_dictionary(text, words, i) or _stranger(text, words, i) or _does(text, words, i):
            taken.add(i)
    for i in sorted(taken):
        taken |= _beside(text, words, i)
    taken |= _again(text, words, taken)
    yield from _joined(text, words, taken)


def _capital(word: _Word) -> bool:
    return word.text[0].isupper() and word.plain not in NEVER


def _kept(word: _Word) -> bool:
    """Whether a capitalised word is an ordinary one that a weak context does not make a name."""
    return (_is_word(word.plain) or _is_known(word.plain)) and not _is_name(word.plain)


def _may_follow(word: _Word, title: _Word) -> bool:
    if word.plain in PARTICLES and word.plain not in NEVER:
        return True
    if word.plain in NEVER or (title.plain == "miss" and not _capital(word)):
        return False
    if _capital(word):
        return not (title.plain in _WEAK_TITLES and _kept(word))
    return title.plain in ("mr", "mrs", "ms", "dr") and not (_is_word(word.plain) and not _is_name(word.plain))


_WEAK_TITLES = frozenset(
    [
        "nurse",
        "sister",
        "father",
        "mother",
        "judge",
        "officer",
        "doctor",
        "attorney",
        "dean",
        "dame",
        "sir",
        "fr",
        "col",
        "lt",
        "madam",
        "ms",
    ]
)


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
        if not joined or not (
            _capital(words[k]) or words[k].plain in PARTICLES or (lower and _is_name(words[k].plain))
        ):
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
    if not _capital(word) or not _is_name(bare) or _is_known(word.plain) or _eponym(text, words, i):
        return False
    if not _is_word(bare):
        return not word.text.isupper() or len(bare) > 3
    for k in (i - 1, i + 1):
        if 0 <= k < len(words):
            low, high = min(i, k), max(i, k)
            beside = words[k]
            if (
                re.fullmatch(r",?[ \t]|\.[ \t]", text[words[low].end : words[high].start]) and _capital(beside)
                and ((_is_name(beside.plain) and (not _is_word(beside.plain) or (bare in listed("given_names_us") and k > i)))
                     or (len(beside.plain) == 1 and k > i))
            ):  # fmt: skip
                return True
    return False


def _does(text: str, words: list[_Word], i: int) -> bool:
    """Whether word *i*, a name that is a word too, begins a sentence and does what only a person does."""
    word = words[i]
    if i + 1 >= len(words) or not _capital(word) or not _is_name(word.plain) or word.plain in NO_PERSON:
        return False
    return words[i + 1].plain in DOES and text[word.end : words[i + 1].start] == " "


def _beside(text: str, words: list[_Word], i: int) -> set[int]:
    """Return the neighbours of a name that belong to it although they are ordinary words: Grace, Winter."""
    found: set[int] = set()
    k = i
    while k + 1 < len(words) and re.fullmatch(r"[ ]|\.[ ]", text[words[k].end : words[k + 1].start]):
        k += 1
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
    if not word.text[0].isupper() or len(plain) < 3 or word.text.isupper() or _is_known(plain) or _is_word(plain):
        return False
    capitals = sum(letter.isupper() for letter in word.text)
    if capitals > 2 or (capitals > 1 and len(plain) < 5) or plain in CHART or _eponym(text, words, i):
        return False
    return not _DRUG.search(plain)


_DRUG = re.compile(
    r"(?:pril|sartan|statin|olol|azole|mycin|cillin|cycline|floxacin|mab|nib|vir|prazole|tidine|setron|gliptin|gliflozin"
    r"|glutide|formin|parin|xaban|gatran|pine|zepam|zolam|barbital|triptan|caine|sone|solone|onide|terol|phylline|thiazide"
    r"|amide|semide|oxetine|pram|traline|azine|peridol|idone|codone|morphone|fentanil|profen|coxib|dronate|tropium|kinra"
    r"|emia|itis|osis|oma|pathy|ectomy|otomy|ostomy|scopy|gram|graphy|plasty|uria|algia|plegia|penia|genic)\Z"
)


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
        and word.plain not in CREDENTIALS and (not _is_word(word.plain) or _is_name(word.plain)) and word.plain not in _MONTHS
    }  # fmt: skip
    return {
        i for i, word in enumerate(words)
        if word.text[0].isupper() and word.plain.removesuffix("'s").removesuffix("’s") in known and not _eponym(text, words, i)
    }  # fmt: skip


_MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "will",
        "mark",
        "can",
    ]
)


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
