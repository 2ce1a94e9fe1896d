"""FHIR R4 (HL7, https://hl7.org/fhir/R4/): a prediction as RiskAssessment, a refusal as OperationOutcome."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from wardround.serving.fhir import wording
from wardround.serving.fhir.records import Record, own_system
from wardround.serving.predictions import Answer, Refused
from wardround.use_cases.base import UseCase

MEDIA_TYPE = "application/fhir+json"
EXACT = "urn:x-wardround:probability"
"""Extension with the probability from 0 to 1, to the last bit: R4 states ``probabilityDecimal`` as a percentage."""

ISSUES = {
    400: "structure", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 408: "timeout",
    413: "too-long", 415: "not-supported", 422: "processing", 429: "throttled", 503: "transient",
}  # fmt: skip
"""HTTP status -> code of http://hl7.org/fhir/issue-type."""

REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {
        "resourceType": {"enum": ["Bundle", "Parameters"]},
        "entry": {
            "type": "array",
            "items": {"type": "object", "properties": {"resource": {"type": "object", "required": ["resourceType"]}}},
        },
    },
    "description": "One Patient and that patient's Observations, as FHIR R4 defines them.",
}
"""JSON schema of what is read of a request; what a resource holds is FHIR's to say."""


def risk_assessment(use_case: UseCase, answer: Answer, record: Record) -> dict[str, Any]:
    """Return the one prediction of *answer* as a RiskAssessment.

    The model is its performer, a contained Device with the version; each note is a reason, a warning or the caution.
    """
    each = answer.predictions[0]
    system = own_system(use_case)
    said = [
        *wording.reasons(use_case, each),
        *(f"Warning: {text}" for text in wording.warnings(use_case, each, record.gaps)),
        wording.CAUTION,
    ]
    moment = answer.at.isoformat()
    resource: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "contained": [
            {
                "resourceType": "Device",
                "id": "model",
                "deviceName": [{"name": f"wardround {use_case.name}", "type": "model-name"}],
                "type": {"text": "statistical model"},
                "version": [{"value": answer.version}],
            }
        ],
        "identifier": [{"system": f"{system}:request", "value": answer.request_id}],
        "status": "final",
        "method": {
            "coding": [{"system": f"{system}:model", "code": answer.version}],
            "text": wording.model(use_case, answer),
        },
        "code": {"coding": [{"system": system, "code": use_case.name}], "text": use_case.question},
        "subject": {"reference": record.subject},
        "occurrenceDateTime": moment,
        "performer": {"reference": "#model"},
        "basis": [{"reference": reference} for reference in record.basis],
        "prediction": [
            {
                "extension": [{"url": EXACT, "valueDecimal": each.value}],
                "outcome": {
                    "coding": [{"system": f"{system}:outcome", "code": "positive"}],
                    "text": use_case.target.description or use_case.question,
                },
                "probabilityDecimal": float(Decimal(repr(each.value)) * 100),
                "rationale": wording.sentence(wording.estimate(use_case, each)),
            }
        ],
        "note": [{"text": text} for text in said],
    }
    if not record.basis:
        del resource["basis"]
    return resource


def operation_outcome(refused: Refused) -> dict[str, Any]:
    """Return *refused* as an OperationOutcome: one issue for the whole, one for each field."""
    code = ISSUES.get(refused.status, "exception" if refused.status >= 500 else "processing")
    issues: list[dict[str, Any]] = [{"severity": "error", "code": code, "diagnostics": refused.detail}]
    for fault in refused.faults:
        issues.append({"severity": "error", "code": "value", "diagnostics": f"{fault.field}: {fault.fault}"})
    return {"resourceType": "OperationOutcome", "issue": issues}


def capability_statement(use_case: UseCase, *, now: datetime) -> dict[str, Any]:
    """Return what this server can do, which every FHIR server tells at ``metadata``."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": now.date().isoformat(),
        "kind": "instance",
        "implementation": {"description": f"wardround: {use_case.question}"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "An API key of wardround in the header Authorization: Bearer."},
                "operation": [
                    {
                        "name": "assess",
                        "definition": f"{own_system(use_case)}:operation:assess",
                        "documentation": "Takes a Bundle (or Parameters that hold one) with one Patient and that "
                        "patient's Observations, returns a RiskAssessment.",
                    }
                ],
            }
        ],
    }
