"""What a source that cannot be read gets: a sentence with file, column and counts; never a value."""

import gzip
import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from wardround.errors import InputFault
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.sources.canonical import canonical
from wardround.use_cases.base import Feature, Source, Target, UseCase

SECRET = "Wilhelmina"
GOOD = "id,age,weight,sex,seen,died\n" + "".join(
    f"{row},{50 + row},{60 + row / 10:.1f},{'FM'[row % 2]},2025-03-{row:02d},{row % 2}\n" for row in range(1, 21)
)


@pytest.fixture
def use_case() -> UseCase:
    return UseCase(
        name="ward",
        question="?",
        problem="classification",
        source=Source(kind="csv", location="ward.csv"),
        record_id="id",
        time="seen",
        target=Target(column="died", positive=(1,), allowed=(0, 1)),
        features=(
            Feature(name="age", kind="numeric"),
            Feature(name="body_weight", column="weight", kind="numeric", missing_codes=(-9, "unknown")),
            Feature(name="sex", kind="category", allowed=("F", "M")),
        ),
        candidates=(),
        gates=(),
        identifiers=("name",),
        ignored=("ward",),
    )


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", pseudonym_key="x" * 32)  # type: ignore[arg-type]


def refusal(use_case: UseCase, source: Source, settings: Settings) -> str:
    with pytest.raises(InputFault) as refused:
        canonical(use_case, read(use_case, source, settings), settings, place=source.location)
    assert refused.value.exit_code == 2
    assert refused.value.__cause__ is None
    assert SECRET not in f"{refused.value!r} {refused.value}"
    return str(refused.value)


def excel_of(rows: list[list[object]]) -> bytes:
    body = io.BytesIO()
    pd.DataFrame(rows).to_excel(body, index=False, header=False)
    return body.getvalue()


WELL = excel_of([line.split(",") for line in GOOD.splitlines()])
PARQUET = pd.read_csv(io.StringIO(GOOD)).to_parquet(index=False)


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("empty.csv", b"", "the file is empty (0 bytes)"),
        ("blank.csv", b"\n \n", "the file is empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "the file is empty"),
        ("short.csv.gz", gzip.compress(GOOD.encode() * 50, mtime=0)[:-40], "the gzip file is cut short or damaged"),
        ("odd.csv.gz", b"\x1f\x8b" + b"nonsense" * 9, "the gzip file is cut short or damaged"),
        ("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(40), "this is a picture, not delimited text"),
        ("bytes.csv", bytes(range(256)) * 4, "this is a binary file"),
        ("really.csv", PARQUET, "this is a Parquet file, not delimited text"),
        ("sheet.csv", WELL, "a zip archive or an Excel workbook, not delimited text"),
        ("one.csv", GOOD.replace(",", "~").encode(), "only one column is found: the delimiter is none of comma"),
        ("latin.csv", GOOD.replace("F", f"{SECRET} é").encode("latin-1"), "it is not utf-8 from line 3 on"),
        ("ragged.csv", (GOOD + f"21,{SECRET}\n1,2,3,4,5,6,7\n").encode(), "2 of 22 lines have more or fewer than 6"),
        ("cut.csv", GOOD[:-7].encode(), "1 of 20 lines have more or fewer than 6 cells"),
        ("quote.csv", GOOD.replace("5,55", f'"5{SECRET},55').encode(), "cannot be taken apart|have more or fewer"),
        ("header.csv", GOOD.splitlines()[0].encode(), "it has a header and no rows"),
        ("short.parquet", PARQUET[:-30], "the Parquet file is cut short"),
        ("torn.parquet", PARQUET[:40] + bytes(200) + PARQUET[-300:], "the Parquet file is damaged"),
        ("csv.parquet", GOOD.encode(), "this is not a Parquet file"),
        ("short.xlsx", WELL[:-500], "the Excel workbook is cut short or damaged"),
        ("csv.xlsx", GOOD.encode(), "this is not an Excel workbook"),
        ("old.xlsx", b"\xd0\xcf\x11\xe0" + bytes(99), "from before 2007, or one with a password"),
        ("none.xlsx", excel_of([]), "the workbook has no filled cell"),
        ("notes.xlsx", excel_of([["id", "age"], [1, 2, SECRET]]), "1 row(s) have cells to the right"),
    ],
)
def test_a_broken_file_is_refused_with_a_sentence(name, body, says, use_case, home):
    path = home.home / name
    path.write_bytes(body)
    text = refusal(use_case, source_from(str(path)), home)
    assert any(part in text for part in says.split("|")), text
    assert name in text


def test_a_small_file_that_holds_more_than_there_is_memory_is_not_unzipped(use_case, home, monkeypatch):
    monkeypatch.setattr("wardround.sources.csv.MOST_UNZIPPED", 1000)
    path = home.home / "bomb.csv.gz"
    path.write_bytes(gzip.compress(bytes(100_000), mtime=0))
    assert "the gzip file holds more than" in refusal(use_case, source_from(str(path)), home)


def edited(change) -> bytes:
    table = pd.read_csv(io.StringIO(GOOD), dtype="str")
    return change(table).to_csv(index=False).encode()


def cell(column: str, values: dict[int, str]):
    def change(table: pd.DataFrame) -> pd.DataFrame:
        for row, value in values.items():
            table.loc[row, column] = value
        return table

    return lambda: edited(change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda: edited(lambda t: t.drop(columns="age")), ["the column 'age' is missing. Add the missing columns"]),
        (lambda: edited(lambda t: t.rename(columns={"weight": "Weight_"})), ["'weight' is missing; 'Weight_' may be"]),
        (lambda: edited(lambda t: t.assign(email=SECRET)), ["1 unknown column(s): 'email'", "`identifiers` or"]),
        (lambda: edited(lambda t: t.assign(**{"1954-02-03": 1})), ["1 unknown column(s): column 7"]),
        (lambda: edited(lambda t: t).replace(b"weight", b"age"), ["the column 'age' is there 2 times"]),
        (lambda: GOOD.split("\n", 1)[1].encode(), ["5 of the 5 needed columns", "may be no header"]),
        (cell("age", dict.fromkeys(range(11), SECRET)), ["age: 11 of 20 values: not a number"]),
        (lambda: edited(lambda t: t.assign(weight=t["weight"].str.replace(".", ","))), ["20 of 20 numbers have a"]),
        (cell("weight", dict.fromkeys(range(11), "inf")), ["body_weight: 11 of 20 values: infinite"]),
        (cell("seen", dict.fromkeys(range(11), "03/04/2025")), ["time: 11 of 20 times: in another", "time_format"]),
        (cell("seen", dict.fromkeys(range(11), "2025-02-30")), ["time: 11 of 20 times: not possible"]),
        (cell("died", dict.fromkeys(range(11), "perhaps")), ["target: 11 of 20 values: new outcome class"]),
    ],
)  # fmt: skip
def test_a_table_that_is_not_the_use_cases_is_refused(change, says, use_case, home):
    path = home.home / "ward.csv"
    path.write_bytes(change())
    text = refusal(use_case, source_from(str(path)), home)
    for part in says:
        assert part in text, text


def test_all_faults_are_told_at_once(use_case, home):
    path = home.home / "ward.csv"
    path.write_bytes(edited(lambda t: t.drop(columns="age").rename(columns={"sex": "gender_sex"}).assign(email=SECRET)))
    text = refusal(use_case, source_from(str(path)), home)
    assert "3 faults" in text
    path.write_bytes(edited(lambda t: t.assign(age=SECRET, weight=SECRET, seen=SECRET, died=SECRET)))
    text = refusal(use_case, source_from(str(path)), home)
    assert "4 faults" in text
    assert all(name in text for name in ("age:", "body_weight:", "time:", "target:"))


@pytest.mark.parametrize(
    ("options", "encoding", "says"),
    [
        ({"delimiter": ";"}, "utf-8", "the declared delimiter gives one column, a comma would give 6"),
        ({"delimiter": "::"}, "utf-8", "must be one character"),
        ({"encoding": "latin-1"}, "utf-8", "declared as latin-1, but it is UTF-8 beyond doubt"),
        ({"encoding": "utf-16"}, "utf-8", "utf-16"),
        ({"encoding": "utf-8"}, "latin-1", "it is not utf-8 from line 3 on"),
        ({"encoding": "klingon"}, "utf-8", "there is no encoding 'klingon'"),
        ({"encoding": "latin-1"}, "utf-16-le", "it has zero characters: the encoding is wrong"),
    ],
)
def test_a_wrong_declaration_is_told(options, encoding, says, use_case, home):
    path = home.home / "ward.csv"
    path.write_bytes(GOOD.replace("F", "Fé").encode(encoding))
    assert says in refusal(use_case, replace(source_from(str(path)), options=options), home)


def test_a_missing_file_is_told_with_both_places_looked_at(use_case, home):
    text = refusal(use_case, source_from("inbox/ward.csv"), home)
    assert str(Path("inbox/ward.csv").absolute()) in text
    assert str(home.data / "inbox" / "ward.csv") in text
    same = refusal(use_case, source_from("inbox/ward.csv"), home.model_copy(update={"data": Path.cwd()}))
    assert same.count(str(Path.cwd())) == 1
    bare = home.model_copy(update={"data": None})
    assert "set WARDROUND_DATA" in refusal(use_case, source_from("inbox/ward.csv"), bare)
    assert "this is a folder" in refusal(use_case, Source(kind="csv", location=str(home.home)), home)


def test_a_relative_path_is_also_looked_for_under_the_data_folder(use_case, home):
    (home.data / "inbox").mkdir(parents=True)
    (home.data / "inbox" / "ward.csv").write_text(GOOD)
    assert len(read(use_case, source_from("inbox/ward.csv"), home)) == 20


def test_a_parquet_file_with_lists_is_refused(use_case, home):
    path = home.home / "ward.parquet"
    pq.write_table(pa.table({"id": [1], "age": [[1, 2]]}), path)
    assert "column(s) 2 (list<" in refusal(use_case, source_from(str(path)), home)


def test_two_filled_sheets_need_a_choice(use_case, home):
    path = home.home / "ward.xlsx"
    with pd.ExcelWriter(path) as book:
        for name in ("March", "April"):
            pd.read_csv(io.StringIO(GOOD)).to_excel(book, sheet_name=name, index=False)
    assert "2 sheets have rows ('March', 'April')" in refusal(use_case, source_from(str(path)), home)
    assert "there is no sheet 'May'" in refusal(use_case, source_from(f"{path}#May"), home)


@pytest.mark.parametrize(
    ("location", "options", "says"),
    [
        ("sqlite:///{home}/none.db", {"table": "visits"}, "there is no such file"),
        ("sqlite:///{home}/text.db", {"table": "visits"}, "not a SQLite database"),
        ("sqlite:///{home}/ward.db", {"table": "patients"}, "there is no table 'patients' (tables: 'visits')"),
        ("sqlite:///{home}/ward.db", {}, "one of the options `table` and `query`"),
        ("sqlite:///{home}/ward.db", {"query": "SELEKT"}, "did not take the query"),
        ("sqlite:///{home}/ward.db", {"query": "SELECT * FROM visits WHERE id < 0"}, "a header and no rows"),
        ("sqlite://", {"table": "visits"}, "in memory"),
        ("klingon://host/ward", {"table": "visits"}, "no driver for klingon"),
        ("not a url", {"table": "visits"}, "no SQLAlchemy URL"),
    ],
)
def test_a_database_that_cannot_be_read_is_told(location, options, says, use_case, home):
    engine = sa.create_engine(f"sqlite:///{home.home / 'ward.db'}")
    pd.read_csv(io.StringIO(GOOD)).to_sql("visits", engine, index=False)
    engine.dispose()
    (home.home / "text.db").write_text("no database")
    source = Source(kind="sql", location=location.format(home=home.home), options=options)
    assert says in refusal(use_case, source, home)
    assert not (home.home / "none.db").exists()


def test_a_database_password_is_never_told(use_case, home):
    source = Source(kind="sql", location=f"klingon://user:{SECRET}@host/ward", options={"table": "visits"})
    assert "user:***@" in refusal(use_case, source, home)


@pytest.mark.parametrize(
    ("text", "kind", "location", "options"),
    [
        ("in/a.csv", "csv", "in/a.csv", {}),
        ("a.TSV.gz", "csv", "a.TSV.gz", {}),
        ("a.pq", "parquet", "a.pq", {}),
        ("a.xlsx#March", "excel", "a.xlsx", {"sheet": "March"}),
        ("sqlite:///x.db#visits", "sql", "sqlite:///x.db", {"table": "visits"}),
        (
            "postgresql+psycopg://me@host/ward#a.visits",
            "sql",
            "postgresql+psycopg://me@host/ward",
            {"table": "a.visits"},
        ),
        ("s3://bucket/in/", "s3", "s3://bucket/in/", {}),
        ("package:sklearn:diabetes", "package", "sklearn:diabetes", {}),
        ("wardround:heart_disease", "package", "wardround:heart_disease", {}),
    ],
)
def test_a_text_names_a_source(text, kind, location, options):
    assert source_from(text) == Source(kind=kind, location=location, options=options)


@pytest.mark.parametrize(
    ("text", "says"), [("ward.xls", "before 2007"), ("ward.db", "sqlite:///ward.db#table"), ("ward", "does not tell")]
)
def test_a_text_that_names_no_source_is_told(text, says):
    with pytest.raises(InputFault, match=says):
        source_from(text)


@pytest.mark.parametrize(
    ("location", "rows", "columns"), [("sklearn:diabetes", 442, 12), ("sklearn:breast_cancer", 569, 32)]
)
def test_a_packaged_table_has_its_rows_numbered(location, rows, columns, use_case, home):
    table = read(use_case, Source(kind="package", location=location), home)
    assert table.shape == (rows, columns)
    assert table["record"].tolist() == list(range(1, rows + 1))


@pytest.mark.parametrize("location", ["sklearn:klingon", "wardround:klingon", "klingon:diabetes"])
def test_an_unknown_packaged_table_is_told(location, use_case, home):
    refusal(use_case, Source(kind="package", location=location), home)
