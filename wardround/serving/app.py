"""The one server: predictions, FHIR and the review desk, each with its own manners towards those who ask."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wardround import __version__
from wardround.domain import utc_now
from wardround.serving import fhir, predictions
from wardround.serving.desk.problems import Guard
from wardround.serving.desk.site import site
from wardround.serving.log import PredictionLog
from wardround.serving.predictions import Predictors
from wardround.serving.predictions.refusals import plainly
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases import REGISTRY, load


def create(
    settings: Settings,
    *,
    use_cases: Sequence[str] = (),
    desk: bool = True,
    api: bool = True,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Return the server of *settings* for *use_cases*: names or files, none: all that come with wardround.

    Raises:
        UseCaseNotFound, UseCaseInvalid: one of them cannot be loaded.
        SettingsInvalid: the store has no address, or a setting of the desk lets anybody in.
    """
    loaded = {name_or_path: load(name_or_path) for name_or_path in use_cases or tuple(REGISTRY)}
    shown = {use_case.name: use_case for use_case in loaded.values()}
    origins = {
        use_case.name: str(Path(given).expanduser().resolve())
        for given, use_case in loaded.items()
        if given not in REGISTRY
    }
    routers: list[APIRouter] = []
    started: list[Predictors] = []
    if api:
        store = Store.from_settings(settings)
        log = PredictionLog(settings, store)
        predictors = Predictors(shown.values(), store=store, settings=settings, log=log)
        routers = [predictions.router(predictors), fhir.router(predictors, clock=clock)]
        started.append(predictors)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for running in started:
                log.start()
                stack.callback(log.stop)
                running.start()
                stack.callback(running.stop)
            yield

    made = FastAPI(
        title="wardround", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/openapi.json" if api else None, redirect_slashes=False,
    )  # fmt: skip
    for kind in (HTTPException, RequestValidationError):
        made.add_exception_handler(kind, plainly)
    for router in routers:
        made.include_router(router)
    if desk:
        begin = {route.path.split("/")[1] for router in routers for route in router.routes if isinstance(route, Route)}
        made.router.routes.append(
            _Rest(site(settings, shown, origins=origins, clock=clock), besides=frozenset(begin | {"openapi.json"}))
        )
    for running in started:
        made.add_middleware(predictions.Lane, predictors=running)
    made.add_middleware(Guard, respond=plainly)
    made.add_middleware(_Unkept)
    return made


class _Unkept:
    """Middleware: an answer that does not say otherwise is kept by no cache and is nothing but what it says it is."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
                message["headers"] = headers.raw
            await send(message)

        await self.app(scope, receive, told)


class _Rest(Mount):
    """All paths but those that begin like one of the API: a wrong method there is the API's to refuse, in its words."""

    def __init__(self, desk: FastAPI, *, besides: frozenset[str]):
        super().__init__("", app=desk)
        self.besides = besides

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match whatever the API does not answer."""
        if scope["type"] == "http" and scope["path"].split("/")[1] in self.besides:
            return Match.NONE, {}
        return super().matches(scope)
