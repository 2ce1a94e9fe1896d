"""Tickets: what is open, what one of them says, acknowledge, close."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from wardround.alerts import tickets
from wardround.alerts.tickets import Ticket
from wardround.errors import TicketClosed
from wardround.people import Person, Right
from wardround.serving.desk import frame

router = APIRouter(prefix="/tickets")
Operator = Annotated[Person, Depends(frame.allowed(Right.OPERATE))]
SHOWN = 200
LONGEST_COMMENT = 2000


@router.get("")
def listing(request: Request, closed: str = "") -> Response:
    """Show the open tickets, with *closed* the closed ones too."""
    known, broken = tickets.readable(frame.get_store())  # a damaged one must not hide the others
    found = sorted(
        (ticket for ticket in known if closed or ticket.is_open),
        key=lambda ticket: (not ticket.is_open, -ticket.opened_at.timestamp(), ticket.id),
    )
    return frame.page(
        request, "tickets.html", tickets=found[:SHOWN], more=len(found) > SHOWN, closed=bool(closed), broken=broken
    )


@router.get("/{id}")
def one(request: Request, id: str) -> Response:
    """Show one ticket, and to those who may act the forms for it."""
    return _page(request, tickets.find(frame.get_store(), id))


@router.post("/{id}/acknowledge")
def acknowledge(request: Request, person: Operator, id: str, comment: Annotated[str, Form()] = "") -> Response:
    """Note that somebody looks after it."""
    store = frame.get_store()
    ticket = tickets.find(store, id)
    if faults := _faults(request, comment, needed=False):
        return _page(request, ticket, faults, comment)
    try:
        seen = tickets.acknowledge(store, ticket.id, person=person.name, comment=comment.strip(), now=frame.now())
    except TicketClosed as closed:
        frame.tell(request, "ticket.was_closed", person=closed.by)
    else:
        mine = seen.acknowledged_by == person.name
        frame.tell(request, "ticket.acknowledged" if mine else "ticket.was_acknowledged", person=seen.acknowledged_by)
    return frame.redirect(f"/tickets/{ticket.id}")


@router.post("/{id}/close")
def close(request: Request, person: Operator, id: str, comment: Annotated[str, Form()] = "") -> Response:
    """Close it; a sentence says what was done."""
    store = frame.get_store()
    ticket = tickets.find(store, id)
    if faults := _faults(request, comment, needed=True):
        return _page(request, ticket, faults, comment)
    try:
        tickets.close(store, ticket.id, person=person.name, comment=comment.strip(), now=frame.now())
    except TicketClosed as closed:
        frame.tell(request, "ticket.was_closed", person=closed.by)
    else:
        frame.tell(request, "ticket.closed")
    return frame.redirect(f"/tickets/{ticket.id}")


def _faults(request: Request, comment: str, *, needed: bool) -> dict[str, str]:
    if needed and not comment.strip():
        return {"comment": frame.words(request)("ticket.comment_missing")}
    if len(comment) > LONGEST_COMMENT:
        return {"comment": frame.words(request)("form.too_long", n=LONGEST_COMMENT)}
    return {}


def _page(request: Request, ticket: Ticket, errors: dict[str, str] | None = None, comment: str = "") -> Response:
    parts = [key.split("/") for key in ticket.rounds]
    rounds = [f"/use-cases/{part[1]}/rounds/{part[2]}/{part[3]}" for part in parts if len(part) == 5]
    return frame.page(
        request, "ticket.html", status=422 if errors else 200, errors=errors or {}, here=f"/tickets/{ticket.id}",
        ticket=ticket, rounds=rounds, comment=comment,
    )  # fmt: skip
