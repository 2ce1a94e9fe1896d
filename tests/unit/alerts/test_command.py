"""What people type: list, show, acknowledge, close, tell."""

import json
import sys
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from wardround.cli.app import app
from wardround.errors import SettingsInvalid, TicketClosed


@pytest.fixture
def typed(settings_environment, tmp_path, monkeypatch):
    for name, value in (settings_environment | {"WARDROUND_ALERTS": str(tmp_path / "alerts.toml")}).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["wardround", *arguments])
        return CliRunner().invoke(app, arguments)

    return run


@pytest.fixture
def ticket(duty):
    now = datetime.now(UTC)
    return duty.ticket(decided_at=now, as_of=now, now=now)


def test_a_ticket_is_listed_shown_acknowledged_and_closed(typed, ticket, configured, monkeypatch):
    configured()
    assert ticket.id in typed("tickets", "list").stdout
    assert "60 to 700 mg/dL" in typed("tickets", "show", ticket.id).stdout
    assert f"tester looks after {ticket.id}" in typed("tickets", "acknowledge", ticket.id).stdout
    done = json.loads(typed("tickets", "close", ticket.id, "--comment", "mended", "--json").stdout)
    assert (done["open"], done["closed_by"], done["closing_comment"]) == (False, "tester", "mended")
    with monkeypatch.context() as somebody:
        somebody.setenv("WARDROUND_ACTOR", "somebody-else")
        assert isinstance(typed("tickets", "close", ticket.id).exception, TicketClosed)
    assert "no open ticket" in typed("tickets", "list").stdout
    assert ticket.id in typed("tickets", "list", "--all").stdout


def test_telling_says_who_was_told_and_fails_while_somebody_could_not_be(typed, ticket, configured, web):
    configured(web.configured())
    web.answers = [400]
    refused = typed("tell")
    assert refused.exit_code == 3
    assert "needs a person" in refused.stdout
    assert "given up" in typed("tickets", "list").stdout
    told = typed("tell", "--again", "--json")
    assert told.exit_code == 0, told.output
    assert [(each["ticket"], each["sink"]) for each in json.loads(told.stdout)["told"]] == [(ticket.id, "on-call")]
    assert "everybody has been told everything" in typed("tell").stdout
    assert [each["sink"] for each in json.loads(typed("tickets", "show", ticket.id, "--json").stdout)["told"]] == [
        "on-call"
    ]


def test_a_test_message_tells_of_every_place_whether_it_was_taken(typed, configured, web):
    configured(web.configured())
    assert "yes" in typed("tell", "--test").stdout
    web.answers = [403]
    refused = typed("tell", "--test", "--json")
    assert refused.exit_code == 3
    assert json.loads(refused.stdout)[0]["finding"].startswith("127.0.0.1 answered 403")


def test_without_an_alert_file_it_says_that_nobody_is_told(typed, monkeypatch):
    monkeypatch.delenv("WARDROUND_ALERTS")
    assert "nobody is told" in typed("tell").stdout


def test_an_alert_file_with_a_fault_is_a_wrong_setting(typed, tmp_path):
    (tmp_path / "alerts.toml").write_text("sinks = 7")
    fault = typed("tell").exception
    assert isinstance(fault, SettingsInvalid)
    assert fault.exit_code == 2
