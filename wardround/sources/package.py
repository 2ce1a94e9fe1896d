"""Tables that come with an installed package: public data for demos, tutorials and tests."""

from importlib import resources
from typing import TYPE_CHECKING, Any

from wardround.errors import InputFault
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

RECORD = "record"
"""Name of the column with the row's number, from 1, that is put before a scikit-learn table."""


def read_package(use_case: UseCase, source: Source) -> "pd.DataFrame":
    """Read ``sklearn:diabetes``, ``sklearn:breast_cancer`` (option ``scaled``: diabetes only) or ``wardround:<table>``.

    Raises:
        InputFault: there is no such table.
    """
    package, _, table = source.location.partition(":")
    if package == "sklearn":
        return _sklearn(table, source)
    if package != "wardround":
        raise InputFault(source.location, f"tables of {package!r} are not known", "Write sklearn:... or wardround:...")
    folder = resources.files("wardround") / "data"
    name = f"{table}.csv.gz"
    there = sorted(entry.name.removesuffix(".csv.gz") for entry in folder.iterdir() if entry.name.endswith(".csv.gz"))
    if table not in there:
        raise InputFault(source.location, f"wardround has no table {table!r}", f"Choose one of {', '.join(there)}")
    from wardround.sources.csv import read_csv

    return read_csv(use_case, (folder / name).read_bytes(), source.options, place=source.location)


def _sklearn(table: str, source: Source) -> "pd.DataFrame":
    from sklearn import datasets

    loaders: dict[str, Any] = {"diabetes": datasets.load_diabetes, "breast_cancer": datasets.load_breast_cancer}
    if table not in loaders:
        raise InputFault(
            source.location, f"scikit-learn's table {table!r} is not known", f"Choose one of {', '.join(loaders)}"
        )
    scaled = {"scaled": bool(source.options.get("scaled", True))} if table == "diabetes" else {}
    frame: pd.DataFrame = loaders[table](as_frame=True, **scaled).frame
    frame.insert(0, RECORD, range(1, len(frame) + 1))
    return frame
