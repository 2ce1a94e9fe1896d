"""Commands about the people on duty and the API keys of systems; who acts proves it with a passphrase."""

import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wardround.cli.context import storage
from wardround.cli.output import JsonOption, give, say, table
from wardround.errors import CallInvalid

if TYPE_CHECKING:
    from wardround.people import Person, Role
    from wardround.store import Store

NameArgument = Annotated[str, typer.Argument(help="The person's name, as in `wardround people list`.")]
AsOption = Annotated[str, typer.Option("--as", help="Your own name; you must be an administrator.")]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, operator, approver or admin.")]
PASSPHRASE = "WARDROUND_PASSPHRASE"
NEW_PASSPHRASE = "WARDROUND_NEW_PASSPHRASE"


def people_add(
    name: NameArgument,
    full_name: Annotated[str, typer.Option("--full-name", help="Stands beside what the person signs.")],
    role: RoleOption,
    who: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Add a person. The first administrator is added without `--as`, by whoever holds the store's keys.

    The passphrases are asked for, or read from WARDROUND_PASSPHRASE (yours) and WARDROUND_NEW_PASSPHRASE (theirs). A
    person who is to approve must change theirs first: `wardround people passphrase`.

    Example: `wardround people add dr-adams --full-name "Eve Adams" --role approver --as chief`
    """
    from wardround import people
    from wardround.domain import utc_now

    chosen = _role(role)
    with storage() as (settings, store):
        if people.administered(store):
            by = _administrator(store, who)
        elif chosen is people.Role.ADMIN:
            by = settings.actor
        else:
            raise CallInvalid("nobody can administer yet: add an administrator first, with --role admin")
        new = new_passphrase(f"passphrase for {name}")
        added = people.add(store, name=name, full_name=full_name, role=chosen, passphrase=new, by=by, now=utc_now())
    _tell(added, f"{name} is {added.role} now", json)


def people_list(json: JsonOption = False) -> None:
    """List everybody: name, role, since when.

    Example: `wardround people list`
    """
    from wardround import people

    with storage() as (_, store):
        everybody = people.listing(store)
    if json:
        give([_plain(person) for person in everybody])
    elif everybody:
        rows = [
            (
                person.name, person.full_name, person.role.value, f"{person.created_at:%Y-%m-%d}",
                "disabled" if person.disabled else "" if person.own_passphrase else "has to choose a passphrase",
            )
            for person in everybody
        ]  # fmt: skip
        table("People", ("name", "full name", "role", "since", ""), rows)
    else:
        say('nobody is on duty yet: `wardround people add NAME --full-name "..." --role admin`')


def people_role(
    name: NameArgument, role: Annotated[str, typer.Argument()], who: AsOption, json: JsonOption = False
) -> None:
    """Give a person another role.

    Example: `wardround people role dr-adams operator --as chief`
    """
    from wardround import people
    from wardround.domain import utc_now

    chosen = _role(role)
    with storage() as (_, store):
        changed = people.change_role(store, name, chosen, by=_administrator(store, who), now=utc_now())
    _tell(changed, f"{name} is {changed.role} now", json)


def people_disable(name: NameArgument, who: AsOption, json: JsonOption = False) -> None:
    """Let a person in no more; their approvals that are not used yet do not count any more.

    Example: `wardround people disable dr-adams --as chief`
    """
    from wardround import people
    from wardround.domain import utc_now

    with storage() as (_, store):
        changed = people.disable(store, name, by=_administrator(store, who), now=utc_now())
    _tell(changed, f"{name} is disabled", json)


def people_enable(name: NameArgument, who: AsOption, json: JsonOption = False) -> None:
    """Let a disabled person in again.

    Example: `wardround people enable dr-adams --as chief`
    """
    from wardround import people
    from wardround.domain import utc_now

    with storage() as (_, store):
        changed = people.enable(store, name, by=_administrator(store, who), now=utc_now())
    _tell(changed, f"{name} may come in again as {changed.role}", json)


def people_passphrase(name: NameArgument, who: AsOption = "", json: JsonOption = False) -> None:
    """Change your own passphrase, or with `--as` reset that of a person who forgot theirs.

    After a reset the person must change it before they can sign, and what they signed before and was not used yet does
    not count any more.

    Example: `wardround people passphrase dr-adams`
    """
    from wardround import people
    from wardround.domain import utc_now

    with storage() as (_, store):
        if who:
            by = _administrator(store, who)
            new = new_passphrase(f"new passphrase for {name}")
            changed = people.reset_passphrase(store, name, new=new, by=by, now=utc_now())
            said = f"the passphrase of {name} was reset: they must change it before they can sign"
        else:
            old = passphrase(f"present passphrase of {name}")
            people.authenticate(store, name, old)  # before the new one is asked for
            new = new_passphrase("new passphrase")
            changed = people.change_passphrase(store, name, old=old, new=new, now=utc_now())
            said = f"{name} has a new passphrase; all sessions have ended"
    _tell(changed, said, json)


def api_keys_add(
    system: Annotated[str, typer.Argument(help="The system that will ask, for example ward-3-emr.")],
    who: AsOption,
    use_case: Annotated[
        list[str],
        typer.Option(
            "--use-case", "-u", help="What it may ask: a name or your own Python file; * for all. Repeatable."
        ),
    ],
    valid_days: Annotated[int, typer.Option("--valid-days", min=1, help="How long it holds.")] = 365,
    json: JsonOption = False,
) -> None:
    """Make an API key for a system. Its token is shown this once and kept nowhere.

    Example: `wardround api-keys add ward-3-emr --use-case heart_disease --as chief`
    """
    from wardround import people
    from wardround.domain import utc_now
    from wardround.use_cases import load

    names = tuple(name if name == "*" else load(name).name for name in use_case)
    with storage() as (_, store):
        by, now = _administrator(store, who), utc_now()
        key, token = people.add_api_key(
            store, system=system, use_cases=names, by=by, now=now, expires_at=now + timedelta(days=valid_days)
        )
    if json:
        give({"id": key.id, "system": key.system, "expires_at": key.expires_at.isoformat(), "token": token})
        return
    say(f"{token}\nthe key {key.id} of {system} holds until {key.expires_at:%Y-%m-%d}; nobody can show its token again")


def api_keys_list(json: JsonOption = False) -> None:
    """List all API keys, without their secrets.

    Example: `wardround api-keys list`
    """
    from wardround import people
    from wardround.domain import utc_now

    with storage() as (_, store):
        keys, now = people.api_keys(store), utc_now()
    rows = [
        {
            "id": key.id, "system": key.system, "use_cases": ", ".join(key.use_cases), "created_by": key.created_by,
            "expires": f"{key.expires_at:%Y-%m-%d}",
            "state": "holds" if key.holds(now) else "revoked" if key.revoked_at else "expired",
        }
        for key in keys
    ]  # fmt: skip
    if json:
        give(rows)
    elif rows:
        table("API keys", tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        say("there is no API key yet: `wardround api-keys add SYSTEM --use-case NAME --as ADMIN`")


def api_keys_revoke(
    key: Annotated[str, typer.Argument(help="The id of the key, as in `wardround api-keys list`.")],
    who: AsOption,
    json: JsonOption = False,
) -> None:
    """Let an API key in no more, for good.

    Example: `wardround api-keys revoke 3f2a91bc04d5 --as chief`
    """
    from wardround import people
    from wardround.domain import utc_now

    with storage() as (_, store):
        revoked = people.revoke_api_key(store, key, by=_administrator(store, who), now=utc_now())
    if json:
        give({"id": revoked.id, "system": revoked.system, "revoked_at": revoked.revoked_at})
        return
    say(f"the key {revoked.id} of {revoked.system} is revoked")


def passphrase(asked: str) -> str:
    """Return the acting person's passphrase, from the environment or typed unseen; never from an option.

    Raises:
        CallInvalid: there is nobody to type it.
    """
    return _secret(asked, PASSPHRASE)


def new_passphrase(asked: str) -> str:
    """Return a new passphrase, from the environment or typed unseen, twice."""
    return _secret(asked, NEW_PASSPHRASE, again=True)


def _secret(asked: str, variable: str, *, again: bool = False) -> str:
    if given := os.environ.get(variable):
        return given
    if not sys.stdin.isatty():
        raise CallInvalid(f"there is nobody to ask for the {asked}: set {variable}")
    typed = typer.prompt(asked, hide_input=True, confirmation_prompt=again, err=True)
    return str(typed)


def _administrator(store: "Store", who: str) -> str:
    from wardround import people

    if not who:
        raise CallInvalid("say who you are with --as, the name of an administrator")
    person = people.authenticate(store, who, passphrase(f"passphrase of {who}"))
    people.require(person, people.Right.ADMINISTER)
    return person.name


def _role(text: str) -> "Role":
    from wardround.people import Role

    try:
        return Role(text)
    except ValueError:
        raise CallInvalid(f"{text!r} is no role: {', '.join(Role)}") from None


def _plain(person: "Person") -> dict[str, object]:
    return {
        "name": person.name, "full_name": person.full_name, "role": person.role.value, "disabled": person.disabled,
        "own_passphrase": person.own_passphrase, "created_at": person.created_at.isoformat(timespec="seconds"),
        "created_by": person.created_by, "key": person.key,
    }  # fmt: skip


def _tell(person: "Person", said: str, json: bool) -> None:
    if json:
        give(_plain(person))
    else:
        say(said)
