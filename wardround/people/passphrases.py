"""Passphrases: what is accepted, how it is hashed, and how a key is derived from it.

Argon2id (RFC 9106) with the RFC's second recommended setting, 64 MiB and three passes: it costs a server about 0.15 s
and whoever stole the hashes 64 MiB of fast memory for each guess that runs at a time.
"""

import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from wardround.errors import CallInvalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256
KEY_BYTES = 32
SALT_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What one evaluation of Argon2id costs: passes, memory in KiB, lanes."""

    time_cost: int
    memory_cost: int
    parallelism: int


PRESENT = Parameters(time_cost=3, memory_cost=65536, parallelism=4)
"""No setting or variable changes these; a hash made with others is made anew at its owner's next sign-in."""

_TURNS = threading.BoundedSemaphore(4)  # a flood of sign-ins may take time, but not the machine's memory


def require_sound(passphrase: str, *names: str) -> None:
    """Make sure *passphrase* is long enough and is none of its owner's *names*; it may be any words or characters.

    Source: NIST SP 800-63B, 5.1.1.2 (length, no composition rules, no repetition, no user name, Unicode normalised).

    Raises:
        CallInvalid: what is wrong with it.
    """
    said = _normal(passphrase)
    if len(said) < SHORTEST:
        raise CallInvalid(f"the passphrase has fewer than {SHORTEST} characters: a few words make a good one")
    if len(said) > LONGEST:
        raise CallInvalid(f"the passphrase has more than {LONGEST} characters")
    if len(set(said)) < 5:
        raise CallInvalid("the passphrase repeats a few characters: take other words")
    if said.casefold() in {_normal(name).casefold() for name in names}:
        raise CallInvalid("the passphrase is the person's name: take other words")


def hashed(passphrase: str) -> str:
    """Return the Argon2id hash of *passphrase* with a fresh salt, in its usual text form."""
    with _TURNS:
        return _hasher(PRESENT).hash(_normal(passphrase))


def matches(known: str, passphrase: str) -> bool:
    """Whether *known* is a hash of *passphrase*."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        with _TURNS:
            return _hasher(PRESENT).verify(known, _normal(passphrase))
    except (Argon2Error, InvalidHashError):
        return False


def same(one: str, other: str) -> bool:
    """Whether both are the same passphrase, on whatever keyboard they were typed."""
    return _normal(one) == _normal(other)


def outdated(known: str) -> bool:
    """Whether the hash *known* was made with other parameters than the present ones."""
    return _hasher(PRESENT).check_needs_rehash(known)


def decoy() -> str:
    """Return a hash that belongs to nobody: checking against it takes as long as against a person's."""
    return _decoy(PRESENT)


def derived(passphrase: str, salt: bytes, parameters: Parameters) -> bytes:
    """Return the 32-byte key that *passphrase* and *salt* give."""
    from argon2.low_level import Type, hash_secret_raw

    with _TURNS:
        return hash_secret_raw(
            _normal(passphrase).encode(), salt, time_cost=parameters.time_cost, memory_cost=parameters.memory_cost,
            parallelism=parameters.parallelism, hash_len=KEY_BYTES, type=Type.ID,
        )  # fmt: skip


def _normal(passphrase: str) -> str:
    return unicodedata.normalize("NFKC", passphrase)  # the same words typed on another keyboard are the same words


@lru_cache(maxsize=4)
def _decoy(parameters: Parameters) -> str:
    with _TURNS:
        return _hasher(parameters).hash("nobody's passphrase")


@lru_cache(maxsize=4)
def _hasher(parameters: Parameters) -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(
        time_cost=parameters.time_cost, memory_cost=parameters.memory_cost, parallelism=parameters.parallelism
    )
