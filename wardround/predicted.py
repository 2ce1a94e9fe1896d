"""Predictions as columns of Parquet, and back."""

from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.problems.base import Floats, Prediction, Problem

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NUMBERS = ("value", "low", "high")
PARTS, OUTPUT = "parts", "output"


def fields(problem: Problem, *, output: bool) -> "list[pa.Field]":
    """Return the columns that a prediction of *problem* has: numbers, and parts and *output* where it is no number."""
    import pyarrow as pa

    found = [pa.field(name, pa.float64()) for name in NUMBERS]
    if problem.scalar:
        return found
    answer = [pa.field(OUTPUT, pa.large_binary())] if output else []
    return [*found, pa.field(PARTS, pa.list_(pa.float64())), *answer]


def columns(problem: Problem, prediction: Prediction, *, output: bool) -> dict[str, Any]:
    """Return the values of `fields`, row by row."""
    blank = np.full(len(prediction), np.nan)
    found: dict[str, Any] = {
        "value": prediction.value,
        "low": blank if prediction.low is None else prediction.low,
        "high": blank if prediction.high is None else prediction.high,
    }
    if problem.scalar:
        return found
    found[PARTS] = [None] * len(prediction) if prediction.parts is None else prediction.parts.tolist()
    if output:
        answers = [None] * len(prediction) if prediction.output is None else prediction.output
        found[OUTPUT] = [answer.encode() if isinstance(answer, str) else answer for answer in answers]
    return found


def prediction_of(problem: Problem, frame: "pd.DataFrame") -> Prediction:
    """Return the prediction whose `columns` *frame* holds."""
    value, low, high = (frame[name].to_numpy(dtype=np.float64) for name in NUMBERS)
    ends = [None if np.isnan(bound).all() else bound for bound in (low, high)]
    if problem.scalar:
        return Prediction(value=value, low=ends[0], high=ends[1])
    return Prediction(value=value, low=ends[0], high=ends[1], parts=_parts(frame), output=_output(problem, frame))


def _parts(frame: "pd.DataFrame") -> Floats | None:
    rows = [None if row is None else np.asarray(row, dtype=float) for row in frame[PARTS]]
    width = max((len(row) for row in rows if row is not None), default=0)
    if not width:
        return None
    blank = np.full(width, np.nan)
    return np.array([blank if row is None else row for row in rows])


def _output(problem: Problem, frame: "pd.DataFrame") -> Any:
    if OUTPUT not in frame or frame[OUTPUT].isna().all():
        return None
    found = np.empty(len(frame), dtype=object)
    for place, answer in enumerate(frame[OUTPUT]):
        as_it_is = problem.truth == "mask" or not isinstance(answer, bytes)
        found[place] = answer if as_it_is else answer.decode()
    return found
