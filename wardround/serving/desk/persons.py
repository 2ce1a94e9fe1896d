"""People and API keys, for administrators: add, change role, let in no more, reset; a token is shown once."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from wardround import people
from wardround.errors import CallInvalid
from wardround.people import Person, Right, Role
from wardround.serving.desk import frame

Administrator = Annotated[Person, Depends(frame.allowed(Right.ADMINISTER))]
router = APIRouter(prefix="/people")
LONGEST_KEY_DAYS = 730


@router.get("")
def listing(request: Request, person: Administrator) -> Response:
    """Show everybody and every key."""
    return _page(request)


@router.post("/add")
def add(
    request: Request,
    admin: Administrator,
    name: Annotated[str, Form()] = "",
    full_name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
    passphrase: Annotated[str, Form()] = "",
) -> Response:
    """Add a person."""
    t, name = frame.words(request), name.strip().lower()
    errors = {}
    if not people.NAME.fullmatch(name):
        errors["name"] = t("people.name_invalid")
    if not full_name.strip() or len(full_name) > 100:
        errors["full_name"] = t("people.full_name_missing")
    if role not in {known.value for known in Role}:
        errors["role"] = t("people.role_missing")
    if not passphrase:
        errors["passphrase"] = t("people.passphrase_missing")
    typed = {"name": name, "full_name": full_name, "role": role}
    if errors:
        return _page(request, errors=errors, typed=typed)
    try:
        people.add(
            frame.get_store(), name=name, full_name=full_name.strip(), role=Role(role), passphrase=passphrase,
            by=admin.name, now=frame.now(),
        )  # fmt: skip
    except CallInvalid as fault:
        field = "passphrase" if "passphrase" in str(fault) else "name"
        return _page(request, errors={field: t("form.refused", detail=str(fault))}, typed=typed)
    frame.tell(request, "people.added", name=name)
    return frame.redirect("/people")


@router.get("/{name}")
def one(request: Request, person: Administrator, name: str) -> Response:
    """Show one person and what can be changed."""
    return _one(request, people.find(frame.get_store(), name))


@router.post("/{name}/role")
def change_role(request: Request, admin: Administrator, name: str, role: Annotated[str, Form()] = "") -> Response:
    """Give the person another role."""
    if role not in {known.value for known in Role}:
        return _one(
            request, people.find(frame.get_store(), name), {"role": frame.words(request)("people.role_missing")}
        )
    store, now = frame.get_store(), frame.now()
    return _changed(
        request, name, "role", "people.role_changed",
        lambda: people.change_role(store, name, Role(role), by=admin.name, now=now),
    )  # fmt: skip


@router.post("/{name}/disable")
def disable(request: Request, admin: Administrator, name: str) -> Response:
    """Let the person in no more."""
    store, now = frame.get_store(), frame.now()
    return _changed(
        request, name, "access", "people.disabled_now", lambda: people.disable(store, name, by=admin.name, now=now)
    )


@router.post("/{name}/enable")
def enable(request: Request, admin: Administrator, name: str) -> Response:
    """Let the person in again."""
    store, now = frame.get_store(), frame.now()
    return _changed(
        request, name, "access", "people.enabled_now", lambda: people.enable(store, name, by=admin.name, now=now)
    )


@router.post("/{name}/end-sessions")
def end_sessions(request: Request, admin: Administrator, name: str) -> Response:
    """End the person's sessions everywhere."""
    store, now = frame.get_store(), frame.now()
    return _changed(request, name, "access", "people.ended", lambda: people.end_sessions(store, name, now=now))


@router.post("/{name}/reset")
def reset(request: Request, admin: Administrator, name: str, passphrase: Annotated[str, Form()] = "") -> Response:
    """Give the person a new passphrase and a new key pair."""
    if not passphrase:
        missing = {"passphrase": frame.words(request)("people.passphrase_missing")}
        return _one(request, people.find(frame.get_store(), name), missing)
    store, now = frame.get_store(), frame.now()
    return _changed(
        request, name, "passphrase", "people.was_reset",
        lambda: people.reset_passphrase(store, name, new=passphrase, by=admin.name, now=now),
    )  # fmt: skip


@router.post("/api-keys/add")
def add_key(
    request: Request,
    admin: Administrator,
    system: Annotated[str, Form()] = "",
    use_cases: Annotated[list[str] | None, Form()] = None,
    days: Annotated[str, Form()] = "",
) -> Response:
    """Make a key and show its token, this once."""
    t, now, errors = frame.words(request), frame.now(), {}
    chosen = tuple(name for name in use_cases or () if name == "*" or name in frame.use_cases())
    if not system.strip():
        errors["system"] = t("keys.system_missing")
    if not chosen:
        errors["use_cases"] = t("keys.use_cases_missing")
    if not re.fullmatch(r"[0-9]{1,3}", days) or not 1 <= int(days) <= LONGEST_KEY_DAYS:
        errors["days"] = t("keys.days_invalid", n=LONGEST_KEY_DAYS)
    typed = {"system": system, "days": days}
    if errors:
        return _page(request, errors=errors, typed=typed, chosen=chosen)
    try:
        key, token = people.add_api_key(
            frame.get_store(), system=system.strip(), use_cases=("*",) if "*" in chosen else chosen, by=admin.name,
            now=now, expires_at=now + timedelta(days=int(days)),
        )  # fmt: skip
    except CallInvalid as fault:
        return _page(request, errors={"system": t("form.refused", detail=str(fault))}, typed=typed, chosen=chosen)
    return frame.page(request, "key_added.html", key=key, token=token, here="/people")


@router.post("/api-keys/{id}/revoke")
def revoke_key(request: Request, admin: Administrator, id: str) -> Response:
    """Let the key in no more, for good."""
    key = people.revoke_api_key(frame.get_store(), id, by=admin.name, now=frame.now())
    frame.tell(request, "keys.revoked_now", system=key.system)
    return frame.redirect("/people")


def _changed(request: Request, name: str, field: str, said: str, act: Callable[[], object]) -> Response:
    try:
        act()
    except CallInvalid as fault:
        refused = {field: frame.words(request)("form.refused", detail=str(fault))}
        return _one(request, people.find(frame.get_store(), name), refused)
    frame.tell(request, said, name=name)
    return frame.redirect(f"/people/{name}")


def _roles(request: Request) -> list[tuple[str, str, str]]:
    t = frame.words(request)
    return [(role.value, t(f"role.{role}"), t(f"role_why.{role}")) for role in Role]


def _one(request: Request, person: Person, errors: dict[str, str] | None = None) -> Response:
    return frame.page(
        request, "person.html", status=422 if errors else 200, errors=errors or {}, other=person,
        role_choices=_roles(request), here=f"/people/{person.name}",
    )  # fmt: skip


def _page(
    request: Request,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    chosen: tuple[str, ...] = (),
) -> Response:
    store, now = frame.get_store(), frame.now()
    empty = {"name": "", "full_name": "", "role": "", "system": "", "days": "365"}
    return frame.page(
        request, "people.html", status=422 if errors else 200, errors=errors or {}, here="/people",
        everybody=people.listing(store), keys=[(key, key.holds(now)) for key in people.api_keys(store)],
        role_choices=_roles(request), typed=empty | (typed or {}), chosen=chosen, known=sorted(frame.use_cases()),
    )  # fmt: skip
