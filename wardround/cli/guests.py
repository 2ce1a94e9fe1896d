"""People for the demo: one of each role, so that the review desk can be looked at from every side."""

import secrets
from datetime import datetime
from typing import Any

GUESTS = (
    ("vera", "Vera Lang, quality office", "viewer"),
    ("oscar", "Oscar Reyes, operations", "operator"),
    ("ada", "Dr Ada Weiss, cardiology", "approver"),
    ("grace", "Dr Grace Lin, biostatistics", "approver"),
    ("adam", "Adam Novak, administrator", "admin"),
)


def invite(store: Any, *, by: str, now: datetime) -> tuple[tuple[str, str, str], ...]:
    """Add the demo's people and return the name, role and passphrase of each; the passphrases are random."""
    from wardround import people

    invited = []
    for name, full_name, role in GUESTS:
        passphrase = "-".join(secrets.token_hex(2) for _ in range(4))
        people.add(
            store, name=name, full_name=full_name, role=people.Role(role), passphrase=passphrase, by=by, now=now
        )  # fmt: skip
        invited.append((name, role, passphrase))
    return tuple(invited)
