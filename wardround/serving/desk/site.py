"""The desk as one application: its pages, its middleware, and the headers every answer carries."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wardround.domain import utc_now
from wardround.serving.desk import frame, problems, sessions, shown
from wardround.settings import Settings
from wardround.use_cases.base import UseCase

LARGEST_FORM = 64_000
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def site(
    settings: Settings,
    use_cases: Mapping[str, UseCase],
    *,
    origins: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Return the review desk of *settings*, showing *use_cases* (by name; *origins*: from which file, if any).

    Raises:
        SettingsInvalid: the key of the cookies is damaged, or a proxy may name persons and has no secret.
    """
    from wardround.serving.desk import (
        account,
        approving,
        ledger,
        model,
        persons,
        signing_in,
        ticketing,
        use_case,
        visit,
        wards,
    )

    sessions.require_proxy_secret(settings)
    desk = frame.Desk(
        settings=settings, use_cases=use_cases, origins=origins or {}, clock=clock,
        signed_out=sessions.SignedOut(settings.home / "desk" / "signed-out"),
    )  # fmt: skip
    made = FastAPI(
        title="wardround review desk", openapi_url=None, docs_url=None, redoc_url=None,
        exception_handlers=problems.handlers(), redirect_slashes=False,
    )  # fmt: skip
    made.state.desk = desk
    made.include_router(signing_in.router, dependencies=[Depends(frame.csrf)])
    for module in (wards, use_case, visit, model, account, approving, ticketing, persons, ledger):
        made.include_router(module.router, dependencies=[Depends(frame.signed_in), Depends(frame.csrf)])
    made.add_api_route("/static/desk.css", _style, methods=["GET"])
    made.add_api_route("/static/mark.svg", _mark, methods=["GET"])
    made.add_middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST_FORM)
    made.add_middleware(problems.Guard, respond=problems.broken)  # the last one added is the outermost
    made.add_middleware(sessions.Sessions, secret=sessions.secret_of(settings), clock=clock)
    made.add_middleware(Entrance, desk=desk)
    return made


class Entrance:
    """Middleware that says which desk this is and sets the headers of every answer."""

    def __init__(self, app: ASGIApp, *, desk: frame.Desk):
        self.app = app
        self.desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        token = frame.DESK.set(self.desk)
        try:
            await self.app(scope, receive, with_headers)
        finally:
            frame.DESK.reset(token)


def _style(request: Request) -> Response:
    body, state = shown.style_sheet()
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == state else "no-cache"
    return Response(body, media_type="text/css", headers={"Cache-Control": kept})


def _mark() -> Response:
    return FileResponse(Path(__file__).parent / "static" / "mark.svg", headers={"Cache-Control": "max-age=86400"})
