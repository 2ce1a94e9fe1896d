"""What an answer to each kind of question looks like to whoever asked: its fields, their JSON schema, its unit, its
words. The one explicit dict is below; whoever answers asks it and knows no problem by name."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import unpacked
from wardround.problems import PROBLEMS, quoting
from wardround.problems.anomaly import UNUSUAL
from wardround.problems.regression import COVERAGE
from wardround.use_cases.base import UseCase

Json = dict[str, Any]
_NUMBER: Json = {"type": "number"}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_STRING: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_PNG = "A PNG picture in base64, 16-bit grey: each pixel is the number of its instance, 0 the background."


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row's prediction, as `wardround.problems.base.Prediction` holds it for many, and the *text* it is about."""

    value: float
    low: float | None = None
    high: float | None = None
    parts: tuple[float, ...] = ()
    output: str | bytes | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a problem's predictions are told.

    *words* finishes "It answers with ...". *fields* is the JSON schema of each field of one answer, *told* gives the
    fields of a row, and *scale* what it takes to read them: the same for all rows, (schema, value) by name. *unit* is
    that of a contribution to an answer, as `Learner.explain` gives it.
    """

    words: Callable[[UseCase], str]
    fields: Callable[[UseCase], Mapping[str, Json]]
    told: Callable[[UseCase, Row], Json]
    unit: Callable[[UseCase], str]
    scale: Callable[[UseCase], Mapping[str, tuple[Json, Any]]] = lambda _: {}


def shape_of(use_case: UseCase) -> Shape:
    """Return how answers to the question of *use_case* are told."""
    return SHAPES[use_case.problem]


def classes(use_case: UseCase) -> tuple[str, ...]:
    """Return the names of the classes that the target numbers from 0; none where it is a quantity."""
    problem = PROBLEMS[use_case.problem]
    if problem.two_classes:
        return ("no", "yes")
    return tuple(_names(use_case)) if problem.supervised and problem.truth is None else ()


def png(array: NDArray[Any]) -> str:
    """Return *array* (height, width[, 3]) of uint8 or uint16 as a PNG picture, in base64."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def _meant(use_case: UseCase) -> str:
    return use_case.target.description or use_case.target.column


def _names(use_case: UseCase) -> list[str]:
    return [str(name) for name in use_case.target.allowed or ()]


def _closed(properties: Mapping[str, Json], *, optional: tuple[str, ...] = ()) -> Json:
    needed = [name for name in properties if name not in optional]
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), "required": needed}


def _list(of: Json, description: str) -> Json:
    return {"type": "array", "items": of, "description": description}


def _threshold(use_case: UseCase) -> Mapping[str, tuple[Json, Any]]:
    return {"threshold": ({**_NUMBER, "description": "At or above it one would act."}, use_case.threshold)}


_CLASSIFICATION = Shape(
    words=lambda case: f"the probability of the outcome ({_meant(case)}), acted on from {case.threshold:g}",
    fields=lambda case: {
        "probability": {**_SHARE, "description": case.target.description}, "above_threshold": {"type": "boolean"},
    },
    told=lambda case, row: {"probability": row.value, "above_threshold": row.value >= case.threshold},
    unit=lambda _: "log odds",
    scale=_threshold,
)  # fmt: skip

_REGRESSION = Shape(
    words=lambda case: (
        f"a number ({_meant(case)}, {case.target.unit or 'no unit'}) with an interval meant to hold nine times in ten"
    ),
    fields=lambda case: {
        "value": {**_NUMBER, "description": case.target.description + _in(case.target.unit)},
        "low": {"type": ["number", "null"]},
        "high": {"type": ["number", "null"]},
    },
    told=lambda _, row: {"value": row.value, "low": row.low, "high": row.high},
    unit=lambda case: case.target.unit or "unit of the target",
    scale=lambda case: {
        "unit": ({"type": ["string", "null"]}, case.target.unit), "interval_coverage": (_NUMBER, COVERAGE),
    },
)  # fmt: skip


def _in(unit: str | None) -> str:
    return f" ({unit})" if unit else ""


_MULTICLASS = Shape(
    words=lambda case: f"a probability for each of {len(_names(case))} classes ({_meant(case)}) and the likeliest",
    fields=lambda case: {
        "class": {**_STRING, "enum": _names(case), "description": f"The likeliest: {_meant(case)}."},
        "probabilities": {**_closed(dict.fromkeys(_names(case), _SHARE)), "description": "They add up to 1."},
    },
    told=lambda case, row: {
        "class": row.output, "probabilities": dict(zip(_names(case), row.parts, strict=True)),
    },
    unit=lambda _: "log odds of the likeliest class",
)  # fmt: skip


def _labelled(case: UseCase, row: Row) -> Json:
    probabilities = json.loads(_text(row))
    return {
        "labels": [name for name, chance in probabilities.items() if chance >= case.threshold],
        "probabilities": probabilities,
    }


_MULTILABEL = Shape(
    words=lambda case: (
        f"a probability for each of {len(_names(case))} labels ({_meant(case)}), given from {case.threshold:g}"
    ),
    fields=lambda case: {
        "labels": _list({**_STRING, "enum": _names(case)}, "Those whose probability reaches the threshold."),
        "probabilities": _closed(dict.fromkeys(_names(case), _SHARE)),
    },
    told=_labelled,
    unit=lambda _: "log odds of the likeliest label",
    scale=_threshold,
)


def _outlined(_: UseCase, row: Row) -> Json:
    assert isinstance(row.output, bytes)
    mask = unpacked(row.output)
    instances = int(np.count_nonzero(np.unique(mask)))
    return {"mask": png(mask.astype(np.uint16)), "foreground_share": row.value, "instances": instances}


_SEGMENTATION = Shape(
    words=lambda case: f"an outline of each instance ({_meant(case)})",
    fields=lambda _: {
        "mask": {**_STRING, "contentEncoding": "base64", "contentMediaType": "image/png", "description": _PNG},
        "foreground_share": _SHARE,
        "instances": _COUNT,
    },
    told=_outlined,
    unit=lambda _: "share of the picture",
)

_ASSERTIONS = ("present", "absent", "possible")
_SPAN: Mapping[str, Json] = {
    "start": {**_COUNT, "description": "First character in `text`, from 0."},
    "end": {**_COUNT, "description": "One past the last."},
    "quote": _STRING,
}
_READ: Json = {**_STRING, "description": "The text as it was read (and de-identified): the places are places in it."}


def _tagged(_: UseCase, row: Row) -> Json:
    text = row.text or ""
    spans = []
    for start, end, kind, *asserted in json.loads(_text(row)):
        said = {"assertion": asserted[0]} if asserted else {}
        spans.append({"start": start, "end": end, "quote": text[start:end], "type": kind, **said})
    return {"text": text, "spans": spans}


_TAGGING = Shape(
    words=lambda case: f"the places in a text that name something ({_meant(case)}), and what each names",
    fields=lambda case: {
        "text": _READ,
        "spans": _list(
            _closed(
                {**_SPAN, "type": _STRING, "assertion": {**_STRING, "enum": list(_ASSERTIONS)}}, optional=("assertion",)
            ),
            _meant(case),
        ),
    },
    told=_tagged,
    unit=lambda _: "places per 100 characters",
)


def _quoted(_: UseCase, row: Row) -> Json:
    text, quotes = quoting.read(_text(row))
    spans = [{"start": start, "end": end, "quote": text[start:end]} for start, end in quotes]
    return {"text": text, "quotes": spans}


_SUMMARY = Shape(
    words=lambda case: f"sentences quoted from a text ({_meant(case)}), each with its place",
    fields=lambda case: {"text": _READ, "quotes": _list(_closed(_SPAN), _meant(case))},
    told=_quoted,
    unit=lambda _: "merit of the quoted sentences",
)

_CLUSTERING = Shape(
    words=lambda case: f"the group of patients a patient is most like ({_meant(case)}), and how far from its centre",
    fields=lambda _: {
        "cluster": {**_STRING, "description": "Groups have numbers and no names: nobody told the model of them."},
        "distance": {**_NUMBER, "minimum": 0, "description": "From the centre: squared, standardised, per feature."},
    },
    told=lambda _, row: {"cluster": row.output, "distance": row.value},
    unit=lambda _: "distance from the centre",
)

_ANOMALY = Shape(
    words=lambda case: f"a score that says how unlike the others a patient is ({_meant(case)})",
    fields=lambda _: {"score": _NUMBER, "flagged": {"type": "boolean", "description": "Above nearly all in training."}},
    told=lambda _, row: {"score": row.value, "flagged": row.output == UNUSUAL},
    unit=lambda _: "anomaly score",
)


def _text(row: Row) -> str:
    assert isinstance(row.output, str)
    return row.output


SHAPES: Mapping[str, Shape] = {
    "classification": _CLASSIFICATION,
    "regression": _REGRESSION,
    "multiclass": _MULTICLASS,
    "multilabel": _MULTILABEL,
    "segmentation": _SEGMENTATION,
    "tagging": _TAGGING,
    "summary": _SUMMARY,
    "clustering": _CLUSTERING,
    "anomaly": _ANOMALY,
}
