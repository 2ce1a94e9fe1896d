"""The routes of the prediction API, and those by which machines watch the server."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from starlette.requests import ClientDisconnect

from wardround.serving.predictions import schema
from wardround.serving.predictions.answers import document
from wardround.serving.predictions.metrics import CONTENT_TYPE
from wardround.serving.predictions.predictor import Predictor, Predictors, new_request
from wardround.serving.predictions.readiness import readiness
from wardround.serving.predictions.refusals import Refused

_OTHER_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
BEARER = HTTPBearer(
    scheme_name="ApiKey", auto_error=False, description="A key made with `wardround api-keys add`: Bearer wr_..."
)
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def router(predictors: Predictors) -> APIRouter:
    """Return the routes: predictions of each use case, ``/healthz``, ``/readyz`` and ``/metrics``.

    The caller starts and stops *predictors* with the server.
    """
    routes = APIRouter()
    for name, predictor in predictors.items():
        path = f"/v1/use-cases/{name}/predictions"
        routes.add_api_route(
            path, _predictions(predictors, predictor), methods=["POST"], tags=["predictions"],
            summary=predictor.use_case.question, operation_id=f"predict_{name}", response_class=Response,
            dependencies=[Security(BEARER)], include_in_schema=True,
            openapi_extra=schema.operation(
                predictor.use_case, roles=predictor.form.roles, most=predictors.settings.api_max_records
            ),
        )  # fmt: skip
        routes.add_api_route(path, _wrong_method, methods=_OTHER_METHODS, include_in_schema=False)
    routes.add_api_route(
        "/v1/use-cases/{name}/predictions", _unknown(predictors), methods=["POST"], include_in_schema=False
    )
    _watching(routes, predictors)
    return routes


def _predictions(predictors: Predictors, predictor: Predictor) -> Endpoint:
    name, settings = predictor.use_case.name, predictors.settings
    allowed, records, count = predictors.access.allowed, predictor.form.records, predictors.metrics.request

    async def predictions(request: Request) -> Response:
        began, request_id = time.perf_counter(), new_request()
        try:
            caller = await allowed(request.headers.get("authorization"), name)
            body = await read_json(request, most=settings.api_max_bytes)
            asked = records(body, most=settings.api_max_records)
            answer = await predictor.answer(asked, caller=caller.id, request_id=request_id)
            response = Response(
                orjson.dumps(document(predictor.use_case, answer)),
                media_type="application/json",
                headers={"X-Request-Id": request_id},
            )
        except Refused as refused:
            response = refused.response(request_id)
        except Exception:  # the engine has written down what happened, without the request
            response = Refused(500, "the server failed; the fault is in its log").response(request_id)
        count(name, response.status_code, time.perf_counter() - began)
        return response

    return predictions


async def read_json(request: Request, *, most: int) -> Any:
    """Return the request's JSON body of at most *most* bytes.

    Raises:
        Refused: 415, it is not declared as JSON; 413, it is too large; 422, it is not JSON; 400, it broke off.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "send JSON: Content-Type: application/json", headers={"Accept": "application/json"})
    too_large = Refused(413, f"a request has at most {most} bytes: send fewer records")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise too_large
    held = bytearray()
    try:
        async for part in request.stream():
            held += part
            if len(held) > most:
                raise too_large
    except ClientDisconnect:
        raise Refused(400, "the request broke off") from None
    try:
        return orjson.loads(held)
    except orjson.JSONDecodeError as error:
        # its message would quote the body: only the place is told
        raise Refused(422, f"the body is not JSON: line {error.lineno}, column {error.colno}") from None


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
