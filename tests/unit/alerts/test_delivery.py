"""Telling: once, at least once when killed, later when it must wait, and never given up in silence."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from wardround import ledger
from wardround.alerts import State, ask_for_approval, deliver, delivery, receipts, tickets, waiting
from wardround.domain import Action, Cause
from wardround.errors import Corrupted

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FILE = '[[sinks]]\nkind = "file"\nname = "log"\npath = "told.jsonl"\n'


@pytest.fixture
def lines(tmp_path):
    def read() -> list[dict]:
        path = tmp_path / "told.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read


def test_everybody_is_told_once_however_often_one_tells(duty, settings, configured, lines):
    ticket = duty.ticket()
    config = configured(FILE)
    (told,) = deliver(duty.store, config, settings=settings, now=NOW)
    assert (told.state, told.ticket, told.message, told.sink) == (State.TOLD, ticket.id, "opened", "log")
    duty.ticket(day=7)
    assert deliver(duty.store, config, settings=settings, now=NOW + timedelta(days=7)) == ()
    assert [line["ticket"] for line in lines()] == [ticket.id]
    assert [receipt.sink for receipt in receipts(duty.store, ticket)] == ["log"]


def test_a_place_that_fails_twice_is_told_the_third_time_with_the_same_id(duty, settings, web, configured):
    duty.ticket()
    config = configured(web.configured())
    web.answers = [500, 503]
    states, waits, now = [], [], NOW
    for _ in range(3):
        states += [each.state for each in deliver(duty.store, config, settings=settings, now=now)]
        assert deliver(duty.store, config, settings=settings, now=now + timedelta(seconds=10)) == ()
        waits += [each.next_try - now for each in waiting(duty.store, config, now=now)]
        now += timedelta(hours=1)
    assert states == [State.LATER, State.LATER, State.TOLD]
    assert timedelta(minutes=1) <= waits[0] < waits[1]
    assert len(waits) == 2
    assert len(web.requests) == 3
    assert len({headers["Idempotency-Key"] for _, headers, _ in web.requests}) == 1
    assert len({body for _, _, body in web.requests}) == 1


def test_a_slow_place_is_tried_again_later_and_holds_nobody_else_up(duty, settings, web, configured, lines):
    duty.ticket()
    duty.ticket(Action.RETRAIN, Cause.COVARIATE_SHIFT, day=1)
    web.answers = [1.5]
    tried = deliver(duty.store, configured(web.configured(timeout=0.3), FILE), settings=settings, now=NOW)
    assert [each.detail[:9] for each in tried if each.state is State.LATER] == ["no answer"]
    assert len(web.requests) == 1
    assert len(lines()) == 2


def test_a_place_that_drips_is_given_its_seconds_in_all_and_no_more(duty, settings, configured, dripping):
    duty.ticket()
    config = configured(dripping.configured(timeout=0.5))
    (tried,) = deliver(duty.store, config, settings=settings, now=NOW)
    assert tried.detail == "no answer within 0.5 seconds"


def test_a_refusal_for_good_is_given_up_at_once_and_shown_in_the_ledger(duty, settings, web, configured):
    ticket = duty.ticket()
    config = configured(web.configured())
    web.answers = [400]
    (tried,) = deliver(duty.store, config, settings=settings, now=NOW)
    assert tried.state is State.GIVEN_UP
    assert deliver(duty.store, config, settings=settings, now=NOW + timedelta(days=1)) == ()
    (waits,) = waiting(duty.store, config, now=NOW)
    assert waits.detail == "127.0.0.1 answered 400: it will not take the message until a person mends that"
    (entry,) = ledger.entries(duty.store, kind="ticket")
    assert (entry.subject, entry.reason) == (ticket.id, f"untold: on-call, opened: {waits.detail}")
    assert ledger.verify(duty.store).intact


def test_what_was_given_up_is_told_when_a_person_asks_for_it_again(duty, settings, web, configured):
    duty.ticket()
    config = configured(web.configured())
    web.answers = [404]
    deliver(duty.store, config, settings=settings, now=NOW)
    (told,) = deliver(duty.store, config, settings=settings, now=NOW, again=True)
    assert told.state is State.TOLD
    assert waiting(duty.store, config, now=NOW) == ()


def test_after_about_a_day_of_failures_a_message_is_given_up_and_never_in_silence(duty, settings, web, configured):
    duty.ticket()
    config = configured(web.configured())
    web.answers = [500] * 100
    now = NOW
    while not (waits := waiting(duty.store, config, now=now)) or waits[0].state is not State.GIVEN_UP:
        deliver(duty.store, config, settings=settings, now=now)
        now += timedelta(minutes=30)
    assert timedelta(hours=18) < now - NOW < timedelta(days=2)
    assert len(web.requests) == delivery.ATTEMPTS
    assert [entry.reason for entry in ledger.entries(duty.store, kind="ticket")] == [
        "untold: on-call, opened: 127.0.0.1 answered 500"
    ]


def test_a_place_that_says_when_to_come_again_is_left_alone_until_then(duty, settings, web, configured):
    duty.ticket()
    web.answers = [(429, {"Retry-After": "7200"})]
    (tried,) = deliver(duty.store, configured(web.configured()), settings=settings, now=NOW)
    assert tried.next_try >= NOW + timedelta(hours=2)


def test_quiet_hours_postpone_what_can_wait_and_let_the_urgent_pass(duty, settings, configured, lines):
    quiet = 'quiet_hours = {start = 22:00:00, end = 06:30:00, zone = "Europe/Berlin"}'
    config = configured(FILE, quiet)
    night = datetime(2026, 3, 2, 23, tzinfo=UTC)
    duty.ticket(Action.RETRAIN, Cause.COVARIATE_SHIFT)
    duty.ticket(day=1)
    deliver(duty.store, config, settings=settings, now=night)
    assert [line["action"] for line in lines()] == ["quarantine"]
    (waits,) = waiting(duty.store, config, now=night)
    assert (waits.state, waits.next_try) == (State.QUIET, datetime(2026, 3, 3, 5, 30, tzinfo=UTC))
    assert deliver(duty.store, config, settings=settings, now=waits.next_try - timedelta(seconds=1)) == ()
    deliver(duty.store, config, settings=settings, now=waits.next_try)
    assert [line["action"] for line in lines()] == ["quarantine", "retrain"]


def test_what_closed_by_itself_in_quiet_hours_is_still_told_in_the_morning_and_says_so(
    duty, settings, configured, lines
):
    quiet = 'quiet_hours = {start = 22:00:00, end = 06:30:00, zone = "UTC", urgent_passes = false}'
    config = configured(FILE, quiet)
    night = datetime(2026, 3, 2, 23, tzinfo=UTC)
    duty.ticket()
    deliver(duty.store, config, settings=settings, now=night)
    duty.quiet_round(1)
    assert lines() == []
    deliver(duty.store, config, settings=settings, now=night + timedelta(hours=8))
    (line,) = lines()
    assert not line["open"]
    assert "closed since, because its cause is gone: the round of week-1 found nothing to do" in line["text"]


def test_a_place_that_is_new_in_the_file_is_not_told_of_what_is_long_closed(duty, settings, configured, lines):
    duty.ticket()
    duty.quiet_round(1)
    opened = duty.ticket(day=2)
    deliver(duty.store, configured(FILE), settings=settings, now=NOW)
    assert [line["ticket"] for line in lines()] == [opened.id]


def test_a_place_is_told_only_what_it_asked_for(duty, settings, configured, lines):
    duty.ticket(Action.INSUFFICIENT_DATA, Cause.NONE)
    duty.ticket(Action.RETRAIN, Cause.COVARIATE_SHIFT, day=1)
    duty.ticket(use_case="thyroid", day=2)
    deliver(duty.store, configured(FILE, 'use_cases = ["heart_disease"]'), settings=settings, now=NOW)
    assert [line["action"] for line in lines()] == ["retrain"]


def test_a_reminder_comes_only_while_nobody_looks_after_the_ticket_and_not_all_of_them_at_once(
    duty, settings, configured, lines
):
    ticket = duty.ticket()
    config = configured(FILE, "remind_after_days = 3")
    for day in (0, 2, 3, 4, 13):
        deliver(duty.store, config, settings=settings, now=NOW + timedelta(days=day))
    assert [line["kind"] for line in lines()] == ["opened", "reminder", "reminder"]
    tickets.acknowledge(duty.store, ticket.id, person="ada", comment="", now=NOW + timedelta(days=14))
    deliver(duty.store, config, settings=settings, now=NOW + timedelta(days=30))
    assert len(lines()) == 3


def test_who_wants_to_hear_that_a_ticket_was_closed_hears_it_once(duty, settings, configured, lines):
    duty.ticket()
    config = configured(FILE, "tell_closed = true")
    deliver(duty.store, config, settings=settings, now=NOW)
    duty.quiet_round(1)
    for _ in range(2):
        deliver(duty.store, config, settings=settings, now=NOW)
    assert [line["kind"] for line in lines()] == ["opened", "closed"]


def test_a_request_for_approval_is_told_and_leads_to_the_page_where_it_is_given(duty, settings, configured, lines):
    class Standing:
        use_case, version, champion, missing = "heart_disease", "feed" * 4, None, "an approver"

    ask_for_approval(duty.store, Standing, now=NOW)
    at_desk = settings.model_copy(update={"desk_url": "https://desk.hospital.example/"})
    deliver(duty.store, configured(FILE), settings=at_desk, now=NOW)
    (line,) = lines()
    assert line["link"] == f"https://desk.hospital.example/approvals/heart_disease/{'feed' * 4}"
    assert line["command"].startswith("wardround approve feed")


def test_without_any_place_to_tell_tickets_are_kept_and_nobody_is_told(duty, settings, configured):
    duty.ticket()
    assert deliver(duty.store, configured(), settings=settings, now=NOW) == ()
    assert len(tickets.listing(duty.store, open_only=True)) == 1


def test_a_ticket_that_was_altered_is_named_and_does_not_silence_the_others(
    duty, settings, configured, lines, intruder
):
    broken = duty.ticket()
    duty.ticket(Action.RETRAIN, Cause.COVARIATE_SHIFT, day=1)
    intruder.write(broken.key, b"{}")
    with pytest.raises(Corrupted, match=broken.id):
        deliver(duty.store, configured(FILE), settings=settings, now=NOW)
    assert [line["action"] for line in lines()] == ["retrain"]


def _deliver(store, config, settings, start) -> None:
    start.wait()
    deliver(store, config, settings=settings, now=NOW)


def at_once(count, store, config, settings) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["wardround.alerts", "boto3"])
    start = context.Event()
    tellers = [context.Process(target=_deliver, args=(store, config, settings, start)) for _ in range(count)]
    for teller in tellers:
        teller.start()
    start.set()
    for teller in tellers:
        teller.join()
    assert {teller.exitcode for teller in tellers} == {0}


@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_processes_that_tell_at_once_tell_once(count, duty, settings, web, configured):
    ticket = duty.ticket()
    at_once(count, duty.store, configured(web.configured()), settings)
    assert len(web.requests) == 1
    assert len(receipts(duty.store, ticket)) == 1


def test_without_holding_a_message_two_tellers_would_both_send_it(duty, settings, web, configured, monkeypatch):
    duty.ticket()
    config = configured(web.configured())
    monkeypatch.setattr(delivery, "HOLD", timedelta(0))
    plain = delivery._tell

    def raced(store, entry, *args, **more):
        monkeypatch.setattr(delivery, "_tell", plain)
        deliver(store, config, settings=settings, now=NOW + timedelta(seconds=5))
        return plain(store, entry, *args, **more)

    monkeypatch.setattr(delivery, "_tell", raced)
    deliver(duty.store, config, settings=settings, now=NOW)
    assert len(web.requests) == 2


def test_killed_between_sending_and_the_receipt_it_is_told_again_with_the_same_id_once_the_hold_has_run_out(
    duty, settings, web, configured, settings_environment, tmp_path
):
    ticket = duty.ticket()
    config = configured(web.configured())
    program = f"""
        import os, signal
        from datetime import datetime, UTC
        from pathlib import Path
        from wardround import alerts
        from wardround.alerts import delivery
        from wardround.settings import Settings
        from wardround.store import Store

        def killed(*_, **__):
            os.kill(os.getpid(), signal.SIGKILL)

        delivery.Receipt = killed
        settings = Settings()
        config = alerts.load_config(Path({str(tmp_path / "alerts.toml")!r}))
        now = datetime.fromisoformat({NOW.isoformat()!r})
        alerts.deliver(Store.from_settings(settings), config, settings=settings, now=now)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env={**os.environ, **settings_environment}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(web.requests) == 1
    assert deliver(duty.store, config, settings=settings, now=NOW + timedelta(seconds=30)) == ()
    (told,) = deliver(duty.store, config, settings=settings, now=NOW + delivery.HOLD + timedelta(seconds=30))
    assert told.state is State.TOLD
    first, second = web.requests
    assert first[1]["Idempotency-Key"] == second[1]["Idempotency-Key"]
    assert first[2] == second[2]
    assert [receipt.ticket for receipt in receipts(duty.store, ticket)] == [ticket.id]
