"""What is answered: a prediction per record, the reasons for it, what to be warned of, and who predicted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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

    *record_id* is the caller's own (None: not given). *value* is P(positive) or the number, *low* and *high* a
    number's interval, *above* whether a probability reaches the use case's threshold (None: a number). *reasons* is
    (feature, contribution), the largest first, in the unit of `reasons_unit`.
    """

    record_id: str | None
    value: float
    low: float | None
    high: float | None
    above: bool | None
    reasons: tuple[tuple[str, float], ...]
    warnings: tuple[Warned, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to one request: *predictions* in the order of its records, and the model *version* that made them."""

    request_id: str
    use_case: str
    version: str
    family: str
    at: datetime
    predictions: tuple[Predicted, ...]


def reasons_unit(use_case: UseCase) -> str:
    """Return the unit of the contributions: log odds of a probability, the target's unit of a number."""
    return "log odds" if use_case.problem == "classification" else (use_case.target.unit or "unit of the target")


def document(use_case: UseCase, answer: Answer) -> dict[str, Any]:
    """Return *answer* as the JSON document that goes over the wire."""
    return {
        "request_id": answer.request_id,
        "use_case": answer.use_case,
        "model": {"version": answer.version, "family": answer.family},
        "time": answer.at.isoformat(),
        **scale(use_case),
        "reasons_unit": reasons_unit(use_case),
        "predictions": [_one(use_case, each) for each in answer.predictions],
    }


def scale(use_case: UseCase) -> dict[str, Any]:
    """Return what it takes to read the predictions: the threshold, or the unit and the interval's coverage."""
    from wardround.models.tabular import COVERAGE

    if use_case.problem == "classification":
        return {"threshold": use_case.threshold}
    return {"unit": use_case.target.unit, "interval_coverage": COVERAGE}


def _one(use_case: UseCase, each: Predicted) -> dict[str, Any]:
    predicted: dict[str, Any]
    if use_case.problem == "classification":
        predicted = {"probability": each.value, "above_threshold": each.above}
    else:
        predicted = {"value": each.value, "low": each.low, "high": each.high}
    return {
        "record_id": each.record_id,
        **predicted,
        "reasons": [{"feature": name, "contribution": size} for name, size in each.reasons],
        "warnings": [{"feature": it.field, "kind": it.kind, "detail": it.detail} for it in each.warnings],
    }
