"""De-identification: nothing structured is missed, almost nothing else, and spans find their way into the new text."""

import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.privacy.notes import CATEGORIES, deidentified
from wardround.privacy.notes.engine import found
from wardround.privacy.notes.rules import STRUCTURED, Finding, Rule
from wardround.privacy.notes.structured import RULES

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "notes"
HALVES = ("developed", "held out", "held out later")
KEY = b"a key of the tests, 32 bytes long"


@cache
def corpus(language: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def taken(language: str, number: int) -> tuple[Finding, ...]:
    """Return what all the rules find in a note of the corpus."""
    return found(corpus(language)[number]["text"], language=language)


def findings_of(note: dict[str, Any], language: str, rules: Sequence[Rule]) -> Sequence[Finding]:
    if rules is RULES:
        return taken(language, corpus(language).index(note))
    return found(note["text"], language=language, rules=rules)


def recall(
    notes: list[dict[str, Any]], language: str, rules: Sequence[Rule] = RULES
) -> tuple[Counter[str], Counter[str]]:
    """Return, per category, how many identifiers are gone to the last letter and digit, and how many there are."""
    gone: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for note in notes:
        findings = findings_of(note, language, rules)
        inside = {place for finding in findings for place in range(finding.start, finding.end)}
        for start, end, category in note["spans"]:
            there[category] += 1
            gone[category] += all(place in inside or not note["text"][place].isalnum() for place in range(start, end))
    return gone, there


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_corpus_is_large_and_holds_every_category(language: str) -> None:
    notes = corpus(language)
    assert len(notes) >= 200
    assert {span[2] for note in notes for span in note["spans"]} == set(CATEGORIES)
    assert len({note["text"] for note in notes}) == len(notes)
    assert all(note["text"][start:end].strip() for note in notes for start, end, _ in note["spans"])


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_recall_is_at_least_99_percent_and_no_structured_identifier_is_missed(language: str, half: str) -> None:
    gone, there = recall([note for note in corpus(language) if note["half"] == half], language)
    assert gone.total() / there.total() >= 0.99
    assert {
        category: there[category] - gone[category] for category in STRUCTURED if there[category] > gone[category]
    } == {}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_almost_everything_that_is_taken_out_is_an_identifier(language: str) -> None:
    found_all = right = 0
    for note in corpus(language):
        for finding in findings_of(note, language, RULES):
            found_all += 1
            right += any(start < finding.end and finding.start < end for start, end, _ in note["spans"])
    assert right / found_all >= 0.98


def named(category: str, rules: Sequence[Rule]) -> float:
    """Return the share of the identifiers of *category* that are found, and found to be of that category."""
    right = total = 0
    for language in ("en", "zh"):
        for note in corpus(language):
            spans = [span for span in note["spans"] if span[2] == category]
            findings = findings_of(note, language, rules) if spans else ()
            total += len(spans)
            right += sum(
                any(each.category == category and each.start < end and start < each.end for each in findings)
                for start, end, _ in spans
            )
    return right / total


@pytest.mark.parametrize("category", sorted(STRUCTURED))
def test_a_structured_identifier_is_named_rightly_and_not_at_all_without_the_patterns_of_its_category(
    category: str,
) -> None:
    fewer = tuple(rule for rule in RULES if rule.category != category)
    assert named(category, RULES) >= 0.9
    assert named(category, fewer) == 0


@pytest.mark.parametrize("category", ["email", "identity", "record", "ip", "url", "vehicle", "device"])
def test_the_recall_test_fails_where_the_patterns_of_a_category_are_gone(category: str) -> None:
    fewer = tuple(rule for rule in RULES if rule.category != category)
    with_it = [note for note in corpus("en") if any(span[2] == category for span in note["spans"])]
    gone, there = recall(with_it, "en", fewer)
    assert gone[category] < there[category]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_second_pass_changes_nothing(language: str) -> None:
    texts = [note["text"] for note in corpus(language)][::4]
    patients = ["one"] * len(texts)
    once = deidentified(texts, language=language, key=KEY, patients=patients)  # type: ignore[arg-type]
    twice = deidentified(once.texts, language=language, key=KEY, patients=patients)  # type: ignore[arg-type]
    assert twice.texts == once.texts


def test_the_same_name_has_one_placeholder_within_a_patient_and_another_in_every_other() -> None:
    text = "Dr. Kowalczyk saw him. Mr. Okonkwo thanked Dr. Kowalczyk."
    notes = deidentified([text, text], language="en", key=KEY, patients=["one", "two"])
    one, two = ([*re.findall(r"\[NAME [0-9a-f]{6}\]", str(text))] for text in notes.texts)
    assert one[0] == one[2] != one[1]
    assert not set(one) & set(two)
    again = deidentified([text], language="en", key=KEY, patients=["one"])
    assert again.texts[0] == notes.texts[0]
    assert deidentified([text], language="en", key=b"x" * 32, patients=["one"]).texts[0] != notes.texts[0]


def test_only_counts_are_told_and_they_are_right() -> None:
    notes = deidentified(
        ["SSN 123-45-6789, seen 03/14/2019.", None, "No identifiers."], language="en", key=KEY, patients=["a", "b", "c"]
    )
    assert notes.counts == {"identity": 1, "date": 1}
    assert notes.texts[1:] == (None, "No identifiers.")


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Seen on 03/14/2019.", "en", "Seen on [DATE 2019]."),
        ("DOB: 03/14/1931", "en", "DOB: [DATE]"),
        ("A 93-year-old man, 89 years old then.", "en", "A 90+-year-old man, 89 years old then."),
        ("2019年3月14日入院", "zh", "[DATE 2019]入院"),
        ("出生日期：1931年3月14日", "zh", "出生日期：[DATE]"),
        ("患者93岁，其女68岁。", "zh", "患者90+岁，其女68岁。"),
        ("BP 120/80, motor 5/5, 1/2 tab, Crohn's disease.", "en", "BP 120/80, motor 5/5, 1/2 tab, Crohn's disease."),
        ("3月后复查，高热3天，金属异物，马上手术。", "zh", "3月后复查，高热3天，金属异物，马上手术。"),
    ],
)  # fmt: skip
def test_the_year_may_stay_and_so_does_what_only_looks_like_an_identifier(
    text: str, language: str, expected: str
) -> None:
    assert deidentified([text], language=language, key=KEY, patients=["a"]).texts == (expected,)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_spans_of_the_old_text_are_found_in_the_new_one(language: str) -> None:
    texts = [note["text"] for note in corpus(language)][::3]
    notes = deidentified(texts, language=language, key=KEY, patients=["a"] * len(texts))  # type: ignore[arg-type]
    for row, text in enumerate(texts):
        new = notes.texts[row]
        assert new is not None
        findings = found(text, language=language)
        inside = {place for finding in findings for place in range(finding.start, finding.end)}
        for word in re.finditer(r"[^\W\d_]{3,}", text):
            start, end = notes.moved(row, *word.span())
            if not inside & set(range(*word.span())):
                assert new[start:end] == word.group()
        for finding in findings:
            start, end = notes.moved(row, finding.start, finding.end)
            assert new[start:end] == "90+" or re.fullmatch(r"\[[A-Z]+(?: [0-9a-f]{4,6})?\]", new[start:end])
            inner = notes.moved(row, finding.start + (finding.end - finding.start) // 2, finding.end)
            assert inner == (start, end)
        assert notes.moved(row, 0, len(text)) == (0, len(new))


@given(st.text(alphabet="A1 .-/:@年月号王[]NAME(\n", max_size=60), st.data())
@settings(max_examples=60)
def test_offsets_stay_in_order_and_inside_whatever_the_text(text: str, data: st.DataObject) -> None:
    notes = deidentified([text], language=None, key=KEY, patients=["a"])
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    low, high = notes.moved(0, start, end)
    assert 0 <= low <= high <= len(str(notes.texts[0]))


def test_placeholders_hide_no_name_that_stands_in_brackets() -> None:
    text = "[SMITH] and [NAME 12ab] and [PLACE] Dr. Smith"
    new = str(deidentified([text], language="en", key=KEY, patients=["a"]).texts[0])
    assert "SMITH" not in new.upper()


HOSTILE = ["1", "a", "a@", "a.", "1 ", "12-", "MRN ", "身份证", "王", "Mr. ", "某医院", "[NAME "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_length_and_not_faster_on_hostile_text(piece: str) -> None:
    """A text four times as long may not take much more than four times the work (CPU time, of this process alone)."""
    seconds(piece, 1_000)
    short = min(seconds(piece, 2_000) for _ in range(3))
    assert min(seconds(piece, 8_000) for _ in range(2)) < 12 * short + 0.2  # quadratic time would be 16 times


def seconds(piece: str, length: int) -> float:
    text = (piece * length)[:length]
    start = time.process_time()
    found(text, language=None)
    return time.process_time() - start


@pytest.mark.parametrize("piece", ["Smith John ", "Smith, John "])
def test_a_list_of_names_takes_no_more_than_its_length(piece: str) -> None:
    short = min(seconds(piece, 4_000) for _ in range(3))
    assert seconds(piece, 16_000) < 8 * short + 0.2  # each name looks at its neighbours, not at all of the list
