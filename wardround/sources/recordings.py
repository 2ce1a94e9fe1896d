"""Recordings of signals in files: WFDB records and DICOM waveforms, brought to one form."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from wardround.contents.cells import Unreadable
from wardround.problems.base import Floats
from wardround.sources.bounds import bounded
from wardround.sources.pictures import quiet
from wardround.use_cases.base import Content, Scalar

VOLTS: Mapping[str, float] = {"uV": 1e-6, "µV": 1e-6, "mV": 1e-3, "V": 1.0}

SLOWEST, FASTEST = 1e-6, 1_000_000
"""Hz: beyond, a beat has more samples than there is memory, or the recording ends after the last year there is."""

MOST_CHANNELS = 1000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something marked in a recording: at which sample, and the symbol for what it is."""

    sample: int
    symbol: str


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Signals measured together: *values* (samples, channels) in *units*, *rate* a second, NaN where not measured.

    *names* are lists: each channel may go by several.
    """

    name: str
    patient: str
    rate: float
    names: Sequence[Sequence[str]]
    units: Sequence[str]
    values: Floats
    began: datetime | None = None
    marks: Sequence[Mark] = ()

    def __post_init__(self) -> None:
        if not SLOWEST <= self.rate <= FASTEST:
            raise Unreadable(f"a sampling rate that is not from {SLOWEST:g} to {FASTEST:,} Hz")

    def of(self, content: Content) -> Floats:
        """Return the values of *content*'s channels (samples, channels), in its order and units.

        A channel is found by the content's option ``item.X``, else by its own name, whatever the case; ``unit.X`` is
        the unit it is wanted in. Volts, millivolts and microvolts are turned into each other.

        Raises:
            Unreadable: a channel is missing, there twice, or in a unit that cannot be turned into the declared one.
        """
        columns = []
        for channel in content.channels:
            wanted = str(content.options.get(f"item.{channel}", channel)).lower()
            found = [place for place, names in enumerate(self.names) if wanted in [name.lower() for name in names]]
            if len(found) != 1:
                raise Unreadable("a channel is missing, or there more than once")
            columns.append(self.values[:, found[0]] * _factor(self.units[found[0]], content.options, channel))
        return np.column_stack(columns)

    def moment(self, sample: int) -> datetime | None:
        """Return when the sample number *sample* was taken, if the recording says when it began."""
        try:
            return None if self.began is None else self.began + timedelta(seconds=sample / self.rate)
        except OverflowError:  # the last year there is
            return None


def wfdb_recording(path: Path, annotations: str | None) -> Recording:
    """Return the WFDB record with the header *path*, marked by its beat *annotations* (a file's suffix), if wanted.

    Only marks that stand for a beat are kept. The record's name stands for the patient: the format has no other.

    Raises:
        Unreadable: a file of it is missing, damaged, or not what the header says.
        ModuleNotFoundError: wfdb is not installed (the optional part ``signals``).
    """
    import wfdb
    from wfdb.io.annotation import ann_labels, is_qrs

    beats = {label.symbol for label in ann_labels if is_qrs[label.label_store]}
    stem = str(path.with_suffix(""))
    _tried(lambda: _sound(path))
    record = _tried(lambda: wfdb.rdrecord(stem))
    marks: list[Mark] = []
    if annotations is not None:
        read = _tried(lambda: wfdb.rdann(stem, annotations))
        pairs = zip(read.sample, read.symbol, strict=True)
        marks = [Mark(sample=int(sample), symbol=str(symbol)) for sample, symbol in pairs if symbol in beats]
    return _tried(
        lambda: Recording(
            name=path.stem, patient=path.stem, rate=float(record.fs), names=[[str(name)] for name in record.sig_name],
            units=[str(unit) for unit in record.units], values=np.asarray(record.p_signal, dtype=np.float64),
            began=record.base_datetime, marks=marks,
        )
    )  # fmt: skip


def _sound(header: Path) -> None:
    """Refuse a WFDB header that costs far more than its length: signals without number, segments of segments."""
    first, *others = _lines(header)
    segments = [header.with_name(f"{line[0]}.hea") for line in others] if "/" in first[0] else []
    heads = [first, *(_lines(segment)[0] for segment in set(segments) if segment.is_file())]
    if any("/" in head[0] for head in heads[1:]) or any(int(head[1]) > MOST_CHANNELS for head in heads):
        raise Unreadable(f"segments in segments, or more than {MOST_CHANNELS} signals")


def _lines(header: Path) -> list[list[str]]:
    lines = header.read_text(encoding="latin-1").splitlines()
    return [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def dicom_recording(path: Path, group: int) -> Recording:
    """Return the multiplex group number *group* of the DICOM waveform at *path* (DICOM PS3.3, C.10.9).

    A channel goes by its label and by the meaning and the value of its source's code. Nothing that names the patient is
    read but the patient's id.

    Raises:
        Unreadable: it is no DICOM waveform, damaged, or has no such group.
        ModuleNotFoundError: pydicom is not installed (the optional part ``signals``).
    """
    from wardround.sources.dicom import data_set

    return _tried(lambda: _of_dicom(data_set(path), group))


def _of_dicom(dataset: Any, group: int) -> Recording:
    from pydicom.valuerep import DT

    held = dataset.WaveformSequence[group]
    names, units = [], []
    for channel in held.ChannelDefinitionSequence:
        source = channel.ChannelSourceSequence[0]
        known = (channel.get("ChannelLabel"), source.get("CodeMeaning"), source.get("CodeValue"))
        names.append([str(name) for name in known if name])
        unit = channel.get("ChannelSensitivityUnitsSequence")
        units.append(str(unit[0].CodeValue) if unit else "")
    began = dataset.get("AcquisitionDateTime")
    return Recording(
        name=str(dataset.SOPInstanceUID), patient=str(dataset.get("PatientID") or ""),
        rate=float(held.SamplingFrequency), names=names, units=units,
        values=np.asarray(dataset.waveform_array(group), dtype=np.float64), began=DT(str(began)) if began else None,
    )  # fmt: skip


def _tried(step: Callable[[], T]) -> T:
    """Take a step in a library that reads bytes of others: whatever it stumbles over, the file cannot be read."""
    try:
        with bounded(), quiet():
            return step()
    except (ModuleNotFoundError, Unreadable):
        raise
    except Exception:
        raise Unreadable("the recording is damaged, incomplete or of another format") from None


def _factor(unit: str, options: Mapping[str, Scalar], channel: str) -> float:
    wanted = options.get(f"unit.{channel}")
    if wanted is None or str(wanted) == unit:
        return 1.0
    if unit not in VOLTS or str(wanted) not in VOLTS:
        raise Unreadable("a channel in another unit than declared")
    return VOLTS[unit] / VOLTS[str(wanted)]
