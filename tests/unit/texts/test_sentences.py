"""Sentences: where they begin and end in English and Chinese notes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.contents.text_sentences import sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The heart is big. No effusion! Old? Yes", ["The heart is big.", "No effusion!", "Old?", "Yes"]),
        ("Seen by Dr. Smith, J. A. Jones and St. Mary.", ["Seen by Dr. Smith, J. A. Jones and St. Mary."]),
        ("A nodule of 3.5 cm vs. 3 cm before.", ["A nodule of 3.5 cm vs. 3 cm before."]),
        ("1. No change. 2. Old fracture.", ["1. No change.", "2. Old fracture."]),
        ("FINDINGS:\nThe lungs\nare clear.\n\nPLAN: rest", ["FINDINGS:", "The lungs\nare clear.", "PLAN: rest"]),
        ("Plan:\n- rest\n- fluids", ["Plan:", "- rest", "- fluids"]),
        ("咳嗽3天。无发热！否认高血压史；体温36.5℃。", ["咳嗽3天。", "无发热！", "否认高血压史；体温36.5℃。"]),
        ("1、肺炎\n2、高血压", ["1、肺炎", "2、高血压"]),
        ("“没有疼痛。”患者说。", ["“没有疼痛。”", "患者说。"]),
        ("", []),
        (" \n\n ", []),
    ],
)  # fmt: skip
def test_a_text_falls_into_its_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@given(st.text(alphabet="aA1 .。！\n:：-、中(\t", max_size=80))
def test_every_character_that_is_no_blank_lies_in_exactly_one_sentence(text: str) -> None:
    found = sentences(text)
    assert all(start < end for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    inside = {place for start, end in found for place in range(start, end)}
    assert inside >= {place for place, letter in enumerate(text) if not letter.isspace()}
    assert all(text[start:end] == text[start:end].strip() for start, end in found)
