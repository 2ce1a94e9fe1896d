"""What bad input gets: a sentence, the exit code that tells whose turn it is, and nothing written or lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from wardround import batches, registry, services
from wardround.cli import main
from wardround.domain import Sensitivity
from wardround.settings import Settings
from wardround.sources import read
from wardround.store import Store
from wardround.use_cases import load

WRONG_INPUT, REFUSED, OUTSIDE = 2, 1, 3

Frame = pd.DataFrame
Run = Callable[..., Any]


class Answer:
    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err
        self.said = out + err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad-input")


@pytest.fixture(scope="module")
def own_store(s3_server: Store) -> Store:
    return replace(s3_server, prefix=f"{s3_server.prefix}bad-input-{os.getpid()}/")


@pytest.fixture(scope="module")
def run(home: Path, own_store: Store) -> Iterator[Run]:
    server = services.PrefectServer(home).start()
    environment = services.environment(Settings(home=home), api_url=server.api_url) | {
        "WARDROUND_S3_ENDPOINT_URL": own_store.endpoint_url,
        "WARDROUND_S3_BUCKET": own_store.bucket,
        "WARDROUND_S3_ACCESS_KEY": own_store.access_key,
        "WARDROUND_S3_SECRET_KEY": own_store.secret_key,
        "WARDROUND_S3_PREFIX": own_store.prefix,
        "WARDROUND_PSEUDONYM_KEY": "a fixed key, for tests and nothing else",
    }
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("command_runner.py"))],
        env=environment, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None

    def call(*arguments: str, **more: str) -> Answer:
        child.stdin.write(json.dumps({"arguments": arguments, "environment": more}) + "\n")
        child.stdin.flush()
        return Answer(**json.loads(child.stdout.readline()))

    yield call
    child.stdin.close()
    child.wait(60)
    child.stdout.close()
    server.stop()


@pytest.fixture(scope="module")
def cleveland() -> Frame:
    use_case = load("heart_disease")
    rows = read(use_case, use_case.source, Settings())
    return rows[rows["dataset"] == "Cleveland"].head(120).reset_index(drop=True)


def keys(store: Store) -> set[str]:
    return set(store.keys(""))


def nothing(_: Path) -> None:
    pass


def text(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


BROKEN_FILES = {
    "missing": (".csv", nothing, "no such file"),
    "empty": (".csv", text(b""), "empty"),
    "binary": (".csv", text(bytes(range(256)) * 8), ""),
    "truncated": (".parquet", text(b"PAR1" + b"\0" * 40), ""),
    "truncated gz": (".csv.gz", text(b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"x" * 12), ""),
    "no spreadsheet": (".xlsx", text(b"not a spreadsheet"), ""),
    "unknown kind": (".docx", text(b"x"), ""),
}


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_file_that_cannot_be_read_is_refused_and_nothing_is_written(case, run, home, own_store):
    suffix, make, says = BROKEN_FILES[case]
    path = home / f"{case.replace(' ', '-')}{suffix}"
    make(path)
    before = keys(own_store)
    answer = run("ingest", str(path), "--use-case", "heart_disease")
    assert answer.code == WRONG_INPUT
    assert path.name in answer.err
    assert says in answer.err
    assert "Traceback" not in answer.said
    assert keys(own_store) == before


def write(frame: Frame, path: Path, **options: Any) -> None:
    frame.to_csv(path, index=False, **options)


def twice(frame: Frame) -> Frame:
    return pd.concat([frame, frame[["age"]]], axis=1)


BROKEN_TABLES = {
    "column missing": (lambda f: f.drop(columns="chol"), {}, "chol"),
    "column extra": (lambda f: f.assign(telephone="x"), {}, "telephone"),
    "column renamed": (lambda f: f.rename(columns={"trestbps": "trestbp"}), {}, "trestbps"),
    "column twice": (twice, {}, "age"),
    "wrong delimiter": (lambda f: f, {"sep": "~"}, "delimiter"),
    "wrong encoding": (lambda f: f.assign(sex="M\u00e4nnlich"), {"encoding": "cp1252"}, "encoding"),
    "text in a number": (lambda f: f.assign(age="forty"), {}, "age"),
    "decimal comma": (lambda f: f.assign(oldpeak=["1,5"] * len(f)), {}, "st_depression"),
    "no rows": (lambda f: f.head(0), {}, "row"),
}


@pytest.mark.parametrize("case", BROKEN_TABLES)
def test_a_table_that_is_not_the_declared_one_is_refused_and_nothing_is_written(case, run, home, own_store, cleveland):
    change, options, says = BROKEN_TABLES[case]
    path = home / f"{case.replace(' ', '-')}.csv"
    write(change(cleveland), path, **options)
    before = keys(own_store)
    answer = run("ingest", str(path), "--use-case", "heart_disease")
    assert answer.code == WRONG_INPUT
    assert path.name in answer.err
    assert says in answer.err
    assert "forty" not in answer.said.replace("forty-", "")
    assert "Traceback" not in answer.said
    assert keys(own_store) == before


def some(frame: Frame, column: str, value: Any, rows: int) -> Frame:
    changed = frame.astype({column: object})
    changed.loc[: rows - 1, column] = value
    return changed


BAD_ROWS = {
    "a few words in a number": (lambda f: some(f, "age", "unknown", 3), 3),
    "infinities": (lambda f: some(f, "oldpeak", "inf", 2), 2),
    "duplicate ids": (lambda f: some(f, "id", 7, 2).assign(id=lambda g: g["id"].where(g.index != 6, 900)), 2),
    "new outcome class": (lambda f: some(f, "num", 9, 4), 4),
    "implausible": (lambda f: some(f, "trestbps", 900, 5), 5),
    "unknown level": (lambda f: some(f, "cp", "heartburn", 2), 2),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_goes_to_quarantine_and_every_row_is_accounted_for(case, run, home, own_store, cleveland):
    change, bad = BAD_ROWS[case]
    label = case.replace(" ", "-")
    write(change(cleveland), home / f"{label}.csv")
    answer = run("ingest", str(home / f"{label}.csv"), "--use-case", "heart_disease", "--label", label, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["quarantined"] == bad
    assert told["accepted"] + told["quarantined"] == told["rows"] == len(cleveland)


REFUSED_BATCHES = {
    "all null": (lambda f: f.assign(trestbps=None), "resting_blood_pressure"),
    "zero rows left": (lambda f: f.assign(age=500), "age"),
    "unit switched": (lambda f: f.assign(chol=f["chol"].astype(float) / 38.67), "mmol/L"),
}


@pytest.mark.parametrize("case", REFUSED_BATCHES)
def test_a_bad_batch_is_refused_and_its_rows_are_kept_in_quarantine(case, run, home, own_store, cleveland):
    change, says = REFUSED_BATCHES[case]
    label = case.replace(" ", "-")
    write(change(cleveland), home / f"{label}.csv")
    answer = run("ingest", str(home / f"{label}.csv"), "--use-case", "heart_disease", "--label", label)
    assert answer.code == REFUSED
    assert says in answer.err
    assert "Traceback" not in answer.said
    batch = batches.load(own_store, "heart_disease", label)
    assert batch.refused
    assert batch.rows_quarantined == len(cleveland)
    again = run("ingest", str(home / f"{label}.csv"), "--use-case", "heart_disease", "--json")
    assert again.code == REFUSED
    assert json.loads(again.out)["refused"]


UNTRAINABLE = {
    "no outcomes": lambda f: f.drop(columns="num"),
    "constant outcome": lambda f: f.assign(num=0),
    "one row": lambda f: f.head(1),
}


@pytest.mark.parametrize("case", UNTRAINABLE)
def test_rows_that_cannot_teach_are_said_to_be_so(case, run, home, own_store, cleveland):
    label = case.replace(" ", "-")
    write(UNTRAINABLE[case](cleveland), home / f"{label}.csv")
    run("ingest", str(home / f"{label}.csv"), "--use-case", "heart_disease", "--label", label)
    answer = run("train", label, "--use-case", "heart_disease")
    assert answer.code == REFUSED
    assert "heart_disease cannot be trained" in answer.err
    assert "Traceback" not in answer.said
    assert registry.champion(own_store, "heart_disease") is None


DATED = """
from wardround.use_cases.base import *
USE_CASE = UseCase(
    name="dated", question="?", problem="regression", source=Source(kind="csv", location="dated.csv"),
    record_id="visit", time="seen", target=Target(column="days"),
    features=(Feature(name="age", kind="numeric", unit="years"),),
    candidates=(Candidate(family="linear"),), gates=(Floor(metric="mae", limit=10, reason="ten days"),),
)
"""


@pytest.mark.parametrize(
    ("name", "value", "bad"), [("impossible", "2024-02-31", 2), ("mixed", "31/12/2023", 3), ("future", "2199-01-01", 1)]
)
def test_impossible_mixed_and_future_dates_go_to_quarantine(name, value, bad, run, home):
    (home / "dated.py").write_text(DATED)
    rows = pd.DataFrame({"visit": range(60), "seen": "2024-01-15", "age": 50, "days": range(60)})
    rows.loc[: bad - 1, "seen"] = value
    write(rows, home / f"{name}.csv")
    answer = run("ingest", str(home / f"{name}.csv"), "--use-case", str(home / "dated.py"), "--label", name, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["quarantined"] == bad
    assert value not in answer.said


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"WARDROUND_S3_ENDPOINT_URL": "http://127.0.0.1:9"}, "WARDROUND_S3_ENDPOINT_URL"),
        ({"WARDROUND_S3_SECRET_KEY": "wrong"}, "WARDROUND_S3_SECRET_KEY"),
        ({"WARDROUND_S3_BUCKET": "nowhere"}, "nowhere"),
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "PREFECT_API_URL"),
    ],
    ids=["address", "credentials", "bucket", "prefect"],
)
def test_a_service_that_cannot_be_reached_is_named_with_its_setting(variables, says, run, home, cleveland):
    write(cleveland, home / "fine.csv")
    answer = run("ingest", str(home / "fine.csv"), "--use-case", "heart_disease", **variables)
    assert answer.code == OUTSIDE
    assert says in answer.err
    assert "Traceback" not in answer.said


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (("ingest", "x.csv", "--use-case", "heart_disease", "--label", "Bad Label"), {}, "label: use 1 to 63"),
        (("score", "x", "--use-case", "h"), {}, "use_case"),
        (("models", "list"), {}, "--use-case"),
        (("verify", "--nope"), {}, "--nope"),
        (("verify",), {"WARDROUND_SMALL_CELL": "ten"}, "WARDROUND_SMALL_CELL"),
        (("use-cases",), {}, ""),
    ],
    ids=["label", "use case", "option missing", "option unknown", "setting", "nothing wrong"],
)
def test_a_wrong_call_is_told_and_with_json_it_is_one_document_too(arguments, variables, says, run):
    answer = run(*arguments, "--json", **variables)
    told = json.loads(answer.out)
    assert answer.code == (WRONG_INPUT if says else 0)
    assert not says or says in told["error"]["message"]
    assert "Traceback" not in answer.said
    if says:
        assert "wardround" in run(*arguments, **variables).err


def test_words_of_an_unexpected_exception_stay_inside(monkeypatch, capsys):
    def break_down(**_: object) -> None:
        raise ValueError("could not convert string to float: 'Mary Smith'")

    monkeypatch.setattr("wardround.cli.app.app", break_down)
    with pytest.raises(SystemExit) as leaving:
        main()
    said = capsys.readouterr()
    assert leaving.value.code == OUTSIDE
    assert "an unexpected ValueError" in said.err
    assert "Mary Smith" not in said.out + said.err


def test_an_unknown_use_case_and_a_faulty_one_are_told(run, home):
    (home / "faulty.py").write_text(DATED.replace('kind="numeric"', 'kind="number"').replace('"?"', "7"))
    for name, says in (("klingon", "choose one of"), (str(home / "faulty.py"), "question")):
        answer = run("ingest", "x.csv", "--use-case", name)
        assert answer.code == WRONG_INPUT
        assert says in answer.err


def test_a_damaged_model_a_damaged_manifest_and_a_lost_champion_are_not_used(
    run, home, own_store, cleveland, intruder_in
):
    write(cleveland.head(118), home / "good.csv")
    assert run("ingest", str(home / "good.csv"), "--use-case", "heart_disease", "--label", "good").code == 0
    trained = run("train", "good", "--use-case", "heart_disease", "--json")
    version = registry.load(own_store, "heart_disease", json.loads(trained.out)["version"])
    if registry.champion(own_store, "heart_disease") is None:
        own_store.swap(
            "champions/heart_disease.json",
            {
                "use_case": "heart_disease", "version": version.version, "sequence": 1, "moved_by": "test",
                "moved_at": version.created_at.isoformat(), "reason": "test", "previous": None, "history": [],
            },
            None,
        )  # fmt: skip
    model, manifest = version.prefix + "model.skops", version.prefix + "manifest.json"
    whole, told, hand = own_store.get(model), own_store.get(manifest), intruder_in(own_store)
    hand.flip(model, 5000)
    answer = run("score", "good", "--use-case", "heart_disease")
    assert answer.code == REFUSED
    assert "model.skops" in answer.err
    hand.write(model, whole)

    hand.write(manifest, told.replace(b'"rows":', b'"rows": 1'))
    assert run("score", "good", "--use-case", "heart_disease").code == REFUSED
    hand.write(manifest, told)

    pointer, tag = own_store.get_pointer("champions/heart_disease.json")
    assert pointer is not None
    own_store.swap("champions/heart_disease.json", {**pointer, "version": "0" * 16}, tag)
    answer = run("score", "good", "--use-case", "heart_disease")
    assert answer.code == WRONG_INPUT
    assert "0000000000000000" in answer.err


def test_a_row_level_object_has_no_place_among_the_aggregates(own_store):
    with pytest.raises(ValueError, match="is not a place for row level"):
        own_store.put("rounds/heart_disease/x.parquet", b"rows", sensitivity=Sensitivity.ROW_LEVEL)
