"""Truths that are no number: what is read of them, what is refused, and that no bytes can do harm."""

import json
import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.contents.arrays import packed, shape_of, unpacked
from wardround.errors import InputFault
from wardround.sources.truths import read_truth, target_values
from wardround.use_cases.base import Source, Target, UseCase

SOUND = {
    "segmentation": packed(np.eye(4, dtype=np.uint8)),
    "tagging": '[[0,4,"drug"]]',
    "summary": "No change.",
    "multilabel": "cough",
}


def posed(problem: str, **target: object) -> UseCase:
    if problem in ("multilabel", "multiclass"):
        target = {"allowed": ("fever", "cough"), **target}
    return UseCase(
        name="posed", question="?", problem=problem, source=Source(kind="csv", location="x.csv"), record_id="id",  # type: ignore[arg-type]
        target=Target(**{"column": "y", **target}), features=(), candidates=(), gates=(),
    )  # fmt: skip


def of(problem: str, *cells: object, **target: object):
    """Read *cells* among five sound ones."""
    sound = SOUND.get(problem, "fever")
    return read_truth(posed(problem, **target), pd.Series([*[sound] * 5, *cells], dtype=object))


def faults(problem: str, cell: object, **target: object) -> list[str]:
    number, truth = of(problem, cell, **target)
    found = truth or number
    for fault in found.rows:
        assert fault.rows.tolist() == [5]
        assert fault.texts
        assert truth is None or truth.values[5] is None
        assert np.isnan(number.values[5])
    return [fault.reason for fault in found.rows]


@pytest.mark.parametrize(
    ("what", "cell"),
    {
        "text": "0 0 1 1",
        "no array": b"mask",
        "three axes": packed(np.zeros((2, 2, 2), dtype=np.uint8)),
        "nothing": packed(np.zeros((0, 4), dtype=np.uint8)),
        "parts of instances": packed(np.full((2, 2), 0.5)),
        "gaps": packed(np.full((2, 2), np.nan)),
        "numbers below 0": packed(np.full((2, 2), -1)),
        "more instances than are told apart": packed(np.full((2, 2), 65536)),
        "complex numbers": packed(np.zeros((2, 2), dtype=complex)),
    }.items(),
)
def test_what_is_no_mask_is_a_fault_of_its_row(what, cell):
    assert faults("segmentation", cell) == ["truth: no picture of instance numbers (npy, height by width)"], what


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, ">u2"])
def test_a_mask_of_any_type_is_the_same_mask(kind):
    mask = np.eye(3, 5)
    number, truth = of("segmentation", packed(mask.astype(kind)))
    assert unpacked(truth.values[5]).dtype == np.uint16
    assert np.array_equal(unpacked(truth.values[5]), mask)
    assert shape_of(truth.values[5]) == (3, 5)
    assert number.values[5] == 0.2


@pytest.mark.parametrize(
    "cell",
    [
        "cough", "{}", "[[0, 4]]", '[[4, 4, "drug"]]', '[[-1, 4, "drug"]]', '[[0.5, 4, "drug"]]', '[[0, 4, ""]]',
        '[[false, true, "drug"]]', '[[0, 4, ["drug"]]]', '[[0, 4, 7], [0, 4, "drug"]]', "[" * 100_000, 7.0, b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_list_of_places_is_a_fault_of_its_row(cell):
    assert faults("tagging", cell) == ["truth: no list of [start, end, type]"]


def test_spans_are_kept_in_order_each_once():
    _, truth = of("tagging", '[[9, 12, "药"], [0,4,"drug"], [9,12,"药"]]')
    assert truth.values[5] == '[[0,4,"drug"],[9,12,"药"]]'


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50), st.sampled_from("abc"))))
def test_reading_spans_again_changes_nothing(found):
    once = of("tagging", json.dumps([(start, start + length, kind) for start, length, kind in found]))[1].values[5]
    assert of("tagging", once)[1].values[5] == once


@pytest.mark.parametrize(
    ("problem", "cell", "target", "begins"),
    [
        ("tagging", '[[0, 4, "place"]]', {"allowed": ("drug",)}, "truth: new outcome class"),
        ("multilabel", "cough|pain", {}, "truth: new outcome class"),
        ("multiclass", "pain", {}, "target: new outcome class"),
        ("multilabel", 3.0, {}, "truth: no labels"),
        ("summary", b"bytes", {}, "truth: no text"),
        ("summary", "word " * 200_001, {}, "truth: longer than 1,000,000 characters"),
        ("tagging", '[[0, 1, "\\ud800"]]', {}, "truth: no list of [start, end, type]"),
    ],
)
def test_a_class_that_nobody_named_and_another_kind_of_cell_are_faults(problem, cell, target, begins):
    assert faults(problem, cell, **target) == [begins]


@pytest.mark.parametrize("problem", [*SOUND, "multiclass"])
@pytest.mark.parametrize("cell", [None, np.nan, pd.NA, "NA", "unknown"])
def test_what_means_missing_is_missing_and_no_fault(problem, cell):
    number, truth = of(problem, cell, missing_codes=("unknown",))
    assert np.isnan(number.values[5])
    assert truth is None or truth.values[5] is None
    assert not (truth or number).rows


def test_no_label_is_said_by_an_empty_text_or_a_word_for_it():
    number, truth = of("multilabel", "", "healthy", "cough|fever", negative=("healthy",))
    assert list(truth.values[5:]) == ["", "", "fever|cough"]
    assert list(number.values[5:]) == [0.0, 0.0, 2.0]


def test_a_column_that_is_mostly_unreadable_refuses_the_table():
    _, truth = read_truth(posed("segmentation"), pd.Series([b"x", b"y", SOUND["segmentation"]], dtype=object))
    assert [fault.fault for fault in truth.faults] == [
        "truth: 2 of 3 cells: no picture of instance numbers (npy, height by width)"
    ]


def test_words_of_a_summary_are_counted_in_both_languages():
    number, truth = of("summary", "  Small effusion,\r\nno pneumothorax. ", "双肺 清晰")
    assert list(truth.values[5:]) == ["Small effusion,\nno pneumothorax.", "双肺 清晰"]
    assert list(number.values[5:]) == [4.0, 4.0]


def test_the_values_a_target_can_take_follow_from_the_problem():
    assert target_values(posed("classification")) == (0.0, 1.0)
    assert target_values(posed("multiclass")) == (0.0, 1.0)
    assert target_values(posed("multilabel")) == (0.0, 1.0, 2.0)
    assert target_values(posed("anomaly", column="")) is None
    assert target_values(posed("segmentation")) is None


def bent(body: bytes) -> list[bytes]:
    dice, found = random.Random(20261121), []
    for _ in range(1500):
        other = bytearray(body)
        for _ in range(dice.randint(1, 3)):
            other[dice.randrange(len(other))] = dice.randrange(256)
        found += [bytes(other), body[: dice.randrange(len(body))]]
    return found


def claims(shape: str) -> bytes:
    header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"12345678"


def test_bytes_that_pretend_to_be_an_array_are_refused_whatever_they_say():
    refused = 0
    for body in (*bent(SOUND["segmentation"]), b"PK\x03\x04", b"\x80\x04N."):
        try:
            assert isinstance(unpacked(body), np.ndarray)
        except InputFault:
            refused += 1
    assert refused > 2000


@pytest.mark.parametrize("shape", ["(99999999999,)", "(9999999, 9999999)", f"({10**30},)", "(-4,)", "(True,)", "(3,)"])
def test_an_array_that_claims_another_size_takes_no_memory(shape):
    with pytest.raises(InputFault, match="no npy array of numbers"):
        unpacked(claims(shape))
    assert unpacked(claims("(4,)")).shape == (4,)
