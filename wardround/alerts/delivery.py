"""Telling: hands what is due to the sinks, at least once and normally exactly once, and says what waits and why.

A message is sent by the process that holds it (a compare-and-swap that runs out after `HOLD`). A process that is
killed between sending and writing the receipt leaves a message that is sent again with the same id.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wardround import ledger
from wardround.alerts import messages, tickets
from wardround.alerts.asking import settled
from wardround.alerts.config import Config
from wardround.alerts.messages import Message
from wardround.alerts.outbox import Entry, Progress, Receipt, entries, move, progress
from wardround.alerts.sinks import NotTaken, send
from wardround.alerts.tickets import BY_ITSELF, Urgency
from wardround.domain import Sensitivity, to_json
from wardround.errors import AlertFailed, AlreadyExists, Conflict, Corrupted
from wardround.monitoring.rounds import stored_decision
from wardround.settings import Settings
from wardround.store import Store

HOLD = timedelta(minutes=3)
"""How long a process may take over one message: longer than the longest timeout of a sink and its writes."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
ATTEMPTS = 12
"""After so many failures, about a day, a message is given up."""


class State(StrEnum):
    """What became of a message, or what it waits for."""

    TOLD = "told"
    DUE = "due"
    HELD = "being sent"
    QUIET = "waits for the end of the quiet hours"
    LATER = "is tried again"
    GIVEN_UP = "given up"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message to one sink: its state, why (*detail*, without secrets), and when it is tried next."""

    use_case: str
    ticket: str
    message: str
    sink: str
    state: State
    attempts: int
    detail: str = ""
    next_try: datetime | None = None


def deliver(
    store: Store,
    config: Config,
    *,
    settings: Settings,
    now: datetime,
    again: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> tuple[Delivery, ...]:
    """Send what is due and return what became of each message that was tried; *again*: also what was given up.

    A sink that does not answer is left alone until the next call, so that it cannot hold up the others for long.

    Raises:
        StoreFailed: the store did not answer; call again.
        Corrupted: a ticket, or how far a message has come, cannot be read; all others were sent.
    """
    started = time.monotonic()
    found, broken = tickets.readable(store)
    found = [settled(store, tickets.finish(store, ticket), now=now) for ticket in found]
    tried: list[Delivery] = []
    silent: set[str] = set()
    for entry in entries(store, config, found, now=now):
        if entry.sink.name in silent:
            continue
        moment = now + timedelta(seconds=time.monotonic() - started)
        try:
            held = _hold(store, entry, moment, again)
        except Corrupted as error:
            broken.append(error)
            continue
        if held is None:
            continue
        done = _tell(store, entry, *held, settings=settings, now=moment, environment=environment)
        if done.state is State.LATER:
            silent.add(entry.sink.name)
        tried.append(done)
    if broken:
        raise broken[0]
    return tuple(tried)


def waiting(store: Store, config: Config, *, now: datetime) -> tuple[Delivery, ...]:
    """Return every message that is due and was not told, with the reason.

    Once its ticket is closed, a message that was given up is left to the ledger.
    """
    found = []
    for entry in entries(store, config, tickets.listing(store), now=now):
        so_far, _ = progress(store, entry)
        state, until = _state(entry, so_far, now)
        if state is not State.GIVEN_UP or entry.ticket.is_open:
            found.append(_delivery(entry, state, so_far.attempts, detail=so_far.detail, next_try=until))
    return tuple(found)


def try_out(
    config: Config, *, now: datetime, environment: Mapping[str, str] = os.environ
) -> tuple[AlertFailed | None, ...]:
    """Send every sink a message that says it is a test, at any hour; return what went wrong with each, in order."""
    found: list[AlertFailed | None] = []
    for sink in config.sinks:
        try:
            trial = messages.trial_message(sink=sink.name, language=sink.language, now=now)
            remark = send(sink, trial, environment=environment)
        except NotTaken as refusal:
            remark = refusal.detail
        found.append(AlertFailed(sink.name, remark) if remark else None)
    return tuple(found)


def _hold(store: Store, entry: Entry, now: datetime, again: bool) -> tuple[Progress, str] | None:
    """Take the message for this process, or return None: it is not its turn, or another process holds it."""
    so_far, tag = progress(store, entry)
    state, until = _state(entry, so_far, now)
    if state is State.GIVEN_UP and again:
        so_far = Progress(attempts=so_far.attempts)
    elif state is State.QUIET:
        if so_far.quiet_until != until:
            with contextlib.suppress(Conflict):
                move(store, entry, replace(so_far, quiet_until=until), tag)
        return None
    elif state is not State.DUE:
        return None
    try:
        held = replace(so_far, held_until=now + HOLD, quiet_until=None)
        tag = move(store, entry, held, tag)
    except Conflict:
        return None
    return None if store.exists(entry.receipt_key) else (held, tag)


def _state(entry: Entry, so_far: Progress, now: datetime) -> tuple[State, datetime | None]:
    quiet = entry.sink.quiet_hours
    passes = quiet is None or (quiet.urgent_passes and entry.ticket.urgency is Urgency.HIGH)
    if so_far.held_until is not None and so_far.held_until > now:
        return State.HELD, so_far.held_until
    if so_far.given_up:
        return State.GIVEN_UP, None
    if so_far.next_try is not None and so_far.next_try > now:
        return State.LATER, so_far.next_try
    if quiet is not None and not passes and (until := quiet.until(now)) is not None:
        return State.QUIET, until
    return State.DUE, None


def _tell(
    store: Store,
    entry: Entry,
    held: Progress,
    tag: str,
    *,
    settings: Settings,
    now: datetime,
    environment: Mapping[str, str],
) -> Delivery:
    attempts = held.attempts + 1
    message = _message(store, entry, settings=settings, now=now)
    try:
        remark = send(entry.sink, message, environment=environment)
    except NotTaken as refusal:
        return _postpone(store, entry, tag, attempts=attempts, refusal=refusal, now=now)
    receipt = Receipt(
        ticket=entry.ticket.id, message=entry.message, sink=entry.sink.name, id=message.id, attempts=attempts, at=now,
        remark=remark,
    )  # fmt: skip
    with contextlib.suppress(AlreadyExists):  # it was held for too long, and another process was faster
        sha256 = store.put(entry.receipt_key, to_json(receipt), sensitivity=Sensitivity.AGGREGATE)
        if remark:
            _in_ledger(store, entry, "told in part", {entry.receipt_key: sha256}, remark, now=now)
    return _delivery(entry, State.TOLD, attempts, detail=remark)


def _message(store: Store, entry: Entry, *, settings: Settings, now: datetime) -> Message:
    ticket = entry.ticket
    decision = stored_decision(store, ticket.rounds[0]) if ticket.rounds else None
    return messages.message(
        ticket, entry.message, sink=entry.sink.name, language=entry.sink.language, decision=decision,
        settings=settings, now=now,
    )  # fmt: skip


def _postpone(store: Store, entry: Entry, tag: str, *, attempts: int, refusal: NotTaken, now: datetime) -> Delivery:
    given_up = refusal.final or attempts >= ATTEMPTS
    wait = max(FIRST_WAIT * 2 ** (attempts - 1), timedelta(seconds=refusal.wait))
    next_try = None if given_up else now + min(wait, LONGEST_WAIT)
    if given_up:
        _note_untold(store, entry, attempts, refusal, now=now)
    with contextlib.suppress(Conflict):  # it was held for too long, and another process goes on with it
        move(
            store, entry, Progress(attempts=attempts, next_try=next_try, detail=refusal.detail, given_up=given_up), tag
        )
    state = State.GIVEN_UP if given_up else State.LATER
    return _delivery(entry, state, attempts, detail=refusal.detail, next_try=next_try)


def _note_untold(store: Store, entry: Entry, attempts: int, refusal: NotTaken, *, now: datetime) -> None:
    note = Receipt(
        ticket=entry.ticket.id, message=entry.message, sink=entry.sink.name, id="", attempts=attempts, at=now,
        remark=refusal.detail,
    )  # fmt: skip
    try:
        sha256 = store.put(entry.untold_key, to_json(note), sensitivity=Sensitivity.AGGREGATE)
    except AlreadyExists:
        sha256 = hashlib.sha256(store.get(entry.untold_key)).hexdigest()
    _in_ledger(store, entry, "untold", {entry.untold_key: sha256}, refusal.detail, now=now)


def _in_ledger(store: Store, entry: Entry, what: str, hashes: Mapping[str, str], detail: str, *, now: datetime) -> None:
    ledger.append(
        store, act=f"ticket {what} {next(iter(hashes))}", kind="ticket", use_case=entry.ticket.use_case,
        actor=BY_ITSELF, subject=entry.ticket.id, hashes=hashes,
        reason=f"{what}: {entry.sink.name}, {entry.message}: {detail}", now=now,
    )  # fmt: skip


def _delivery(
    entry: Entry, state: State, attempts: int, *, detail: str = "", next_try: datetime | None = None
) -> Delivery:
    return Delivery(
        use_case=entry.ticket.use_case, ticket=entry.ticket.id, message=entry.message, sink=entry.sink.name,
        state=state, attempts=attempts, detail=detail, next_try=next_try,
    )  # fmt: skip
