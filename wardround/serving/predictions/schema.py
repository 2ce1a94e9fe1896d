"""What the API says about itself: JSON schemas made from the use case, examples from its declaration and no patient."""

from typing import Any

from wardround.problems.answering import shape_of
from wardround.serving.predictions import contents
from wardround.serving.predictions.answers import KINDS
from wardround.serving.predictions.form import LONGEST, MOMENT
from wardround.serving.predictions.refusals import MEDIA_TYPE, SCHEMA
from wardround.use_cases.base import Feature, UseCase

_REFUSALS = {
    400: "The request could not be read to its end.",
    401: "No API key, or one that is wrong, expired or revoked.",
    403: "The API key is not for this use case.",
    404: "No such use case is served.",
    405: "Predictions are asked for with POST.",
    413: "The request is too large, or has more text than names can be taken out of in good time.",
    415: "The body is not JSON.",
    422: "A field is not as described; each is named with the position of its record, and never its value.",
    429: "Too many requests: of this key, or of all.",
    500: "The server failed; the fault is in its log.",
    503: "No champion yet, or predictions cannot be recorded just now.",
}
_NAMES = {
    "record_id": "The record's id in the source system; late outcomes find it by this. Stored as a pseudonym only.",
    "patient_id": "The patient's id in the source system. Stored as a pseudonym only.",
    "site": "The site, as in the batches.",
    "time": "The moment the prediction is for, with its zone; now, if it is not given.",
}
_SALIENCY = {"type": "boolean", "description": "Also say where in its content each answer comes from."}


def operation(use_case: UseCase, *, roles: tuple[str, ...], most: int) -> dict[str, Any]:
    """Return the OpenAPI parts of a use case's path: request body, answers, refusals."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request_schema(use_case, roles=roles, most=most)}},
        },
        "responses": {
            "200": {
                "description": "A prediction per record, in their order.",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": answer_schema(use_case)}},
            },
            **{str(status): _refusal(status) for status in _REFUSALS},
        },
    }


def request_schema(use_case: UseCase, *, roles: tuple[str, ...], most: int) -> dict[str, Any]:
    """Return the JSON schema of a request."""
    names: dict[str, Any] = {
        role: {"type": ["string", "null"], "maxLength": LONGEST, "description": _NAMES[role]} for role in roles
    }
    if "time" in names:
        names["time"] |= {"pattern": MOMENT, "examples": ["2026-03-31T14:05:00+02:00"]}
    asked = [feature for feature in use_case.features if feature.of is None]
    parts: dict[str, Any] = {}
    if asked or not use_case.contents:
        parts["features"] = {
            **_closed({feature.name: _feature(feature) for feature in asked}, required=[]),
            "description": "What is known of the patient; a feature that is null or left out is missing.",
        }
    if use_case.contents:
        parts["contents"] = _closed(contents.schema(use_case))
    record = _closed({**names, **parts}, required=list(parts))
    schema = _closed(
        {
            "records": {"type": "array", "minItems": 1, "maxItems": most, "items": record},
            **({"saliency": _SALIENCY} if use_case.contents else {}),
        },
        required=["records"],
    )
    example = {
        **({"record_id": "A-0001"} if "record_id" in roles else {}),
        **({"features": {feature.name: _example(feature) for feature in asked}} if "features" in parts else {}),
        **({"contents": contents.example(use_case)} if use_case.contents else {}),
    }
    return {**schema, "examples": [{"records": [example]}]}


def answer_schema(use_case: UseCase) -> dict[str, Any]:
    """Return the JSON schema of an answer."""
    number = {"type": "number"}
    shape = shape_of(use_case)
    inputs = {"type": "string"} if use_case.contents else {"type": "string", "enum": list(use_case.feature_names)}
    names = {"type": "string", "enum": list(use_case.feature_names)}
    reason = _closed({"feature": inputs, "contribution": number})
    warning = _closed({"feature": names, "kind": {"type": "string", "enum": list(KINDS)}, "detail": {"type": "string"}})
    one = _closed(
        {
            "record_id": {"type": ["string", "null"]},
            **shape.fields(use_case),
            "reasons": {
                "type": "array",
                "items": reason,
                "description": f"What each feature adds, in {shape.unit(use_case)}, against a patient who is "
                "unremarkable in it; the largest first.",
            },
            "warnings": {"type": "array", "items": warning, "description": "Why to trust it less."},
            **({"saliency": contents.looked_at_schema(use_case)} if use_case.contents else {}),
        },
        optional=("saliency",),
    )
    return _closed(
        {
            "request_id": {"type": "string"},
            "use_case": {"type": "string", "const": use_case.name},
            "model": _closed({"version": {"type": "string"}, "family": {"type": "string"}}),
            "time": {"type": "string", "format": "date-time"},
            **{name: described for name, (described, _) in shape.scale(use_case).items()},
            "reasons_unit": {"type": "string", "const": shape.unit(use_case)},
            "predictions": {"type": "array", "items": one},
        }
    )


def _feature(feature: Feature) -> dict[str, Any]:
    description = feature.description + (f" ({feature.unit})" if feature.unit else "")
    if feature.kind == "numeric":
        low_high = dict(zip(("minimum", "maximum"), feature.plausible or (), strict=False))
        unit = {"x-unit": feature.unit} if feature.unit else {}
        return {
            "type": ["number", "null"],
            "description": description,
            **low_high,
            **unit,
            "examples": [_example(feature)],
        }
    if feature.kind == "boolean":
        return {"type": ["boolean", "null"], "description": description, "examples": [False]}
    if feature.allowed is not None:
        return {"type": ["string", "null"], "description": description, "enum": [*feature.allowed, None]}
    return {"type": ["string", "null"], "description": description, "maxLength": LONGEST}


def _example(feature: Feature) -> Any:
    if feature.kind == "boolean":
        return False
    if feature.kind == "category":
        return feature.allowed[0] if feature.allowed else "a level"
    if feature.plausible is None:
        return 1.0
    low, high = feature.plausible
    return round((low + high) / 2, 1)


def _closed(
    properties: dict[str, Any], *, required: list[str] | None = None, optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    needed = [name for name in properties if name not in optional] if required is None else required
    closed = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**closed, "required": needed} if needed and required != [] else closed


def _refusal(status: int) -> dict[str, Any]:
    waits = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return {
        "description": _REFUSALS[status],
        **({"headers": waits} if status in (429, 503) else {}),
        "content": {MEDIA_TYPE: {"schema": SCHEMA}},
    }
