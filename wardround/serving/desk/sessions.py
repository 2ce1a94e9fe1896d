"""Sessions: a signed cookie that names a person and a moment, how long it holds, and whom a proxy may name."""

import base64
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wardround import people
from wardround.errors import NotFound, SettingsInvalid
from wardround.people import Person
from wardround.settings import Settings

if TYPE_CHECKING:
    from wardround.serving.desk.frame import Desk

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
PROXY_HEADER = "x-wardround-proxy"


class Sessions:
    """Middleware that gives ``request.session``, read from the cookie and written back signed.

    The signature's moment is that of the last request: a cookie older than half an hour is none. The cookie is kept
    from scripts (HttpOnly) and from forms of other sites (SameSite=Lax); over https it is Secure and bound to this
    host (``__Host-``).
    """

    def __init__(self, app: ASGIApp, *, secret: str, clock: Callable[[], datetime]):
        self.app = app
        self.signer = _Signer(secret, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its session."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https"
        name = "__Host-wardround" if secure else "wardround"
        cookie = HTTPConnection(scope).cookies.get(name, "")
        session = scope["session"] = self.signer.read(cookie)

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and (session or cookie):
                headers = MutableHeaders(scope=message)
                if "cache-control" not in headers:  # what a cache on the way may keep must not hold a session
                    value = self.signer.write(session) if session else "gone; Max-Age=0"
                    flags = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
                    headers.append("Set-Cookie", f"{name}={value}{flags}")
            await send(message)

        await self.app(scope, receive, with_cookie)


class _Signer(TimestampSigner):
    def __init__(self, secret: str, clock: Callable[[], datetime]):
        super().__init__(secret, salt="wardround desk session", digest_method=hashlib.sha256)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock().timestamp())

    def read(self, cookie: str) -> dict[str, object]:
        try:
            content = json.loads(base64.urlsafe_b64decode(self.unsign(cookie, max_age=int(IDLE.total_seconds()))))
        except (BadSignature, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, session: dict[str, object]) -> str:
        return self.sign(base64.urlsafe_b64encode(json.dumps(session).encode())).decode()


class SignedOut:
    """The sessions that were ended by signing out, one small file each until they would have ended anyway.

    A signed cookie cannot be taken back: a copy of it must not come in after its owner went, at this server or at
    another one of the same home.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def add(self, session: str, now: datetime) -> None:
        """Remember that *session* is over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for ended in self._folder.iterdir():
            with contextlib.suppress(OSError, ValueError):  # what a kill left unfinished stays: it ends its session
                if float(ended.read_text()) <= now.timestamp():
                    ended.unlink()
        with contextlib.suppress(FileExistsError):
            _write_private(self._place(session), str((now + LONGEST).timestamp()).encode())

    def __contains__(self, session: object) -> bool:
        return isinstance(session, str) and self._place(session).exists()

    def _place(self, session: str) -> Path:
        return self._folder / hashlib.sha256(session.encode()).hexdigest()


def secret_of(settings: Settings) -> str:
    """Return the key that signs cookies; made once under *home* and readable by its owner alone.

    Raises:
        SettingsInvalid: it is damaged.
    """
    path = settings.home / "desk" / "session.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
        _write_private(fresh, secrets.token_hex(32).encode())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first: everybody signs with its key
        finally:
            fresh.unlink()
    kept = path.read_text()
    if len(kept) < 32:
        raise SettingsInvalid("WARDROUND_HOME", f"{path} is damaged: remove it, and everybody signs in again")
    return kept


def require_proxy_secret(settings: Settings) -> None:
    """Make sure that not everybody can name a person in the header.

    Raises:
        SettingsInvalid: the header is configured and the secret is not, or is short.
    """
    if settings.sign_in_header is None:
        return
    if settings.proxy_secret is None or len(settings.proxy_secret.get_secret_value()) < 32:
        raise SettingsInvalid(
            "WARDROUND_PROXY_SECRET",
            "it must have at least 32 characters where WARDROUND_SIGN_IN_HEADER is set: "
            "without it anybody who reaches the desk could say to be anybody",
        )


def begin(request: Request, person: Person, now: datetime, *, proxy: bool = False) -> None:
    """Start a session of *person* under a new id and a new form token; what was before is gone."""
    request.session.clear()
    request.session.update(
        {
            "id": secrets.token_urlsafe(16), "csrf": secrets.token_urlsafe(24), "name": person.name,
            "issued": now.isoformat(), **({"proxy": True} if proxy else {}),
        }
    )  # fmt: skip


def end(request: Request, desk: "Desk", now: datetime) -> None:
    """End the session for good: copies of its cookie are worth nothing from now on."""
    if isinstance(session := request.session.get("id"), str):
        desk.signed_out.add(session, now)
    request.session.clear()


def person_of(request: Request, desk: "Desk") -> Person:
    """Return who asks: whom the trusted proxy names, else whom the session names.

    Raises:
        SignInNeeded: nobody, or the session is over: too old, ended, or the person is disabled or gone.
        PageRefused: the proxy names somebody who is not among the people.
        StoreFailed: the store did not answer.
    """
    from wardround.serving.desk.frame import PageRefused, SignInNeeded

    session, now = request.session, desk.clock()
    if (named := _named_by_proxy(request.headers, desk.settings)) is not None:
        person = _find(desk, named)
        if person is None:
            session.clear()
            raise PageRefused(403, "error.unknown_to_desk")
        if session.get("name") != named or not session.get("proxy") or _over(session, person, desk, now):
            begin(request, person, now, proxy=True)
        return person
    name = session.get("name")
    if not isinstance(name, str):
        raise SignInNeeded
    person = _find(desk, name)
    if person is None or session.get("proxy") or _over(session, person, desk, now):
        session.clear()
        raise SignInNeeded("sign_in.over")
    return person


def _over(session: dict[str, object], person: Person, desk: "Desk", now: datetime) -> bool:
    try:
        issued = datetime.fromisoformat(str(session["issued"])).astimezone(UTC)
    except (KeyError, ValueError):
        return True
    return now - issued > LONGEST or issued < person.sessions_from or session.get("id") in desk.signed_out


def _find(desk: "Desk", name: str) -> Person | None:
    try:
        person = people.find(desk.store, name)
    except NotFound:
        return None
    return None if person.disabled else person


def _named_by_proxy(headers: Headers, settings: Settings) -> str | None:
    """Return whom the header names if the proxy proved itself; a header sent twice names nobody."""
    if settings.sign_in_header is None or settings.proxy_secret is None:
        return None
    proofs, names = headers.getlist(PROXY_HEADER), headers.getlist(settings.sign_in_header)
    if len(proofs) != 1 or len(names) != 1:
        return None
    if not secrets.compare_digest(proofs[0].encode(), settings.proxy_secret.get_secret_value().encode()):
        return None
    return names[0].strip().lower() or None


def _write_private(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
