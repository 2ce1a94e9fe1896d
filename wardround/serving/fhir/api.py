"""The routes of CDS Hooks and FHIR, on top of the predictors that the prediction API asks."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, Path, Request, Response, Security

from wardround.domain import Sensitivity, to_json, utc_now
from wardround.errors import WardroundError
from wardround.problems import problem_of
from wardround.serving.fhir import assessments, cards, records
from wardround.serving.predictions import Answer, Predictor, Predictors, Refused
from wardround.serving.predictions.exchange import named, read_json
from wardround.serving.predictions.predictor import new_request
from wardround.serving.predictions.refusals import MEDIA_TYPE as PROBLEM
from wardround.serving.predictions.refusals import SCHEMA as PROBLEM_SCHEMA
from wardround.serving.predictions.routes import BEARER
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.people import ApiKey

_log = logging.getLogger(__name__)
Answering = Callable[[], Awaitable[Response]]


def router(predictors: Predictors, *, clock: Callable[[], datetime] = utc_now) -> APIRouter:
    """Return the routes: ``/cds-services`` and, for each use case with codes, ``/fhir/{use_case}/$assess``.

    A prediction made here is the one of the prediction API: the same champion, checks, log and limits.
    """
    routes = APIRouter(dependencies=[Security(BEARER)], default_response_class=Response)
    coded = {own: predictor for own, predictor in predictors.items() if _told_by_codes(predictor.use_case)}
    front = _Front(predictors, coded, clock)

    def one() -> Any:  # FastAPI writes the parameter's name into it, so each route gets its own
        return Path(description="A use case whose features have codes.", json_schema_extra={"enum": sorted(coded)})

    @routes.get(
        "/cds-services", tags=["CDS Hooks"], summary="What decision support there is",
        responses=_answers("application/json", 401, 429, 503),
    )  # fmt: skip
    async def discovery(request: Request) -> Response:
        async def answer() -> Response:
            key = await predictors.access.caller(request.headers.get("authorization"))
            return _json({"services": [cards.service(it.use_case) for own, it in coded.items() if key.serves(own)]})

        return await front.answered("", answer)

    @routes.post(
        "/cds-services/{service}", tags=["CDS Hooks"], summary="The card for the patient whose record was opened",
        openapi_extra=_takes(cards.REQUEST, "application/json"),
        responses=_answers("application/json", 400, 401, 403, 404, 412, 413, 415, 422, 429, 503),
    )  # fmt: skip
    async def hook(request: Request, service: str = one()) -> Response:
        async def answer() -> Response:
            predictor, key = await front.asked(service, request)
            found = cards.fetched(predictor.use_case, await front.body(request))
            record, answered = await front.predicted(predictor, key, found)
            desk_url = predictors.settings.desk_url
            return _json({"cards": [cards.card(predictor.use_case, answered, record, desk_url=desk_url)]})

        return await front.answered(service, answer)

    @routes.post(
        "/cds-services/{service}/feedback", tags=["CDS Hooks"], summary="What people did with the cards",
        openapi_extra=_takes(cards.FEEDBACK, "application/json"),
        responses=_answers("application/json", 400, 401, 403, 404, 413, 415, 422, 429, 503),
    )  # fmt: skip
    async def feedback(request: Request, service: str = one()) -> Response:
        async def answer() -> Response:
            predictor, key = await front.asked(service, request)
            await front.kept(predictor, key, cards.outcomes(await front.body(request)))
            return _json({})

        return await front.answered(service, answer)

    @routes.get(
        "/fhir/{use_case}/metadata", tags=["FHIR"], summary="What this FHIR server can do",
        responses=_answers(assessments.MEDIA_TYPE, 401, 403, 404, 429, 503, refused=assessments.MEDIA_TYPE),
    )  # fmt: skip
    async def metadata(request: Request, use_case: str = one()) -> Response:
        async def answer() -> Response:
            predictor, _ = await front.asked(use_case, request)
            return _fhir(assessments.capability_statement(predictor.use_case, now=clock()))

        return await front.answered(use_case, answer, fhir=True)

    @routes.post(
        "/fhir/{use_case}/$assess", tags=["FHIR"], summary="A RiskAssessment for the patient in a Bundle",
        openapi_extra=_takes(assessments.REQUEST, assessments.MEDIA_TYPE, "application/json"),
        responses=_answers(
            assessments.MEDIA_TYPE, 400, 401, 403, 404, 413, 415, 422, 429, 503, refused=assessments.MEDIA_TYPE
        ),
    )  # fmt: skip
    async def assess(request: Request, use_case: str = one()) -> Response:
        async def answer() -> Response:
            predictor, key = await front.asked(use_case, request)
            if not problem_of(predictor.use_case).two_classes:
                raise Refused(404, "a RiskAssessment states a probability, and this use case predicts a number")
            body = await front.body(request)
            if not isinstance(body, dict) or body.get("resourceType") not in ("Bundle", "Parameters"):
                raise Refused(422, "the body is a Bundle, or Parameters that hold one")
            record, answered = await front.predicted(predictor, key, [body])
            return _fhir(assessments.risk_assessment(predictor.use_case, answered, record))

        return await front.answered(use_case, answer, fhir=True)

    return routes


def _told_by_codes(use_case: UseCase) -> bool:
    """Whether a FHIR record can tell what is asked and a card or RiskAssessment can state the answer, one number."""
    coded = any(feature.code is not None for feature in use_case.features)
    return coded and problem_of(use_case).scalar and not use_case.contents


class _Front:
    """What every route does: let in, read the body within its limit, predict, count, and refuse in the right form."""

    def __init__(self, predictors: Predictors, coded: dict[str, Predictor], clock: Callable[[], datetime]):
        self.predictors = predictors
        self.coded = coded
        self.clock = clock

    async def asked(self, name: str, request: Request) -> "tuple[Predictor, ApiKey]":
        """Return the predictor and the key of who asks for it."""
        key = await self.predictors.access.caller(request.headers.get("authorization"))
        predictor = self.coded.get(name)
        if predictor is None:
            raise Refused(404, "there is no such service: no use case of that name whose features have codes is served")
        if not key.serves(name):
            raise Refused(403, "this API key is not for this use case")
        return predictor, key

    async def body(self, request: Request) -> Any:
        """Return the request's JSON, which may be declared as FHIR's; a body that is too large is not held."""
        most, kinds = self.predictors.settings.api_max_bytes, ("application/json", assessments.MEDIA_TYPE)
        return await read_json(named(request.scope["headers"]), request.receive, most=most, kinds=kinds)

    async def predicted(self, predictor: Predictor, key: "ApiKey", found: list[Any]) -> tuple[records.Record, Answer]:
        """Return what *found* says of its one patient, and the answer for it."""
        every = [pair for each in found for pair in records.resources(each)]
        record = records.read(predictor.use_case, every, now=self.clock())
        # no record id: a patient's id in the hospital's system is none of the ids that outcomes come with
        return record, await predictor.predict([{"features": dict(record.values)}], caller=key.id)

    async def kept(self, predictor: Predictor, key: "ApiKey", told: list[dict[str, str]]) -> None:
        """Write down what people did with cards; the same feedback sent twice is kept once."""
        store, name = self.predictors.access.store, predictor.use_case.name
        body = to_json({"caller": key.id, "feedback": told})
        place = f"predictions/{name}/feedback/{hashlib.sha256(body).hexdigest()[:16]}.json"
        try:
            await asyncio.to_thread(store.put, place, body, sensitivity=Sensitivity.ROW_LEVEL)
        except WardroundError:
            raise Refused(
                503, "the store takes nothing just now: send the feedback again", headers={"Retry-After": "30"}
            ) from None

    async def answered(self, name: str, answer: Answering, *, fhir: bool = False) -> Response:
        """Return what *answer* gives, or its refusal as problem details or as an OperationOutcome."""
        began = time.perf_counter()
        try:
            response = await answer()
        except Exception as error:
            refused = error if isinstance(error, Refused) else _broken(error)
            response = _refusal(refused) if fhir else refused.response(new_request())
        label = name if name in self.coded else ""
        self.predictors.metrics.request(label, response.status_code, time.perf_counter() - began)
        return response


def _refusal(refused: Refused) -> Response:
    response = _fhir(assessments.operation_outcome(refused), status=refused.status)
    response.headers.update(refused.headers)
    return response


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")


def _fhir(resource: Any, *, status: int = 200) -> Response:
    return Response(orjson.dumps(resource), status_code=status, media_type=assessments.MEDIA_TYPE)


def _broken(error: Exception) -> Refused:
    _log.error("CDS Hooks or FHIR: a request could not be answered (%s)", type(error).__name__)
    return Refused(500, "the server failed; the fault is in its log")


def _takes(schema: dict[str, Any], *kinds: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}


def _answers(kind: str, *statuses: int, refused: str = PROBLEM) -> dict[int | str, dict[str, Any]]:
    outcome = {"type": "object", "required": ["resourceType", "issue"]}
    content = {refused: {"schema": PROBLEM_SCHEMA if refused == PROBLEM else outcome}}
    return {
        200: {"description": "The answer.", "content": {kind: {"schema": {"type": "object"}}}},
        **{status: {"description": "Refused, with the reason.", "content": content} for status in statuses},
    }
