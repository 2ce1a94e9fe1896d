"""One contract for every kind of source: the same table gives the same canonical frame and the same name."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from wardround.domain import Sensitivity
from wardround.errors import InputFault, StoreFailed
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.sources.canonical import canonical, canonical_id
from wardround.store import Store
from wardround.use_cases.base import Candidate, Feature, Floor, Source, Target, UseCase

NUMBERS = ("age", "trestbps", "chol", "thalch", "oldpeak", "ca")

USE_CASE = UseCase(
    name="hearts",
    question="Is a vessel narrowed?",
    problem="classification",
    source=Source(kind="csv", location="hearts.csv"),
    record_id="id",
    patient_id="person",
    time="seen",
    time_zone="Europe/Zurich",
    keep_time="month",
    site="dataset",
    target=Target(column="num", positive_above=0, allowed=(0, 1, 2, 3, 4)),
    features=(
        *(
            Feature(name=name, kind="numeric", missing_codes=(0,) if name in ("trestbps", "chol") else ())
            for name in NUMBERS
        ),
        *(Feature(name=name, kind="category") for name in ("sex", "cp", "restecg", "slope", "thal")),
        *(Feature(name=name, kind="boolean") for name in ("fbs", "exang")),
    ),
    candidates=(Candidate(family="logistic"),),
    gates=(Floor(metric="auroc", limit=0.5, reason="a test"),),
    identifiers=("surname",),
)


@pytest.fixture(scope="module")
def table(shared_data: Path) -> pd.DataFrame:
    """The real table, with a person, a moment and a surname that Latin-1 can write added."""
    rows = pd.read_csv(shared_data / "heart_disease" / "heart_disease_uci.csv.gz")
    rows["person"] = (rows["id"] + 1) // 2
    rows["seen"] = pd.Timestamp("2025-01-31 23:30") + pd.to_timedelta(rows["id"], unit="h")
    rows["surname"] = [f"Müller-Überträger {number}" for number in rows["id"]]
    return rows


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings without a store."""
    return Settings(home=tmp_path_factory.mktemp("home"), pseudonym_key="a fixed key, for tests and nothing else")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def expected(table: pd.DataFrame, quiet: Settings) -> pd.DataFrame:
    """What every kind of source has to give."""
    return canonical(USE_CASE, table, quiet, place="memory")


def csv(**options: object) -> Callable[[pd.DataFrame, Path], Source]:
    encoding, sep, decimal = options.get("encoding", "utf-8"), options.get("sep", ","), options.get("decimal", ".")
    name, declared = str(options.get("name", "hearts.csv")), options.get("declared", {})

    def write(table: pd.DataFrame, folder: Path) -> Source:
        text = table.to_csv(index=False, sep=str(sep), decimal=str(decimal)).encode(str(encoding))
        (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return replace(source_from(str(folder / name)), options=declared)  # type: ignore[arg-type]

    return write


def parquet(table: pd.DataFrame, folder: Path) -> Source:
    table.to_parquet(folder / "hearts.parquet", index=False)
    return source_from(str(folder / "hearts.parquet"))


def parquet_of_other_types(table: pd.DataFrame, folder: Path) -> Source:
    other = table.astype({"oldpeak": "float32", "age": "int16", "sex": "category", "ca": "Int64", "fbs": "boolean"})
    other["seen"] = other["seen"].dt.tz_localize("Europe/Zurich")
    other.to_parquet(folder / "hearts.parquet", index=False)
    return source_from(str(folder / "hearts.parquet"))


def excel(table: pd.DataFrame, folder: Path) -> Source:
    table.to_excel(folder / "hearts.xlsx", index=False)
    return source_from(str(folder / "hearts.xlsx"))


def excel_beside_another_sheet(table: pd.DataFrame, folder: Path) -> Source:
    with pd.ExcelWriter(folder / "hearts.xlsx") as book:
        pd.DataFrame({"a note": ["nothing to see"]}).to_excel(book, sheet_name="notes", index=False)
        table.to_excel(book, sheet_name="rows", index=False)
    return source_from(f"{folder / 'hearts.xlsx'}#rows")


def sqlite(table: pd.DataFrame, folder: Path) -> Source:
    engine = sa.create_engine(f"sqlite:///{folder / 'ward.db'}")
    table.to_sql("visits", engine, index=False)
    engine.dispose()
    return source_from(f"sqlite:///{folder / 'ward.db'}#visits")


def sqlite_query(table: pd.DataFrame, folder: Path) -> Source:
    source = sqlite(table, folder)
    return replace(source, options={"query": "SELECT * FROM visits ORDER BY random()"})


KINDS = {
    "csv": csv(),
    "csv with bom": csv(encoding="utf-8-sig"),
    "csv in latin-1": csv(encoding="latin-1", declared={"encoding": "latin-1"}),
    "csv in utf-16": csv(encoding="utf-16"),
    "csv with semicolons": csv(sep=";"),
    "csv with tabs": csv(sep="\t", name="hearts.tsv"),
    "csv with bars, declared": csv(sep="|", declared={"delimiter": "|"}),
    "csv with decimal commas": csv(sep=";", decimal=",", declared={"decimal": ","}),
    "csv gzipped": csv(name="hearts.csv.gz"),
    "parquet": parquet,
    "parquet of other types": parquet_of_other_types,
    "excel": excel,
    "excel, one sheet of two": excel_beside_another_sheet,
    "sqlite": sqlite,
    "sqlite, a query in any order": sqlite_query,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_table_has_the_same_frame_and_name_whatever_its_kind(kind, table, expected, quiet, tmp_path):
    source = KINDS[kind](table, tmp_path)
    frame = canonical(USE_CASE, read(USE_CASE, source, quiet), quiet, place=source.location)
    assert canonical_id(frame) == canonical_id(expected)
    if "any order" in kind:
        frame = frame.set_index("record_id").loc[expected["record_id"]].reset_index()
    pd.testing.assert_frame_equal(frame, expected)
    assert frame.attrs["row_faults"] == {}


def bucket_of(settings: Settings, objects: dict[str, bytes]) -> None:
    for key, body in objects.items():
        Store.from_settings(settings).put(f"batches/{key}", body, sensitivity=Sensitivity.ROW_LEVEL)


def under(settings: Settings, prefix: str) -> Source:
    return source_from(f"s3://{settings.s3_bucket}/{settings.s3_prefix}batches/{prefix}")


@pytest.mark.parametrize("prefix", ["inbox/", "inbox"])
def test_the_objects_under_a_prefix_are_one_table_in_the_order_of_their_keys(prefix, table, expected, settings):
    csv_part = table.iloc[:300].to_csv(index=False).encode()
    bucket_of(
        settings,
        {
            "inbox/part-1.csv": csv_part,
            "inbox/part-2.csv.gz": gzip.compress(table.iloc[300:600].to_csv(index=False, sep=";").encode()),
            "inbox/part-3.parquet": table.iloc[600:].to_parquet(index=False),
            "inbox/_SUCCESS": b"",
            "inbox-of-others/part-9.csv": csv_part,
        },
    )
    frame = canonical(USE_CASE, read(USE_CASE, under(settings, prefix), settings), settings, place="inbox")
    assert canonical_id(frame) == canonical_id(expected)
    pd.testing.assert_frame_equal(frame, expected)


def test_one_object_can_be_named(table, expected, settings):
    bucket_of(settings, {"one.csv": table.to_csv(index=False).encode(), "one.csv.bak": b"old"})
    frame = canonical(USE_CASE, read(USE_CASE, under(settings, "one.csv"), settings), settings, place="one")
    assert canonical_id(frame) == canonical_id(expected)


def test_another_bucket_than_the_stores_own_can_be_read(table, settings):
    with pytest.raises(InputFault, match="there is no bucket 'elsewhere-entirely'"):
        read(USE_CASE, source_from("s3://elsewhere-entirely/inbox/"), settings)


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ({}, "there is no object under this prefix"),
        ({"inbox/a.csv": b"id,age\n1,2\n", "inbox/b.csv": b"id,sex,age\n1,F,2\n"}, "its 3 columns are not the 2"),
        ({"inbox/a.json": b"{}"}, "neither CSV nor Parquet nor Excel"),
        ({"inbox/a.csv": b""}, "the file is empty"),
    ],
)
def test_a_prefix_that_is_no_table_is_refused(objects, says, settings):
    bucket_of(settings, objects)
    with pytest.raises(InputFault, match=says):
        read(USE_CASE, under(settings, "inbox/"), settings)


def test_a_wrong_address_is_the_stores_failure_not_the_tables(settings):
    lost = settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    with pytest.raises(StoreFailed, match="no answer"):
        read(USE_CASE, under(settings, "inbox/"), lost)


def test_a_changed_cell_changes_the_name(table, expected, quiet):
    for column, value in (("age", 64), ("sex", "Other"), ("num", 4), ("seen", pd.Timestamp("2024-06-01"))):
        other = table.copy()
        other.loc[5, column] = value
        assert canonical_id(canonical(USE_CASE, other, quiet, place="memory")) != canonical_id(expected), column
