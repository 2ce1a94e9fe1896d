"""API keys: how a clinical system proves who it is. Only the hash of a key's secret is kept."""

import contextlib
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from wardround import ledger
from wardround.domain import Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, CallInvalid, Corrupted, NotFound, SignInRefused
from wardround.store import Store

HOME = "people/_api-keys/"  # no person's name begins with an underscore
_ID = re.compile(r"[0-9a-f]{12}")
_KEY = re.compile(re.escape(HOME) + r"([0-9a-f]{12})\.json")
_TOKEN = re.compile(r"wr_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_SECRET_BYTES = 32  # 256 random bits: a plain hash is as good as a slow one, and costs a request nothing


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """The key of one *system* for the use cases it may ask (``*``: all); *sha256* is that of its secret."""

    id: str
    system: str
    use_cases: tuple[str, ...]
    sha256: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def serves(self, use_case: str) -> bool:
        """Whether it lets its system ask *use_case*."""
        return "*" in self.use_cases or use_case in self.use_cases

    def holds(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, kw_only=True)
class _Revocation:
    by: str
    at: datetime


def add_api_key(
    store: Store, *, system: str, use_cases: tuple[str, ...], by: str, now: datetime, expires_at: datetime
) -> tuple[ApiKey, str]:
    """Make a key for *system* and return it with its token, which is shown this once and kept nowhere.

    Raises:
        CallInvalid: no system, no use case, or an expiry that has passed.
    """
    if not re.fullmatch(r"[^\s/](?:[^/\n]{0,60}[^\s/])?", system):
        raise CallInvalid("name the system the key is for, in 1 to 62 characters without a slash")
    if not use_cases or not all(use_cases):
        raise CallInvalid("name the use cases the key is for, or * for all")
    if expires_at <= now:
        raise CallInvalid("the key would have expired already")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        id=secrets.token_hex(6), system=system, use_cases=tuple(dict.fromkeys(use_cases)), sha256=_digest(secret),
        created_by=by, created_at=now, expires_at=expires_at,
    )  # fmt: skip
    made = {_key_of(key.id): store.put(_key_of(key.id), to_json(key), sensitivity=Sensitivity.CREDENTIAL)}
    _record(store, key, "added", by=by, at=now, hashes=made)
    return key, f"wr_{key.id}_{secret}"


def authenticate_api_key(store: Store, token: str, *, now: datetime) -> ApiKey:
    """Return the key that *token* is of.

    Raises:
        SignInRefused: it is of none that holds now.
    """
    match = _TOKEN.fullmatch(token)
    try:
        key = find_api_key(store, match[1]) if match else None
    except NotFound:
        key = None
    right = hmac.compare_digest(_digest(match[2] if match else ""), key.sha256 if key else _digest("nobody's"))
    if key is None or not right or not key.holds(now):
        raise SignInRefused("Ask an administrator for a key: `wardround api-keys add`")
    return key


def find_api_key(store: Store, key_id: str) -> ApiKey:
    """Return the key called *key_id*, revoked or not.

    Raises:
        NotFound: there is none.
        Corrupted: it is not what was written.
    """
    if not _ID.fullmatch(key_id):
        raise NotFound("API key", key_id, "`wardround api-keys list` shows which there are")
    try:
        key = from_json(ApiKey, store.get(_key_of(key_id)))
    except NotFound:
        raise NotFound("API key", key_id, "`wardround api-keys list` shows which there are") from None
    except ValueError:
        key = None
    if key is None or key.id != key_id:
        raise Corrupted(_key_of(key_id), "it is not an API key of that name")
    revoked = _revocation(store, key_id)
    return replace(key, revoked_at=revoked.at) if revoked else key


def api_keys(store: Store) -> tuple[ApiKey, ...]:
    """Return all keys, the oldest first, the revoked and expired ones too."""
    found = [find_api_key(store, match[1]) for key in store.keys(HOME) if (match := _KEY.fullmatch(key))]
    return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))


def revoke_api_key(store: Store, key_id: str, *, by: str, now: datetime) -> ApiKey:
    """Let the key called *key_id* in no more, for good; revoking it again changes nothing.

    Raises:
        NotFound: there is none.
    """
    key = find_api_key(store, key_id)
    at = _revocation_key(key_id)
    with contextlib.suppress(AlreadyExists):  # somebody was faster, or a killed attempt of this
        store.put(at, to_json(_Revocation(by=by, at=now)), sensitivity=Sensitivity.CREDENTIAL)
    revoked = _revocation(store, key_id)
    if revoked is None:
        raise Corrupted(at, "it is missing")
    digest = hashlib.sha256(to_json(revoked)).hexdigest()
    _record(store, key, "revoked", by=revoked.by, at=revoked.at, hashes={at: digest})
    return replace(key, revoked_at=revoked.at)


def _revocation(store: Store, key_id: str) -> _Revocation | None:
    try:
        return from_json(_Revocation, store.get(_revocation_key(key_id)))
    except NotFound:
        return None
    except ValueError:
        raise Corrupted(_revocation_key(key_id), "it is not the revocation of an API key") from None


def _record(store: Store, key: ApiKey, what: str, *, by: str, at: datetime, hashes: dict[str, str]) -> None:
    ledger.append(
        store, act=f"api key:{key.id}:{what}", kind="api key", use_case="", actor=by, subject=key.id, hashes=hashes,
        reason=f"{what}: {key.system}, for {', '.join(key.use_cases)}", now=at,
    )  # fmt: skip


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key_of(key_id: str) -> str:
    return f"{HOME}{key_id}.json"


def _revocation_key(key_id: str) -> str:
    return f"{HOME}{key_id}.revoked.json"
