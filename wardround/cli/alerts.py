"""Commands about tickets and about telling people: what is open, who looks after it, what waits to be told and why."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardround.cli.context import storage
from wardround.cli.output import JsonOption, give, say, table

if TYPE_CHECKING:
    from wardround.alerts import Config, Delivery, Ticket

TicketArgument = Annotated[str, typer.Argument(help="Ticket, as a message or `wardround tickets list` names it.")]
CommentOption = Annotated[str, typer.Option("--comment", help="Kept in the ledger with your name; name no patient.")]


def tickets_list(
    use_case: Annotated[
        str | None, typer.Option("--use-case", "-u", help="Only those of this use case; empty: of all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    json: JsonOption = False,
) -> None:
    """List the open tickets, and the messages about them that could not be delivered.

    Example: `wardround tickets list`
    """
    from wardround import alerts
    from wardround.domain import utc_now

    with storage() as (settings, store):
        found = alerts.tickets.listing(store, use_case=use_case, open_only=not everything)
        waits = alerts.waiting(store, alerts.load_config(settings.alerts), now=utc_now())
    if json:
        give({"tickets": [_document(ticket) for ticket in found], "untold": [_line(each) for each in waits]})
        return
    if found:
        table(
            "Tickets",
            ("ticket", "use case", "urgency", "what", "since", "rounds", "looked after by", "closed by"),
            [
                (
                    ticket.id, ticket.use_case, ticket.urgency.value, ticket.headline,
                    f"{ticket.opened_at:%Y-%m-%d %H:%M}", len(ticket.rounds) or "", ticket.acknowledged_by,
                    ticket.closed_by,
                )
                for ticket in found
            ],
        )  # fmt: skip
    else:
        say("no ticket" if everything else "no open ticket")
    _tell_waiting(waits)


def tickets_show(ticket: TicketArgument, json: JsonOption = False) -> None:
    """Show a ticket: why it is open, what was done about it, and who was told.

    Example: `wardround tickets show ward-ad7bd9d1-1`
    """
    from wardround import alerts
    from wardround.domain import utc_now

    with storage() as (settings, store):
        found = alerts.tickets.find(store, ticket)
        told = alerts.receipts(store, found)
        every = alerts.waiting(store, alerts.load_config(settings.alerts), now=utc_now())
    waits = tuple(each for each in every if (each.use_case, each.ticket) == (found.use_case, found.id))
    if json:
        give(
            _document(found)
            | {
                "told": [{"sink": r.sink, "message": r.message, "at": r.at, "remark": r.remark} for r in told],
                "untold": [_line(each) for each in waits],
            }
        )
        return
    since = f"{found.opened_at:%Y-%m-%d %H:%M} UTC"
    say(f"{found.id}: {found.headline} · {found.use_case}, urgency {found.urgency}, since {since}")
    for reason in found.reasons:
        say(f"  - {reason}")
    if found.rounds:
        table("Rounds that found it", ("decision",), [(key,) for key in found.rounds])
    if found.acknowledged_at:
        say(f"{found.acknowledged_by} looks after it since {found.acknowledged_at:%Y-%m-%d %H:%M} UTC. {found.comment}")
    if found.closed_at:
        say(f"closed by {found.closed_by}, {found.closed_at:%Y-%m-%d %H:%M} UTC. {found.closing_comment}")
    if told:
        rows = [(receipt.sink, receipt.message, f"{receipt.at:%Y-%m-%d %H:%M}", receipt.remark) for receipt in told]
        table("Told", ("sink", "message", "at", "remark"), rows)
    _tell_waiting(waits)


def tickets_acknowledge(ticket: TicketArgument, comment: CommentOption = "", json: JsonOption = False) -> None:
    """Say that you have seen a ticket and look after it; reminders stop.

    Example: `wardround tickets acknowledge ward-ad7bd9d1-1 --comment "called the laboratory"`
    """
    from wardround import alerts
    from wardround.domain import utc_now

    with storage() as (settings, store):
        found = alerts.tickets.acknowledge(store, ticket, person=settings.actor, comment=comment, now=utc_now())
    _show_act(found, f"{found.acknowledged_by} looks after {found.id}", json)


def tickets_close(ticket: TicketArgument, comment: CommentOption = "", json: JsonOption = False) -> None:
    """Close a ticket; the next round that finds its cause opens another one.

    Example: `wardround tickets close ward-ad7bd9d1-1 --comment "the laboratory mended its export"`
    """
    from wardround import alerts
    from wardround.domain import utc_now

    with storage() as (settings, store):
        found = alerts.tickets.close(store, ticket, person=settings.actor, comment=comment, now=utc_now())
    _show_act(found, f"{found.id} is closed", json)


def tell(
    test: Annotated[bool, typer.Option("--test", help="Send every sink a message that says it is a test.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also try what was given up.")] = False,
    json: JsonOption = False,
) -> None:
    """Send the messages that are due to the places in the alert file, and say what waits and why.

    Example: `wardround tell --test`
    """
    from wardround import alerts
    from wardround.domain import utc_now
    from wardround.settings import Settings

    config = alerts.load_config(Settings().alerts)
    if not config.sinks:
        say("nobody is told: WARDROUND_ALERTS names no file with sinks. Tickets are kept: `wardround tickets list`")
    if test or not config.sinks:
        _test(config, json)
        return
    with storage() as (settings, store):
        tried = alerts.deliver(store, config, settings=settings, now=utc_now(), again=again)
        waits = alerts.waiting(store, config, now=utc_now())
    told = [each for each in tried if each.state is alerts.State.TOLD]
    if json:
        give({"told": [_line(each) for each in told], "untold": [_line(each) for each in waits]})
    else:
        for each in told:
            say(f"told {each.sink}: {each.ticket} ({each.message}){f', but {each.detail}' if each.detail else ''}")
        _tell_waiting(waits)
        if not told and not waits:
            say("everybody has been told everything")
    if any(each.state in (alerts.State.LATER, alerts.State.GIVEN_UP) for each in waits):
        raise typer.Exit(3)


def _test(config: "Config", json: bool) -> None:
    from wardround import alerts
    from wardround.domain import utc_now

    faults = alerts.try_out(config, now=utc_now())
    rows = [
        {"sink": sink.name, "kind": sink.kind, "taken": fault is None, "finding": fault.detail if fault else ""}
        for sink, fault in zip(config.sinks, faults, strict=True)
    ]
    if json:
        give(rows)
    elif rows:
        table(
            "Test messages",
            ("sink", "kind", "taken", "finding"),
            [(row["sink"], row["kind"], "yes" if row["taken"] else "NO", row["finding"]) for row in rows],
        )
    if any(faults):
        raise typer.Exit(3)


def _tell_waiting(waits: "tuple[Delivery, ...]") -> None:
    from wardround.alerts import State

    if waits:
        table(
            "Not told yet",
            ("ticket", "message", "sink", "state", "until", "attempts", "why"),
            [tuple(_line(each).values())[1:] for each in waits],
        )
    if any(each.state is State.GIVEN_UP for each in waits):
        say("What was given up needs a person: mend the cause, then `wardround tell --again`")


def _line(each: "Delivery") -> dict[str, Any]:
    return {
        "use_case": each.use_case, "ticket": each.ticket, "message": each.message, "sink": each.sink,
        "state": each.state.value, "until": each.next_try and f"{each.next_try:%Y-%m-%d %H:%M} UTC",
        "attempts": each.attempts, "why": each.detail,
    }  # fmt: skip


def _document(ticket: "Ticket") -> dict[str, Any]:
    import json

    from wardround.domain import to_json

    content: dict[str, Any] = json.loads(to_json(ticket))
    del content["in_ledger"]
    return content | {"urgency": ticket.urgency.value, "open": ticket.is_open}


def _show_act(ticket: "Ticket", told: str, json: bool) -> None:
    if json:
        give(_document(ticket))
    else:
        say(told)
