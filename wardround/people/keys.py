"""A person's key pair: the private half sealed under the passphrase, the public half immutable and in the ledger.

Signing takes the passphrase each time (21 CFR 11.200: an electronic signature is executed by its genuine owner), so
neither an open session nor whoever reads the store can sign for anybody.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from wardround import ledger
from wardround.domain import LedgerEntry, Sensitivity, from_json, to_json
from wardround.errors import Corrupted, NotFound, SignInRefused
from wardround.people import passphrases
from wardround.people.passphrases import Parameters
from wardround.store import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NONCE_BYTES = 12


class Origin(StrEnum):
    """How a key pair came to be; only the passphrase of a chosen one is known to nobody but its owner."""

    ADDED = "added"
    RESET = "reset"
    CHOSEN = "chosen"


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """The public half of a key pair (Ed25519, RFC 8032; 32 bytes in hexadecimal digits) and where it comes from."""

    person: str
    public: str
    origin: Origin
    by: str
    at: datetime

    @property
    def fingerprint(self) -> str:
        """The sha256 of the public key; names the key everywhere."""
        return hashlib.sha256(bytes.fromhex(self.public)).hexdigest()

    @property
    def stored_at(self) -> str:
        """Where this value is stored."""
        return key_key(self.person, self.fingerprint)

    @property
    def act(self) -> str:
        """The ledger's act of registering this key."""
        return f"person:{self.person}:key:{self.fingerprint}"


def key_key(person: str, fingerprint: str) -> str:
    """Return where the public key *fingerprint* of *person* is."""
    return f"people/{person}/keys/{fingerprint}.json"


def new_pair(person: str, passphrase: str, *, origin: Origin, by: str, now: datetime) -> tuple[PublicKey, str]:
    """Return a new public key of *person* and its private half, sealed under *passphrase*; stores nothing."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw().hex()
    return PublicKey(person=person, public=public, origin=origin, by=by, at=now), seal(private, person, passphrase)


def keep(store: Store, key: PublicKey) -> dict[str, str]:
    """Store *key* and return its place and sha256, for the ledger."""
    return {key.stored_at: store.put(key.stored_at, to_json(key), sensitivity=Sensitivity.CREDENTIAL)}


def seal(private: "Ed25519PrivateKey", person: str, passphrase: str) -> str:
    """Return *private* encrypted (ChaCha20-Poly1305, RFC 8439) under a key from *passphrase*, bound to *person*."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    used = passphrases.PRESENT
    salt, nonce = os.urandom(passphrases.SALT_BYTES), os.urandom(_NONCE_BYTES)
    cipher = ChaCha20Poly1305(passphrases.derived(passphrase, salt, used))
    sealed = cipher.encrypt(nonce, private.private_bytes_raw(), person.encode())
    costs = f"{used.time_cost},{used.memory_cost},{used.parallelism}"
    return "$".join(
        ("argon2id-chacha20poly1305", costs, *(base64.b64encode(it).decode() for it in (salt, nonce, sealed)))
    )


def unseal(sealed: str, person: str, passphrase: str) -> "Ed25519PrivateKey":
    """Return the private key in *sealed*.

    Raises:
        SignInRefused: it was not sealed for *person* under *passphrase*.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        _, costs, *parts = sealed.split("$")
        salt, nonce, body = (base64.b64decode(part, validate=True) for part in parts)
        time_cost, memory_cost, parallelism = map(int, costs.split(","))
        used = Parameters(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
        cipher = ChaCha20Poly1305(passphrases.derived(passphrase, salt, used))
        return Ed25519PrivateKey.from_private_bytes(cipher.decrypt(nonce, body, person.encode()))
    except (InvalidTag, ValueError, binascii.Error):
        raise SignInRefused from None


def verifies(key: PublicKey, message: bytes, signature: str) -> bool:
    """Whether *signature* (hexadecimal digits) is one of *message* by *key*."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
        public.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(store: Store, person: str, fingerprint: str) -> PublicKey | None:
    """Return the key *fingerprint* of *person*, None when they have no such key or it is not what it is named after."""
    try:
        body = store.get(key_key(person, fingerprint))
        key = from_json(PublicKey, body)
        named = key.person == person and key.fingerprint == fingerprint
    except (NotFound, Corrupted, ValueError):
        return None
    return key if named else None


def registration(store: Store, key: PublicKey) -> LedgerEntry | None:
    """Return the ledger entry that names *key* as it is now, None when there is none."""
    entry = ledger.find(store, key.act)
    if entry is None or entry.kind != "person" or entry.subject != key.person:
        return None
    return entry if entry.hashes.get(key.stored_at) == hashlib.sha256(to_json(key)).hexdigest() else None
