"""A long table of measurements (patient, time, item, value) and a table of stays, made into one series per stay.

Nothing that became known after the prediction is due is ever in a series: that is decided here, in `_in_time`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wardround.errors import InputFault
from wardround.sources import kind_of
from wardround.sources.cells import cells, missing
from wardround.sources.files import read_file
from wardround.sources.rowwise import Rows, only_series
from wardround.sources.schema import Fault, raise_all
from wardround.sources.values import RowFault, numbers
from wardround.use_cases.base import Content, Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

_NEEDED = ("stays", "stay", "time", "item", "value", "window_from", "window_until")
_OF_CHANNEL = re.compile(r"(?P<channel>.+) (?P<what>first|last|lowest|highest|count)")


class _Faulty(NamedTuple):
    """Why the rows of some stays are not to be used."""

    reason: str
    stays: "pd.Series[str]"


def read_events(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read a long table, the source's location, and the table of stays beside it into a raw frame: a row per stay.

    Options: ``stays`` (file of the table of stays, in the same folder); the columns of the long table: ``stay`` (which
    is also the record id's in the table of stays), ``time`` (minutes after the start of the stay), ``item``,
    ``value``, ``unit`` (if there is one) and ``known`` (minutes at which the value was known, where that is not when
    it was measured); ``window_from`` and ``window_until`` (minutes after the start of the stay; the prediction is
    due at the latter); ``ended`` (column of the table of stays with the minute it ended: of stays over before the
    prediction is due no row is made). Both tables may be any kind of file.

    An outcome that is no column of the stays but a later measurement: ``outcome_item``, ``outcome_below`` and
    ``outcome_until`` (minutes). The target's column then says ``yes`` where a value of the item measured after
    ``window_until`` and not after ``outcome_until`` is below, ``no`` where there are values and none is, nothing where
    there are none.

    The series' channels are items: the content's options ``item.X`` (the item's name, if it is not the channel's) and
    ``unit.X`` (its unit). Times are seconds after ``window_from``; of two values of an item at one time the one that
    was known last counts. A feature whose column is called ``X first``, ``X last``, ``X lowest``, ``X highest`` or ``X
    count`` is made of channel X.

    Raises:
        InputFault: an option, a file or a column is missing, or most of what should be numbers is not.
    """
    content = only_series(use_case, source.location)
    options = source.options
    _check(source)
    beside = str(PurePath(source.location).with_name(str(options["stays"])))
    stays = _table_of(use_case, source, beside, settings)
    events = _table_of(use_case, source, source.location, settings)
    roles = [str(options[role]) for role in ("stay", "time", "item", "value", "known", "unit") if role in options]
    _columns(source.location, events, roles)
    _columns(beside, stays, [use_case.record_id, *([str(options["ended"])] if "ended" in options else [])])
    if "ended" in options:
        ended = numbers("ended", stays[str(options["ended"])])
        raise_all(beside, ended.faults)
        stays = stays[~(ended.values <= float(options["window_until"])).to_numpy()].reset_index(drop=True)
    chosen, faults = _chosen(content, events, source)
    kept = _in_time(source, chosen)
    faults += _unit_faults(content, kept) if "unit" in options else []
    made = _joined(use_case, content, stays, kept, faults)
    if "outcome_item" in options:
        made[use_case.target.column] = _outcome(source, events, _texts(stays[use_case.record_id]))
    return made


def _outcome(source: Source, events: "pd.DataFrame", names: "pd.Series[str]") -> "list[str | None]":
    """Return, per name of a stay, whether a value of the outcome's item falls below after the prediction was due."""
    options = source.options
    events = events[(_texts(events[str(options["item"])]) == str(options["outcome_item"])).to_numpy()]
    read = {role: numbers(role, events[str(options[role])].reset_index(drop=True)) for role in ("time", "value")}
    raise_all(source.location, [fault for column in read.values() for fault in column.faults])
    minute, value = read["time"].values, read["value"].values
    later = (minute > float(options["window_until"])) & (minute <= float(options["outcome_until"]))
    lowest = value[later].groupby(_texts(events[str(options["stay"])])[later]).min()
    below = (lowest.dropna() < float(options["outcome_below"])).to_dict()
    return [None if name not in below else "yes" if below[name] else "no" for name in names]


def _chosen(content: Content, events: "pd.DataFrame", source: Source) -> "tuple[pd.DataFrame, list[_Faulty]]":
    """Return the events of the content's channels (stay, channel, minute, known, value, unit) and their faults.

    *known* is never before *minute*: nothing is known before it is measured.
    """
    import pandas as pd

    options = source.options
    channel_of = {str(content.options.get(f"item.{name}", name)): name for name in content.channels}
    channels = _texts(events[str(options["item"])]).map(channel_of)
    events = events[channels.notna().to_numpy()].reset_index(drop=True)
    made = pd.DataFrame({"stay": _texts(events[str(options["stay"])]), "channel": channels.dropna().to_numpy()})
    faults: list[_Faulty] = []
    whole: list[Fault] = []
    for name, role in (("minute", "time"), ("value", "value"), ("known", "known")):
        if role not in options:
            made[name] = made["minute"]
            continue
        read = numbers(role, events[str(options[role])])
        made[name] = read.values
        whole += read.faults
        faults += [_Faulty(f"{content.name}: a {role} that is {_said(fault)}", made["stay"].iloc[fault.rows])
                   for fault in read.rows]  # fmt: skip
    raise_all(source.location, whole)
    made["known"] = made[["minute", "known"]].max(axis=1, skipna=False)
    if (timeless := (made["known"].isna() & made["value"].notna())).any():
        faults.append(_Faulty(f"{content.name}: a value without its time", made["stay"][timeless]))
    made["unit"] = _texts(events[str(options["unit"])]) if "unit" in options else None
    return made, faults


def _in_time(source: Source, events: "pd.DataFrame") -> "pd.DataFrame":
    """Return the events measured in the window and known when the prediction is due: the leak guard of this source.

    An event without a time of either kind cannot be shown to be in time, so it is not.
    """
    first, last = float(source.options["window_from"]), float(source.options["window_until"])
    in_time = (events["minute"] >= first) & (events["minute"] <= last) & (events["known"] <= last)
    kept = events[in_time & events["value"].notna()]
    seconds = (kept["minute"] - first) * 60.0
    return kept.assign(second=seconds).sort_values(["stay", "second", "known"], kind="stable")


def _unit_faults(content: Content, events: "pd.DataFrame") -> "list[_Faulty]":
    declared = {name: content.options[f"unit.{name}"] for name in content.channels if f"unit.{name}" in content.options}
    wanted = events["channel"].map(declared)
    other = (wanted.notna() & (events["unit"] != wanted)).to_numpy()
    reason = f"{content.name}: a value in another unit than declared, or in none"
    return [_Faulty(reason, events["stay"][other])] if other.any() else []


def _joined(
    use_case: UseCase, content: Content, stays: "pd.DataFrame", events: "pd.DataFrame", faults: "list[_Faulty]"
) -> "pd.DataFrame":
    """Return *stays* with a series each, with the columns made of it, and with the faults of rows."""
    of_stay = dict(iter(events.groupby("stay", sort=False)))
    nothing = events.iloc[:0]
    faulty = {fault.reason: set(fault.stays) for fault in faults}
    made = {column: match for feature in use_case.features
            if feature.of is None and (match := _OF_CHANNEL.fullmatch(column := feature.source_column))
            and match["channel"] in content.channels}  # fmt: skip
    summaries: dict[str, list[float]] = {column: [] for column in made}
    rows = Rows()
    for name in _texts(stays[use_case.record_id]):
        own = of_stay.get(name, nothing)
        for reason, names in faulty.items():
            if name in names:
                rows.fault(reason)
        rows.add(str(name), _table(content, own))
        for column, match in made.items():
            summaries[column].append(_SUMMARY[match["what"]](own["value"][own["channel"] == match["channel"]]))
    columns: dict[str, Any] = {content.source_column: rows.cells, **summaries}
    return rows.told(stays.assign(**columns))


def _table(content: Content, events: "pd.DataFrame") -> tuple[Any, Any]:
    """Return the times (samples,) in seconds and the values (samples, channels) of one stay's *events*."""
    times, rows = np.unique(events["second"].to_numpy(dtype=np.float32), return_inverse=True)
    values = np.full((len(times), len(content.channels)), np.nan)
    places = events["channel"].map({name: place for place, name in enumerate(content.channels)})
    for row, place, value in zip(rows, places, events["value"], strict=True):  # later ones overwrite, in order
        values[row, place] = value
    return times, values


def _check(source: Source) -> None:
    options = source.options
    wanted = (*_NEEDED, *(("outcome_below", "outcome_until") if "outcome_item" in options else ()))
    absent = [name for name in wanted if name not in options]
    if absent:
        raise InputFault(source.location, f"the source's option {', '.join(absent)} is missing", "Declare it")
    window = [options[name] for name in ("window_from", "window_until")]
    if any(isinstance(end, bool | str) for end in window) or not float(window[0]) < float(window[1]):
        raise InputFault(source.location, "the window is not two numbers of minutes, the earlier first",
                         "Mend the options `window_from` and `window_until`")  # fmt: skip


def _columns(place: str, frame: "pd.DataFrame", names: list[str]) -> None:
    faults = [Fault(fault=f"the column {name!r} is {'missing' if not count else f'there {count} times'}",
                    remedy="Mend the export, or the source's options")
              for name in names if (count := list(frame.columns).count(name)) != 1]  # fmt: skip
    raise_all(place, faults)


def _table_of(use_case: UseCase, source: Source, location: str, settings: "Settings") -> "pd.DataFrame":
    import pandas as pd

    kind = kind_of(location)
    if kind is None:
        raise InputFault(
            location, "its name does not tell what kind of file it is", "Name it .csv, .csv.gz or .parquet"
        )
    kept = {name: value for name, value in source.options.items() if name in ("encoding", "delimiter", "sheet")}
    frame = read_file(use_case, Source(kind=kind, location=location, options=kept), settings)
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    return frame


def _texts(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the one spelling of each cell, missing where there is none, numbered from 0."""
    held = cells(column)
    return held.strings(~missing(held.texts))


def _said(fault: RowFault) -> str:
    return "no number" if fault.reason.endswith("not a number") else "infinite"


_SUMMARY: Mapping[str, Callable[["pd.Series[float]"], float]] = {
    "first": lambda values: float(values.iloc[0]) if len(values) else np.nan,
    "last": lambda values: float(values.iloc[-1]) if len(values) else np.nan,
    "lowest": lambda values: float(values.min()) if len(values) else np.nan,
    "highest": lambda values: float(values.max()) if len(values) else np.nan,
    "count": lambda values: float(len(values)),
}
