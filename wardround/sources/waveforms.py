"""Recordings of signals cut into rows: whole, in segments of equal length, or beat by beat as they are annotated."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wardround.contents.cells import Unreadable
from wardround.errors import InputFault
from wardround.problems.base import Floats
from wardround.sources.bounds import bounded
from wardround.sources.files import files_under, locate
from wardround.sources.recordings import Recording, dicom_recording, wfdb_recording
from wardround.sources.rowwise import Rows, only_series
from wardround.use_cases.base import Scalar, Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

BEFORE, AFTER = 0.25, 0.45
"""Seconds around a beat's mark: from before the P wave to past the T wave at an ordinary rate."""
SUFFIXES = (".hea", ".dcm", ".dicom")


class _Piece(NamedTuple):
    """A stretch of a recording that becomes a row: its samples, and the symbol it is marked with."""

    first: int
    end: int
    symbol: str | None


def read_waveforms(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read a WFDB record (its header), a DICOM waveform, or a folder of them into a raw frame.

    Options: ``annotations`` (suffix of the file with beat annotations, ``atr`` for one: a row per beat, from ``before``
    to ``after`` seconds around its mark; without it a row per recording), ``segment`` (seconds: a row per stretch of
    that length; what is left over at the end makes none), ``label.X`` (the name of the symbol X in the target),
    ``group`` (number of a DICOM waveform's multiplex group, the first is 0). Channels and units: see `Recording.of`.

    A record is named after its recording, and the number of its first sample; the patient after the DICOM patient id
    or the WFDB record. What a beat's surroundings lack at either end of the recording is missing. A recording of a
    folder that cannot be read is one row with a fault.

    Raises:
        InputFault: nothing is there, the only recording cannot be read, or an option is wrong.
    """
    import pandas as pd

    content = only_series(use_case, source.location)
    paths = _paths(source, settings)
    columns: dict[str, list[Any]] = {name: [] for name in ("patient", "kind", "time")}
    rows = Rows()
    for number, path in enumerate(paths):
        try:
            with bounded():
                recording = _recording(path, source)
                values = recording.of(content)
                cut = [(piece, _cut(values, piece)) for piece in _pieces(recording, source)]
        except Unreadable as why:
            if len(paths) == 1:
                raise InputFault(source.location, str(why), "Copy or export it again") from None
            rows.add(f"unread {number}", None, f"{content.name}: {why}")
            _grow(columns, f"unread {number}", None, None)
            continue
        for piece, samples in cut:
            rows.add(f"{recording.name}/{piece.first}", (np.arange(len(samples)) / recording.rate, samples))
            named = source.options.get(f"label.{piece.symbol}", piece.symbol)
            _grow(columns, recording.patient, named, recording.moment(max(piece.first, 0)))
    if not len(rows):
        raise InputFault(source.location, "no stretch of its recordings makes a row", "Look at the source's options")
    made: dict[str, Any] = {use_case.record_id: rows.names, content.source_column: rows.cells}
    if use_case.patient_id not in (None, use_case.record_id):
        made[str(use_case.patient_id)] = columns["patient"]
    if use_case.time is not None:
        made[use_case.time] = [None if moment is None else moment.isoformat() for moment in columns["time"]]
    if use_case.target.column and "annotations" in source.options:
        made[use_case.target.column] = columns["kind"]
    return rows.told(pd.DataFrame(made))


def _grow(columns: dict[str, list[Any]], patient: str, kind: Scalar | None, time: Any) -> None:
    for name, value in (("patient", patient), ("kind", kind), ("time", time)):
        columns[name].append(value)


def _paths(source: Source, settings: "Settings") -> list[Path]:
    """Return the files to read, in order of their names."""
    try:
        place = locate(source.location, settings, folder=True)
    except InputFault:
        place = locate(f"{source.location}.hea", settings)  # WFDB names a record without its suffix
    found = (
        [path for path in files_under(place, source.location) if path.parent == place] if place.is_dir() else [place]
    )
    wanted = [path for path in found if path.is_file() and (path.suffix.lower() in SUFFIXES or _is_dicom(path))]
    if not wanted:
        raise InputFault(source.location, "there is no recording in it", "Name a WFDB header, a DICOM file or a folder")
    return wanted


def _is_dicom(path: Path) -> bool:
    """Whether a file without a suffix, as archives write them, has DICOM's mark after its preamble."""
    if path.suffix:
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _recording(path: Path, source: Source) -> Recording:
    if path.suffix.lower() == ".hea":
        annotations = source.options.get("annotations")
        return wfdb_recording(path, None if annotations is None else str(annotations))
    return dicom_recording(path, int(source.options.get("group", 0)))


def _pieces(recording: Recording, source: Source) -> Iterator[_Piece]:
    length = len(recording.values)
    if "annotations" in source.options:
        before = round(_seconds(source, "before", BEFORE) * recording.rate)
        after = round(_seconds(source, "after", AFTER) * recording.rate)
        for mark in recording.marks:
            yield _Piece(mark.sample - before, mark.sample + after, mark.symbol)
    elif "segment" in source.options:
        step = max(round(_seconds(source, "segment", 1.0) * recording.rate), 1)
        for first in range(0, length - step + 1, step):
            yield _Piece(first, first + step, None)
    else:
        yield _Piece(0, length, None)


def _cut(values: Floats, piece: _Piece) -> Floats:
    """Return the samples of *piece* (samples, channels), NaN beyond the ends of the recording."""
    out = np.full((piece.end - piece.first, values.shape[1]), np.nan)
    first, end = max(piece.first, 0), min(piece.end, len(values))
    if first < end:
        out[first - piece.first : end - piece.first] = values[first:end]
    return out


def _seconds(source: Source, name: str, default: float) -> float:
    seconds = source.options.get(name, default)
    if isinstance(seconds, bool | str) or not 0 < seconds < float("inf"):
        raise InputFault(source.location, f"the option {name} is no number of seconds above 0", "Mend the option")
    return float(seconds)
