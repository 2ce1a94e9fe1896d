"""One ticket per cause: opened by rounds, looked after by people, closed when the cause is gone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from wardround import alerts, ledger
from wardround.alerts import tickets
from wardround.domain import Action, Cause
from wardround.errors import NotFound, TicketClosed
from wardround.store import Store

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_same_decision_is_noticed_once_however_often_a_killed_flow_is_tried_again(duty):
    decision = duty.decision()
    first = tickets.notice(duty.store, decision, now=NOW)
    again = tickets.notice(duty.store, decision, now=NOW + timedelta(hours=1))
    assert again == first
    assert tickets.listing(duty.store) == (first,)


def test_the_same_cause_next_week_is_the_same_ticket_and_says_which_rounds_found_it(duty):
    first = duty.ticket()
    second = duty.ticket(day=7)
    assert second.id == first.id
    assert len(second.rounds) == 2
    assert second.opened_at == first.opened_at


def test_another_cause_another_champion_and_another_use_case_have_tickets_of_their_own(duty):
    ids = {
        duty.ticket().id, duty.ticket(Action.RETRAIN, Cause.COVARIATE_SHIFT, day=1).id,
        duty.ticket(day=2, champion="decaf0" * 2).id, duty.ticket(day=3, use_case="thyroid").id,
    }  # fmt: skip
    assert len(ids) == 4


def test_the_decision_names_its_ticket_and_the_name_finds_the_newest_one(duty):
    opened = duty.ticket()
    name = duty.decision().ticket
    assert opened.id == f"{name}-1"
    duty.quiet_round(1)
    duty.ticket(day=2)
    assert tickets.find(duty.store, name).id == f"{name}-2"
    assert not tickets.find(duty.store, f"{name}-1").is_open


def test_a_quiet_round_closes_what_was_open_in_its_use_case_and_says_so(duty):
    opened, elsewhere = duty.ticket(), duty.ticket(use_case="thyroid", day=0, batch="b" * 64)
    duty.quiet_round(1)
    closed = tickets.find(duty.store, opened.id)
    assert (closed.closed_by, closed.closing_comment) == ("wardround", "the round of week-1 found nothing to do")
    assert tickets.find(duty.store, elsewhere.id).is_open


def test_an_old_quiet_round_that_is_tried_again_closes_no_newer_ticket(duty):
    quiet = duty.decision(Action.NONE, Cause.NONE, day=1)
    tickets.notice(duty.store, quiet, now=NOW)
    opened = duty.ticket(day=2)
    tickets.notice(duty.store, quiet, now=NOW + timedelta(days=3))
    assert tickets.find(duty.store, opened.id).is_open


def test_a_decision_whose_ticket_is_closed_does_not_open_it_again_when_it_is_tried_again(duty):
    opened = duty.ticket()
    tickets.close(duty.store, opened.id, person="ada", comment="", now=NOW)
    assert tickets.notice(duty.store, duty.decision(), now=NOW).id == opened.id
    assert tickets.listing(duty.store, open_only=True) == ()
    assert duty.ticket(day=7).id != opened.id


def test_acknowledging_and_closing_are_in_the_ledger_with_the_person(duty):
    opened = duty.ticket()
    tickets.acknowledge(duty.store, opened.id, person="ada", comment="called the laboratory", now=NOW)
    tickets.close(duty.store, opened.id, person="bea", comment="mended", now=NOW + timedelta(hours=1))
    entries = list(ledger.entries(duty.store, kind="ticket"))
    assert [(entry.actor, entry.reason) for entry in entries] == [
        ("ada", "acknowledged: called the laboratory"), ("bea", "closed: mended"),
    ]  # fmt: skip
    assert ledger.verify(duty.store).intact


def test_who_acknowledges_second_is_told_who_was_first(duty):
    opened = duty.ticket()
    tickets.acknowledge(duty.store, opened.id, person="ada", comment="", now=NOW)
    assert tickets.acknowledge(duty.store, opened.id, person="bea", comment="", now=NOW).acknowledged_by == "ada"
    assert len(list(ledger.entries(duty.store, kind="ticket"))) == 1


def test_a_closed_ticket_can_be_neither_acknowledged_nor_closed_by_somebody_else(duty):
    opened = duty.ticket()
    closed = tickets.close(duty.store, opened.id, person="ada", comment="", now=NOW)
    assert tickets.close(duty.store, opened.id, person="ada", comment="", now=NOW) == closed
    with pytest.raises(TicketClosed, match="closed by ada"):
        tickets.close(duty.store, opened.id, person="bea", comment="", now=NOW)
    with pytest.raises(TicketClosed):
        tickets.acknowledge(duty.store, opened.id, person="bea", comment="", now=NOW)


def test_a_ticket_that_is_not_there_is_named(duty):
    duty.ticket()
    with pytest.raises(NotFound, match="ward-00000000"):
        tickets.find(duty.store, "ward-00000000")


@pytest.mark.parametrize("lost", ["put", "append"])
def test_a_kill_after_the_acknowledgement_loses_no_ledger_entry(duty, monkeypatch, lost, settings):
    opened = duty.ticket()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*((Store, "put") if lost == "put" else (ledger, "append")), killed)
        with pytest.raises(KeyboardInterrupt):
            tickets.acknowledge(duty.store, opened.id, person="ada", comment="", now=NOW)
    assert tickets.find(duty.store, opened.id).acknowledged_by == "ada"
    assert list(ledger.entries(duty.store, kind="ticket")) == []
    alerts.deliver(duty.store, alerts.Config(), settings=settings, now=NOW)
    assert [entry.actor for entry in ledger.entries(duty.store, kind="ticket")] == ["ada"]


def test_rounds_that_meet_the_same_cause_at_once_open_one_ticket(duty):
    decisions = [duty.decision(day=day) for day in range(8)]
    with ThreadPoolExecutor(len(decisions)) as racers:
        ids = set(racers.map(lambda decision: tickets.notice(duty.store, decision, now=NOW).id, decisions))
    (ticket,) = tickets.listing(duty.store)
    assert ids == {ticket.id}
    assert set(ticket.rounds) == {decision.key for decision in decisions}


def test_without_compare_and_swap_a_round_would_be_lost(duty, monkeypatch):
    opened = duty.ticket()
    stale = tickets._occurrences(duty.store, opened.use_case, duty.decision().ticket)
    duty.ticket(day=1)
    late = duty.decision(day=2)
    swap, read = Store.swap, tickets._occurrences
    monkeypatch.setattr(tickets, "_occurrences", lambda *where: stale)
    monkeypatch.setattr(
        Store, "swap", lambda store, key, content, _: swap(store, key, content, store.get_pointer(key)[1])
    )
    tickets.notice(duty.store, late, now=NOW)
    assert len(tickets.find(duty.store, opened.id).rounds) == 2
    monkeypatch.setattr(Store, "swap", swap)
    turns = iter([stale])
    monkeypatch.setattr(tickets, "_occurrences", lambda *where: next(turns, None) or read(*where))
    assert len(tickets.notice(duty.store, duty.decision(day=3), now=NOW).rounds) == 3


class Standing:
    use_case, version, champion, missing = "heart_disease", "feed" * 4, "c0ffee" * 2, "an approver who did not train it"


def test_an_approval_is_asked_for_once_and_names_whose_is_missing(duty):
    asked = alerts.ask_for_approval(duty.store, Standing, now=NOW)
    assert alerts.ask_for_approval(duty.store, Standing, now=NOW + timedelta(days=1)) == asked
    assert asked.reasons == (f"version {'feed' * 4} waits for an approver who did not train it",)
    assert asked.urgency is alerts.Urgency.NORMAL


def test_a_request_for_approval_closes_by_itself_once_another_champion_serves(duty, settings):
    asked = alerts.ask_for_approval(duty.store, Standing, now=NOW)
    alerts.deliver(duty.store, alerts.Config(), settings=settings, now=NOW)  # no champion serves at all
    closed = tickets.find(duty.store, asked.id)
    assert closed.closed_by == "wardround"
    assert alerts.ask_for_approval(duty.store, Standing, now=NOW).id != asked.id


def test_who_closes_a_request_for_approval_by_hand_has_heard_and_is_not_asked_again(duty):
    asked = alerts.ask_for_approval(duty.store, Standing, now=NOW)
    tickets.close(duty.store, asked.id, person="ada", comment="not this month", now=NOW)
    assert alerts.ask_for_approval(duty.store, Standing, now=NOW).id == asked.id


def test_a_run_that_fails_every_night_is_one_ticket_until_a_round_is_made_again(duty):
    error = NotFound("champion of", "heart_disease", "Train one")
    first = alerts.report_failure(duty.store, use_case="heart_disease", work="round", error=error, now=NOW)
    again = alerts.report_failure(
        duty.store, use_case="heart_disease", work="round", error=error, now=NOW + timedelta(hours=1)
    )
    assert again.id == first.id
    duty.ticket(Action.RETRAIN, Cause.COVARIATE_SHIFT, day=1)
    assert "a round was made again" in tickets.find(duty.store, first.id).closing_comment


def test_the_words_of_a_foreign_exception_are_withheld_since_they_may_quote_a_patient(duty):
    error = ValueError("could not convert string to float: 'Zyxwv Quux'")
    opened = alerts.report_failure(duty.store, use_case="heart_disease", work="round", error=error, now=NOW)
    assert "Quux" not in str(opened)
    assert "ValueError" in opened.reasons[0]
