"""Keyed pseudonyms: the same person gets the same name, and nobody without the key can tell who it is."""

import hmac
from collections.abc import Iterable

LENGTH = 24
"""Hex digits of a pseudonym: 96 bits, so that even 10**9 identifiers collide with a chance below 10**-10."""


def pseudonym(key: bytes, use_case: str, role: str, text: str) -> str:
    """Return the pseudonym of one identifier, `LENGTH` hex digits.

    The key is separated by use case and *role* (``record``, ``patient``): pseudonyms of two use cases, or of a
    record and a patient that happen to have the same number, cannot be linked. HMAC-SHA256 (RFC 2104).
    """
    return pseudonyms(key, use_case, role, (text,))[0]


def pseudonyms(key: bytes, use_case: str, role: str, texts: Iterable[str]) -> list[str]:
    """Return the pseudonyms of many identifiers, in their order; about a million a second."""
    own = hmac.digest(key, f"wardround pseudonym\0{use_case}\0{role}".encode(), "sha256")
    digest = hmac.digest
    return [digest(own, text.encode(), "sha256").hex()[:LENGTH] for text in texts]
