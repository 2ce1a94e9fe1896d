"""Pages for those who are not signed in yet: sign in, sign out, language and theme."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from wardround import people
from wardround.errors import SignInRefused
from wardround.serving.desk import frame, sessions, texts
from wardround.serving.desk.proof import TooManyTries, proven

router = APIRouter()
A_YEAR = 365 * 24 * 3600


@router.get("/sign-in")
def sign_in_form(request: Request, next: str = "/") -> Response:
    """Show the form; who is signed in is led on."""
    try:
        frame.signed_in(request)
    except frame.SignInNeeded as needed:
        if needed.why:
            frame.tell(request, needed.why)
        return frame.page(request, "sign_in.html", next=frame.local_path(next), name="")
    return frame.redirect(frame.local_path(next))


@router.post("/sign-in")
def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    passphrase: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Start a session, under a new id, of whoever knows the passphrase."""
    desk, t = frame.desk(), frame.words(request)
    came = desk.clock()  # a passphrase that is changed while it is checked must not begin a session behind the change
    name, after = name.strip().lower(), frame.local_path(next)

    def again(errors: dict[str, str], status: int) -> Response:
        return frame.page(request, "sign_in.html", status=status, errors=errors, next=after, name=name[:64])

    missing = {
        field: t(f"sign_in.{field}_missing")
        for field, value in (("name", name), ("passphrase", passphrase))
        if not value
    }
    if missing:
        return again(missing, 422)
    try:
        person = proven(request, desk, name, lambda: people.authenticate(desk.store, name, passphrase))
    except SignInRefused:
        return again({"name": t("sign_in.refused")}, 401)
    except TooManyTries as tries:
        response = again({"name": t("sign_in.wait", n=tries.seconds)}, 429)
        response.headers["Retry-After"] = str(tries.seconds)
        return response
    sessions.begin(request, person, came)
    if not person.own_passphrase:
        frame.tell(request, "account.choose_own")
        return frame.redirect("/account")
    return frame.redirect(after)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session for good."""
    desk = frame.desk()
    sessions.end(request, desk, desk.clock())
    frame.tell(request, "sign_in.out")
    return frame.redirect("/sign-in")


@router.post("/look")
def change_look(
    request: Request,
    language: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Remember language or theme in a cookie of their own: they outlive the session."""
    now_language, now_theme = frame.look(request)
    language = language if language in texts.LANGUAGES else now_language
    theme = theme if theme in frame.THEMES else now_theme
    response = frame.redirect(frame.local_path(next))
    response.set_cookie(
        frame.LOOK_COOKIE, f"{language}.{theme}", max_age=A_YEAR, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response
