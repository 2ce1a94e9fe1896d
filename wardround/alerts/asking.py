"""Tickets that no decision opens: an approval that is waited for, and a run that failed."""

import hashlib
from datetime import datetime
from typing import Protocol

from wardround import approvals, registry
from wardround.alerts import tickets
from wardround.alerts.tickets import APPROVE, REPAIR, Ticket
from wardround.errors import Corrupted, NotFound, WardroundError
from wardround.store import Store
from wardround.unexpected import withheld


class Waiting(Protocol):
    """What is asked of the approvers; an `approvals.Standing` is one."""

    @property
    def use_case(self) -> str:
        """The use case's name."""

    @property
    def version(self) -> str:
        """The version that waits."""

    @property
    def champion(self) -> str | None:
        """The champion it was judged against."""

    @property
    def missing(self) -> str:
        """Whose approval is missing, such as "an approver who did not train it"."""


def ask_for_approval(store: Store, standing: Waiting, *, now: datetime) -> Ticket:
    """Open the ticket that says that a version waits for an approval; asking again changes nothing.

    Whoever closes it by hand has heard; a version that waits again after the ticket closed by itself is asked for anew.
    """
    name = _name("approval", standing.use_case, standing.version, str(standing.champion))
    fresh = Ticket(
        id="", use_case=standing.use_case, action=APPROVE, cause="approval", champion=standing.champion,
        subject=standing.version, headline="An approval is waited for",
        reasons=(f"version {standing.version} waits for {standing.missing}",), opened_at=now, as_of=now,
        decided_at=now,
    )  # fmt: skip
    return tickets.open_ticket(
        store, name, fresh, known=lambda ticket: ticket.is_open or ticket.closed_by != tickets.BY_ITSELF
    )


def report_failure(store: Store, *, use_case: str, work: str, error: Exception, now: datetime) -> Ticket:
    """Open the ticket that says that *work* (such as "round") failed; the same kind of failure is one ticket.

    The words of an exception that wardround did not raise itself are left out: they may quote a patient.
    """
    shown = error if isinstance(error, WardroundError) else withheld(error)
    fresh = Ticket(
        id="", use_case=use_case, action=REPAIR, cause=type(error).__name__, champion=None, subject=work,
        headline=f"A run failed: {work}", reasons=tuple(str(shown).splitlines()), opened_at=now, as_of=now,
        decided_at=now,
    )  # fmt: skip
    return tickets.open_ticket(
        store, _name("failure", use_case, work, type(error).__name__), fresh, known=lambda ticket: False
    )


def settled(store: Store, ticket: Ticket, *, now: datetime) -> Ticket:
    """Return *ticket*, closed if it asks for an approval that was refused, or to follow a champion that is gone."""
    if ticket.action != APPROVE or not ticket.is_open:
        return ticket
    try:
        champion = registry.champion(store, ticket.use_case)
        given = approvals.of(store, ticket.use_case, ticket.subject)
    except (Corrupted, NotFound):
        return ticket  # whoever looks at the version is told; until then it waits
    serving = champion.version if champion else None
    rejected = [each.person for each in given if each.act is approvals.Act.REJECT and each.given_at >= ticket.opened_at]
    if serving != ticket.champion:
        return tickets.close_by_itself(store, ticket, f"{serving} is the champion now", now=now)
    if rejected:
        return tickets.close_by_itself(store, ticket, f"{rejected[-1]} rejected the version", now=now)
    return ticket


def _name(kind: str, *cause: str) -> str:
    return f"{kind}-{hashlib.sha256('/'.join(cause).encode()).hexdigest()[:8]}"
