"""A desk on a real store with people on duty, a clock that tests move, and visitors with a browser's memory."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from wardround.people import Role
from wardround.serving.desk.site import site

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it recommends httpx2, which is not needed for what is done here
    from starlette.testclient import TestClient

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSPHRASE = "the passphrase of {name}"


@dataclass
class Clock:
    """The desk's clock, moved by hand."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def go_on(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Visitor:
    """Somebody with a browser: cookies, and the token of the form they look at."""

    client: TestClient
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, headers=self.headers, **more)

    def token(self, path: str = "/account") -> str:
        return re.findall(r'name="csrf" value="([^"]+)"', self.get(path).text)[0]

    def post(self, path: str, form: dict[str, Any] | None = None, *, at: str = "/account") -> httpx.Response:
        content = {"csrf": self.token(at), **(form or {})}
        return self.client.post(path, data=content, headers=self.headers)

    def sign_in(self, name: str, passphrase: str | None = None) -> httpx.Response:
        form = {"name": name, "passphrase": passphrase or PASSPHRASE.format(name=name)}
        return self.post("/sign-in", form, at="/sign-in")

    @property
    def cookie(self) -> str:
        return self.client.cookies.get("wardround") or ""


@pytest.fixture
def clock() -> Clock:
    return Clock()


_KEPT: dict[str, Any] = {}


@pytest.fixture
def hospital(request: pytest.FixtureRequest, store: Any, settings: Any, intruder: Any, quick_passphrases: None) -> Any:
    """The hospital on duty with one person more of each role; made once, then copied object by object."""
    if not _KEPT:
        place = request.getfixturevalue("duty")
        for name, role in (("chief", Role.ADMIN), ("olsen", Role.OPERATOR), ("vera", Role.VIEWER)):
            place.employ(name, role)
        _KEPT.update(kind=type(place), objects={key: store.get(key) for key in store.keys("")})
    else:
        for key, body in _KEPT["objects"].items():
            intruder.write(key, body)
    return _KEPT["kind"](store, settings)


@pytest.fixture
def app(hospital: Any, clock: Clock) -> FastAPI:
    """The desk of the hospital: its one use case, where a passed verdict waits for a person."""
    return site(hospital.settings, {hospital.case.name: hospital.case}, clock=clock)


@pytest.fixture
def routes(app: FastAPI) -> tuple[tuple[str, str], ...]:
    """Every (method, path) of the desk."""
    paths = get_openapi(title="", version="", routes=app.routes)["paths"]
    return tuple((method.upper(), path) for path, methods in paths.items() for method in methods)


@pytest.fixture
def visit(app: FastAPI) -> Callable[..., Visitor]:
    """Let a new visitor come, signed in when a name is given."""

    def come(name: str = "", *, to: FastAPI | None = None, url: str = "http://desk.example", **headers: str) -> Visitor:
        visitor = Visitor(TestClient(to or app, base_url=url, follow_redirects=False), headers)
        if name:
            answer = visitor.sign_in(name)
            assert answer.status_code == 303, answer.text
        return visitor

    return come
