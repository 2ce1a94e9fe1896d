"""Dates keep only what the use case allows."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def coarsen(times: "pd.Series[pd.Timestamp]", keep: str, zone: str) -> "pd.Series[pd.Timestamp]":
    """Return *times* (UTC) cut down to the beginning of their second, day, month or year in *zone*, in UTC.

    A beginning that a clock change skips is moved to the first moment that exists. Coarsening twice changes
    nothing.
    """
    naive: Any = times.dt.tz_convert(zone).dt.tz_localize(None)
    if keep == "second":
        return times.dt.floor("s")
    naive = naive.dt.to_period({"day": "D", "month": "M", "year": "Y"}[keep]).dt.to_timestamp()
    first = naive.notna().to_numpy()  # of two equal clock readings, the earlier
    local = naive.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    coarse: pd.Series[pd.Timestamp] = local.dt.tz_convert("UTC").dt.as_unit("us")
    return coarse
