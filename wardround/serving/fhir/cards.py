"""CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/): what a service offers, asks for and answers at ``patient-view``."""

import uuid
from collections.abc import Mapping
from typing import Any

from wardround.serving.fhir import wording
from wardround.serving.fhir.records import Record, own_system
from wardround.serving.predictions import Answer, Predicted, Refused
from wardround.use_cases._codes import PATIENT
from wardround.use_cases.base import Feature, UseCase

HOOK = "patient-view"
LONGEST_SUMMARY = 139
"""Characters: the specification asks for less than 140."""

OVERRIDE_REASONS = (
    ("known", "Already known or being looked into"),
    ("wrong-data", "The data it rests on are wrong or out of date"),
    ("not-applicable", "Does not apply to this patient"),
    ("disagree", "I come to another judgement"),
)

_TEXT = {"type": "string", "minLength": 1}
_UUID = {"type": "string", "format": "uuid"}
REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["hook", "hookInstance", "context", "prefetch"],
    "properties": {
        "hook": {"const": HOOK},
        "hookInstance": _UUID,
        "context": {"type": "object", "required": ["patientId"], "properties": {"patientId": _TEXT}},
        "prefetch": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
    },
}
"""JSON schema of what is read of a request; the keys of its prefetch are told by the discovery."""

FEEDBACK: dict[str, Any] = {
    "type": "object",
    "required": ["feedback"],
    "properties": {
        "feedback": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["card", "outcome", "outcomeTimestamp"],
                "properties": {
                    "card": _UUID,
                    "outcome": {"enum": ["accepted", "overridden"]},
                    "outcomeTimestamp": {"type": "string", "format": "date-time"},
                    "overrideReason": {
                        "type": "object",
                        "properties": {"reason": {"type": "object", "properties": {"code": _TEXT}}},
                    },
                },
            },
        }
    },
}
"""JSON schema of what is read of a feedback."""


def service(use_case: UseCase) -> dict[str, Any]:
    """Return the entry of *use_case* in the discovery document."""
    return {
        "hook": HOOK,
        "id": use_case.name,
        "title": wording.title(use_case),
        "description": f"{use_case.question} {wording.CAUTION}",
        "usageRequirements": "Every key of `prefetch` is needed; send null where the record holds nothing. The "
        "service asks the FHIR server for nothing by itself.",
        "prefetch": prefetch(use_case),
    }


def prefetch(use_case: UseCase) -> dict[str, str]:
    """Return key -> FHIR query: the patient, and the Observations of each feature with a code, newest first.

    More than one is asked for, since the newest may be preliminary or have no value.
    """
    queries = {"patient": "Patient/{{context.patientId}}"}
    for feature in _observed(use_case):
        assert feature.code is not None
        names = (*feature.code.names, *([feature.code.panel] if feature.code.panel else []))
        codes = ",".join(f"{feature.code.system}|{name}" for name in names)
        queries[feature.name] = f"Observation?patient={{{{context.patientId}}}}&code={codes}&_sort=-date&_count=5"
    return queries


def fetched(use_case: UseCase, request: Any) -> list[Any]:
    """Return the resources of a request's prefetch, after checking that it is one for this service.

    A key with null says that the record holds nothing, which is an answer; a key that is not there, or holds an
    OperationOutcome, says that nobody looked.

    Raises:
        Refused: 422, it is no request of this hook; 412, needed prefetch is not there.
    """
    if not isinstance(request, dict) or not isinstance(request.get("context"), dict):
        raise Refused(422, "the body is a CDS Hooks request: a JSON object with hook, hookInstance and context")
    if request.get("hook") != HOOK:
        raise Refused(422, f"this service is for the hook {HOOK}")
    try:
        uuid.UUID(request["hookInstance"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Refused(422, "hookInstance must be a UUID") from None
    identity = request["context"].get("patientId")
    if not isinstance(identity, str) or not identity:
        raise Refused(422, "context.patientId must name the patient")
    given = request.get("prefetch")
    given = given if isinstance(given, dict) else {}
    missing = [key for key in prefetch(use_case) if key not in given or _failed(given[key])]
    if given.get("patient") is None and "patient" not in missing:
        missing.insert(0, "patient")
    if missing:
        raise Refused(
            412,
            f"prefetch is needed and was not sent: {', '.join(missing)}; send null where the record holds nothing",
        )
    patient = given["patient"]
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient" or patient.get("id") != identity:
        raise Refused(422, "prefetch.patient must be the Patient that context.patientId names")
    return [given[key] for key in given if given[key] is not None]


def card(use_case: UseCase, answer: Answer, record: Record, *, desk_url: str | None) -> dict[str, Any]:
    """Return the card for the one prediction of *answer*.

    Its uuid follows from the request id, so that feedback leads back to the logged prediction.
    """
    each = answer.predictions[0]
    lines = [f"**{use_case.question}**", "", wording.sentence(wording.estimate(use_case, each)), ""]
    for heading, items in (
        ("What moved it most", list(wording.reasons(use_case, each))),
        ("To be taken into account", list(wording.warnings(use_case, each, record.gaps))),
    ):
        if items:
            lines += [f"**{heading}**", "", *(f"- {item}" for item in items), ""]
    lines.append(f"{wording.CAUTION} Model: {wording.model(use_case, answer)}.")
    source: dict[str, Any] = {
        "label": f"wardround: {wording.model(use_case, answer)}",
        "topic": {"system": own_system(use_case), "code": use_case.name, "display": wording.title(use_case)},
    }
    shown: dict[str, Any] = {
        "uuid": card_id(use_case, answer.request_id),
        "summary": _summary(use_case, each),
        "indicator": "warning" if each.above else "info",
        "detail": "\n".join(lines),
        "source": source,
        "overrideReasons": [
            {"system": f"{own_system(use_case)}:override", "code": code, "display": display}
            for code, display in OVERRIDE_REASONS
        ],
    }
    if desk_url is not None:
        source["url"] = f"{desk_url.rstrip('/')}/use-cases/{use_case.name}"
        shown["links"] = [
            {
                "label": "The model's card",
                "url": f"{source['url']}/models/{answer.version}",
                "type": "absolute",
            }
        ]
    return shown


def card_id(use_case: UseCase, request_id: str) -> str:
    """Return the UUID of the card that answers the request *request_id* (UUID version 5, RFC 9562)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{own_system(use_case)}:{request_id}"))


def outcomes(body: Any) -> list[dict[str, str]]:
    """Return what people did with the cards, from a feedback request; free text is left out, it may name a patient.

    Raises:
        Refused: 422, it is no feedback.
    """
    from datetime import datetime

    items = body.get("feedback") if isinstance(body, Mapping) else None
    if not isinstance(items, list) or not items:
        raise Refused(422, 'the body is {"feedback": [...]} with at least one entry')
    told = []
    for place, item in enumerate(items):
        try:
            outcome = {
                "card": str(uuid.UUID(item["card"])),
                "outcome": item["outcome"],
                "at": datetime.fromisoformat(item["outcomeTimestamp"]).isoformat(),
            }
            reason = (item.get("overrideReason") or {}).get("reason") or {}
            if reason.get("code") in dict(OVERRIDE_REASONS):
                outcome["reason"] = reason["code"]
        except (KeyError, ValueError, TypeError, AttributeError):
            raise Refused(
                422, f"feedback[{place}] needs card (a UUID), outcome and outcomeTimestamp, as CDS Hooks describes them"
            ) from None
        if outcome["outcome"] not in ("accepted", "overridden"):
            raise Refused(422, f"feedback[{place}].outcome is accepted or overridden")
        told.append(outcome)
    return told


def _observed(use_case: UseCase) -> tuple[Feature, ...]:
    return tuple(f for f in use_case.features if f.code is not None and f.code.system != PATIENT)


def _failed(value: Any) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == "OperationOutcome"


def _summary(use_case: UseCase, each: Predicted) -> str:
    unknown = len(wording.missing(each))
    gaps = f"; {unknown} of {len(use_case.features)} values missing" if unknown else ""
    rest = f": {wording.estimate(use_case, each)}{gaps}. Not a diagnosis."
    title, room = wording.title(use_case), LONGEST_SUMMARY - len(rest)
    return (title if len(title) <= room else f"{title[: room - 1].rstrip()}…") + rest
