"""What can be done to a person's record: add, sign in, change role, disable, change or reset the passphrase."""

import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from wardround.errors import CallInvalid, Conflict, SignInRefused
from wardround.people import keys, passphrases
from wardround.people.keys import Origin
from wardround.people.record import NAME, Person, change, find, listing, noted, read, record_key, settle, write
from wardround.people.roles import Role
from wardround.store import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def add(store: Store, *, name: str, full_name: str, role: Role, passphrase: str, by: str, now: datetime) -> Person:
    """Add a person; *passphrase* is the one they sign in with first, and must change before they can sign.

    Raises:
        CallInvalid: the name is no name or taken, or the passphrase is too weak.
    """
    if not NAME.fullmatch(name):
        raise CallInvalid(
            f"{name!r} is no name: 2 to 39 small letters, digits, dots, dashes or underscores, a letter or digit first"
        )
    if not full_name.strip():
        raise CallInvalid("say the person's full name: it stands beside what they sign")
    if any(unicodedata.category(sign).startswith("C") for sign in full_name):
        raise CallInvalid("the full name holds a control character: it must read the same on every screen")
    passphrases.require_sound(passphrase, name, full_name)
    if read(store, name)[0] is not None:
        raise CallInvalid(f"there is a person {name!r} already")
    pair, sealed = keys.new_pair(name, passphrase, origin=Origin.ADDED, by=by, now=now)
    person = Person(
        name=name, full_name=full_name.strip(), role=role, passphrase_hash=passphrases.hashed(passphrase),
        key=pair.fingerprint, sealed_key=sealed, sessions_from=now, created_at=now, created_by=by,
    )  # fmt: skip
    person = noted(person, by=by, at=now, what=f"added as {role}", act=pair.act, hashes=keys.keep(store, pair))
    try:
        write(store, person, None)
    except Conflict:
        raise CallInvalid(f"there is a person {name!r} already") from None
    settle(store, person)
    return person


def authenticate(store: Store, name: str, passphrase: str) -> Person:
    """Return the person who proves with *passphrase* to be *name*.

    Somebody unknown, somebody disabled and a wrong passphrase take the same time and are told in the same words.

    Raises:
        SignInRefused: nobody may come in by this name and passphrase.
    """
    nobody = passphrases.decoy()
    person, _ = read(store, name)
    known = passphrases.matches(person.passphrase_hash if person else nobody, passphrase)
    if person is None or person.disabled or not known:
        raise SignInRefused
    settle(store, person)
    if passphrases.outdated(person.passphrase_hash):
        person = _under(store, person, passphrase, passphrase, note=None)
    return person


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A person who has just proved who they are, for as long as it takes to sign."""

    person: Person
    private: "Ed25519PrivateKey" = field(repr=False)

    @property
    def key(self) -> str:
        """The fingerprint of the key they sign with."""
        return self.person.key

    def sign(self, message: bytes) -> str:
        """Return the signature of *message* in hexadecimal digits."""
        return self.private.sign(message).hex()


def signer(store: Store, name: str, passphrase: str) -> Signer:
    """Return *name*, able to sign.

    Raises:
        SignInRefused: as `authenticate`.
    """
    person = authenticate(store, name, passphrase)
    return Signer(person=person, private=keys.unseal(person.sealed_key, name, passphrase))


def change_role(store: Store, name: str, role: Role, *, by: str, now: datetime) -> Person:
    """Give *name* another role.

    Raises:
        NotFound: there is nobody of that name.
        CallInvalid: it is *by*'s own role, or nobody else is an administrator.
    """
    if by == name:
        raise CallInvalid("nobody changes their own role: another administrator does")

    def edit(person: Person) -> Person:
        if person.role is role:
            return person
        _leave_an_administrator(store, person)
        return noted(replace(person, role=role), by=by, at=now, what=f"role changed from {person.role} to {role}")

    return change(store, name, edit)


def disable(store: Store, name: str, *, by: str, now: datetime) -> Person:
    """Let *name* neither in nor approve any more; what they signed and did stays readable, sessions are over.

    Raises:
        NotFound: there is nobody of that name.
        CallInvalid: nobody else is an administrator.
    """

    def edit(person: Person) -> Person:
        if person.disabled:
            return person
        _leave_an_administrator(store, person)
        return noted(replace(person, disabled=True, sessions_from=now), by=by, at=now, what="disabled")

    return change(store, name, edit)


def enable(store: Store, name: str, *, by: str, now: datetime) -> Person:
    """Let *name* in again, with the role and passphrase they had.

    Raises:
        NotFound: there is nobody of that name.
        CallInvalid: *by* is *name*.
    """
    if by == name:
        raise CallInvalid("nobody lets themselves in again: another administrator does")

    def edit(person: Person) -> Person:
        if not person.disabled:
            return person
        return noted(replace(person, disabled=False), by=by, at=now, what="enabled again")

    return change(store, name, edit)


def change_passphrase(store: Store, name: str, *, old: str, new: str, now: datetime) -> Person:
    """Let *name* choose a passphrase that nobody else knows; all their sessions are over.

    The first time after being added or after a reset they get a new key pair, the one their signatures count with;
    later the same key is sealed under the new passphrase, so what they signed stays signed.

    Raises:
        SignInRefused: *old* is not their passphrase.
        CallInvalid: *new* is too weak, or the old one.
    """
    person = authenticate(store, name, old)
    passphrases.require_sound(new, name, person.full_name)
    if passphrases.same(old, new):
        raise CallInvalid("the new passphrase is the old one")
    if person.own_passphrase:
        return _under(store, person, old, new, note=now)
    return _with_new_pair(store, person, new, origin=Origin.CHOSEN, by=name, now=now)


def reset_passphrase(store: Store, name: str, *, new: str, by: str, now: datetime) -> Person:
    """Give *name*, who forgot theirs, a passphrase to sign in with; they must change it before they can sign.

    The old key pair is left behind, and with it the approvals that it signed and that are not used yet: who asks for a
    reset cannot say in whose hands the old passphrase is.

    Raises:
        NotFound: there is nobody of that name.
        CallInvalid: *by* is *name* (a known passphrase is changed, not reset), or *new* is too weak.
    """
    if by == name:
        raise CallInvalid("nobody resets their own passphrase: change it, or ask another administrator")
    person = find(store, name)
    passphrases.require_sound(new, name, person.full_name)
    return _with_new_pair(store, person, new, origin=Origin.RESET, by=by, now=now)


def end_sessions(store: Store, name: str, *, now: datetime) -> Person:
    """End all sessions of *name* that were begun before *now*; signing out is no act for the ledger.

    Raises:
        NotFound: there is nobody of that name.
    """
    return change(store, name, lambda person: replace(person, sessions_from=max(now, person.sessions_from)))


def administered(store: Store) -> bool:
    """Whether anybody can administer; until then whoever holds the store's keys adds the first administrator."""
    return any(person.role is Role.ADMIN and not person.disabled for person in listing(store))


def _with_new_pair(store: Store, known: Person, new: str, *, origin: Origin, by: str, now: datetime) -> Person:
    pair, sealed = keys.new_pair(known.name, new, origin=origin, by=by, now=now)
    made = keys.keep(store, pair)
    fresh = passphrases.hashed(new)
    what = (
        "chose a passphrase and got a key to sign with"
        if origin is Origin.CHOSEN
        else "passphrase reset, with a new key"
    )

    def edit(person: Person) -> Person:
        if origin is Origin.CHOSEN and person.passphrase_hash != known.passphrase_hash:
            raise Conflict(record_key(person.name))  # it was changed or reset since the old one was proved
        changed = replace(
            person, passphrase_hash=fresh, key=pair.fingerprint, sealed_key=sealed, sessions_from=now,
            own_passphrase=origin is Origin.CHOSEN,
        )  # fmt: skip
        return noted(changed, by=by, at=now, what=what, act=pair.act, hashes=made)

    return change(store, known.name, edit)


def _under(store: Store, known: Person, old: str, new: str, *, note: datetime | None) -> Person:
    """Hash *new* and seal the same key under it; *note* is the moment of a change that a person made."""
    sealed = keys.seal(keys.unseal(known.sealed_key, known.name, old), known.name, new)
    fresh = passphrases.hashed(new)

    def edit(person: Person) -> Person:
        if person.passphrase_hash != known.passphrase_hash:
            if note is None:
                return person  # a sign-in beside this one made it anew already
            raise Conflict(record_key(person.name))
        changed = replace(person, passphrase_hash=fresh, sealed_key=sealed)
        if note is None:
            return changed
        return noted(replace(changed, sessions_from=note), by=person.name, at=note, what="changed the passphrase")

    return change(store, known.name, edit)


def _leave_an_administrator(store: Store, person: Person) -> None:
    if person.role is not Role.ADMIN or person.disabled:
        return
    if not any(o.role is Role.ADMIN and not o.disabled and o.name != person.name for o in listing(store)):
        raise CallInvalid(f"{person.name} is the only administrator: add another one first")
