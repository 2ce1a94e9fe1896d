"""One request for predictions, from the bytes that came to the bytes that go, whoever routed it."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from wardround.serving.predictions.answers import document
from wardround.serving.predictions.predictor import Predictor, Predictors, new_request
from wardround.serving.predictions.refusals import Refused
from wardround.unexpected import withheld

_log = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]
Reply = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers, body."""
Exchange = Callable[[Headers, Receive], Awaitable[Reply]]
_UNKEPT = (b"cache-control", b"no-store")
_JSON = (b"content-type", b"application/json")


def path_of(use_case: str) -> str:
    """Return the path at which *use_case* is asked."""
    return f"/v1/use-cases/{use_case}/predictions"


def exchange(predictors: Predictors, predictor: Predictor) -> Exchange:
    """Return what answers a POST to the path of *predictor*'s use case; it never raises."""
    use_case, settings = predictor.use_case, predictors.settings
    allowed, records, count = predictors.access.allowed, predictor.form.records, predictors.metrics.request

    async def answered(headers: Headers, receive: Receive) -> Reply:
        began, request_id = time.perf_counter(), new_request()
        try:
            given = named(headers)
            caller = await allowed(given.get(b"authorization"), use_case.name)
            body = await read_json(given, receive, most=settings.api_max_bytes)
            asked = records(body, most=settings.api_max_records)
            saliency = bool(body.get("saliency", False))
            answer = await predictor.answer(asked, caller=caller.id, request_id=request_id, saliency=saliency)
            reply = _reply(200, orjson.dumps(document(use_case, answer)), _JSON, request_id)
        except Refused as refused:
            reply = refused.reply(request_id)
        except Exception as error:  # its text may quote the request
            _log.error("%s: request %s failed: %s", use_case.name, request_id, withheld(error))
            reply = Refused(500, "the server failed; the fault is in its log").reply(request_id)
        count(use_case.name, reply[0], time.perf_counter() - began)
        return reply

    return answered


def named(headers: Headers) -> dict[bytes, str]:
    """Return *headers* by their names, which a server gives in small letters."""
    return {name: value.decode("latin-1") for name, value in headers}


async def read_json(
    headers: dict[bytes, str], receive: Receive, *, most: int, kinds: tuple[str, ...] = ("application/json",)
) -> Any:
    """Return the JSON body, of one of the media types *kinds* and at most *most* bytes; a larger one is not held.

    Raises:
        Refused: it is another kind, too large, cut off, or not JSON; no word of it is quoted.
    """
    if headers.get(b"content-type", "").partition(";")[0].strip().lower() not in kinds:
        taken = " or ".join(kinds)
        raise Refused(415, f"send JSON: Content-Type: {taken}", headers={"Accept": ", ".join(kinds)})
    length = headers.get(b"content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    held, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the request broke off")
        held += message.get("body", b"")
        more = message.get("more_body", False)
        if len(held) > most:
            raise _too_large(most)
    try:
        return orjson.loads(held)
    except orjson.JSONDecodeError as error:  # its own words would quote the body
        raise Refused(422, f"the body is not JSON: line {error.lineno}, column {error.colno}") from None


def _too_large(most: int) -> Refused:
    return Refused(413, f"a request has at most {most} bytes: send fewer records")


def _reply(status: int, body: bytes, kind: tuple[bytes, bytes], request_id: str) -> Reply:
    length = (b"content-length", str(len(body)).encode())
    return status, [kind, length, _UNKEPT, (b"x-request-id", request_id.encode())], body


class Lane:
    """ASGI middleware that answers the paths of predictions itself.

    The framework's routing and dependencies take twice the time of the prediction; everything else goes on to it.
    """

    def __init__(self, app: ASGIApp, *, predictors: Predictors):
        self.app = app
        self._exchanges = {path_of(name): exchange(predictors, predictor) for name, predictor in predictors.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._exchanges:
            await self.app(scope, receive, send)
            return
        status, headers, body = await self._exchanges[scope["path"]](scope["headers"], receive)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
