"""From what the learner gave to what is said of each record: the answer, its reasons, its warnings, where it looked."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.wire import Cell, wire
from wardround.problems import Prediction, problem_of
from wardround.problems.answering import Row, shape_of
from wardround.problems.base import Floats
from wardround.serving.predictions.answers import Predicted, Warned
from wardround.serving.predictions.champions import Serving
from wardround.serving.predictions.form import Record
from wardround.use_cases.base import Content, UseCase

MOST_REASONS = 100
"""Reasons of one answer: a model of a text may know thousands of terms."""


def predicted(
    use_case: UseCase,
    serving: Serving,
    records: Sequence[Record],
    prediction: Prediction,
    sizes: Floats,
    looked_at: Sequence[Any] | None = None,
) -> list[Predicted]:
    """Return what is said of each of *records*, of whose inputs (records, inputs) *sizes* are the contributions."""
    order = np.argsort(-np.abs(sizes), axis=1, kind="stable")[:, :MOST_REASONS]
    told, threshold = shape_of(use_case).told, use_case.threshold
    two_classes, inputs, shown = problem_of(use_case).two_classes, serving.inputs, looked_at or [None] * len(records)
    return [
        Predicted(
            record_id=record.record_id, value=row.value, low=row.low, high=row.high,
            above=row.value >= threshold if two_classes else None,
            reasons=tuple((inputs[i], size[i]) for i in places), warnings=_warnings(use_case, serving, record),
            fields=told(use_case, row) if row.value == row.value else {}, looked_at=it,
        )
        for record, row, size, places, it in zip(
            records, _rows(use_case, records, prediction), sizes.tolist(), order.tolist(), shown, strict=True
        )
    ]  # fmt: skip


def looked_at(
    use_case: UseCase, serving: Serving, inputs: Mapping[str, Sequence[Any]], wanted: NDArray[np.bool_]
) -> list[Any]:
    """Return, per row of *inputs*, where in its content the answer comes from; None where not *wanted* or not known."""
    import pandas as pd

    found: list[Any] = [None] * len(wanted)
    content = next((each for each in use_case.contents if each.name in serving.learner.columns), None)
    if content is None:
        return found
    places = np.flatnonzero(wanted).tolist()
    rows = pd.DataFrame({name: [column[place] for place in places] for name, column in inputs.items()})
    arrays = serving.learner.saliency(rows)
    if arrays is not None:
        shown = wire(content.kind).shown
        for place, cell, array in zip(places, rows[content.name], arrays, strict=True):
            found[place] = None if array is None else shown(cell, array)
    return found


def mark(cell: Cell) -> str:
    """Return the sha256 of a content: the content itself is not kept."""
    return hashlib.sha256(cell if isinstance(cell, bytes) else cell.encode()).hexdigest()


def _rows(use_case: UseCase, records: Sequence[Record], prediction: Prediction) -> list[Row]:
    values = prediction.value.tolist()
    blank = [None] * len(values)
    lows = blank if prediction.low is None else prediction.low.tolist()
    highs = blank if prediction.high is None else prediction.high.tolist()
    if prediction.parts is None and prediction.output is None:
        return [Row(value=value, low=low, high=high) for value, low, high in zip(values, lows, highs, strict=True)]
    parts = [()] * len(values) if prediction.parts is None else prediction.parts.tolist()
    outputs = blank if prediction.output is None else prediction.output
    texts = [_text(use_case.contents, record) for record in records]
    return [
        Row(value=value, low=low, high=high, parts=tuple(part), output=output, text=text)
        for value, low, high, part, output, text in zip(values, lows, highs, parts, outputs, texts, strict=True)
    ]


def _text(contents: Sequence[Content], record: Record) -> str | None:
    """Return the text among the contents of *record*, if there is one: places in an answer are places in it."""
    cells = (record.contents[content.name] for content in contents)
    return next((cell for cell in cells if isinstance(cell, str)), None)


def _warnings(use_case: UseCase, serving: Serving, record: Record) -> tuple[Warned, ...]:
    found: list[Warned] = []
    for name, value in zip(use_case.feature_names, record.values, strict=True):
        if value is None:
            found.append(Warned(field=name, kind="missing"))
        elif isinstance(value, str):
            known = serving.levels.get(name)
            if known is not None and value not in known:
                found.append(Warned(field=name, kind="unseen level"))
        else:
            low, high = serving.ranges.get(name, (value, value))
            if not low <= value <= high:
                found.append(Warned(field=name, kind="outside training"))
    return tuple(found)
