"""Why a request was not answered, as problem details (RFC 9457); no value of the request is ever repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request, Response

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is wrong with one field: *record* is its position in the request (None: the request as a whole)."""

    record: int | None
    field: str
    fault: str


class Refused(Exception):
    """A request that is answered with *status*; *detail* says why and what to do, *faults* name the fields."""

    def __init__(
        self, status: int, detail: str, *, faults: tuple[Fault, ...] = (), headers: Mapping[str, str] | None = None
    ):
        super().__init__(status, detail, faults, headers)
        self.status = status
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"

    def reply(self, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Return it as status, headers and body."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.faults:
            content["faults"] = [
                {"record": it.record, "field": it.field, "fault": it.fault} for it in self.faults[:MOST_FAULTS]
            ]
        body = orjson.dumps(content)
        headers = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "x-request-id": request_id,
            **self.headers,
        }
        return self.status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body

    def response(self, request_id: str) -> Response:
        """Return it as a response of the framework."""
        return respond(self.reply(request_id))


def respond(reply: tuple[int, list[tuple[bytes, bytes]], bytes]) -> Response:
    """Return status, headers and body as a response of the framework."""
    status, headers, body = reply
    response = Response(body, status_code=status)
    response.raw_headers = headers
    return response


def plainly(_: Request, error: Exception) -> Response:
    """Answer any HTTP error of the framework (404, 405, its own 422) or a crash without repeating the request.

    For `FastAPI.add_exception_handler` with HTTPException, RequestValidationError and Exception.
    """
    from secrets import token_hex

    status = int(getattr(error, "status_code", 0) or (422 if hasattr(error, "errors") else 500))
    said = {404: "there is nothing here", 405: "not with this method", 422: "the request is not as described"}
    headers = {name: value for name, value in (getattr(error, "headers", None) or {}).items() if name == "Allow"}
    return Refused(status, said.get(status, HTTPStatus(status).phrase), headers=headers).response(token_hex(8))


SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong, as problem details (RFC 9457); no value of the request is repeated.",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["record", "field", "fault"],
                "properties": {
                    "record": {"type": ["integer", "null"], "description": "Position in `records`, from 0."},
                    "field": {"type": "string"},
                    "fault": {"type": "string"},
                },
            },
        },
    },
}
"""JSON schema of the body."""
