"""The routes of the prediction API, and those by which machines watch the server."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer

from wardround.serving.predictions import schema
from wardround.serving.predictions.exchange import exchange, path_of
from wardround.serving.predictions.metrics import CONTENT_TYPE
from wardround.serving.predictions.predictor import Predictor, Predictors, new_request
from wardround.serving.predictions.readiness import readiness
from wardround.serving.predictions.refusals import Refused, respond

_OTHER_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
BEARER = HTTPBearer(
    scheme_name="ApiKey", auto_error=False, description="A key made with `wardround api-keys add`: Bearer wr_..."
)
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def router(predictors: Predictors) -> APIRouter:
    """Return the routes: predictions of each use case, ``/healthz``, ``/readyz`` and ``/metrics``.

    The caller starts and stops *predictors* with the server, and puts `Lane` in front of it.
    """
    routes = APIRouter()
    for name, predictor in predictors.items():
        path = path_of(name)
        routes.add_api_route(
            path, _predictions(predictors, predictor), methods=["POST"], tags=["predictions"],
            summary=predictor.use_case.question, operation_id=f"predict_{name}", response_class=Response,
            dependencies=[Security(BEARER)], include_in_schema=True,
            openapi_extra=schema.operation(
                predictor.use_case, roles=predictor.form.roles, most=predictors.settings.api_max_records
            ),
        )  # fmt: skip
        routes.add_api_route(path, _wrong_method, methods=_OTHER_METHODS, include_in_schema=False)
    routes.add_api_route(path_of("{name}"), _unknown(predictors), methods=["POST"], include_in_schema=False)
    _watching(routes, predictors)
    return routes


def _predictions(predictors: Predictors, predictor: Predictor) -> Endpoint:
    answered = exchange(predictors, predictor)

    async def predictions(request: Request) -> Response:
        return respond(await answered(request.scope["headers"], request.receive))

    return predictions


async def _wrong_method(request: Request) -> Response:
    return Refused(405, "predictions are asked for with POST", headers={"Allow": "POST"}).response(new_request())


def _unknown(predictors: Predictors) -> Endpoint:
    async def unknown(request: Request) -> Response:
        began = time.perf_counter()
        try:
            await predictors.access.caller(request.headers.get("authorization"))
            raise Refused(404, f"no such use case is served here; there is {', '.join(predictors)}")
        except Refused as refused:
            predictors.metrics.request("", refused.status, time.perf_counter() - began)
            return refused.response(new_request())

    return unknown


def _watching(routes: APIRouter, predictors: Predictors) -> None:
    @routes.get("/healthz", tags=["watching"], summary="Whether the server lives", response_class=Response)
    async def health() -> Response:
        dead = [name for name, predictor in predictors.items() if not predictor.engine.alive]
        body = {"status": "failed" if dead else "alive", "stopped": dead}
        return Response(orjson.dumps(body), status_code=503 if dead else 200, media_type="application/json")

    @routes.get(
        "/readyz", tags=["watching"], summary="Whether it can answer, and what is amiss", response_class=Response
    )
    async def ready() -> Response:
        able, body = readiness(predictors)
        return Response(orjson.dumps(body), status_code=200 if able else 503, media_type="application/json")

    @routes.get("/metrics", tags=["watching"], summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        predictors.metrics.backlog.set(predictors.log.state.waiting)
        for name, predictor in predictors.items():
            predictors.metrics.waiting.labels(name).set(predictor.engine.waiting)
        return Response(predictors.metrics.text(), media_type=CONTENT_TYPE)
