"""What every page of the review desk stands on: who asks, what they may do, their language, and the page itself."""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wardround import people
from wardround.domain import utc_now
from wardround.people import Person, Right
from wardround.serving.desk import shown, texts
from wardround.serving.desk.cache import Objects
from wardround.serving.desk.throttle import Throttle
from wardround.settings import Settings
from wardround.store import Store
from wardround.store.client import QUICK
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.serving.desk.sessions import SignedOut

T = TypeVar("T")
THEMES = ("auto", "light", "dark")
LOOK_COOKIE = "wardround-look"
NAV: tuple[tuple[str, str, Right], ...] = (
    ("wards", "/", Right.READ),
    ("approvals", "/approvals", Right.READ),
    ("tickets", "/tickets", Right.READ),
    ("ledger", "/ledger", Right.READ),
    ("people", "/people", Right.ADMINISTER),
)
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; frame-ancestors 'self'"
)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One desk: its settings, the use cases it shows, and what it remembers between two requests.

    *origins* says from which file a use case was loaded that does not come with wardround.
    """

    settings: Settings
    use_cases: Mapping[str, UseCase]
    origins: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], datetime] = utc_now
    objects: Objects = field(default_factory=Objects)
    throttle: Throttle = field(default_factory=Throttle)
    checks: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(4))
    last_entries: dict[Store, int] = field(default_factory=dict)
    signed_out: "SignedOut"

    @property
    def store(self) -> Store:
        """The store at its present address, asked with little patience: somebody waits for the page."""
        return replace(Store.from_settings(self.settings), attempts=QUICK)


DESK: ContextVar[Desk] = ContextVar("the desk that answers the present request")


def desk() -> Desk:
    """Return the desk that answers the present request."""
    return DESK.get()


class SignInNeeded(Exception):
    """Nobody is signed in, or not any more; *why* is the key of what they are told."""

    def __init__(self, why: str = ""):
        super().__init__(why)
        self.why = why


class PageRefused(Exception):
    """A page that says no: an HTTP *status*, and the key of the text that explains it."""

    def __init__(self, status: int, key: str, **values: object):
        super().__init__(status, key)
        self.status = status
        self.key = key
        self.values = values


def get_store() -> Store:
    """Return the store."""
    return DESK.get().store


def get_settings() -> Settings:
    """Return the settings."""
    return DESK.get().settings


def use_cases() -> Mapping[str, UseCase]:
    """Return the use cases the desk shows, by name."""
    return DESK.get().use_cases


def use_case_named(name: str) -> UseCase:
    """Return one of them; anything else is a page "not found"."""
    found = use_cases().get(name)
    if found is None:
        raise PageRefused(404, "error.use_case", name=name[:80])
    return found


def now() -> datetime:
    """Return the present moment (UTC)."""
    return DESK.get().clock()


def cached(key: str, kind: type[T]) -> T:
    """Return the immutable object at *key*, read from the store once.

    Raises:
        NotFound, Corrupted, StoreFailed: as the store says.
    """
    return DESK.get().objects.get(get_store(), key, kind)


def cached_all(keys: Iterable[str], kind: type[T]) -> tuple[T, ...]:
    """Return the immutable objects at *keys*; those that are not kept yet are read several at a time."""
    return DESK.get().objects.all(get_store(), keys, kind)


def signed_in(request: Request) -> Person:
    """Return who asks (a dependency); somebody unknown is led to the sign-in page."""
    from wardround.serving.desk import sessions

    person = sessions.person_of(request, DESK.get())
    request.state.person = person
    return person


SignedIn = Annotated[Person, Depends(signed_in)]


def allowed(right: Right) -> Callable[[Person], Person]:
    """Return the dependency that lets only persons with *right* pass; the others get a page that says whose it is."""

    def check(person: SignedIn) -> Person:
        people.require(person, right)
        return person

    return check


async def csrf(request: Request) -> None:
    """Refuse a form that did not come from a page of this session (a dependency of every route of the desk).

    A form may name an encoding that yields half characters (lone surrogates): no record could be read back with one.
    """
    if request.method in ("GET", "HEAD"):
        return
    form = await request.form()
    given, expected = form.get("csrf"), request.session.get("csrf")
    try:
        "".join(value for value in form.values() if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        raise PageRefused(422, "error.not_understood") from None
    if not isinstance(given, str) or not expected or not secrets.compare_digest(given.encode(), expected.encode()):
        raise PageRefused(403, "error.csrf")


def csrf_token(request: Request) -> str:
    """Return the session's token, made when it is first asked for."""
    token: str = request.session.setdefault("csrf", secrets.token_urlsafe(24))
    return token


def tell(request: Request, key: str, /, **values: object) -> None:
    """Show the text at *key* at the top of the next page, once."""
    request.session["notice"] = [key, {name: str(value)[:300] for name, value in values.items()}]


def redirect(path: str) -> RedirectResponse:
    """Lead to a page of this desk after a form was accepted."""
    return RedirectResponse(path, status_code=303)


def local_path(wanted: str | None) -> str:
    """Return *wanted* if it is a path on this desk, else the wards: nobody is led elsewhere by a link to us."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or len(wanted) > 500:
        return "/"
    if "\\" in wanted or any(ord(sign) <= 32 or ord(sign) == 127 for sign in wanted):
        return "/"
    return quote(wanted, safe="/?=&%-._~:@!$'()*+,;")


def look(request: Request) -> tuple[str, str]:
    """Return the language and theme the person chose, or what their browser asks for."""
    wanted, _, theme = request.cookies.get(LOOK_COOKIE, "").partition(".")
    language = texts.choose(wanted, request.headers.get("accept-language", ""))
    return language, theme if theme in THEMES else "auto"


def words(request: Request) -> texts.Words:
    """Return the texts in the person's language."""
    return texts.words(look(request)[0])


def page(request: Request, template: str, /, *, status: int = 200, **context: object) -> HTMLResponse:
    """Render *template*.

    It always has ``person`` (or None), ``rights`` (the names in `Right` they hold), ``csrf`` (token), ``t`` (texts),
    ``lang``, ``theme``, ``languages``, ``nav``, ``here`` (its own path, for forms that come back), ``age`` (how long
    ago a moment was), ``now``, ``notice``, ``style``, and ``errors`` (field -> sentence) when a form was not accepted.
    """
    spoken, (language, theme) = words(request), look(request)
    person: Person | None = getattr(request.state, "person", None)
    rights = frozenset(right.name for right in Right if person is not None and person.may(right))
    at = now()
    told = request.session.pop("notice", None)
    path = request.url.path
    given: dict[str, object] = {
        "person": person, "rights": rights, "csrf": csrf_token(request), "t": spoken, "lang": spoken.tag,
        "language": language, "theme": theme, "themes": THEMES,
        "languages": {code: (tag, name) for code, (tag, name) in texts.LANGUAGES.items()},
        "nav": [
            {"key": key, "path": to, "current": path == to or (to != "/" and path.startswith(f"{to}/"))}
            for key, to, right in NAV if right.name in rights
        ],
        "here": f"{path}?{request.url.query}" if request.url.query else path,
        "age": lambda moment: spoken.age(moment, at), "now": at,
        "notice": spoken(told[0], **told[1]) if told and told[0] in spoken else None,
        "style": shown.style_sheet()[1], "errors": {}, "by_proxy": bool(request.session.get("proxy")),
    }  # fmt: skip
    if request.method != "GET":
        given["here"] = "/"
    html = shown.environment().get_template(template).render(given | context)
    return HTMLResponse(html, status_code=status)


def isolated(body: bytes) -> Response:
    """Return a self-contained report whose own scripts may run, in an origin that is nobody's.

    The policy ``sandbox`` without ``allow-same-origin`` keeps it from cookies and pages of the desk
    (https://www.w3.org/TR/CSP3/#directive-sandbox).
    """
    return Response(body, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": REPORT_POLICY})
