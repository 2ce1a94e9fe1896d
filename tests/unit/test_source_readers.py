"""Which reader a source beyond tables gets, and what is said where it or its library is missing."""

import sys
from dataclasses import replace
from types import ModuleType
from typing import get_args

import pandas as pd
import pytest

from wardround.errors import InputFault
from wardround.errors.extras import ExtraMissing
from wardround.sources import READERS, read, source_from
from wardround.sources.files import locate
from wardround.use_cases import load
from wardround.use_cases.base import Source

CASE = load("heart_disease")


def test_every_kind_of_source_has_a_reader():
    tables = {"csv", "parquet", "excel", "sql", "s3", "package", "log"}
    assert set(get_args(Source.__annotations__["kind"])) == tables | set(READERS)


@pytest.mark.parametrize("kind", READERS)
def test_each_kind_is_read_by_its_own_module(kind, settings, monkeypatch):
    reader = READERS[kind]
    module = ModuleType(f"wardround.sources.{reader.module}")
    answer = pd.DataFrame({"id": [1]})
    setattr(module, f"read_{reader.module}", lambda *given: given[1].location == "here" and answer)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert read(CASE, Source(kind=kind, location="here"), settings) is answer  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", READERS)
def test_a_source_on_the_command_line_has_the_options_of_the_use_case_for_its_kind(kind):
    own = replace(CASE, source=Source(kind=kind, location="own", options={"rate": 5}))  # type: ignore[arg-type]
    written = f"{READERS[kind].prefix}:some/folder"
    assert source_from(written, own) == Source(kind=kind, location="some/folder", options={"rate": 5})  # type: ignore[arg-type]
    assert source_from(written, CASE) == source_from(written) == Source(kind=kind, location="some/folder")  # type: ignore[arg-type]


def test_a_missing_library_is_named_with_the_part_of_the_installation_that_has_it(settings, monkeypatch):
    module = ModuleType("wardround.sources.dicom")

    def fails(*_: object) -> pd.DataFrame:
        raise ModuleNotFoundError("No module named 'pydicom'", name="pydicom")

    module.read_dicom = fails  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(ExtraMissing, match=r"pydicom, which is not installed: run `pip install 'wardround\[imaging\]'"):
        read(CASE, Source(kind="dicom", location="x"), settings)


def test_a_module_of_our_own_that_is_missing_is_no_missing_library(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "wardround.sources.dicom", None)
    with pytest.raises(ModuleNotFoundError, match="wardround"):
        read(CASE, Source(kind="dicom", location="x"), settings)


def test_what_cannot_be_told_names_the_prefixes_too():
    with pytest.raises(InputFault, match="dicom:, images:, waveforms:"):
        source_from("x.dcm")


def test_a_folder_is_found_only_where_one_will_do(tmp_path, settings):
    (tmp_path / "scans").mkdir()
    placed = settings.model_copy(update={"data": tmp_path})
    assert locate("scans", placed, folder=True) == tmp_path / "scans"
    with pytest.raises(InputFault, match="this is a folder, not a file"):
        locate("scans", placed)
