"""What is answered: a prediction per record, the reasons for it, what to be warned of, and who predicted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from wardround.problems.answering import shape_of
from wardround.use_cases.base import UseCase

Kind = Literal["missing", "unseen level", "outside training"]
KINDS: tuple[Kind, ...] = ("missing", "unseen level", "outside training")
SAID: dict[Kind, str] = {
    "missing": "not given; the prediction rests on the other features",
    "unseen level": "hardly or never met in training; the model treats it as any rare level",
    "outside training": "further out than nearly all training patients; the model extrapolates",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """Why a prediction deserves less trust: the feature *field*, and the kind of trouble."""

    field: str
    kind: Kind

    @property
    def detail(self) -> str:
        """The kind in words."""
        return SAID[self.kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """The answer for one record.

    *record_id* is the caller's own (None: not given). *value* is the prediction's one number, *low* and *high* its
    interval, *above* whether a probability reaches the use case's threshold (None: it is none). *fields* is what is
    answered, as the problem's `Shape` tells it. *reasons* is (input, contribution), the largest first, in the unit of
    the shape. *looked_at* is where in its content the answer comes from, if that was asked and the model can tell.
    """

    record_id: str | None
    value: float
    low: float | None
    high: float | None
    above: bool | None
    reasons: tuple[tuple[str, float], ...]
    warnings: tuple[Warned, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    looked_at: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to one request: *predictions* in the order of its records, and the model *version* that made them.

    *saliency*: the caller asked where in their contents the answers come from.
    """

    request_id: str
    use_case: str
    version: str
    family: str
    at: datetime
    predictions: tuple[Predicted, ...]
    saliency: bool = False


def document(use_case: UseCase, answer: Answer) -> dict[str, Any]:
    """Return *answer* as the JSON document that goes over the wire."""
    shape = shape_of(use_case)
    return {
        "request_id": answer.request_id,
        "use_case": answer.use_case,
        "model": {"version": answer.version, "family": answer.family},
        "time": answer.at.isoformat(),
        **{name: value for name, (_, value) in shape.scale(use_case).items()},
        "reasons_unit": shape.unit(use_case),
        "predictions": [_one(each, saliency=answer.saliency) for each in answer.predictions],
    }


def _one(each: Predicted, *, saliency: bool) -> dict[str, Any]:
    return {
        "record_id": each.record_id,
        **each.fields,
        "reasons": [{"feature": name, "contribution": size} for name, size in each.reasons],
        "warnings": [{"feature": it.field, "kind": it.kind, "detail": it.detail} for it in each.warnings],
        **({"saliency": each.looked_at} if saliency else {}),
    }
