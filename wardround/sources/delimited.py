"""Text with a record per line, a label and then its samples, as archives of time series are written (UCR, for one)."""

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.errors import InputFault
from wardround.sources.csv import decoded, unzipped
from wardround.sources.files import file_bytes
from wardround.sources.rowwise import Rows, only_series
from wardround.use_cases.base import Scalar, Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

_LONGEST = 50_000_000
_BETWEEN = re.compile(r"[^\S\n]*[,;\t|][^\S\n]*|[^\S\n]+")


def read_delimited(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read lines of a label and samples (blank, comma, semicolon, tab or bar between them) into a raw frame.

    Options: ``rate`` (Hz, needed: the text does not say it), ``label`` (``first``, unless it is ``last`` or
    ``none``), ``label.X`` (the name of the label X), ``encoding``. A record is named after its own content, since the
    text gives it no name: the same line is the same record, whatever file it comes in; a line that comes again gets a
    number. Lines may differ in length; a sample that is no number makes its line a fault of the row.

    Raises:
        InputFault: the file is missing, empty or no text, or the use case has not exactly one series of one channel.
    """
    import pandas as pd

    content = only_series(use_case, source.location, channels=1)
    rate = _rate(source)
    data = file_bytes(source.location, settings)
    text = decoded(unzipped(data, source.location), source.options, source.location)
    rows, names, labels = Rows(), Counter[str](), []
    for line in text.splitlines():
        if not line.strip():
            continue
        if len(line) > _LONGEST:
            raise InputFault(
                source.location, f"a line of it has more than {_LONGEST // 1_000_000} million characters",
                "Put each record into a line of its own",
            )  # fmt: skip
        label, samples = _apart(_BETWEEN.split(line.strip()), str(source.options.get("label", "first")))
        labels.append(_named(label, source.options))
        name = hashlib.sha256(" ".join(samples).encode()).hexdigest()[:32]
        names[name] += 1
        values = _numbers(samples)
        rows.add(
            name if names[name] == 1 else f"{name}-{names[name]}",
            None if values is None else (np.arange(len(values)) / rate, values),
            f"{content.name}: a sample is no number",
        )
    if not len(rows):
        raise InputFault(source.location, "there is no line in it", "Export it again")
    columns: dict[str, Any] = {use_case.record_id: rows.names, content.source_column: rows.cells}
    if use_case.target.column and source.options.get("label") != "none":
        columns[use_case.target.column] = labels
    return rows.told(pd.DataFrame(columns))


def _rate(source: Source) -> float:
    rate = source.options.get("rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
        raise InputFault(
            source.location, "nothing says how many samples make a second", "Declare it by the option `rate`, in Hz"
        )
    return float(rate)


def _apart(parts: list[str], label: str) -> tuple[str | None, list[str]]:
    if label == "none":
        return None, parts
    return (parts[-1], parts[:-1]) if label == "last" else (parts[0], parts[1:])


def _named(label: str | None, options: "dict[str, Scalar] | Any") -> str | None:
    """Return the label as the use case calls it: whole numbers without decimals, then its name, if it has one."""
    if label is None or not label:
        return None
    try:
        number = float(label)
    except ValueError:
        plain = label
    else:
        plain = str(int(number)) if number.is_integer() else label
    return str(options.get(f"label.{plain}", plain))


def _numbers(samples: list[str]) -> "np.ndarray[Any, np.dtype[np.float64]] | None":
    """Return the samples, NaN for ``nan``, ``?`` and nothing between two marks; None where one is no number."""
    try:
        return np.array([float("nan" if text in ("", "?") else text) for text in samples])
    except ValueError:
        return None
