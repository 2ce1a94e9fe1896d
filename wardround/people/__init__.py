"""The people on duty and the systems that ask: who they are, what they may do, and the keys they sign with."""

from wardround.people.acts import (
    Signer,
    add,
    administered,
    authenticate,
    change_passphrase,
    change_role,
    disable,
    enable,
    end_sessions,
    reset_passphrase,
    signer,
)
from wardround.people.keys import Origin, PublicKey, public_key, registration, verifies
from wardround.people.record import NAME, Person, find, listing, require
from wardround.people.roles import Right, Role
from wardround.people.systems import (
    ApiKey,
    add_api_key,
    api_keys,
    authenticate_api_key,
    find_api_key,
    revoke_api_key,
)

__all__ = [
    "NAME", "ApiKey", "Origin", "Person", "PublicKey", "Right", "Role", "Signer", "add", "add_api_key", "administered",
    "api_keys", "authenticate", "authenticate_api_key", "change_passphrase", "change_role", "disable", "enable",
    "end_sessions", "find", "find_api_key", "listing", "public_key", "registration", "require", "reset_passphrase",
    "revoke_api_key", "signer", "verifies",
]  # fmt: skip
