"""A prefix of a bucket: the objects under it, in the order of their keys, are one table."""

from dataclasses import replace
from typing import TYPE_CHECKING

from wardround.errors import InputFault, NotFound, StoreFailed
from wardround.sources import kind_of
from wardround.sources.files import read_bytes
from wardround.store import Store
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings


def read_s3(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read all CSV, Parquet and Excel objects under ``s3://bucket/prefix/`` on the endpoint of the store.

    Names that begin with ``_`` or ``.`` are the marks of other programs and are passed over.

    Raises:
        InputFault: a wrong location, nothing under it, an object of another kind, or columns that differ.
        StoreFailed: the endpoint did not do what was asked.
    """
    import pandas as pd

    bucket, _, prefix = source.location.removeprefix("s3://").partition("/")
    if not bucket or not source.location.startswith("s3://"):
        raise InputFault(source.location, "it names no bucket", "Write s3://bucket/prefix/")
    store = replace(Store.from_settings(settings), bucket=bucket, prefix="")
    keys = _objects(store, prefix, source.location)
    parts: list[pd.DataFrame] = []
    for key in keys:
        place = f"s3://{bucket}/{key}"
        kind = kind_of(key)
        if kind is None:
            raise InputFault(place, "its name says neither CSV nor Parquet nor Excel", "Keep other objects elsewhere")
        try:
            data = store.get(key)
        except NotFound:
            raise InputFault(
                place, "it was deleted while the prefix was read", "Read again when it is complete"
            ) from None
        parts.append(read_bytes(use_case, replace(source, kind=kind), data, place=place))
        if sorted(parts[-1].columns) != sorted(parts[0].columns):
            raise InputFault(
                place, f"its {len(parts[-1].columns)} columns are not the {len(parts[0].columns)} of the first object",
                "Bring all objects under the prefix to the same columns",
            )  # fmt: skip
    if len(parts) == 1 or parts[0].columns.has_duplicates:
        return parts[0]
    return pd.concat([part[parts[0].columns] for part in parts], ignore_index=True)


def _objects(store: Store, prefix: str, location: str) -> list[str]:
    if prefix and not prefix.endswith("/") and kind_of(prefix) is None:
        prefix += "/"  # data must not mean database/ as well
    try:
        found = [key for key in store.keys(prefix) if not key.endswith("/") and key.rpartition("/")[2][0] not in "._"]
    except StoreFailed as error:
        if "no bucket" in error.detail:
            raise InputFault(location, error.detail, f"Check the name; the endpoint is {error.endpoint}") from None
        raise
    if kind_of(prefix) is not None:
        found = [key for key in found if key == prefix]
    if not found:
        raise InputFault(location, "there is no object under this prefix", "Check the prefix, and that it ends in /")
    return sorted(found)
