"""Readers of reports and of tagged text: what they give, and what they say of what cannot be read."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from wardround.errors import InputFault
from wardround.sources.reports import read_reports
from wardround.sources.tagged import read_tagged
from wardround.use_cases.base import Content, Source

CASE: Any = SimpleNamespace(contents=(Content(name="report", kind="text", column="findings"),))
NOTES: Any = SimpleNamespace(contents=(Content(name="note", kind="text", column="text"),))
XML = """<?xml version="1.0" encoding="utf-8"?><eCitation>
<MeSH><major>Lung/hypoinflation</major><major>Lung/base</major>
<major>normal</major></MeSH><MedlineCitation><Article><ArticleTitle>A title</ArticleTitle><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="INDICATION">Cough</AbstractText>
<AbstractText Label="FINDINGS">{findings}</AbstractText><AbstractText Label="IMPRESSION">Normal.</AbstractText>
</Abstract></Article></MedlineCitation></eCitation>"""


def reports(place: Path, case: Any = CASE, **options: str) -> pd.DataFrame:
    settings: Any = SimpleNamespace(data=None)
    return read_reports(case, Source(kind="reports", location=str(place), options=options), settings)


def tagged(place: Path, **options: str) -> pd.DataFrame:
    settings: Any = SimpleNamespace(data=place.parent)
    return read_tagged(NOTES, Source(kind="tagged", location=str(place), options=options), settings)


def test_an_xml_report_becomes_a_row_with_its_sections_and_topics(tmp_path: Path) -> None:
    (tmp_path / "r2.xml").write_text(XML.format(findings="Clear &amp; <b>well</b>."), encoding="utf-8")
    (tmp_path / "r1.xml").write_text(XML.format(findings=""), encoding="utf-8")
    frame = reports(tmp_path)
    assert frame["record id"].tolist() == ["r1", "r2"]
    assert frame["findings"].tolist() == [None, "Clear & well."]
    assert frame["topics"].tolist() == ["Lung|normal"] * 2
    assert frame.loc[1, ["title", "comparison", "indication", "impression"]].tolist() == [
        "A title",
        "None.",
        "Cough",
        "Normal.",
    ]
    assert frame.attrs["row_faults"] == {}


def test_an_archive_is_read_like_the_folder_it_was_made_of(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b", "a"):
        (folder / f"{name}.txt").write_text(f"text of {name}\n", encoding="utf-8")
    with tarfile.open(tmp_path / "all.tgz", "w:gz") as archive:
        archive.add(folder, arcname="x")
        hidden = tarfile.TarInfo("x/._a.txt")
        hidden.size = 3
        archive.addfile(hidden, io.BytesIO(b"\0\1\2"))
    assert reports(tmp_path / "all.tgz", NOTES).equals(reports(folder, NOTES))


def test_a_file_that_cannot_be_read_is_a_row_with_a_fault_and_its_name_is_told_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_text(XML.format(findings="Clear."), encoding="utf-8")
    (tmp_path / "secret1.xml").write_bytes(XML.format(findings="caf\xe9").encode("latin-1"))
    (tmp_path / "secret2.xml").write_text(XML.format(findings="x")[:200], encoding="utf-8")
    (tmp_path / "secret3.xml").write_text('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', encoding="utf-8")
    frame = reports(tmp_path)
    assert len(frame) == 4
    assert frame.attrs["row_faults"] == {
        "report: broken encoding": [1], "report: damaged XML": [2], "report: XML that defines entities": [3],
    }  # fmt: skip
    assert "secret" not in str(frame.attrs)


def test_text_files_are_read_in_the_declared_encoding_and_in_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("咳嗽".encode("gb18030"))
    assert reports(tmp_path, NOTES, encoding="gb18030")["text"].tolist() == ["咳嗽"]
    frame = reports(tmp_path, NOTES)
    assert frame["text"].tolist() == [None]
    assert frame.attrs["row_faults"] == {"note: broken encoding": [0]}


def test_ten_megabytes_are_one_long_text_and_more_are_not_even_held(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 17_000_000)
    assert reports(tmp_path, NOTES).attrs["row_faults"] == {"note: longer than 1,000,000 characters": [0]}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({}, "no file that ends in"),
        ({"a.txt": b"x", "b.xml": b"<a/>"}, "both .txt and .xml"),
        ({"c.pdf": b"x"}, "no file"),
    ],
)
def test_a_folder_without_reports_of_one_kind_is_refused(tmp_path: Path, files: dict[str, bytes], fault: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputFault, match=fault):
        reports(tmp_path)


def test_a_damaged_archive_a_missing_place_and_an_unknown_encoding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "all.tgz").write_bytes(b"\x1f\x8b\x08not an archive")
    with pytest.raises(InputFault, match="damaged"):
        reports(tmp_path / "all.tgz")
    with pytest.raises(InputFault, match="no such folder"):
        reports(tmp_path / "nowhere")
    with pytest.raises(InputFault, match="there is no encoding"):
        reports(tmp_path, encoding="utf-99")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_could_grow_without_end_is_not_built_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "laugh"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    deep = "<AbstractText Label='FINDINGS'>" * 200 + "</AbstractText>" * 200
    (tmp_path / "a.xml").write_bytes(laughs.encode(encoding))
    (tmp_path / "b.xml").write_bytes(deep.encode(encoding))
    (tmp_path / "c.xml").write_text(XML.format(findings="Clear."), encoding="utf-8")
    assert reports(tmp_path).attrs["row_faults"] == {
        "report: XML that defines entities": [0], "report: XML of more than 100 elements in each other": [1],
    }  # fmt: skip


def test_no_report_is_lost_where_an_archive_is_damaged_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "some.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(6):
            body = XML.format(findings=f"Clear {number}.").encode()
            member = tarfile.TarInfo(f"r{number}.xml")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    whole = path.read_bytes()
    assert len(reports(path)) == 6
    header = whole.index(b"r3.xml")
    path.write_bytes(whole[:header] + b"\xff" + whole[header + 1 :])
    with pytest.raises(InputFault, match="cut short or damaged"):
        reports(path)
    path.write_bytes(whole[:header])
    with pytest.raises(InputFault, match="cut short or damaged"):
        reports(path)
    zipped = gzip.compress(whole, mtime=0)
    path.write_bytes(zipped[:-8] + bytes(4) + zipped[-4:])
    with pytest.raises(InputFault, match="cut short or damaged"):
        reports(path)
    for place in range(20, len(zipped) - 8, 23):
        path.write_bytes(zipped[:place] + bytes([zipped[place] ^ 255]) + zipped[place + 1 :])
        with pytest.raises(InputFault, match="cut short or damaged"):
            reports(path)


def test_more_reports_than_there_may_be_and_links_out_of_the_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, folder = tmp_path / "secret.txt", tmp_path / "in"
    folder.mkdir()
    outside.write_text("not yours")
    (folder / "a.txt").write_text("The heart is normal.")
    (folder / "b.txt").symlink_to(outside)
    with pytest.raises(InputFault, match="1 of its 2 files are links that lead out of it"):
        reports(folder, NOTES)
    (folder / "b.txt").unlink()
    assert len(reports(folder, NOTES)) == 1
    monkeypatch.setattr("wardround.sources.reports._MOST_IN_ALL", 10)
    with pytest.raises(InputFault, match="GiB of reports"):
        reports(folder, NOTES)


def test_tags_become_spans_of_the_text(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.write_text("咳 B-症状\r\n嗽 I-症状\r\n  O\r\n左 B_部位\n肺 B_部位\n炎 I_病\n\n\n无 O\n", encoding="utf-8")
    frame = tagged(place)
    assert frame["text"].tolist() == ["咳嗽 左肺炎", "无"]
    assert [json.loads(spans) for spans in frame["spans"]] == [
        [[0, 2, "症状"], [3, 4, "部位"], [4, 5, "部位"], [5, 6, "病"]], [],
    ]  # fmt: skip
    assert frame["record id"].tolist() == ["1-1", "1-2"]


def test_a_text_with_a_line_that_has_no_tag_is_kept_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("咳 O\n\n嗽\n左 O\n\n肺 X_病\n", encoding="utf-8")
    frame = tagged(tmp_path, files="a.txt")
    assert frame["text"].tolist() == ["咳", "嗽左", "肺"]
    assert frame["spans"].tolist() == ["[]", None, None]
    assert frame.attrs["row_faults"] == {"note: a line without a tag": [1, 2]}


@pytest.mark.parametrize(
    ("data", "options", "fault"),
    [
        ("咳 O\n".encode("gb18030"), {}, "it is not utf-8"),
        ("咳 O\n".encode(), {"separator": "\\t"}, "no text in it has a tag"),
        (b"", {}, "no text in it has a tag"),
        (b"a O\n", {"encoding": "utf-99"}, "there is no encoding"),
    ],
)
def test_a_file_that_is_not_tagged_text_is_refused(
    tmp_path: Path, data: bytes, options: dict[str, str], fault: str
) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputFault, match=fault):
        tagged(tmp_path / "a.txt", **options)
