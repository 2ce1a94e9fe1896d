"""The record of a person: one object that moves by compare-and-swap, and the changes that led to it.

A change whose ledger entry was lost to a kill is recorded by whoever changes or signs in the person next.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wardround import ledger
from wardround.domain import PERSON_NAME, Sensitivity, from_json, to_json
from wardround.errors import Conflict, Corrupted, NotAllowed, NotFound
from wardround.people.roles import RIGHTS, Right, Role, roles_with
from wardround.store import Store

NAME = re.compile(PERSON_NAME)
REMEMBERED = 20
_ATTEMPTS = 8
_RECORD = re.compile(r"people/([^/]+)/person\.json")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a person's record, as its ledger entry tells it; *hashes* are the objects it made."""

    act: str
    by: str
    at: datetime
    what: str
    hashes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody on duty. *key* is the fingerprint of the present public key, *sealed_key* its private half.

    *own_passphrase* is false while somebody else knows the passphrase (it was given when the person was added, or by a
    reset): then the person may sign in but not sign. Sessions issued before *sessions_from* are over.
    """

    name: str
    full_name: str
    role: Role
    passphrase_hash: str = field(repr=False)
    key: str
    sealed_key: str = field(repr=False)
    sessions_from: datetime
    created_at: datetime
    created_by: str
    disabled: bool = False
    own_passphrase: bool = False
    sequence: int = 0
    changes: tuple[Change, ...] = ()

    def may(self, right: Right) -> bool:
        """Whether the person's role includes *right*; a disabled person may nothing."""
        return not self.disabled and right in RIGHTS[self.role]


def require(person: Person, right: Right) -> None:
    """Make sure *person* has *right*.

    Raises:
        NotAllowed: the role does not include it, or the person is disabled.
    """
    if not person.may(right):
        raise NotAllowed(person.name, right, roles_with(right))


def find(store: Store, name: str) -> Person:
    """Return the person called *name*.

    Raises:
        NotFound: there is nobody of that name.
        Corrupted: the record is not one of a person of that name.
    """
    person, _ = read(store, name)
    if person is None:
        raise NotFound("person", name, "`wardround people list` shows who there is")
    return person


def listing(store: Store) -> tuple[Person, ...]:
    """Return all persons by name, the disabled ones too."""
    names = [match[1] for key in store.keys("people/") if (match := _RECORD.fullmatch(key))]
    return tuple(find(store, name) for name in names)


def read(store: Store, name: str) -> tuple[Person | None, str | None]:
    """Return the record of *name* and the tag that replaces it; (None, None) when there is none."""
    if not NAME.fullmatch(name):
        return None, None
    content, tag = store.get_pointer(record_key(name))
    if content is None:
        return None, None
    try:
        person = from_json(Person, to_json({k: v for k, v in content.items() if k not in ("nonce", "recent")}))
    except ValueError:
        person = None
    if person is None or person.name != name:
        raise Corrupted(record_key(name), "it is not the record of a person of that name")
    return person, tag


def change(store: Store, name: str, edit: Callable[[Person], Person]) -> Person:
    """Replace the record of *name* by what *edit* makes of it, and see to its ledger entries.

    Raises:
        NotFound: there is nobody of that name.
        Conflict: others kept changing it.
    """
    for _ in range(_ATTEMPTS):
        current, tag = read(store, name)
        if current is None:
            raise NotFound("person", name, "`wardround people list` shows who there is")
        settle(store, current)
        changed = edit(current)
        if changed == current:
            return current
        try:
            write(store, changed, tag)
        except Conflict:
            continue
        settle(store, changed)
        return changed
    raise Conflict(record_key(name))


def write(store: Store, person: Person, tag: str | None) -> None:
    """Put *person* in the place of the record tagged *tag* (None: there is none yet).

    Raises:
        Conflict: somebody else was faster.
    """
    from pydantic import TypeAdapter

    plain: dict[str, Any] = TypeAdapter(Person).dump_python(person, mode="json")
    store.swap(record_key(person.name), plain, tag, Sensitivity.CREDENTIAL)


def noted(
    person: Person, *, by: str, at: datetime, what: str, act: str = "", hashes: Mapping[str, str] | None = None
) -> Person:
    """Return *person* with one more change to be recorded in the ledger; *act* is made from its number if not given."""
    number = person.sequence + 1
    act = act or f"person:{person.name}:{number}:{at.isoformat()}"
    latest = Change(act=act, by=by, at=at, what=what, hashes=dict(hashes or {}))
    return replace(person, sequence=number, changes=(*person.changes, latest)[-REMEMBERED:])


def settle(store: Store, person: Person) -> None:
    """Give every remembered change of *person* its ledger entry, the oldest missing one first."""
    missing: list[Change] = []
    for latest in reversed(person.changes):
        if ledger.recorded(store, latest.act):
            break
        missing.append(latest)
    for latest in reversed(missing):
        ledger.append(
            store, act=latest.act, kind="person", use_case="", actor=latest.by, subject=person.name,
            hashes=latest.hashes, reason=latest.what, now=latest.at,
        )  # fmt: skip


def record_key(name: str) -> str:
    """Return where the record of *name* is."""
    return f"people/{name}/person.json"
