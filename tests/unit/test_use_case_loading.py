import gzip
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from wardround.errors import UseCaseInvalid, UseCaseNotFound, WardroundError
from wardround.use_cases import REGISTRY, load

FOUR = {"heart_disease", "thyroid", "diabetes_progression", "length_of_stay"}
HEAVY = ("pandas", "numpy", "sklearn", "great_expectations", "evidently", "matplotlib", "prefect", "boto3")


def written(folder: Path, text: str | bytes, name: str = "mine.py") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_the_four_shipped_use_cases_are_found_by_listing_modules() -> None:
    assert set(REGISTRY) >= FOUR
    assert not any(name.startswith("_") or name == "base" for name in REGISTRY)


def test_a_new_use_case_touches_one_new_file(tmp_path: Path) -> None:
    """A copy of the package with one more module knows one more use case, and no other file was touched."""
    package = tmp_path / "wardround"
    original = Path(str(resources.files("wardround")))
    package.symlink_to(original)
    copied = tmp_path / "use_cases"
    copied.mkdir()
    for path in (original / "use_cases").glob("*.py"):
        (copied / path.name).write_bytes(path.read_bytes())
    text = (copied / "heart_disease.py").read_text().replace('name="heart_disease"', 'name="one_more"')
    (copied / "one_more.py").write_text(text)
    program = (
        "import sys, wardround\n"
        f"import importlib.util as u; s = u.spec_from_file_location('wardround.use_cases', "
        f"{str(copied / '__init__.py')!r}, submodule_search_locations=[{str(copied)!r}])\n"
        "m = u.module_from_spec(s); sys.modules['wardround.use_cases'] = m; s.loader.exec_module(m)\n"
        "print(m.load('one_more').name, len(m.REGISTRY))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.split() == ["one_more", str(len(REGISTRY) + 1)], done.stderr


def test_loading_every_use_case_imports_no_heavy_library() -> None:
    program = (
        "import sys; from wardround.use_cases import REGISTRY, load\n"
        f"[load(name) for name in REGISTRY]; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_of_the_users_own_is_loaded(tmp_path: Path) -> None:
    source = Path(str(resources.files("wardround") / "use_cases" / "heart_disease.py")).read_text()
    path = written(tmp_path, source.replace('name="heart_disease"', 'name="mine"'))
    assert load(path).name == "mine"
    assert load(path).content_hash() == load(path).content_hash()


def test_two_files_of_the_same_name_are_two_use_cases(tmp_path: Path) -> None:
    source = Path(str(resources.files("wardround") / "use_cases" / "heart_disease.py")).read_text()
    names = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        names.append(written(tmp_path / folder, source.replace('name="heart_disease"', f'name="{folder}x"')))
    assert [load(name).name for name in names] == ["onex", "twox"]


def test_an_edited_file_is_read_anew(tmp_path: Path) -> None:
    source = Path(str(resources.files("wardround") / "use_cases" / "heart_disease.py")).read_text()
    path = written(tmp_path, source)
    before = load(path)
    written(tmp_path, source.replace("threshold=0.3", "threshold=0.4"))
    assert (before.threshold, load(path).threshold) == (0.3, 0.4)


BAD_FILES = {
    "a syntax error": (b"x = 1\nUSE_CASE = (\n", "cannot read line 2"),
    "no use case": (b"x = 1\n", "the file defines no such name"),
    "another thing": (b"USE_CASE = 3\n", "it must be a UseCase, not int"),
    "a crash": (b"x = 1\ny = 1 / 0\n", "line 2 failed with ZeroDivisionError"),
    "a wrong argument": (
        b"from wardround.use_cases.base import Feature\nFeature(nome='age', kind='numeric')\n",
        "line 2 failed with TypeError",
    ),
    "a missing import": (b"import wardround_nothing\n", "line 1 failed with ModuleNotFoundError"),
    "an exit": (b"raise SystemExit(0)\n", "line 1 failed with SystemExit"),
    "binary": (b"\x00\xff\xfe\x80", "file: "),
    "another encoding": ("x = 'é'\n".encode("latin-1"), "file: "),
    "nothing": (b"", "the file defines no such name"),
}


@pytest.mark.parametrize("title", BAD_FILES)
def test_a_bad_file_is_told_in_a_sentence(title: str, tmp_path: Path) -> None:
    text, expected = BAD_FILES[title]
    path = written(tmp_path, text)
    with pytest.raises(UseCaseInvalid) as caught:
        load(path)
    assert expected in str(caught.value)
    assert path in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["hart_disease", "/nowhere/mine.py", "", "base", "_checks", ".", "wardround"])
def test_an_unknown_name_lists_what_is_known(name: str) -> None:
    with pytest.raises(UseCaseNotFound) as caught:
        load(name)
    assert all(known in str(caught.value) for known in FOUR)


def test_a_table_given_as_a_use_case_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WardroundError, match=r"a Python file whose name ends in \.py"):
        load(written(tmp_path, "a,b\n", name="table.csv"))


def test_the_shipped_table_has_row_304_at_its_own_hospital_and_nothing_else_changed(shared_data: Path) -> None:
    shipped = gzip.decompress((resources.files("wardround") / "data" / "heart_disease.csv.gz").read_bytes()).decode()
    published = gzip.decompress((shared_data / "heart_disease" / "heart_disease_uci.csv.gz").read_bytes()).decode()
    pairs = list(zip(shipped.split("\n"), published.split("\n"), strict=True))
    changed = [(ours, theirs) for ours, theirs in pairs if ours != theirs]
    assert len(changed) == 1
    assert changed[0][0] == changed[0][1].replace("Cleveland", "Hungary")
    assert changed[0][0].startswith("304,")


def test_the_shipped_table_names_its_creators_and_licence() -> None:
    text = (resources.files("wardround") / "data" / "ATTRIBUTION.md").read_text()
    assert all(word in text for word in ("Janosi", "Steinbrunn", "Pfisterer", "Detrano", "CC BY 4.0", "304"))


@pytest.mark.parametrize("name", sorted(FOUR))
def test_every_shipped_use_case_fits_its_real_table(name: str, shared_data: Path, tmp_path: Path) -> None:
    from wardround.settings import Settings
    from wardround.sources import read
    from wardround.sources.canonical import canonical

    use_case = load(name)
    settings = Settings(home=tmp_path, data=shared_data)
    frame = canonical(use_case, read(use_case, use_case.source, settings), settings, place=name)
    assert {"target", *use_case.feature_names} <= set(frame.columns)
    assert frame["record_id"].is_unique
    assert frame["target"].notna().all()
    for feature in use_case.features:
        assert frame[feature.name].isna().mean() <= max(feature.max_missing, 0.25), feature.name
        if feature.allowed:
            assert set(frame[feature.name].dropna()) <= set(feature.allowed), feature.name
        elif feature.kind == "numeric" and feature.plausible:
            held = frame[feature.name].dropna()
            outside = ~held.between(*feature.plausible)
            assert outside.mean() < 0.001, feature.name  # the thyroid table has ages above 60,000
