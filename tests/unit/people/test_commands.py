"""The commands of people, API keys and approvals: who acts proves it, and no passphrase is an argument."""

import io
import json
import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from wardround import ledger, people
from wardround.cli.app import app, main
from wardround.people import Role

CHIEF = "the chief knows this one"
OWN = "known to nobody else"


@pytest.fixture
def run(settings_environment, monkeypatch, capsys, quick_passphrases):
    """Return a function that runs the command and returns exit code, standard output and standard error."""
    for name, value in settings_environment.items():
        monkeypatch.setenv(name, value)

    def command(*arguments, passphrase=CHIEF, new=None):
        for name, value in (("WARDROUND_PASSPHRASE", passphrase), ("WARDROUND_NEW_PASSPHRASE", new)):
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "argv", ["wardround", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        return left.value.code, shown.out, shown.err

    return command


@pytest.fixture
def staffed(run):
    """The command, once there is an administrator and an approver with a passphrase of their own."""
    assert run("people", "add", "chief", "--full-name", "The Chief", "--role", "admin", new=CHIEF)[0] == 0
    added = run(
        "people", "add", "adams", "--full-name", "E. Adams", "--role", "approver", "--as", "chief", new="a" + OWN
    )
    assert added[0] == 0, added
    assert run("people", "passphrase", "adams", passphrase="a" + OWN, new=OWN)[0] == 0
    return run


def test_the_first_person_is_an_administrator_and_every_later_act_takes_one(run, store):
    code, _, said = run("people", "add", "adams", "--full-name", "E. Adams", "--role", "approver", new=OWN)
    assert (code, "add an administrator first" in said) == (2, True)
    assert run("people", "add", "chief", "--full-name", "The Chief", "--role", "admin", new=CHIEF)[0] == 0
    assert next(ledger.entries(store)).actor == "tester", "whoever holds the store's keys"
    code, _, said = run("people", "add", "eve", "--full-name", "Eve", "--role", "admin", new=OWN)
    assert (code, "--as" in said) == (2, True)
    code, _, said = run(
        "people", "add", "eve", "--full-name", "Eve", "--role", "admin", "--as", "chief", new=OWN, passphrase=OWN
    )
    assert (code, "do not let anybody in" in said) == (2, True)
    assert [person.name for person in people.listing(store)] == ["chief"]


def test_an_approver_administers_nothing(staffed, store):
    for arguments in (
        ("people", "role", "adams", "admin"),
        ("people", "disable", "chief"),
        ("people", "enable", "chief"),
        ("people", "passphrase", "chief"),
        ("api-keys", "add", "emr", "--use-case", "*"),
        ("api-keys", "revoke", "0" * 12),
    ):
        code, _, said = staffed(*arguments, "--as", "adams", passphrase=OWN, new="whatever it may be")
        assert (code, "adams may not manage people and keys" in said) == (1, True), arguments
    assert people.find(store, "adams").role is Role.APPROVER


def test_people_change_and_are_listed(staffed, store):
    assert staffed("people", "role", "adams", "operator", "--as", "chief")[0] == 0
    assert staffed("people", "disable", "adams", "--as", "chief")[0] == 0
    listed = json.loads(staffed("people", "list", "--json")[1])
    assert [(one["name"], one["role"], one["disabled"]) for one in listed] == [
        ("adams", "operator", True), ("chief", "admin", False),
    ]  # fmt: skip
    assert "passphrase_hash" not in listed[0]
    assert staffed("people", "enable", "adams", "--as", "chief")[0] == 0
    code, said, _ = staffed("people", "passphrase", "adams", "--as", "chief", new="told by telephone")
    assert (code, "must change it before they can sign" in said) == (0, True)
    assert "has to choose a passphrase" in staffed("people", "list")[1]
    assert staffed("people", "role", "adams", "king", "--as", "chief")[0] == 2


def test_an_api_key_is_shown_once_and_revoked(staffed, store):
    made = json.loads(staffed("api-keys", "add", "emr", "--use-case", "heart_disease", "--as", "chief", "--json")[1])
    shown = staffed("api-keys", "list")[1] + staffed("api-keys", "list", "--json")[1]
    assert made["id"] in shown
    assert made["token"] not in shown
    assert staffed("api-keys", "add", "emr", "--use-case", "no_such", "--as", "chief")[0] == 2
    assert staffed("api-keys", "revoke", made["id"], "--as", "chief")[0] == 0
    assert "revoked" in staffed("api-keys", "list")[1]


def test_an_approval_shows_the_verdict_first_and_then_what_is_missing(run, duty):
    failed = duty.model(passed=False)
    arguments = ("approve", failed[:10], "--use-case", "heart_disease", "--reason", "urgent")
    code, said, _ = run(*arguments, "--as", "brown", "--act", "override", passphrase="the passphrase of brown")
    assert code == 0
    assert said.index("criteria held") < said.index("signed by brown: override")
    assert "it waits for a second person for the override besides brown" in said
    code, said, _ = run(
        *arguments, "--as", "adams", "--act", "override", "--json", passphrase="the passphrase of adams"
    )
    assert json.loads(said)["allowed"] is True
    moved = run("promote", failed, "--use-case", "heart_disease", "--reason", "as agreed")
    assert (moved[0], moved[1]) == (0, f"champion: none -> {failed}\n")


def test_a_wrong_act_person_or_passphrase_approves_nothing(run, duty, store):
    version = duty.model()
    duty.employ("olsen", Role.OPERATOR)
    arguments = ("approve", version, "--use-case", "heart_disease", "--reason", "r")
    assert run(*arguments, "--as", "adams", "--act", "bless", passphrase="the passphrase of adams")[0] == 2
    assert run(*arguments, "--as", "adams", passphrase="not that of adams")[0] == 2
    assert run(*arguments, "--as", "olsen", passphrase="the passphrase of olsen")[0] == 1
    assert not list(store.keys("approvals/"))


def test_nothing_secret_is_an_argument_and_without_anybody_to_ask_it_is_said(run, monkeypatch):
    from typer.main import get_command

    def options(command):
        yield from (name for parameter in command.params for name in parameter.opts)
        for inner in getattr(command, "commands", {}).values():
            yield from options(inner)

    assert not [name for name in options(get_command(app)) if "pass" in name or "secret" in name]
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, said = run("people", "add", "chief", "--full-name", "The Chief", "--role", "admin", passphrase=None)
    assert (code, "set WARDROUND_NEW_PASSPHRASE" in said) == (2, True)


def test_a_passphrase_is_typed_unseen_and_twice(settings_environment, store):
    terminal, inside = pty.openpty()
    environment = settings_environment | {"PATH": os.environ["PATH"], "HOME": settings_environment["WARDROUND_HOME"]}
    command = [
        str(Path(sys.executable).with_name("wardround")),
        "people",
        "add",
        "chief",
        "--full-name",
        "C",
        "--role",
        "admin",
    ]
    child = subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True
    )
    os.close(inside)
    seen = b""
    for asked in (b"passphrase for chief", b"Repeat"):
        while asked not in seen:
            seen += os.read(terminal, 1024)
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.01)
        os.write(terminal, CHIEF.encode() + b"\n")
    try:
        while more := os.read(terminal, 1024):
            seen += more
    except OSError:  # the terminal closes with the command
        pass
    assert child.wait() == 0, seen
    os.close(terminal)
    assert CHIEF.encode() not in seen
    assert people.authenticate(store, "chief", CHIEF).role is Role.ADMIN
