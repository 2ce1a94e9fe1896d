"""What a person sees when a page cannot be given: one sentence each, never a traceback, never a value of a row."""

import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wardround.errors import Conflict, NotAllowed, NotFound, OutsideFailed, SettingsInvalid, WardroundError
from wardround.serving.desk import frame
from wardround.unexpected import withheld

logger = logging.getLogger(__name__)
Handler = Callable[[Request, Exception], Response]


class Guard:
    """Middleware that answers what nobody expected by *respond*, and writes kind and place to the log, no words.

    The words of a foreign exception may quote a cell of a patient, and a server writes them to its log.
    """

    def __init__(self, app: ASGIApp, *, respond: Handler):
        self.app = app
        self.respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            logger.error("%s", withheld(error))
            if not begun:
                await self.respond(Request(scope, receive), error)(scope, receive, send)


def handlers() -> dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]:
    """Return the handler of every kind of exception a page may raise on purpose."""
    chosen: dict[type[Exception], Handler] = {
        frame.SignInNeeded: _sign_in, frame.PageRefused: _refused, HTTPException: _http,
        RequestValidationError: _not_understood, NotAllowed: _not_allowed, NotFound: _not_found,
        Conflict: _conflict, OutsideFailed: _away, SettingsInvalid: _away, WardroundError: _said,
    }  # fmt: skip

    def awaited(handler: Handler) -> Callable[[Request, Any], Coroutine[Any, Any, Response]]:
        async def handle(request: Request, error: Exception) -> Response:
            if isinstance(error, HTTPException) and not hasattr(request.state, "person"):
                with contextlib.suppress(Exception):  # no route was asked who it is; the page shows its menu if it can
                    await run_in_threadpool(frame.signed_in, request)
            return handler(request, error)

        return handle

    return {kind: awaited(handler) for kind, handler in chosen.items()}


def broken(request: Request, error: Exception) -> Response:
    """Answer an exception that nobody expected."""
    return problem(request, 500, "error.broken")


def problem(
    request: Request,
    status: int,
    key: str,
    *,
    values: Mapping[str, object] | None = None,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the page that says the text at *key*; *detail* is a sentence of the record, in English."""
    t = frame.words(request)
    response = frame.page(
        request, "problem.html", status=status, code=status, said=t(key, **(values or {})), detail=detail,
        title_key=f"error.{status}" if f"error.{status}" in t else "error.500",
    )  # fmt: skip
    response.headers.update(headers or {})
    return response


def _sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, frame.SignInNeeded)
    if error.why:
        frame.tell(request, error.why)
    wanted = frame.local_path(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path)
    if request.method != "GET" or wanted == "/":
        return frame.redirect("/sign-in")
    return frame.redirect(f"/sign-in?next={quote(wanted, safe='')}")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, frame.PageRefused)
    return problem(request, error.status, error.key, values=error.values)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    key = {404: "error.no_page", 405: "error.method", 413: "error.too_large"}.get(error.status_code, "error.broken")
    return problem(request, error.status_code, key, headers=dict(error.headers or {}))


def _not_understood(request: Request, error: Exception) -> Response:
    return problem(request, 422, "error.not_understood")


def _not_allowed(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotAllowed)
    roles = " / ".join(frame.words(request)(f"role.{role}") for role in error.roles)
    return problem(request, 403, "error.not_allowed", values={"roles": roles})


def _not_found(request: Request, error: Exception) -> Response:
    return problem(request, 404, "error.no_object", detail=str(error))


def _conflict(request: Request, error: Exception) -> Response:
    return problem(request, 409, "error.conflict")


def _away(request: Request, error: Exception) -> Response:
    logger.warning("%s", error)
    return problem(request, 503, "error.away", headers={"Retry-After": "30"})


def _said(request: Request, error: Exception) -> Response:
    return problem(request, 409, "error.refused", detail=str(error))
