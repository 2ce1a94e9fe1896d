"""Find the identifiers of a note, put something else in their place, and remember what moved where."""

import hmac
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wardround.privacy.notes.chinese import chinese
from wardround.privacy.notes.english import english
from wardround.privacy.notes.rules import BIRTH, CATEGORIES, Finding, Rule
from wardround.privacy.notes.structured import RULES

_PLACEHOLDER = re.compile(
    rf"\[(?:{'|'.join(name.upper() for name in CATEGORIES)})(?: (?:[0-9a-f]{{6}}|\d{{4}}))?\]|90\+"
)
_FINDERS: Mapping[str, Callable[[str], Iterable[Finding]]] = {"en": english, "zh": chinese}

_GUESSED = {"phone": 1, "other": 2}  # categories that a number without a label may get: one with a label knows better

_Edit = tuple[int, int, int, int]  # start and end before, start and end after


@dataclass(frozen=True, kw_only=True)
class Notes:
    """De-identified notes: the *texts* (None where there was none), what was taken out, and where the rest went.

    *counts* says how often each category was found over all texts; nothing else here may be shown to anybody.
    """

    texts: tuple[str | None, ...]
    counts: Mapping[str, int]
    edits: tuple[tuple[_Edit, ...], ...]

    def moved(self, row: int, start: int, end: int) -> tuple[int, int]:
        """Return where [start, end) of the old text *row* lies in the new one; it grows over what was replaced."""
        return _moved(self.edits[row], start, low=True), _moved(self.edits[row], end, low=False)


def deidentified(
    texts: Iterable[str | None],
    *,
    language: Literal["en", "zh"] | None,
    key: bytes,
    patients: Sequence[str],
    rules: Sequence[Rule] = RULES,
) -> Notes:
    """Take the identifiers out of *texts*, (n,), of the *patients* they are about, (n,), with the secret *key*.

    An identifier becomes a typed placeholder, ``[NAME 3fa29c]``: the same text of a category gives the same one within
    a patient and another one in every other patient (HMAC-SHA256), so that a story stays readable and no two patients
    can be linked. Placeholders, and no made-up names, because nobody can take them for facts. A date becomes
    ``[DATE 2019]`` (a birth date ``[DATE]``), an age over 89 ``90+``. Without *language* both are looked for. *rules*
    are the patterns of structured identifiers; to leave one out is for tests.

    A second pass changes nothing. No pattern finds everything: see ``docs/how-to/notes.md`` for what was measured.
    """
    counts: Counter[str] = Counter()
    new: list[str | None] = []
    edits: list[tuple[_Edit, ...]] = []
    for text, patient in zip(texts, patients, strict=True):
        if text is None:
            new.append(None)
            edits.append(())
            continue
        findings = found(text, language=language, rules=rules)
        counts.update(finding.category for finding in findings)
        own = hmac.digest(key, f"wardround note\0{patient}".encode(), "sha256")
        changed, moves = _replaced(text, findings, own)
        new.append(changed)
        edits.append(moves)
    return Notes(texts=tuple(new), counts=dict(counts), edits=tuple(edits))


def found(text: str, *, language: str | None, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Return the identifiers of *text* in order, none overlapping another nor a placeholder."""
    raw = [finding for each in rules for finding in each.found(text)]
    for name, finder in _FINDERS.items():
        if language in (None, name):
            raw += finder(text)
    joined: list[Finding] = []
    widest = 0
    for finding in sorted(raw, key=lambda one: (one.start, -one.end)):
        width = finding.end - finding.start
        if not width:
            continue
        if not joined or finding.start >= joined[-1].end:
            joined.append(finding)
            widest = width
            continue
        last = joined[-1]
        rank, last_rank = _GUESSED.get(finding.category, 0), _GUESSED.get(last.category, 0)
        better = rank < last_rank or (rank == last_rank and width > widest)
        category, year = (finding.category, finding.year) if better else (last.category, last.year)
        if BIRTH in (
            finding.year,
            last.year,
        ):  # of a birth date not even the year may stay, whatever else it looks like
            year = BIRTH
        joined[-1] = Finding(last.start, max(last.end, finding.end), category, year)
        widest = max(widest, width)
    return tuple(_beside_placeholders(text, joined))


def _beside_placeholders(text: str, findings: list[Finding]) -> Iterable[Finding]:
    """Yield what of the findings lies outside the placeholders that are in *text* already."""
    taken = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[" in text or "90+" in text else []
    if not taken:
        yield from findings
        return
    number = 0
    for finding in findings:
        while number < len(taken) and taken[number][1] <= finding.start:
            number += 1
        start, at = finding.start, number
        while at < len(taken) and taken[at][0] < finding.end:
            if re.search(r"\w", text[start : taken[at][0]]):
                yield finding._replace(start=start, end=taken[at][0])
            start = max(start, taken[at][1])
            at += 1
        if start < finding.end and (start == finding.start or re.search(r"\w", text[start : finding.end])):
            yield finding._replace(start=start)


def _replaced(text: str, findings: Sequence[Finding], key: bytes) -> tuple[str, tuple[_Edit, ...]]:
    pieces: list[str] = []
    edits: list[_Edit] = []
    at = length = 0
    for finding in findings:
        kept = text[at : finding.start]
        instead = _placeholder(text[finding.start : finding.end], finding, key)
        pieces += [kept, instead]
        length += len(kept)
        edits.append((finding.start, finding.end, length, length + len(instead)))
        length += len(instead)
        at = finding.end
    return "".join([*pieces, text[at:]]), tuple(edits)


def _placeholder(text: str, finding: Finding, key: bytes) -> str:
    if finding.category == "age":
        return "90+"
    if finding.category == "date":
        return f"[DATE {finding.year}]" if finding.year.isdigit() else "[DATE]"
    same = re.sub(r"[\W_]+", " ", text).strip().casefold()
    tag = hmac.digest(key, f"{finding.category}\0{same}".encode(), "sha256").hex()[:6]
    return f"[{finding.category.upper()} {tag}]"


def _moved(edits: Sequence[_Edit], place: int, *, low: bool) -> int:
    """Return where an offset went; inside what was replaced it goes to the near (*low*) or the far end of it."""
    number = bisect_right(edits, place if low else place - 1, key=lambda edit: edit[0]) - 1
    if number < 0:
        return place
    start, end, new_start, new_end = edits[number]
    if (start <= place < end) if low else (start < place < end):
        return new_start if low else new_end
    return place + new_end - end
