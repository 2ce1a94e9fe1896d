"""Pictures, signals and texts become columns of a batch, with their truths, and none is lost on the way."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from wardround import batches, contents, labels, quarantine, rows
from wardround.arrivals import reasons_key
from wardround.contents.arrays import packed, unpacked
from wardround.errors import InputFault
from wardround.ingest import Ingested, ingest
from wardround.sources import read
from wardround.sources.canonical import canonical, canonical_id
from wardround.use_cases.base import MEASURES, Candidate, Content, Floor, Source, Target, UseCase
from wardround.validation import derived_suite

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROWS = 24
PICTURE = Content(name="picture", kind="image", channels=("grey",))
SIGNAL = Content(name="signal", kind="series", channels=("lead",))
NOTE = Content(name="note", kind="text", language="en", deidentified="made up for a test")
WORDS = ("the", "patient", "reports", "cough", "and", "fever", "since", "noon", "no", "pain", "was", "found")


def case(name: str, problem: str, content: Content, **target: Any) -> UseCase:
    return UseCase(
        name=name, question="?", problem=problem, source=Source(kind="parquet", location="x.parquet"),  # type: ignore[arg-type]
        record_id="record", patient_id="patient", target=Target(**{"column": "outcome", **target}),
        features=contents.features(content, measures=MEASURES[content.kind][:4]),
        contents=(content,),
        candidates=(Candidate(family="logistic"),), gates=(Floor(metric="accuracy", limit=0.5, reason="a test"),),
    )  # fmt: skip


def pictures(random: np.random.Generator) -> list[bytes]:
    return [packed(random.integers(0, 200, (16, 20), dtype=np.uint8)) for _ in range(ROWS)]


def signals(random: np.random.Generator) -> list[bytes]:
    times = np.arange(100) / 50
    return [packed(np.column_stack([times, random.normal(size=100)]).astype(np.float32)) for _ in range(ROWS)]


def notes(random: np.random.Generator) -> list[str]:
    return [" ".join(random.choice(WORDS, 12)) + f". Seen in room {row}." for row in range(ROWS)]


def masks(random: np.random.Generator) -> list[bytes]:
    return [packed(random.integers(0, 4, (16, 20), dtype=np.int64)) for _ in range(ROWS)]


SPANS = [json.dumps([[4, 11, "person"], [0, 3, "article"]])] * ROWS
KINDS = [["rest", "walk", "run"][row % 3] for row in range(ROWS)]
TOPICS = [["cough|fever", "", "fever"][row % 3] for row in range(ROWS)]
SUMMARIES = [f"Cough in room {row}." for row in range(ROWS)]


@dataclass(frozen=True)
class Example:
    case: UseCase
    cells: Callable[[np.random.Generator], list[Any]]
    outcomes: Callable[[np.random.Generator], list[Any]]

    def table(self, seed: int = 1) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        content = self.case.contents[0].name
        return pd.DataFrame(
            {
                "record": [f"r{row}" for row in range(ROWS)], "patient": [f"p{row // 2}" for row in range(ROWS)],
                content: pd.Series(self.cells(random), dtype=object),
                "outcome": pd.Series(self.outcomes(random), dtype=object),
            }
        )  # fmt: skip


EXAMPLES = {
    "masks of pictures": Example(case("outlines", "segmentation", PICTURE), pictures, masks),
    "kinds of signals": Example(
        case("gaits", "multiclass", SIGNAL, allowed=("rest", "walk", "run")), signals, lambda _: KINDS
    ),
    "spans of notes": Example(case("persons", "tagging", NOTE), notes, lambda _: SPANS),
    "topics of notes": Example(
        case("topics", "multilabel", NOTE, allowed=("fever", "cough", "pain")), notes, lambda _: TOPICS
    ),
    "summaries of notes": Example(case("short", "summary", NOTE), notes, lambda _: SUMMARIES),
    "anomalies of signals": Example(case("odd", "anomaly", SIGNAL, column=""), signals, lambda _: [None] * ROWS),
}
OUTLINES, PERSONS, SHORT = (EXAMPLES[name] for name in ("masks of pictures", "spans of notes", "summaries of notes"))


@pytest.fixture
def deliver(store, settings, tmp_path) -> Callable[..., Ingested]:
    """Write a table as Parquet and ingest it."""

    def go(use_case: UseCase, table: pd.DataFrame, label: str = "march", **options: Any) -> Ingested:
        path = tmp_path / f"{label}.parquet"
        without = table.drop(columns="outcome") if not use_case.target.column else table
        without.to_parquet(path, index=False)
        return ingest(
            use_case, Source(kind="parquet", location=str(path)), derived_suite(use_case), label=label, store=store,
            settings=settings, now=NOW, **options,
        )  # fmt: skip

    return go


def kept(store, batch: Any, *, quarantined: bool = False) -> pd.DataFrame:
    return pd.concat(batches.frames(store, batch, quarantined=quarantined), ignore_index=True)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_content_and_truth_comes_back_as_it_was_delivered(name, deliver, store, settings):
    example = EXAMPLES[name]
    use_case, table = example.case, example.table()
    batch = deliver(use_case, table).batch
    assert (batch.rows_in, batch.rows_accepted, batch.rows_quarantined) == (ROWS, ROWS, 0)
    back = batches.rows(store, batch)
    content = use_case.contents[0].name
    truths = ["truth"] if use_case.problem in ("segmentation", "tagging", "multilabel", "summary") else []
    assert list(back) == ["record_id", "patient_id", *use_case.feature_names, content, *truths, "target"]
    assert list(back[content]) == list(table[content])
    assert back[list(use_case.feature_names)].notna().all(axis=None)
    raw = table if use_case.target.column else table.drop(columns="outcome")
    pd.testing.assert_frame_equal(back, canonical(use_case, raw, settings, place="memory"), check_like=False)
    assert batch.rows_labelled == ROWS, "where nothing is asked, every row can be learned from"


def test_the_truths_have_their_forms_and_the_numbers_that_stand_for_them(deliver, store):
    outlined = kept(store, deliver(OUTLINES.case, OUTLINES.table()).batch)
    mask = unpacked(outlined["truth"][0])
    assert (mask.dtype, mask.shape) == (np.uint16, (16, 20))
    assert outlined["target"][0] == (mask > 0).mean()
    walked = EXAMPLES["kinds of signals"]
    assert list(kept(store, deliver(walked.case, walked.table()).batch)["target"]) == [row % 3 for row in range(ROWS)]
    tagged = kept(store, deliver(PERSONS.case, PERSONS.table()).batch)
    assert tagged["truth"][0] == '[[0,3,"article"],[4,11,"person"]]'
    assert tagged["target"][0] == 100 * 2 / len(tagged["note"][0])
    about = EXAMPLES["topics of notes"]
    labelled = kept(store, deliver(about.case, about.table()).batch)
    assert list(labelled["truth"][:3]) == ["fever|cough", "", "fever"], "in declared order; no label is an answer, too"
    assert list(labelled["target"][:3]) == [2.0, 0.0, 1.0]
    assert kept(store, deliver(SHORT.case, SHORT.table()).batch)["target"][0] == 4


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_name_of_a_batch_hangs_on_every_content_and_not_on_the_order_of_rows(name, settings):
    example = EXAMPLES[name]
    table = example.table() if example.case.target.column else example.table().drop(columns="outcome")

    def named(rows: pd.DataFrame) -> str:
        return canonical_id(canonical(example.case, rows, settings, place="memory"))

    assert named(table.sample(frac=1, random_state=3)) == named(table)
    content = example.case.contents[0].name
    for column in [content, *(["outcome"] if example.case.target.column else [])]:
        swapped = table.copy()
        a, b = 0, next(row for row in range(1, ROWS) if table[column][row] != table[column][0] or row == ROWS - 1)
        swapped.loc[[a, b], column] = table.loc[[b, a], column].to_numpy()
        same = table[column][a] == table[column][b]
        assert (named(swapped) == named(table)) == same


DAMAGED = {
    "masks of pictures": (b"\x93NUMPY cut", "picture: "),
    "kinds of signals": (b"no array", "signal: "),
    "spans of notes": ("a\x00note", "note: "),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_content_goes_to_quarantine_and_comes_in_when_it_is_mended(name, deliver, store, settings):
    example = EXAMPLES[name]
    cell, begins = DAMAGED[name]
    sound = example.table()
    broken = sound.copy()
    content = example.case.contents[0].name
    broken.at[5, content] = cell
    batch = deliver(example.case, broken).batch
    assert (batch.rows_in, batch.rows_accepted, batch.rows_quarantined, batch.refused) == (ROWS, ROWS - 1, 1, False)
    assert quarantine.account(store, batch).balanced
    away = kept(store, batch, quarantined=True)
    assert away["reasons"][0][0].startswith(begins)
    assert away["unreadable"][0], "what could not be read was not kept, so no rule can clear it"
    assert away[content][0] is None
    assert away["record_id"][0] not in set(kept(store, batch)["record_id"])
    other = broken.copy()
    other.at[5, content] = cell + cell
    again = deliver(example.case, other, "april")
    assert again.new, "another broken cell is another table"
    mended = deliver(example.case, sound.iloc[[5]], "mended")
    assert mended.new
    assert mended.batch.rows_accepted == 1
    assert kept(store, mended.batch)["record_id"][0] == away["record_id"][0]


def test_nothing_of_a_damaged_content_is_told(deliver, settings, caplog, capfd):
    table = PERSONS.table()
    table.at[5, "note"] = "Mrs Quillfeather\x00 of Nowhere Lane"
    told: list[str] = []
    batch = deliver(PERSONS.case, table, progress=told.append).batch
    assert batch.rows_quarantined == 1
    heard = caplog.text + "".join(capfd.readouterr()) + "".join(told) + repr(batch)
    assert "Quillfeather" not in heard


def test_a_missing_text_waits_in_quarantine_as_a_missing_picture_does(deliver, store):
    for example, reason in ((PERSONS, "note: missing"), (OUTLINES, "picture: missing")):
        table = example.table()
        table.at[3, example.case.contents[0].source_column] = None
        batch = deliver(example.case, table).batch
        assert (batch.rows_accepted, batch.rows_quarantined) == (len(table) - 1, 1)
        assert json.loads(store.get(reasons_key(batch)))["reasons"][reason] == 1


def test_a_batch_without_a_single_content_is_refused(deliver):
    batch = deliver(PERSONS.case, PERSONS.table().assign(note=None, outcome=None)).batch
    assert batch.refused
    assert batch.rows_quarantined == ROWS


def test_a_mask_of_another_size_than_its_picture_goes_to_quarantine(deliver, store):
    table = OUTLINES.table()
    table.at[2, "outcome"] = packed(np.ones((20, 16), dtype=np.uint16))
    batch = deliver(OUTLINES.case, table).batch
    away = kept(store, batch, quarantined=True)
    assert list(away["reasons"]) == [("truth: not of the size of its picture",)]
    assert away["truth"][0] is None
    assert np.isnan(away["target"][0])


def test_a_span_outside_its_text_goes_to_quarantine(deliver, store):
    table = PERSONS.table()
    table.at[2, "outcome"] = json.dumps([[0, len(table["note"][2]) + 1, "person"]])
    away = kept(store, deliver(PERSONS.case, table).batch, quarantined=True)
    assert list(away["reasons"]) == [("truth: a place outside its text",)]


def test_a_table_of_text_cannot_hold_pictures_and_says_where_they_belong(settings):
    table = OUTLINES.table().assign(picture="0 1 2 3")
    with pytest.raises(InputFault, match=r"picture: 24 of 24 cells hold text .* deliver Parquet"):
        canonical(OUTLINES.case, table, settings, place="outlines.csv")


def test_bytes_in_a_column_that_is_no_content_are_refused(tmp_path, settings):
    path = tmp_path / "x.parquet"
    OUTLINES.table().assign(other=b"1").to_parquet(path)
    with pytest.raises(InputFault, match=r"column\(s\) 5 \(binary\) hold no plain values"):
        read(OUTLINES.case, Source(kind="parquet", location=str(path)), settings)


def test_parquet_under_a_prefix_brings_its_pictures(store, settings, intruder):
    table = OUTLINES.table()
    for part, piece in (("a", table[:10]), ("b", table[10:])):
        intruder.write(f"in/{part}.parquet", piece.to_parquet(index=False))
    source = Source(kind="s3", location=f"s3://{store.bucket}/{store.prefix}in/")
    whole = canonical(OUTLINES.case, read(OUTLINES.case, source, settings), settings, place="s3")
    assert canonical_id(whole) == canonical_id(canonical(OUTLINES.case, table, settings, place="memory"))


def test_what_a_reader_found_in_rows_and_in_the_delivery_is_taken_over(store, settings, tmp_path, monkeypatch):
    table = OUTLINES.table()
    table.at[4, "picture"] = None
    table.at[4, "outcome"] = None
    table.attrs["row_faults"] = {"picture: a file that is cut short": [4]}
    said = {"what": "masks", "severity": "warning", "rows": 1, "sentence": "1 mask has no picture", "passed": False}
    table.attrs["delivery"] = [said]
    monkeypatch.setattr("wardround.sources.read", lambda *_: table)
    batch = ingest(
        OUTLINES.case, Source(kind="images", location="x"), derived_suite(OUTLINES.case), label="march", store=store,
        settings=settings, now=NOW,
    ).batch  # fmt: skip
    away = kept(store, batch, quarantined=True)
    assert list(away["reasons"]) == [("picture: a file that is cut short",)], "and it is not told as missing, too"
    assert "1 mask has no picture" in [outcome.sentence for outcome in batch.outcomes]


def test_rows_can_be_read_without_their_contents(deliver, store):
    batch = deliver(OUTLINES.case, OUTLINES.table()).batch
    light = pd.concat(batches.frames(store, batch, contents=False), ignore_index=True)
    assert list(light) == ["record_id", "patient_id", *OUTLINES.case.feature_names, "target"]
    pd.testing.assert_frame_equal(light, kept(store, batch)[list(light)])


def test_contents_are_read_a_few_rows_at_a_time(deliver, store, monkeypatch):
    monkeypatch.setattr(rows, "GROUP_BYTES", 5 * len(OUTLINES.table()["picture"][0]))
    batch = deliver(OUTLINES.case, OUTLINES.table()).batch
    pieces = list(batches.frames(store, batch))
    assert max(map(len, pieces)) <= 3
    assert sum(map(len, pieces)) == ROWS
    stored = pq.ParquetFile(io.BytesIO(store.get(batch.data_key)))
    assert stored.metadata.num_row_groups >= ROWS // 3


def add(example: Example, table: pd.DataFrame, store: Any, settings: Any, folder: Path) -> labels.LabelSet:
    path = folder / "late.parquet"
    table.to_parquet(path, index=False)
    source = Source(kind="parquet", location=str(path))
    return labels.add_labels(example.case, source, store=store, settings=settings, now=NOW)


@pytest.mark.parametrize("name", ["masks of pictures", "summaries of notes", "topics of notes", "kinds of signals"])
def test_truths_that_come_late_are_those_that_would_have_come_at_once(name, deliver, store, settings, tmp_path):
    example = EXAMPLES[name]
    table = example.table()
    whole = kept(store, deliver(example.case, table).batch)
    later = deliver(example.case, table.assign(outcome=None), "later").batch
    assert later.rows_labelled == 0
    added = add(example, table[["record", "outcome"]], store, settings, tmp_path)
    assert (added.rows, added.matched, added.new) == (ROWS, ROWS, True)
    pd.testing.assert_frame_equal(kept(store, later), whole)
    light = pd.concat(batches.frames(store, later, contents=False), ignore_index=True)
    assert list(light["target"]) == list(whole["target"])
    assert batches.labelled_count(store, later) == ROWS
    assert not add(example, table[["record", "outcome"]][::-1], store, settings, tmp_path).new


def test_late_spans_come_with_the_text_that_they_are_places_in(deliver, store, settings, tmp_path):
    table = PERSONS.table()
    batch = deliver(PERSONS.case, table.assign(outcome=None)).batch
    with pytest.raises(InputFault, match="the column 'note' is missing"):
        add(PERSONS, table[["record", "outcome"]], store, settings, tmp_path)
    add(PERSONS, table[["record", "note", "outcome"]], store, settings, tmp_path)
    pd.testing.assert_frame_equal(
        kept(store, batch), canonical(PERSONS.case, table, settings, place="memory"), check_like=True
    )


def test_a_late_mask_of_another_size_than_the_picture_it_belongs_to_refuses_the_outcomes(
    deliver, store, settings, tmp_path
):
    table = OUTLINES.table()
    deliver(OUTLINES.case, table.assign(outcome=None))
    table.at[2, "outcome"] = packed(np.ones((20, 16), dtype=np.uint16))
    with pytest.raises(InputFault, match="1 of 24 outcomes do not fit the row they belong to"):
        add(OUTLINES, table[["record", "outcome"]], store, settings, tmp_path)


def test_another_late_truth_than_the_known_one_refuses_the_outcomes(deliver, store, settings, tmp_path):
    table = OUTLINES.table()
    deliver(OUTLINES.case, table)
    turned = table.assign(outcome=list(table["outcome"])[::-1])
    with pytest.raises(InputFault, match="24 of 24 records have another outcome already"):
        add(OUTLINES, turned[["record", "outcome"]], store, settings, tmp_path)


def test_nobody_adds_outcomes_where_none_is_asked_for(deliver, store, settings, tmp_path):
    odd = EXAMPLES["anomalies of signals"]
    with pytest.raises(InputFault, match="the use case asks for no outcome"):
        add(odd, odd.table()[["record", "outcome"]], store, settings, tmp_path)


def test_rows_with_contents_are_released_when_a_rule_is_relaxed(deliver, store, settings):
    features = tuple(
        replace(one, plausible=(0.0, 1e-9)) if one.measure == "height" else one for one in OUTLINES.case.features
    )
    strict = replace(OUTLINES.case, features=features)
    batch = deliver(strict, OUTLINES.table()).batch
    assert batch.refused
    made = quarantine.release(
        store, OUTLINES.case, batch, derived_suite(OUTLINES.case), settings=settings, now=NOW, reason="a wrong limit"
    )
    assert made.rows_accepted == ROWS
    assert list(kept(store, made)["picture"]) == list(OUTLINES.table()["picture"])
    assert quarantine.account(store, batch).balanced


NAMED = "Mr. Quillfeather was seen by Dr. Oakenshaw on 3 March 2019 for cough. Call 555-867-5309."
NAMES = ("Quillfeather", "Oakenshaw", "867-5309", "3 March")
OPEN_NOTE = replace(NOTE, deidentified="")


def named_notes(problem: str, outcome: str) -> tuple[UseCase, pd.DataFrame]:
    table = PERSONS.table().assign(outcome=outcome)
    table.loc[table.index[::2], "note"] = NAMED
    return case("open_notes", problem, OPEN_NOTE), table


def in_the_bucket(store: Any) -> str:
    """Everything that the bucket holds, Parquet unfolded."""
    held = []
    for key in store.keys(""):
        body = store.get(key)
        if body.startswith(b"PAR1"):
            body = repr(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
        held.append(body.decode(errors="replace"))
    return "\n".join(held)


@pytest.mark.parametrize(
    ("problem", "outcome"), [("summary", "Dr. Oakenshaw saw Mr. Quillfeather."), ("tagging", '[[4,16,"person"]]')]
)
def test_a_name_in_a_note_is_in_no_object_of_the_bucket(problem, outcome, deliver, store, settings, tmp_path):
    use_case, table = named_notes(problem, outcome)
    table.at[3, "note"] = NAMED + "\x00"
    assert deliver(use_case, table).batch.rows_quarantined == 1
    sound = table.drop(index=3)
    deliver(use_case, sound.assign(outcome=None), "later")
    add(Example(use_case, notes, notes), sound, store, settings, tmp_path)
    assert [name for name in NAMES if name in in_the_bucket(store)] == []


def test_the_name_is_there_when_the_deidentification_is_taken_out(deliver, store, monkeypatch):
    from wardround.privacy.notes import Notes

    def left_alone(texts: Iterable[str | None], **_: Any) -> Notes:
        kept = tuple(texts)
        return Notes(texts=kept, counts={}, edits=((),) * len(kept))

    use_case, table = named_notes("summary", "Seen.")
    monkeypatch.setattr("wardround.privacy.notes.deidentified", left_alone)
    deliver(use_case, table)
    assert [name for name in NAMES if name in in_the_bucket(store)] == list(NAMES)


def test_spans_go_along_with_the_text_that_is_deidentified(deliver, store):
    cough = NAMED.index("cough")
    use_case, table = named_notes("tagging", json.dumps([[cough, cough + 5, "symptom"]]))
    row = kept(store, deliver(use_case, table).batch).iloc[0]
    [[start, end, kind]] = json.loads(row["truth"])
    assert (row["note"][start:end], kind) == ("cough", "symptom")
    assert start != cough


def test_ingest_tells_how_far_it_is_with_taking_identifiers_out(deliver):
    told = []
    use_case, table = named_notes("summary", "Seen.")
    deliver(use_case, table, progress=lambda *step: told.append(step))
    shares = [step[1] for step in told if len(step) == 2]
    assert {step[0] for step in told if len(step) == 2} == {"note: taking identifiers out of the texts"}
    assert len(shares) == ROWS
    assert 0 == shares[0] <= shares[1] <= shares[-1] < 1
    assert shares == sorted(shares)
    assert not any(name in str(told) for name in NAMES)


def test_a_delivery_says_in_numbers_what_was_taken_out_of_its_texts(deliver):
    use_case, table = named_notes("summary", "Seen.")
    told = [one.sentence for one in deliver(use_case, table).batch.outcomes if one.expectation == "de-identification"]
    assert told[0].startswith("note: taken out of the texts: ")
    assert "date 12" in told[0]
