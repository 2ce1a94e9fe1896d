"""One round: what was decided and why, every reading, the report, who looked at it, and what came of it."""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from wardround import registry
from wardround.alerts import tickets
from wardround.domain import Batch, Decision, Evaluation, Reading, from_json, manifest_key, to_json
from wardround.errors import Corrupted, InputFault, NotFound
from wardround.monitoring.signoffs import LONGEST, sign_off, sign_offs_of
from wardround.people import Person, Right
from wardround.problems import problem_of
from wardround.serving.desk import frame
from wardround.serving.desk.history import Round, rounds
from wardround.serving.desk.telling import GROUPS, LIGHTS, Teller, loud_first

router = APIRouter()
AT_ONCE = 12
"""Readings that are shown before one asks for more; alarms always are."""
PATH = "/use-cases/{name}/rounds/{batch}/{champion}"


@router.get(PATH)
def page(request: Request, name: str, batch: str, champion: str, show: str = "") -> Response:
    """Show a round; *show* is a group of readings (empty: the alarms, where there are any)."""
    return _page(request, _found(name, batch, champion), show)


@router.post(PATH + "/sign-off")
def signed_off(
    request: Request,
    person: Annotated[Person, Depends(frame.allowed(Right.OPERATE))],
    name: str,
    batch: str,
    champion: str,
    comment: Annotated[str, Form()] = "",
) -> Response:
    """Record that the person reviewed the round."""
    found = _found(name, batch, champion)
    try:
        sign_off(frame.get_store(), found.decision, person=person.name, comment=comment, now=frame.now())
    except InputFault:
        return _page(request, found, "", wrong=comment)
    frame.tell(request, "round.signed", label=found.decision.label)
    return frame.redirect(f"{found.path}#sign-off")


@router.get(PATH + "/report")
def report(name: str, batch: str, champion: str, download: bool = False) -> Response:
    """Give the drift report, alone and in an origin of its own."""
    found = _found(name, batch, champion).decision
    body = frame.get_store().get(_beside(found, "report.html"))
    response = frame.isolated(body)
    if download:
        response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(found)}-report.html"'
    return response


@router.get(PATH + "/decision.json")
def record(name: str, batch: str, champion: str) -> Response:
    """Give the decision as JSON."""
    found = _found(name, batch, champion).decision
    return Response(
        to_json(found, indent=1), media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{_file_name(found)}-decision.json"'},
    )  # fmt: skip


def _page(request: Request, found: Round, show: str, *, wrong: str | None = None) -> Response:
    decision, t = found.decision, frame.words(request)
    use_case, store, settings = frame.use_case_named(decision.use_case), frame.get_store(), frame.get_settings()
    groups = _groups(loud_first(decision.readings))
    chosen = show if show in groups else "alarms" if groups["alarms"] else "all"
    errors = {} if wrong is None else {"comment": t("round.comment_too_long", n=LONGEST)}
    return frame.page(
        request, "round.html", status=200 if wrong is None else 422,
        use_case=use_case, round=found, decision=decision, light=LIGHTS[decision.action],
        teller=Teller(t, use_case, decision, settings.small_cell), importance=_importance(decision),
        groups=groups, shown=chosen, at_once=max(AT_ONCE, len(groups["alarms"])),
        asked=problem_of(use_case).supervised,
        sign_offs=sign_offs_of(store, decision), longest=LONGEST, comment=wrong or "", errors=errors,
        ticket=_ticket(decision), has_report=store.exists(_beside(decision, "report.html")), batch=_batch(decision),
    )  # fmt: skip


def _groups(readings: Sequence[Reading]) -> dict[str, list[Reading]]:
    """The readings by filter: all, the alarms, and each group of kinds."""
    named = {name: [reading for reading in readings if reading.kind in kinds] for name, kinds in GROUPS.items()}
    return {"all": list(readings), "alarms": [reading for reading in readings if reading.alarm], **named}


def _found(name: str, batch: str, champion: str) -> Round:
    use_case = frame.use_case_named(name)
    if not re.fullmatch(r"[0-9a-f]{64}", batch) or not re.fullmatch(r"[0-9a-f]{16}|none", champion):
        raise NotFound("round of", name, "")
    wanted = None if champion == "none" else champion
    for each in rounds(use_case.name):
        if each.decision.batch == batch and each.decision.champion == wanted:
            return each
    raise NotFound("round of", name, "")


def _importance(decision: Decision) -> tuple[tuple[str, float], ...]:
    """The importance of the champion's inputs; none where its version is gone."""
    if decision.champion is None:
        return ()
    store = frame.get_store()
    try:
        version = registry.load(store, decision.use_case, decision.champion)
        return from_json(Evaluation, registry.read_file(store, version, "evaluation.json")).importance
    except (NotFound, Corrupted):
        return ()


def _ticket(decision: Decision) -> tickets.Ticket | None:
    """The ticket its cause was noted on, if one was opened."""
    try:
        return tickets.find(frame.get_store(), decision.ticket) if decision.ticket else None
    except NotFound:
        return None


def _batch(decision: Decision) -> Batch | None:
    try:
        return frame.cached(manifest_key(decision.use_case, decision.batch), Batch)
    except NotFound:
        return None


def _beside(decision: Decision, name: str) -> str:
    return decision.key.removesuffix("decision.json") + name


def _file_name(decision: Decision) -> str:
    return f"{decision.use_case}-{decision.label}"
