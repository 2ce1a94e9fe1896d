"""A text with a record per line becomes a series per row, and a line that cannot be read is that row's fault."""

from dataclasses import replace

import numpy as np
import pytest

from wardround.contents.arrays import unpacked
from wardround.contents.series import KIND
from wardround.errors import InputFault
from wardround.sources import read
from wardround.use_cases import load

CASE = load("ecg_beats")


def reads(tmp_path, here, text, **options):
    (tmp_path / "beats.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    source = replace(CASE.source, location="beats.txt", options={**CASE.source.options, **options})
    return read(CASE, source, here)


def test_the_beats_of_ecg5000_are_read_with_their_kinds(shared_data, here):
    frame = read(CASE, CASE.source, here.model_copy(update={"data": shared_data}))
    series = np.array([unpacked(cell) for cell in frame["beat"]])
    assert series.shape == (500, 140, 2)
    assert frame["kind"].value_counts().to_dict() == {
        "normal": 292, "r on t": 177, "supraventricular": 19, "ventricular": 10, "unclassified": 2,
    }  # fmt: skip
    assert frame["beat_id"].is_unique
    assert KIND.read(CASE.contents[0], frame["beat"]).rows == ()


def test_marks_between_samples_may_be_blanks_commas_or_tabs_and_none_is_a_missing_sample(tmp_path, here):
    frame = reads(tmp_path, here, "1 0.5 1.5\n2,0.5,,1.5\n3\t?\tnan\t2\n\n")
    assert frame["kind"].tolist() == ["normal", "r on t", "ventricular"]
    values = [unpacked(cell)[:, 1].tolist() for cell in frame["beat"]]
    np.testing.assert_equal(values, [[0.5, 1.5], [0.5, np.nan, 1.5], [np.nan, np.nan, 2.0]])


def test_a_sample_that_is_no_number_and_a_line_without_samples_are_faults_of_their_rows(tmp_path, here):
    frame = reads(tmp_path, here, "1 0.5 1.5\n1 0.5 o.5\n1\n")
    assert frame.attrs["row_faults"] == {"beat: a sample is no number": [1]}
    reasons = {fault.reason: fault.rows.tolist() for fault in KIND.read(CASE.contents[0], frame["beat"]).rows}
    assert reasons == {"beat: missing": [1], "beat: of zero length": [2]}


def test_the_same_line_is_the_same_record_in_any_file_and_a_repeated_one_is_told_apart(tmp_path, here):
    one = reads(tmp_path, here, "1 0.5 1.5\n2 7 8\n")
    other = reads(tmp_path, here, "2 7 8\n2 7 8\n")
    assert other["beat_id"][0] == one["beat_id"][1]
    assert other["beat_id"].is_unique


def test_the_label_may_stand_last_or_be_none(tmp_path, here):
    assert reads(tmp_path, here, "0.5 1.5 4\n", label="last")["kind"].tolist() == ["supraventricular"]
    assert "kind" not in reads(tmp_path, here, "0.5 1.5\n", label="none")


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("", {}, "there is no line in it"),
        (b"\x1f\x8b\x08broken", {}, "damaged"),
        (b"\x00\x01\x02", {}, "binary"),
        (b"\xff1 2 3", {}, "not utf-8"),
        ("1 2 3", {"rate": 0}, "how many samples make a second"),
        ("1 2 3", {"rate": "360"}, "how many samples make a second"),
    ],
)
def test_what_is_no_such_text_is_refused_as_a_whole(tmp_path, here, text, options, why):
    with pytest.raises(InputFault, match=why):
        reads(tmp_path, here, text, **options)


def test_a_use_case_without_a_series_is_told_so(tmp_path, here):
    (tmp_path / "beats.txt").write_text("1 2 3")
    with pytest.raises(InputFault, match="one series of 1 channel"):
        read(replace(CASE, contents=()), replace(CASE.source, location="beats.txt"), here)
