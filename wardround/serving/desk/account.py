"""One's own page: language, theme, passphrase, and the sessions on other machines."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from wardround import people
from wardround.errors import CallInvalid, SignInRefused
from wardround.people import Right
from wardround.serving.desk import frame, sessions
from wardround.serving.desk.frame import SignedIn
from wardround.serving.desk.proof import TooManyTries, proven

router = APIRouter(prefix="/account")


@router.get("")
def account(request: Request, person: SignedIn) -> Response:
    """Show who one is and what one may do."""
    return _page(request, person)


@router.post("/passphrase")
def change_passphrase(
    request: Request,
    person: SignedIn,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Change the passphrase; every other session of the person ends."""
    desk, t = frame.desk(), frame.words(request)
    errors = {}
    if not old:
        errors["old"] = t("account.old_missing")
    if not new:
        errors["new"] = t("account.new_missing")
    elif new != again:
        errors["again"] = t("account.differ")
    if errors:
        return _page(request, person, errors, 422)
    now = desk.clock()
    try:
        proven(
            request, desk, person.name,
            lambda: people.change_passphrase(desk.store, person.name, old=old, new=new, now=now),
        )  # fmt: skip
    except SignInRefused:
        return _page(request, person, {"old": t("account.old_wrong")}, 422)
    except TooManyTries as tries:
        return _page(request, person, {"old": t("sign_in.wait", n=tries.seconds)}, 429)
    except CallInvalid as fault:
        return _page(request, person, {"new": t("account.weak", detail=str(fault))}, 422)
    _keep_this_session(request, person.name)
    frame.tell(request, "account.changed")
    return frame.redirect("/account")


@router.post("/end-sessions")
def end_sessions(request: Request, person: SignedIn) -> Response:
    """End the person's sessions on every other machine."""
    desk = frame.desk()
    people.end_sessions(desk.store, person.name, now=desk.clock())
    _keep_this_session(request, person.name)
    frame.tell(request, "account.ended")
    return frame.redirect("/account")


def _keep_this_session(request: Request, name: str) -> None:
    desk, proxy = frame.desk(), bool(request.session.get("proxy"))
    person = people.find(desk.store, name)
    sessions.begin(request, person, max(desk.clock(), person.sessions_from), proxy=proxy)


def _page(request: Request, person: people.Person, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    return frame.page(
        request, "account.html", status=status, errors=errors or {}, here="/account",
        held=[right.name.lower() for right in Right if person.may(right)],
    )  # fmt: skip
