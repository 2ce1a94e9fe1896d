"""Names, places, dates and ages in English notes."""

import re
from collections.abc import Iterator
from itertools import chain

from wardround.privacy.notes import dates
from wardround.privacy.notes.english_names import names
from wardround.privacy.notes.english_words import (
    GENERIC,
    INSTITUTIONS,
    NEVER,
    PLACE_VERBS,
    STATE_CODES,
    STATES,
    STREETS,
    WARDS,
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
    rule("place", rf"(?<![\w.])\d{{1,6}}[ ](?:[NSEW]\.?[ ])?(?:Broadway|Main|County[ ]Road|State[ ]Road|State[ ]Route|Route|Rural[ ]Route|Highway|Hwy)\b(?:[ ]\d{{1,4}})?{_UNIT}?"),
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


def english(text: str) -> Iterator[Finding]:
    """Yield names, places, dates and ages of an English note; findings may overlap."""
    for each in chain(dates.SHARED, dates.ENGLISH):
        yield from each.found(text)
    for each in PLACES:
        for finding in each.found(text):
            if not _only_generic(text[finding.start : finding.end]):
                yield finding
    yield from _institutions(text)
    yield from names(text)


def _only_generic(phrase: str) -> bool:
    words = re.findall(r"[a-z'’]+", phrase.lower())
    return all(word in GENERIC or word in STATES or word in NEVER or word in WARDS for word in words) and not re.search(
        r"\d", phrase
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
