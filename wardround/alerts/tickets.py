"""Tickets: one per cause that a person should know of, opened by rounds and flows, acknowledged and closed by people.

A ticket's record (``tickets/<use case>/<id>.json``) moves by compare-and-swap; the id is the cause's name and a number,
so that two rounds which meet the same cause at once cannot open two tickets. What was done to a ticket is an
object of its own (``.../<id>/acts/``), named in the ledger; a ledger entry lost to a kill is written by `finish`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Literal

from wardround import ledger
from wardround.alerts.ticket import APPROVE, BY_ITSELF, PREFIX, REPAIR, URGENCIES, Ticket, TicketAct, Urgency
from wardround.domain import Action, Decision, Sensitivity, from_json, to_json
from wardround.errors import Conflict, Corrupted, NotFound, TicketClosed
from wardround.monitoring.story import told
from wardround.store import Store

__all__ = [
    "APPROVE", "BY_ITSELF", "PREFIX", "REPAIR", "URGENCIES", "Ticket", "Urgency", "acknowledge", "close",
    "close_by_itself", "find", "finish", "is_record", "listing", "notice", "open_ticket", "read", "readable",
]  # fmt: skip


def notice(store: Store, decision: Decision, *, now: datetime) -> Ticket | None:
    """Note *decision* on the ticket of its cause, which is opened if none is open; noticing it again changes nothing.

    A decision for ``none`` closes what was open before it in that use case (None is returned), and any decision
    closes the tickets about runs that failed before it: a round was made again.
    """
    for ticket in listing(store, use_case=decision.use_case, open_only=True):
        if ticket.action == REPAIR and ticket.decided_at <= decision.decided_at:
            close_by_itself(store, ticket, f"a round was made again: {decision.label}", now=now)
        later = (ticket.as_of, ticket.decided_at) < (decision.as_of, decision.decided_at)
        if decision.action is Action.NONE and ticket.rounds and later:
            close_by_itself(store, ticket, f"the round of {decision.label} found nothing to do", now=now)
    if decision.ticket is None:
        return None
    words = told(decision)
    fresh = Ticket(
        id="", use_case=decision.use_case, action=decision.action.value, cause=decision.cause.value,
        champion=decision.champion, headline=words.headline, reasons=decision.reasons, rounds=(decision.key,),
        opened_at=now, as_of=decision.as_of, decided_at=decision.decided_at,
    )  # fmt: skip
    return open_ticket(store, decision.ticket, fresh, known=lambda ticket: decision.key in ticket.rounds)


def open_ticket(store: Store, name: str, fresh: Ticket, *, known: Callable[[Ticket], bool]) -> Ticket:
    """Return the ticket of the cause *name*: the one that *known* accepts, the open one, or *fresh* under a new number.

    The open one takes over the round of *fresh*.
    """
    while True:
        earlier = _occurrences(store, fresh.use_case, name)
        for ticket, _ in earlier:
            if known(ticket):
                return ticket
        try:
            if earlier and earlier[-1][0].is_open:
                ticket, tag = earlier[-1]
                as_of, decided_at = max((ticket.as_of, ticket.decided_at), (fresh.as_of, fresh.decided_at))
                rounds = (*ticket.rounds, *fresh.rounds)
                return _swap(store, replace(ticket, rounds=rounds, as_of=as_of, decided_at=decided_at), tag)
            return _swap(store, replace(fresh, id=f"{name}-{len(earlier) + 1}"), None)
        except Conflict:
            continue  # another round noted the same cause meanwhile


def listing(store: Store, *, use_case: str | None = None, open_only: bool = False) -> tuple[Ticket, ...]:
    """Return the tickets (of *use_case* if given), open ones first, each group the newest first.

    Raises:
        Corrupted: one of them cannot be read.
    """
    found, broken = readable(store, use_case)
    if broken:
        raise broken[0]
    kept = [ticket for ticket in found if ticket.is_open or not open_only]
    return tuple(sorted(kept, key=lambda ticket: (not ticket.is_open, -ticket.opened_at.timestamp(), ticket.id)))


def readable(store: Store, use_case: str | None = None) -> tuple[list[Ticket], list[Corrupted]]:
    """Return the tickets (of *use_case* if given) that can be read, and what is wrong with the others."""
    found: list[Ticket] = []
    broken: list[Corrupted] = []
    for key in store.keys(f"{PREFIX}{use_case}/" if use_case else PREFIX):
        if is_record(key):
            try:
                found.append(read(store, key)[0])
            except Corrupted as error:
                broken.append(error)
    return found, broken


def find(store: Store, id: str) -> Ticket:
    """Return the ticket *id*; the name without its number finds the newest ticket of that cause.

    Raises:
        NotFound: there is none.
    """
    ends = f"/{id}.json"
    keys = [key for key in store.keys(PREFIX) if is_record(key)]
    exact = [key for key in keys if key.endswith(ends)]
    same_cause = [key for key in keys if key.rpartition("/")[2].rpartition("-")[0] == id]
    if not exact and not same_cause:
        raise NotFound("ticket", id, "List them: `wardround tickets list`")
    return read(store, (exact or sorted(same_cause, key=_number))[-1])[0]


def acknowledge(store: Store, id: str, *, person: str, comment: str, now: datetime) -> Ticket:
    """Note that *person* has seen the ticket and looks after it; who comes second changes nothing.

    Raises:
        NotFound: there is no such ticket.
        TicketClosed: it was closed before anybody acknowledged it.
    """
    ticket = find(store, id)
    while ticket.acknowledged_at is None:
        ticket, tag = read(store, ticket.key)
        if not ticket.is_open:
            raise TicketClosed(ticket.id, ticket.closed_by)
        if ticket.acknowledged_at is None:
            seen = replace(ticket, acknowledged_by=person, acknowledged_at=now, comment=comment, in_ledger=False)
            ticket = _swapped(store, seen, tag, ticket)
    return finish(store, ticket)


def close(store: Store, id: str, *, person: str, comment: str, now: datetime) -> Ticket:
    """Close the ticket in the name of *person*; closing it again in the same name changes nothing.

    Raises:
        NotFound: there is no such ticket.
        TicketClosed: somebody else closed it.
    """
    ticket = _close(store, find(store, id), person, comment, now=now)
    if ticket.closed_by != person:
        raise TicketClosed(ticket.id, ticket.closed_by)
    return ticket


def close_by_itself(store: Store, ticket: Ticket, comment: str, *, now: datetime) -> Ticket:
    """Close *ticket*, since its cause is gone; harmless when it is closed."""
    return _close(store, ticket, BY_ITSELF, comment, now=now)


def finish(store: Store, ticket: Ticket) -> Ticket:
    """Write what was done to *ticket* as objects and into the ledger, where a killed call left that undone."""
    while not ticket.in_ledger:
        ticket, tag = read(store, ticket.key)
        for act in _acts(ticket):
            _record(store, ticket, act)
        ticket = _swapped(store, replace(ticket, in_ledger=True), tag, ticket)
    return ticket


def read(store: Store, key: str) -> tuple[Ticket, str]:
    """Return the ticket whose record is at *key*, and the tag that a swap needs.

    Raises:
        Corrupted: it is no ticket.
    """
    body, tag = store.get_tagged(key)
    try:
        return from_json(Ticket, body), tag
    except ValueError:
        raise Corrupted(key, "it is not a ticket") from None


def is_record(key: str) -> bool:
    """Whether *key* is that of a ticket's record, and not of something below it."""
    return key.startswith(PREFIX) and key.count("/") == 2


def _close(store: Store, ticket: Ticket, person: str, comment: str, *, now: datetime) -> Ticket:
    while ticket.is_open:
        ticket, tag = read(store, ticket.key)
        if ticket.is_open:
            done = replace(ticket, closed_at=now, closed_by=person, closing_comment=comment, in_ledger=False)
            ticket = _swapped(store, done, tag, ticket)
    return finish(store, ticket)


def _acts(ticket: Ticket) -> tuple[TicketAct, ...]:
    acts: list[tuple[Literal["acknowledged", "closed"], str, str, datetime]] = []
    if ticket.acknowledged_at is not None:
        acts.append(("acknowledged", ticket.acknowledged_by or "", ticket.comment, ticket.acknowledged_at))
    if ticket.closed_at is not None:
        acts.append(("closed", ticket.closed_by, ticket.closing_comment, ticket.closed_at))
    return tuple(
        TicketAct(ticket=ticket.id, use_case=ticket.use_case, act=act, person=person, comment=comment, at=at)
        for act, person, comment, at in acts
    )


def _record(store: Store, ticket: Ticket, act: TicketAct) -> None:
    key, body = f"{ticket.folder}acts/{act.act}.json", to_json(act)
    store.put(key, body, sensitivity=Sensitivity.AGGREGATE)
    ledger.append(
        store, act=f"ticket {act.act} {key}", kind="ticket", use_case=act.use_case, actor=act.person,
        subject=act.ticket, hashes={key: hashlib.sha256(body).hexdigest()},
        reason=f"{act.act}: {act.comment}" if act.comment else act.act, now=act.at,
    )  # fmt: skip


def _occurrences(store: Store, use_case: str, name: str) -> list[tuple[Ticket, str]]:
    keys = [key for key in store.keys(f"{PREFIX}{use_case}/{name}-") if is_record(key)]
    return [read(store, key) for key in sorted(keys, key=_number)]


def _number(key: str) -> int:
    digits = key.removesuffix(".json").rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _swap(store: Store, ticket: Ticket, tag: str | None) -> Ticket:
    store.swap(ticket.key, json.loads(to_json(ticket)), tag)
    return ticket


def _swapped(store: Store, wanted: Ticket, tag: str, current: Ticket) -> Ticket:
    """Return *wanted* if it could be written, else *current*, whose record somebody else moved meanwhile."""
    try:
        return _swap(store, wanted, tag)
    except Conflict:
        return current
