"""Roles and what each lets a person do; an administrator approves nothing, so that nobody can do both."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is on duty as."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing a role lets a person do, in words that end the sentence "may ..."."""

    READ = "read"
    OPERATE = "sign off rounds and acknowledge tickets"
    APPROVE = "approve promotions"
    ADMINISTER = "manage people and keys"


RIGHTS = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.OPERATOR: frozenset({Right.READ, Right.OPERATE}),
    Role.APPROVER: frozenset({Right.READ, Right.OPERATE, Right.APPROVE}),
    Role.ADMIN: frozenset({Right.READ, Right.ADMINISTER}),
}


def roles_with(right: Right) -> tuple[str, ...]:
    """Return the roles that include *right*."""
    return tuple(role.value for role, rights in RIGHTS.items() if right in rights)
