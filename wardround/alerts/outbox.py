"""What is to be told to whom, and how far each message has come; read off the store, so that a kill loses nothing.

Below a ticket, ``outbox/<message>.<sink>.json`` is how far a message has come (moves by compare-and-swap),
``told/<message>-<sink>.json`` the receipt, ``untold/<message>-<sink>.json`` the note that it was given up.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardround.alerts import tickets
from wardround.alerts.config import Config, FileSink, MailSink, WebhookSink
from wardround.alerts.messages import CLOSED, OPENED, REMINDER
from wardround.alerts.tickets import Ticket
from wardround.domain import from_json, to_json
from wardround.errors import Corrupted
from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one message to one sink has come; *held_until*: a process is sending it, and may have died doing so.

    *quiet_until* is when the quiet hours end that it waits for.
    """

    attempts: int = 0
    held_until: datetime | None = None
    next_try: datetime | None = None
    quiet_until: datetime | None = None
    detail: str = ""
    given_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The proof that a sink took a message; *remark* says who of it did not."""

    ticket: str
    message: str
    sink: str
    id: str
    attempts: int
    at: datetime
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message that is due and has no receipt."""

    ticket: Ticket
    message: str
    sink: WebhookSink | MailSink | FileSink

    @property
    def progress_key(self) -> str:
        """Where its `Progress` is."""
        return f"{self.ticket.folder}outbox/{self.message}.{self.sink.name}.json"

    @property
    def receipt_key(self) -> str:
        """Where its `Receipt` will be."""
        return f"{self.ticket.folder}told/{self.message}-{self.sink.name}.json"

    @property
    def untold_key(self) -> str:
        """Where the note is that it was given up."""
        return f"{self.ticket.folder}untold/{self.message}-{self.sink.name}.json"


def entries(store: Store, config: Config, found: Iterable[Ticket], *, now: datetime) -> tuple[Entry, ...]:
    """Return what is due about the tickets *found* and has no receipt, the urgent and then the old first."""
    if not config.sinks:
        return ()
    keys = frozenset(store.keys(tickets.PREFIX))
    ordered = sorted(found, key=lambda ticket: (-ticket.urgency.rank, ticket.opened_at, ticket.key))
    return tuple(entry for ticket in ordered for sink in config.sinks for entry in _due(ticket, sink, keys, now))


def receipts(store: Store, ticket: Ticket) -> tuple[Receipt, ...]:
    """Return who was told of *ticket*, in the order of time."""
    found = [from_json(Receipt, store.get(key)) for key in store.keys(f"{ticket.folder}told/")]
    return tuple(sorted(found, key=lambda receipt: receipt.at))


def progress(store: Store, entry: Entry) -> tuple[Progress, str | None]:
    """Return how far *entry* has come, and the tag that `move` needs.

    Raises:
        Corrupted: what is stored is not a `Progress`.
    """
    content, tag = store.get_pointer(entry.progress_key)
    if content is None:
        return Progress(), None
    try:
        return from_json(Progress, json.dumps(content).encode()), tag
    except ValueError:
        raise Corrupted(entry.progress_key, "it is not the progress of a message") from None


def move(store: Store, entry: Entry, to: Progress, tag: str | None) -> str:
    """Write how far *entry* has come, and return the new tag.

    Raises:
        Conflict: another process moved it meanwhile.
    """
    return store.swap(entry.progress_key, json.loads(to_json(to)), tag)


def _due(
    ticket: Ticket, sink: WebhookSink | MailSink | FileSink, keys: frozenset[str], now: datetime
) -> Iterator[Entry]:
    if not sink.wants(action=ticket.action, use_case=ticket.use_case):
        return
    first = Entry(ticket=ticket, message=OPENED, sink=sink)
    if first.receipt_key not in keys:
        # a place that is new in the file is not told of all that ever was
        if ticket.is_open or first.progress_key in keys:
            yield first
        return
    for message in (_reminder(ticket, sink.remind_after_days, now), _closing(ticket, sink.tell_closed)):
        entry = Entry(ticket=ticket, message=message, sink=sink)
        if message and entry.receipt_key not in keys:
            yield entry


def _reminder(ticket: Ticket, days: int | None, now: datetime) -> str:
    """Return the newest reminder that is due, or nothing: after a long silence nobody needs all of them."""
    if days is None or not ticket.is_open or ticket.acknowledged_at is not None:
        return ""
    count = (now - ticket.opened_at) // timedelta(days=days)
    return f"{REMINDER}{count}" if count >= 1 else ""


def _closing(ticket: Ticket, wanted: bool) -> str:
    return CLOSED if wanted and not ticket.is_open else ""
