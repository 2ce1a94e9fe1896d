"""Parquet: typed columns, as they are."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from wardround.errors import InputFault
from wardround.sources.files import what_it_is

if TYPE_CHECKING:
    import pandas as pd


def read_parquet(data: bytes, *, place: str, binary: Collection[str] = ()) -> "pd.DataFrame":
    """Read a Parquet file's bytes; the columns *binary* may hold bytes.

    Raises:
        InputFault: it is no Parquet file, is cut short, or has nested columns or other binary ones.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not data.startswith(b"PAR1"):
        what = what_it_is(data) or "something else"
        raise InputFault(
            place, f"this is not a Parquet file, it begins like {what}", "Name the file with its true suffix"
        )
    if not data.endswith(b"PAR1"):
        raise InputFault(place, "the Parquet file is cut short: its end is missing", "Copy or export it again")
    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
    except (pa.ArrowException, OSError) as error:
        raise InputFault(place, f"the Parquet file is damaged ({type(error).__name__})", "Export it again") from None
    odd = [
        f"{i + 1} ({column.type})"
        for i, column in enumerate(table.schema)
        if pa.types.is_nested(_inner(column.type)) or (_is_binary(column.type) and column.name.strip() not in binary)
    ]
    if odd:
        raise InputFault(
            place, f"column(s) {', '.join(odd)} hold no plain values", "Leave them out or unfold them before the export"
        )
    # integers with gaps stay integers: as floats, long identifiers would lose their last digits
    frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True, ignore_metadata=True)
    return frame


def _inner(kind: Any) -> Any:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    inner = _inner(kind)
    return bool(pa.types.is_binary(inner) or pa.types.is_large_binary(inner) or pa.types.is_fixed_size_binary(inner))
