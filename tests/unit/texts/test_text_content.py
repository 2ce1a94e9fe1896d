"""Texts as content: which cells are read, which rows are refused and why, and what is measured of them."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wardround.contents import features, kind
from wardround.contents.text import KIND
from wardround.contents.text_letters import broken_characters
from wardround.use_cases.base import MEASURES, Content

ENGLISH = Content(name="note", kind="text", language="en")
CHINESE = Content(name="note", kind="text", language="zh")
REPORT = "FINDINGS: The heart is large. No effusion is seen.\nIMPRESSION: Cardiomegaly."
NOTE = "主诉：反复咳嗽3天。\n现病史：患者无发热，咳白色粘液痰，失血性贫血，中低度分化腺癌。查体：双肺呼吸音清。"


def reasons(content: Content, *cells: object) -> list[str]:
    """Return the fault of each cell, empty where it is read."""
    read = KIND.read(content, pd.Series(list(cells), dtype=object))
    found = [""] * len(cells)
    for fault in read.rows:
        for row in fault.rows:
            assert not found[row]
            assert read.values[row] is None
            found[row] = fault.reason
    return found


def measures(text: str) -> dict[str, float]:
    return {name: float(values[0]) for name, values in KIND.measured(ENGLISH, pd.Series([text], dtype=object)).items()}


def test_line_ends_are_the_only_thing_that_changes() -> None:
    read = KIND.read(ENGLISH, pd.Series([" a\r\nb\rc\n ", b"caf\xc3\xa9"], dtype=object))
    assert list(read.values) == [" a\nb\nc\n ", "café"]
    assert read.rows == ()


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "note: missing"),
        (float("nan"), "note: missing"),
        ("", "note: empty text"),
        (" \n\t", "note: empty text"),
        ("x" * 1_000_001, "note: longer than 1,000,000 characters"),
        (b"x" * 10_000_000, "note: longer than 1,000,000 characters"),
        ("heart\x00 is large", "note: control characters"),
        ("heart \ufffd large", "note: broken encoding"),
        (b"caf\xe9", "note: broken encoding"),
        (12.5, "note: no text"),
        (NOTE, "note: another language than declared"),
        ("Сердце увеличено, лёгкие без изменений", "note: another language than declared"),
        (REPORT + NOTE, "note: mixed languages"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(cell: object, reason: str) -> None:
    assert reasons(ENGLISH, cell, REPORT) == [reason, ""]


def test_a_chinese_note_may_hold_latin_letters_and_an_english_text_is_no_chinese_note() -> None:
    mixed = "患者CT示肺炎。" + "Left lower lobe pneumonia, follow up in two weeks. "
    assert reasons(CHINESE, NOTE, "CT、MRI及PET-CT未见异常，CEA 5.6ng/ml", REPORT, mixed) == [
        "", "", "note: another language than declared", "note: mixed languages",
    ]  # fmt: skip


def test_a_limit_of_its_own_is_an_option_of_the_content() -> None:
    short = Content(name="note", kind="text", options={"longest": 10})
    assert reasons(short, "x" * 10, "x" * 11) == ["", "note: longer than 10 characters"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text.encode().decode("latin-1"),
        lambda text: text.encode().decode("cp1252", "replace"),
        lambda text: text.encode("gb18030").decode("latin-1"),
        lambda text: text.encode("gb18030").decode("utf-8", "replace"),
        lambda text: text.encode().decode("gb18030", "replace"),
        lambda text: text.encode().decode("gb18030", "ignore"),
        lambda text: text.encode("ascii", "replace").decode(),
    ],
)
def test_an_encoding_that_went_wrong_is_seen_in_every_form_it_takes(broken: Callable[[str], str]) -> None:
    assert broken_characters(NOTE) == 0
    assert reasons(CHINESE, broken(NOTE)) == ["note: broken encoding"]
    assert measures(broken(NOTE))["broken"] > 0.05


@pytest.mark.parametrize(
    "text",
    ["naïve café, Ménière, Sjögren, 37 °C ± 0.5, µg – “quoted” €5", "中低度分化，失血性贫血", "what?? really???"],
)
def test_letters_that_are_rare_are_not_broken(text: str) -> None:
    assert broken_characters(text) == 0


def test_no_reason_holds_a_word_of_the_text() -> None:
    read = KIND.read(ENGLISH, pd.Series(["Zebediah\x00", "Zebediah\ufffd", "", "x" * 2_000_000], dtype=object))
    assert len(read.rows) == 4
    assert all("Zebediah" not in fault.reason for fault in read.rows)


def test_every_measure_is_what_its_description_says() -> None:
    found = measures(REPORT)
    assert tuple(found) == MEASURES["text"]
    assert found["characters"] == len(REPORT)
    assert found["sentences"] == 3
    assert found["words_per_sentence"] == 11 / 3
    assert found["chinese"] == 0
    assert found["vocabulary"] == 10 / 11  # "is" twice
    assert found["unknown"] == 0
    assert found["negated"] == 1 / 3
    assert found["sections"] == 2
    assert found["digits"] == found["broken"] == 0
    chinese = measures(NOTE)
    assert chinese["chinese"] == 1
    assert chinese["sections"] == 3
    assert chinese["digits"] == 1 / (len(NOTE) - 1)
    assert measures("xqzt blorf heart")["unknown"] == 2 / 3
    assert measures("鎮鼗心")["unknown"] > 0


def test_the_vocabulary_does_not_fall_with_length() -> None:
    words = [f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60)]
    text = " ".join(words)
    assert measures(text)["vocabulary"] == 1
    assert measures(f"{text} {text} {text}")["vocabulary"] == 1
    naive = [len(set(words[i : i + 50])) / 50 for i in range(11)]
    assert math.isclose(measures(text)["vocabulary"], float(np.mean(naive)))
    repeated = " ".join(["the", "heart"] * 40)
    assert math.isclose(measures(repeated)["vocabulary"], 2 / 50)


def test_a_row_is_measured_to_the_same_bits_alone_in_a_batch_and_in_any_order() -> None:
    texts = pd.Series([REPORT, None, NOTE, "No fever. " * 30], dtype=object)
    together = KIND.measured(ENGLISH, texts)
    backwards = KIND.measured(ENGLISH, texts[::-1].reset_index(drop=True))
    for name, values in together.items():
        assert np.isnan(values[1])
        np.testing.assert_array_equal(values, backwards[name][::-1])
        for row in (0, 2, 3):
            assert KIND.measured(ENGLISH, texts[row : row + 1].reset_index(drop=True))[name][0] == values[row]


def test_the_embedding_is_the_same_for_ever() -> None:
    assert [round(measures("The heart is large.")[f"embedding_{i}"], 6) for i in (1, 2, 8)] == EMBEDDING


EMBEDDING = [0.668153, -0.133631, -0.400892]


def test_features_are_declared_for_each_measure_with_a_range() -> None:
    declared = features(ENGLISH, plausible={"characters": (10, 500)}, max_missing=0.2, missing_reason="not dictated")
    assert [feature.name for feature in declared] == [f"note_{measure}" for measure in MEASURES["text"]]
    assert all(feature.of == "note" and feature.plausible and feature.description for feature in declared)
    assert declared[0].plausible == (10, 500)
    assert [feature.measure for feature in features(ENGLISH, measures=("negated",))] == ["negated"]
    assert kind("text") is KIND


def test_real_reports_and_records_are_all_read(shared_data: Path) -> None:
    from types import SimpleNamespace

    from wardround.sources.reports import read_reports
    from wardround.sources.tagged import read_tagged
    from wardround.use_cases.base import Source

    settings: object = SimpleNamespace(data=shared_data)
    case: object = SimpleNamespace(contents=(Content(name="note", kind="text", column="findings", language="en"),))
    reports = read_reports(case, Source(kind="reports", location="radiology_reports/NLMCXR_reports.tgz"), settings)  # type: ignore[arg-type]
    assert reports.shape == (3955, 7)
    assert reports["findings"].notna().sum() == 3425
    assert reports["record id"].is_unique
    assert not reports["topics"].str.contains("/").any()
    assert reports.attrs["row_faults"] == {}
    [unwritten] = KIND.read(ENGLISH, reports["findings"]).rows  # one report in seven has an impression only
    assert (unwritten.reason, len(unwritten.rows)) == ("note: missing", 3955 - 3425)
    some = KIND.measured(ENGLISH, reports["findings"].dropna()[:200])
    assert 0.02 < float(np.median(some["unknown"])) < 0.15
    assert 0.5 < float(np.median(some["vocabulary"])) < 1

    case = SimpleNamespace(contents=(Content(name="note", kind="text", column="text", language="zh"),))
    tagged = read_tagged(
        case, Source(kind="tagged", location="cehrner", options={"files": "dev.txt,test.txt"}), settings
    )  # type: ignore[arg-type]
    assert len(tagged) == 85
    assert tagged["record id"].is_unique
    assert KIND.read(CHINESE, tagged["text"]).rows == ()
    for text, spans in zip(tagged["text"], tagged["spans"], strict=True):
        ends = [end for _, end, _ in json.loads(spans)]
        assert ends == sorted(ends)
        assert not ends or ends[-1] <= len(text)
