"""Pictures, signals and texts in a request: the bits of the batch, refused where a batch's row would be."""

import base64
import io
import json
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from wardround import batches, contents
from wardround.answers import delivery
from wardround.contents.arrays import packed, unpacked
from wardround.ingest import ingest
from wardround.labels import add_labels
from wardround.models import FAMILIES
from wardround.monitoring.visit import load_profile, monitor, summarise_batch
from wardround.predicted import prediction_of
from wardround.problems import problem_of
from wardround.problems.answering import Row, shape_of
from wardround.scoring import predictions, score
from wardround.serving.log import names as pseudonyms
from wardround.serving.predictions import Refused, predictor, schema
from wardround.serving.predictions.champions import Champions
from wardround.serving.predictions.contents import example, read_contents
from wardround.serving.predictions.form import Form
from wardround.sources import source_from
from wardround.sources.shipped import window_to_read
from wardround.training import train
from wardround.use_cases.base import Candidate, Content, Feature, Floor, Monitoring, Source, Split, Target, UseCase
from wardround.use_cases.heart_disease import USE_CASE
from wardround.validation import derived_suite

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PICTURE = Content(name="picture", kind="image", channels=("grey",), description="chest")
SIGNAL = Content(name="beat", kind="series", channels=("lead",), description="a beat")
NOTE = Content(name="note", kind="text", language="en", description="a note")
KNOWN = replace(NOTE, deidentified="made up for a test")
TOPICS = ("cough", "fever", "pain")
WORDS = {"cough": "a dry cough at night", "fever": "fever since monday", "pain": "pain in the chest"}


def case(name: str, problem: str, content: Content, target: Target) -> UseCase:
    return UseCase(
        name=name, question="?", problem=problem, source=Source(kind="parquet", location="x.parquet"),
        record_id="record", patient_id="patient", target=target, contents=(content,),
        features=contents.features(content),
        candidates=(Candidate(family="logistic"),), gates=(Floor(metric="accuracy", limit=0.5, reason="a test"),),
    )  # fmt: skip


def chests(folder) -> tuple[list[bytes], list[Any]]:
    with np.load(folder / "pneumoniamnist" / "pneumoniamnist.npz") as held:
        name = next(key for key in held.files if "train" in key and "image" in key)
        labels = held[name.replace("images", "labels")].ravel()
        some = np.linspace(0, len(labels) - 1, 60).astype(int)  # they are in the order of their class
        return [packed(picture) for picture in held[name][some]], labels[some].astype(int).tolist()


def beats(folder) -> tuple[list[bytes], list[Any]]:
    table = np.loadtxt(folder / "ecg5000" / "ECG5000_TRAIN.txt")[::5]
    time = np.arange(table.shape[1] - 1) / 140
    cells = [packed(np.column_stack([time, row[1:]]).astype(np.float32)) for row in table]
    return cells, [["usual", "unusual"][int(row[0] > 1)] for row in table]


def nuclei(folder) -> tuple[list[bytes], list[Any]]:
    found = []
    random = np.random.default_rng(3)
    for _ in range(12):
        mask = np.zeros((40, 48), dtype=np.uint16)
        for number, (top, left) in enumerate(((5, 5), (5, 30), (25, 20)), 1):
            mask[top : top + random.integers(6, 10), left : left + 8] = number
        grey = np.where(mask > 0, 170, 40) + random.integers(-15, 15, mask.shape)
        found.append((packed(grey.astype(np.uint8)), packed(mask)))
    cells, masks = zip(*found, strict=True)
    return list(cells), list(masks)


def notes(folder) -> tuple[list[str], list[tuple[str, ...]]]:
    random = np.random.default_rng(5)
    found, said = [], []
    for number in range(48):
        told = tuple(sorted(random.choice(TOPICS, random.integers(1, 3), replace=False)))
        said.append(told)
        reports = ". ".join(f"The patient reports {WORDS[topic]}" for topic in told)
        found.append(f"Seen on the ward by Dr. Miller, room {number}. {reports}. There is no rash.")
    return found, said


def spanned(text: str) -> str:
    found = [(text.index(WORDS[topic]), topic) for topic in TOPICS if WORDS[topic] in text]
    return json.dumps([[start, start + len(WORDS[topic]), topic] for start, topic in sorted(found)])


NO_PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def based(body: bytes) -> str:
    return base64.b64encode(body).decode()


def huge(shape: tuple[int, ...]) -> bytes:
    """An array of which there is only the promise: made room for, it would take all memory."""
    return headed(repr({"descr": "|u1", "fortran_order": False, "shape": shape}))


def headed(said: str) -> bytes:
    header = said.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def archived() -> bytes:
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3))
    return out.getvalue()


def swelling(first: bytes) -> bytes:
    """A small PNG of 25 million pixels, before which something else says that they are few."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    few, many = (side.to_bytes(4, "big") * 2 + b"\x08\0\0\0\0" for side in (16, 5000))
    rows = chunk(b"IDAT", zlib.compress(bytes(5001) * 5000))
    return b"\x89PNG\r\n\x1a\n" + chunk(first, few) + chunk(b"IHDR", many) + rows + chunk(b"IEND", b"")


def grey(height: int = 20, width: int = 20) -> bytes:
    return packed(np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8))


def beat(**changes: Any) -> dict[str, Any]:
    time = np.arange(50) / 25
    return {"time": time.tolist(), "lead": np.sin(9 * time).tolist()} | changes


@dataclass(frozen=True)
class Question:
    case: UseCase
    family: str
    data: Any
    outcome: Any = lambda cell, truth: truth


LABELS = Target(column="outcome", description="topics", allowed=TOPICS)
CHEST = case("chests", "classification", PICTURE, Target(column="outcome", description="pneumonia", positive=(1,)))
BEATS = case("beats", "multiclass", SIGNAL, Target(column="outcome", allowed=("usual", "unusual")))
NUCLEI = case("cells", "segmentation", PICTURE, Target(column="outcome", description="nuclei"))
FEVER = case("fevers", "classification", NOTE, Target(column="outcome", description="fever", positive=(1,)))
QUESTIONS = {
    "picture, by what is measured of it": Question(CHEST, "logistic", chests),
    "picture, by a network": Question(CHEST, "cnn", chests),
    "signal, by what is measured of it": Question(BEATS, "random_forest", beats),
    "signal, by a network": Question(BEATS, "recurrent", beats),
    "picture, outlined": Question(NUCLEI, "thresholding", nuclei),
    "note with names": Question(FEVER, "bag_of_words", notes, lambda _, told: int("fever" in told)),
    "note, many labels": Question(
        case("topics", "multilabel", KNOWN, LABELS), "bag_of_words", notes, lambda _, told: "|".join(told)
    ),
    "note, places": Question(
        case("places", "tagging", KNOWN, LABELS), "dictionary", notes, lambda text, _: spanned(text)
    ),
    "note, quoted": Question(
        case("summaries", "summary", KNOWN, Target(column="outcome")), "lead", notes, lambda text, _: text[:40]
    ),
}
NAMELESS = {
    "note, quoted without names": Question(
        case("quotes", "summary", NOTE, Target(column="outcome")), "lead", notes, lambda text, _: text[:40]
    ),
}
SMALLER = {"cnn": {"epochs": 2}, "recurrent": {"epochs": 2}, "random_forest": {"n_estimators": 20}}


def sent(content: Content, cell: Any, place: int) -> Any:
    """The cell as a caller sends it."""
    if isinstance(cell, str):
        return cell
    array = unpacked(cell)
    if content.kind == "series":
        columns = {"time": array[:, 0]} | {name: array[:, 1 + at] for at, name in enumerate(content.channels)}
        return {name: [None if value != value else value for value in own.tolist()] for name, own in columns.items()}
    if place % 2:
        return {"npy": base64.b64encode(cell).decode()}
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return {"png": base64.b64encode(out.getvalue()).decode()}


@dataclass
class Asked:
    question: Question
    ward: Any
    version: Any
    batch: Any
    records: list[dict[str, Any]]

    def rows(self) -> dict[str, Row]:
        """What the batch flow says of each record, by its name in the store."""
        case = self.question.case
        frame = predictions(self.ward.store, case, self.batch, self.version)
        texts = batches.rows(self.ward.store, self.batch).set_index("record_id")[case.contents[0].name]
        told = prediction_of(problem_of(case), frame)
        none = [None] * len(frame)
        columns = [none if part is None else part for part in (told.low, told.high, told.parts, told.output)]
        return {
            name: Row(
                value=value, low=low, high=high, parts=() if parts is None else tuple(parts), output=output,
                text=texts[name] if isinstance(texts[name], str) else None,
            )
            for name, value, low, high, parts, output in zip(
                frame["record_id"], told.value.tolist(), *columns, strict=True
            )
        }  # fmt: skip


@pytest.fixture
def asked(store, settings, ward_of, shared_data, tmp_path):
    """Ask a question: a batch is ingested, a model of it promoted, the batch scored; its rows as records to send."""

    def made(name: str) -> Asked:
        question = (QUESTIONS | NAMELESS)[name]
        case, (content,) = question.case, question.case.contents
        cells, truths = question.data(shared_data)
        names = [f"r{row}" for row in range(len(cells))]
        table = pd.DataFrame(
            {
                "record": names, "patient": names, content.name: pd.Series(cells, dtype=object),
                "outcome": [question.outcome(cell, truth) for cell, truth in zip(cells, truths, strict=True)],
            }
        )  # fmt: skip
        table.to_parquet(tmp_path / "delivery.parquet")
        source = Source(kind="parquet", location=str(tmp_path / "delivery.parquet"))
        done = ingest(case, source, derived_suite(case), label="exam", store=store, settings=settings, now=NOW)
        assert not done.batch.refused, done.batch.outcomes
        ward = ward_of(store, settings, case, batches.rows(store, done.batch))
        version = ward.model(question.family, **SMALLER.get(question.family, {}))
        ward.promote(version)
        score(case, done.batch, store=store, settings=settings, now=NOW)
        records = [
            {"record_id": own, "patient_id": own, "contents": {content.name: sent(content, cell, place)}}
            for place, (own, cell) in enumerate(zip(names, cells, strict=True))
        ]
        return Asked(question, ward, version, done.batch, records)

    return made


@pytest.mark.parametrize("name", QUESTIONS)
def test_contents_are_answered_online_as_in_the_batch_flow(asked, name):
    it = asked(name)
    case = it.question.case
    held = it.rows()
    known = {
        own: pseudonyms(case, it.ward.settings, own, own, request="0" * 32)[0]
        for own in (record["record_id"] for record in it.records)
    }
    wanted = [record for record in it.records if known[record["record_id"]] in held]
    assert len(wanted) >= 0.9 * len(it.records)
    order = np.random.default_rng(7).permutation(len(wanted)).tolist()
    with it.ward.served(api_rate=10**9, api_max_bytes=20_000_000) as served:
        key = it.ward.key(case.name)
        answers = []
        for start, size in ((0, 1), (1, 4), (5, len(order))):
            piece = [wanted[place] for place in order[start : start + size]]
            answers.append(served.ask({"records": piece, "saliency": size == 4}, key=key, case=case.name))
    assert [answer.status_code for answer in answers] == [200, 200, 200], answers[0].text[:500]
    for answer in answers:
        jsonschema.validate(answer.json(), schema.answer_schema(case))
    online = [one for answer in answers for one in answer.json()["predictions"]]
    fields = set(shape_of(case).fields(case))
    for one in online:
        told = shape_of(case).told(case, held[known[one["record_id"]]])
        assert {field: one[field] for field in fields} == told
        assert one["reasons"]
    shown = [one["saliency"] for one in answers[1].json()["predictions"]]
    assert "saliency" not in answers[0].json()["predictions"][0]
    tells = bool(FAMILIES[case.problem, it.question.family].contents) and it.question.family != "recurrent"
    assert all((one is not None) == tells for one in shown)


NARROW = replace(CHEST, features=contents.features(PICTURE, plausible={"height": (8, 100)}))
WRONG: dict[str, tuple[UseCase, Any, str]] = {
    "nothing": (CHEST, {}, "it must be given"),
    "null": (CHEST, {"picture": None}, "it must be given"),
    "no form": (CHEST, {"picture": "AAAA"}, "it must be"),
    "two forms": (CHEST, {"picture": {"npy": based(grey()), "png": based(grey())}}, "it must be"),
    "no base64": (CHEST, {"picture": {"npy": "Mr. Smith"}}, "no base64"),
    "no array": (CHEST, {"picture": {"npy": based(b"Smith")}}, "no npy array"),
    "objects": (CHEST, {"picture": {"npy": based(b"\x93NUMPY\x01\x00")}}, "no npy array"),
    "damaged png": (CHEST, {"picture": {"png": based(NO_PICTURE)}}, "it cannot be read: a PNG picture that is damaged"),
    "no png": (CHEST, {"picture": {"png": based(grey())}}, "no PNG picture"),
    "a promise": (CHEST, {"picture": {"npy": based(huge((60_000, 60_000)))}}, "no npy array"),
    "a smaller promise": (CHEST, {"picture": {"npy": based(huge((1_000, 1_000)))}}, "no npy array"),
    "a deep promise": (CHEST, {"picture": {"npy": based(huge((10, 10, 10**15)))}}, "no npy array"),
    "a promise beyond all numbers": (CHEST, {"picture": {"npy": based(huge((10**90, 8)))}}, "no npy array"),
    "a header that never ends": (CHEST, {"picture": {"npy": based(headed("{'descr': '|u1"))}}, "no npy array"),
    "a header that is too deep": (CHEST, {"picture": {"npy": based(headed("-" * 9000 + "1"))}}, "no npy array"),
    "a header of no numbers": (CHEST, {"picture": {"npy": based(headed("{[]: 1}"))}}, "no npy array"),
    "an archive": (CHEST, {"picture": {"npy": based(archived())}}, "no npy array"),
    "a file before its header": (CHEST, {"picture": {"png": based(swelling(b"tEXt"))}}, "more than the 16 million"),
    "a header after its header": (CHEST, {"picture": {"png": based(swelling(b"IHDR"))}}, "more than the 16 million"),
    "colour": (CHEST, {"picture": {"npy": based(packed(np.zeros((20, 20, 3), np.uint8)))}}, "colour where grey"),
    "16 bit": (CHEST, {"picture": {"npy": based(packed(np.full((20, 20), 900, np.uint16)))}}, "16-bit where 8-bit"),
    "out of range": (
        NARROW,
        {"picture": {"npy": based(grey(height=120))}},
        "(height of the picture) must be",
    ),
    "one list": (BEATS, {"beat": [1, 2, 3]}, "it must be"),
    "no channel": (BEATS, {"beat": {"time": [0, 1]}}, "it must be"),
    "uneven": (BEATS, {"beat": beat(lead=[1.0])}, "it must be"),
    "empty": (BEATS, {"beat": {"time": [], "lead": []}}, "of zero length"),
    "words": (BEATS, {"beat": beat(lead=["Smith"] * 50)}, "each value must be a number"),
    "time missing": (BEATS, {"beat": beat(time=[None] * 50)}, "each value must be a number"),
    "time back": (BEATS, {"beat": beat(time=list(range(50, 0, -1)))}, "it cannot be read: time does not ascend"),
    "lead off": (BEATS, {"beat": beat(lead=[1.0] * 50)}, "it cannot be read: a channel never changes"),
    "too large": (BEATS, {"beat": beat(lead=[1e300] * 50)}, "it cannot be read"),
    "a number": (FEVER, {"note": 3}, "it must be a string"),
    "empty text": (FEVER, {"note": "  "}, "it cannot be read: empty text"),
    "broken": (FEVER, {"note": "caf\ufffd\ufffd\ufffd Smith"}, "it cannot be read: broken encoding"),
    "language": (
        FEVER,
        {"note": "患者一般情况可，无发热。" * 9},
        "it cannot be read: another language",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_such_content_is_refused_without_a_word_of_it(name):
    case, given, said = WRONG[name]
    (record,) = Form(case).records({"records": [{"contents": given}]}, most=1)
    _, faults = read_contents(replace(case, contents=known(case)), [record.contents], key=b"k", patients=["p"])
    assert faults
    assert all(fault.field == f"contents.{case.contents[0].name}" and fault.record == 0 for fault in faults)
    assert any(said in fault.fault for fault in faults), faults
    assert "Smith" not in repr(faults)


def test_small_pictures_that_are_large_together_are_refused_before_they_are_unfolded(monkeypatch):
    monkeypatch.setattr("wardround.serving.predictions.contents.MOST_UNFOLDED", 1000)
    out = io.BytesIO()
    Image.fromarray(unpacked(grey())).save(out, "PNG")
    given = [{"picture": {"png": based(out.getvalue())}}] * 4
    _, faults = read_contents(CHEST, given, key=b"k", patients=["p"] * 4)
    assert [fault.record for fault in faults] == [2, 3]
    assert all("send fewer records" in fault.fault for fault in faults)


def known(case: UseCase) -> tuple[Content, ...]:
    """The contents of *case*, without de-identification where they are texts."""
    return tuple(replace(each, deidentified="a test") if each.kind == "text" else each for each in case.contents)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "contents"), ({"contents": []}, "contents"), ({"contents": {"picture": {}, "more": 1}}, "contents.more"),
        ({"contents": {}, "features": {}}, "features"), ({"contents": {}, "features": 3}, "features"),
    ],
)  # fmt: skip
def test_the_form_of_a_record_with_contents_is_kept_to(record, field):
    with pytest.raises(Refused) as refused:
        Form(CHEST).records({"records": [record]}, most=1)
    assert field in {fault.field for fault in refused.value.faults}


def test_what_is_measured_is_not_asked_and_what_is_asked_stands_beside_it():
    age = Feature(name="age", kind="numeric", plausible=(0, 120))
    both = replace(CHEST, features=(age, *CHEST.features))
    record = {"features": {"age": 3}, "contents": {"picture": {"npy": based(grey())}}}
    (read,) = Form(both).records({"records": [record]}, most=1)
    assert read.values[0] == 3.0
    assert set(read.values[1:]) == {None}
    with pytest.raises(Refused) as refused:
        Form(both).records({"records": [{**record, "features": {"picture_sharpness": 3}}]}, most=1)
    assert refused.value.faults[0].field == "features.picture_sharpness"
    described = schema.request_schema(both, roles=("record_id",), most=1)
    jsonschema.validate({"records": [record], "saliency": True}, described)
    with pytest.raises(Refused, match="saliency"):
        Form(both).records({"records": [record], "saliency": 1}, most=1)
    with pytest.raises(Refused, match="nobody knows"):
        Form(USE_CASE).records({"records": [{"features": {}}], "saliency": True}, most=1)


@pytest.mark.parametrize("case", [CHEST, BEATS, FEVER], ids=lambda case: case.contents[0].kind)
def test_the_example_of_a_content_can_be_read(case):
    case = replace(case, contents=known(case))
    given = example(case)
    jsonschema.validate({"records": [{"contents": given}]}, schema.request_schema(case, roles=(), most=1))
    (held,), faults = read_contents(case, [given], key=b"k", patients=["p"])
    assert faults == []
    assert all(value is not None for value in held.measured.values())


def test_the_log_keeps_what_was_measured_and_never_the_content(asked, caplog):
    it = asked("note, many labels")
    case, store = it.question.case, it.ward.store
    with it.ward.served(api_rate=10**9) as served:
        key = it.ward.key(case.name)
        answered = served.ask({"records": it.records}, key=key, case=case.name)
        assert answered.status_code == 200
        kept = b"".join(path.read_bytes() for path in (it.ward.settings.home / "serving").rglob("*") if path.is_file())
        served.log.ship()
    assert b"note_characters" in kept
    for each in it.records[:5]:
        assert each["contents"]["note"].encode() not in kept
        assert each["contents"]["note"] not in caplog.text
    window, _ = window_to_read(store, case.name, now=NOW)
    frame, told = delivery(case, window, store=store, now=NOW, small_cell=10)
    assert len(frame) == len(it.records)
    assert frame["note"].isna().all()
    assert any("rest on contents, which the log does not keep" in sentence for sentence in told)
    known = batches.rows(store, it.batch).set_index("record_id")
    measured = [feature.name for feature in case.features]
    there = frame.set_index("record_id").loc[known.index, measured]
    assert np.array_equal(there.to_numpy(dtype=float), known[measured].to_numpy(dtype=float), equal_nan=True)
    online = Source(kind="log", location="online")
    done = ingest(case, online, derived_suite(case), label="online", store=store, settings=it.ward.settings, now=NOW)
    assert not done.batch.refused, done.batch.outcomes
    assert done.batch.rows_accepted == len(it.records)
    score(case, done.batch, store=store, settings=it.ward.settings, now=NOW)
    scored = predictions(store, case, done.batch, it.version).set_index("record_id")
    wanted = predictions(store, case, it.batch, it.version).set_index("record_id").loc[scored.index]
    assert np.array_equal(scored["value"], wanted["value"])
    assert scored["parts"].isna().all(), "the log keeps the one number, so labels that come later judge nothing"


def test_answers_about_contents_are_followed_as_they_were_given_each_by_its_own_version(asked, tmp_path):
    it = asked("note with names")
    case, store, settings = it.question.case, it.ward.store, it.ward.settings
    second = it.ward.model("bag_of_words", seed=1)
    for version, records in ((it.version, it.records), (second, it.records[:10])):
        if version == second:
            it.ward.promote(version)
        with it.ward.served(api_rate=10**9) as served:
            answered = served.ask({"records": records}, key=it.ward.key(case.name), case=case.name)
            assert answered.json()["model"]["version"] == version.version
            served.log.ship()
    online = Source(kind="log", location="online")
    batch = ingest(case, online, derived_suite(case), label="online", store=store, settings=settings, now=NOW).batch
    (found,) = [each.sentence for each in batch.outcomes if each.expectation == "contents"]
    assert "rest on contents, which the log does not keep" in found
    assert "each stands as the log says" in found
    again = {pseudonyms(case, settings, own, own, request="0" * 32)[0] for own in (f"r{n}" for n in range(10))}
    held = {}
    for version in (it.version, second):
        for each in (batch, it.batch):
            score(case, each, store=store, settings=settings, now=NOW, version=version)
        logged, worked_out = (
            predictions(store, case, each, version).set_index("record_id")["value"] for each in (batch, it.batch)
        )
        there = logged.index[logged.notna()]
        assert np.array_equal(logged[there], worked_out[there])
        held[version.version] = logged
    first, later = held[it.version.version], held[second.version]
    assert set(later.index[later.notna()]) == again == set(first.index[first.isna()])
    rows = pd.read_parquet(tmp_path / "delivery.parquet")
    rows[["record", "outcome"]].to_csv(tmp_path / "outcomes.csv", index=False)
    late = replace(case, source=Source(kind="csv", location="late.csv"))
    add_labels(late, source_from(str(tmp_path / "outcomes.csv")), store=store, settings=settings, now=NOW)
    profile = load_profile(store, case.name, it.version.version)
    summary = summarise_batch(case, batch, profile, it.version.version, store=store)
    truth = batches.rows(store, batch).set_index("record_id")["target"].loc[first.index]
    assert summary.loss.total == first.notna().sum() == len(it.records) - 10
    assert summary.loss.mean == pytest.approx(((first - truth) ** 2).mean())


def test_a_model_of_another_content_never_answers(asked):
    it = asked("note, many labels")
    other = replace(it.question.case, contents=(replace(KNOWN, name="letter"),), features=())
    champions = Champions(other, store=it.ward.store)
    assert not champions.refresh()
    assert "another declaration" in champions.trouble


def test_schemathesis_finds_nothing_wrong_where_contents_are_asked_for(asked):
    it = asked("picture, outlined")
    key, command = it.ward.key(), Path(sys.executable).with_name("schemathesis")
    with it.ward.served(api_rate=10**9) as served:
        found = subprocess.run(
            [
                command, "run", f"{served.url}/openapi.json", "--header", f"Authorization: Bearer {key}",
                "--max-examples", "8", "--seed", "1", "--no-color", "--phases", "examples,coverage,fuzzing",
                "--exclude-checks", "positive_data_acceptance",  # a schema cannot say what base64 must hold
            ],
            capture_output=True, text=True, timeout=300, cwd=it.ward.settings.home,
        )  # fmt: skip
        asked_for = served.get("/metrics").text
    assert found.returncode == 0, found.stdout[-6000:]
    for status in ("200", "422"):
        assert f'wardround_requests_total{{status="{status}",use_case="cells"}}' in asked_for
    assert 'status="500"' not in asked_for


@pytest.mark.slow
def test_a_round_watches_what_was_measured_of_contents_that_are_not_kept(asked, store, settings):
    it = asked("signal, by a network")
    case = replace(
        it.question.case, candidates=(Candidate(family="recurrent", parameters={"epochs": 2}),),
        gates=(Floor(metric="accuracy", limit=0.0, reason="a test"),), split=Split(kind="k-fold", folds=2),
        monitoring=Monitoring(min_rows=20, reasons={"min_rows": "a test"}),
    )  # fmt: skip
    version = train(case, (it.batch.id,), store=store, settings=settings, seed=1, cause="first", parent=None, now=NOW)
    it.ward.promote(version)
    with it.ward.served(case, api_rate=10**9, api_max_bytes=20_000_000) as served:
        answered = served.ask({"records": it.records}, key=it.ward.key(case.name), case=case.name)
        assert answered.status_code == 200
        served.log.ship()
    online = Source(kind="log", location="online")
    done = ingest(case, online, derived_suite(case), label="online", store=store, settings=settings, now=NOW)
    decision = monitor(case, done.batch, store=store, settings=settings, now=NOW, as_of=NOW)
    watched = {reading.column for reading in decision.readings if reading.kind == "input drift"}
    assert {"beat_rate", "beat_low", "beat_embedding_1"} <= watched
    of_inputs = [reading for reading in decision.readings if reading.kind != "prediction drift"]
    assert not any(reading.alarm for reading in of_inputs), [r for r in of_inputs if r.alarm]
    delivered = monitor(case, it.batch, store=store, settings=settings, now=NOW, as_of=NOW)
    one, other = (
        [reading for reading in each.readings if reading.kind == "prediction drift"] for each in (decision, delivered)
    )
    assert one == other != [], "the answers are followed as those about a delivery of the same contents are"


NAME, NUMBER, OWN = "Zyxwv Quux", "MRN 77-4711", "case-of-zyxwv-9"


def heard(asked: Asked, caplog) -> list[str]:
    """Ask with names in notes, well and badly; return where a name or a number is told: in answers, refusals, figures,
    logs, and everything kept."""
    case, ward = asked.question.case, asked.ward
    good = {
        "contents": {"note": f"Seen by Dr. {NAME}, {NUMBER}, on the ward. The patient reports a dry cough at night."}
    }
    bad: list[dict[str, Any]] = [
        {"contents": {"note": f"{NAME} {NUMBER} \0"}},
        {"contents": {"note": f"患者一般情况可，无发热。{NAME} {NUMBER}" * 9}},
        {"contents": {"note": f"{NAME} {NUMBER} " * 10_000}},
        {"contents": {"note": {NAME: NUMBER}}},
        {"contents": {NAME: NUMBER}},
        {**good, NAME: NUMBER},
    ]
    with ward.served(api_rate=10**9) as served:
        key = ward.key(case.name)
        said = [
            served.ask(
                {"records": [{"record_id": OWN, "patient_id": OWN} | one], "saliency": True}, key=key, case=case.name
            )
            for one in (good, *bad)
        ]
        assert said[0].status_code == 200
        assert {answer.status_code for answer in said[1:]} <= {413, 422}
        places = {f"answer {place}": answer.content for place, answer in enumerate(said)}
        places |= {path: served.get(path).content for path in ("/metrics", "/readyz", "/healthz")}
        served.log.ship()
    places["logs"] = caplog.text.encode()
    for path in (ward.settings.home / "serving").rglob("*"):
        if path.is_file():
            places[path.name] = path.read_bytes()
    for name in ward.store.keys(""):
        places[f"key {name}"] = name.encode()
        places[name] = ward.store.get(name)
    answers = {f"answer {place}" for place in range(len(said))}
    return [
        f"{place}: {word}"
        for place, body in places.items()
        for word in (NAME, "77-4711", *(() if place in answers else (OWN,)))
        if word.lower().encode() in body.lower()
    ]


def test_no_name_in_a_note_is_told_by_an_answer_a_refusal_or_anything_kept(asked, caplog):
    assert heard(asked("note, quoted without names"), caplog) == []


def test_the_sweep_hears_a_name_where_nothing_takes_it_out(asked, caplog):
    told = heard(asked("note, quoted"), caplog)
    assert {place.partition(":")[0] for place in told} == {"answer 0"}


def test_a_text_that_takes_too_long_is_refused_at_once_and_a_crowd_is_told_to_wait(asked, monkeypatch):
    it = asked("note with names")
    case, key = it.question.case, it.ward.key(it.question.case.name)
    monkeypatch.setattr(predictor, "MOST_TEXT_WAITING", 3000)
    note = it.records[0]["contents"]["note"]
    with it.ward.served(api_rate=10**9, api_max_bytes=3_000_000) as served:
        own = served.predictors[case.name]
        long = {"records": [{"contents": {"note": f"{note} " * 100}}] * 20}
        refused = served.ask(long, key=key, case=case.name)
        assert (refused.status_code, "characters of text" in refused.json()["detail"]) == (413, True)
        assert served.ask(b"{" * 100_000_000, key=key, case=case.name).status_code == 413
        crowd = {"records": [{"contents": {"note": note * 4}}]}
        with ThreadPoolExecutor(50) as many:
            answers = list(many.map(lambda _: served.ask(crowd, key=key, case=case.name), range(200)))
        assert {answer.status_code for answer in answers} == {200, 429}
        assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 429)
        assert (own._reading, own._text) == (0, 0)
        assert served.ask(crowd, key=key, case=case.name).status_code == 200
