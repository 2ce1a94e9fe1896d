"""What a sink is told: subject, plain text, HTML and a JSON document, made from a ticket in English or Chinese.

Only what the ticket and its decision hold, which are aggregates; the subject holds no figure, and what a person wrote
as a comment is left out, since nobody can vouch for it.
"""

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from wardround import __version__
from wardround.alerts.tickets import APPROVE, BY_ITSELF, REPAIR, Ticket, Urgency
from wardround.domain import Cause, Decision
from wardround.monitoring.story import told
from wardround.monitoring.wording import line
from wardround.settings import Settings

SCHEMA = "wardround.message/1"
OPENED, CLOSED, TEST = "opened", "closed", "test"
REMINDER = "reminder-"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message for one sink; *id* stays the same on a retry, *answers* is the id of the first about its ticket."""

    id: str
    answers: str | None
    urgency: Urgency
    at: datetime
    subject: str
    text: str
    html: str
    document: Mapping[str, Any]

    def json(self) -> bytes:
        """Return the JSON document as one line."""
        return json.dumps(self.document, ensure_ascii=False, sort_keys=True).encode()


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What a message says, before it is text or HTML."""

    headline: str
    meaning: str
    next_step: str
    states: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    link: str | None = None
    command: str = ""


def message(
    ticket: Ticket, name: str, *, sink: str, language: str, decision: Decision | None, settings: Settings, now: datetime
) -> Message:
    """Say what happened to *ticket*, to *sink*; *name* is ``opened``, ``reminder-<n>`` or ``closed``.

    *decision* is the one that opened it (None: none did).
    """
    texts = _texts(language)
    kind = name if name in (OPENED, CLOSED) else "reminder"
    since = f"{ticket.opened_at:%Y-%m-%d %H:%M} UTC"
    link, command = _way(ticket, texts, settings)
    said = replace(
        _words(ticket, decision, language), states=_states(ticket, kind, since, texts), link=link, command=command,
        reasons=tuple(line(reason) for reason in ticket.reasons),
        facts=(
            (texts["use_case"], ticket.use_case), (texts["urgency"], texts[f"urgency_{ticket.urgency}"]),
            (texts["ticket"], ticket.id),
        ),
    )  # fmt: skip
    title = texts["subject" if kind == OPENED else f"subject_{kind}"].format(
        headline=said.headline, use_case=ticket.use_case, since=since
    )
    facts = {
        "kind": kind, "test": False, "use_case": ticket.use_case, "ticket": ticket.id,
        "urgency": ticket.urgency.value, "action": ticket.action, "cause": ticket.cause, "champion": ticket.champion,
        "subject": ticket.subject, "opened_at": ticket.opened_at.isoformat(), "open": ticket.is_open,
        "meaning": said.meaning, "reasons": list(said.reasons), "link": link, "command": command,
    }  # fmt: skip
    made = _made(_id(ticket, name, sink), title, said, facts, language=language, now=now)
    return replace(made, urgency=ticket.urgency, answers=None if name == OPENED else _id(ticket, OPENED, sink))


def trial_message(*, sink: str, language: str, now: datetime) -> Message:
    """Return a message that says of itself that it is a test."""
    texts = _texts(language)
    said = _Content(headline=texts["test_headline"], meaning="", next_step=texts["test_next"].format(sink=sink))
    id = _hash(TEST, sink, now.isoformat())
    return _made(id, texts["subject_test"], said, {"kind": TEST, "test": True}, language=language, now=now)


def _made(id: str, title: str, said: _Content, facts: Mapping[str, Any], *, language: str, now: datetime) -> Message:
    texts, text = _texts(language), _text(said, language)
    document = {
        "schema": SCHEMA, "id": id, "language": language, "title": line(title), "text": text,
        "headline": said.headline, "next_step": said.next_step, **facts,
    }  # fmt: skip
    page = (
        f'<!doctype html><html lang="{texts["tag"]}"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"</head><body>{_body(said, language)}</body></html>"
    )
    return Message(
        id=id, answers=None, urgency=Urgency.LOW, at=now, subject=line(title), text=text, html=page, document=document
    )


def _text(said: _Content, language: str) -> str:
    texts = _texts(language)
    blocks = [said.headline, *said.states, said.meaning, "\n".join(f"{name}: {value}" for name, value in said.facts)]
    if said.reasons:
        blocks.append("\n".join([f"{texts['why']}:", *(f"- {reason}" for reason in said.reasons)]))
    blocks.append(f"{texts['next']}:\n{said.next_step}")
    if said.link or said.command:
        blocks.append(f"{texts['link']}:\n{said.link}" if said.link else f"{texts['command']}:\n{said.command}")
    blocks.append(f"-- \n{texts['footer'].format(version=__version__)}")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _body(said: _Content, language: str) -> str:
    texts, e = _texts(language), html.escape
    parts = [f"<h1>{e(said.headline)}</h1>", *(f"<p><strong>{e(state)}</strong></p>" for state in said.states)]
    if said.meaning:
        parts.append(f"<p>{e(said.meaning)}</p>")
    if said.facts:
        parts.append(f"<p>{'<br>'.join(f'{e(name)}: {e(value)}' for name, value in said.facts)}</p>")
    if said.reasons:
        listed = "".join(f"<li>{e(reason)}</li>" for reason in said.reasons)
        parts.append(f"<h2>{e(texts['why'])}</h2><ul>{listed}</ul>")
    parts.append(f"<h2>{e(texts['next'])}</h2><p>{e(said.next_step)}</p>")
    if said.link:
        parts.append(f'<p><a href="{e(said.link)}">{e(texts["link"])}</a></p>')
    elif said.command:
        parts.append(f"<p>{e(texts['command'])}: <code>{e(said.command)}</code></p>")
    return "".join([*parts, f"<hr><p><small>{e(texts['footer'].format(version=__version__))}</small></p>"])


def _states(ticket: Ticket, kind: str, since: str, texts: Mapping[str, Any]) -> tuple[str, ...]:
    states = [texts["reminder"].format(since=since)] if kind == "reminder" else []
    if ticket.closed_at is not None:
        state = texts["closed_itself" if ticket.closed_by == BY_ITSELF else "closed_person"]
        states.append(state.format(comment=ticket.closing_comment, person=ticket.closed_by))
    return tuple(states)


def _words(ticket: Ticket, decision: Decision | None, language: str) -> _Content:
    texts = _texts(language)
    champion = ticket.champion[:12] if ticket.champion else texts["no_champion"]
    if ticket.action in (APPROVE, REPAIR):
        return _Content(
            headline=texts[f"{ticket.action}_headline"].format(subject=ticket.subject),
            meaning=texts[f"{ticket.action}_meaning"].format(subject=ticket.subject, champion=champion),
            next_step=texts[f"{ticket.action}_next"],
        )
    if decision is None:
        return _Content(headline=ticket.headline, meaning="", next_step=texts["unknown_next"])
    if language == "en":
        said = told(decision)
        return _Content(headline=said.headline, meaning=f"{said.facts} {said.meaning}", next_step=said.next_step)
    action, certain = texts["actions"][ticket.action], decision.cause is not Cause.NONE
    meaning = texts["meanings"][ticket.cause if certain else ticket.action]
    facts = texts["facts"].format(
        use_case=ticket.use_case, label=line(decision.label), as_of=f"{decision.as_of:%Y-%m-%d %H:%M}", action=action,
        champion=champion,
    )  # fmt: skip
    step = "cool down" if decision.in_cool_down else "no champion" if decision.champion is None else ticket.action
    return _Content(
        headline=texts["headline"].format(action=action, cause=texts["causes"][ticket.cause]) if certain else action,
        meaning=facts + meaning + (texts["meanings"]["cool down"] if decision.in_cool_down else ""),
        next_step=texts["next_steps"][step],
    )


def _way(ticket: Ticket, texts: Mapping[str, Any], settings: Settings) -> tuple[str | None, str]:
    command = f"wardround tickets show {ticket.id}"
    page = f"tickets/{ticket.id}"
    if ticket.action == APPROVE:
        command = texts["approve_command"].format(subject=ticket.subject, use_case=ticket.use_case)
        page = f"approvals/{ticket.use_case}/{ticket.subject}"
    return (f"{settings.desk_url.rstrip('/')}/{page}" if settings.desk_url else None), command


def _id(ticket: Ticket, name: str, sink: str) -> str:
    """Return what a receiver can tell a message sent twice by; the moment keeps two stores' tickets apart."""
    return _hash(ticket.use_case, ticket.id, ticket.opened_at.isoformat(), name, sink)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@cache
def _texts(language: str) -> Mapping[str, Any]:
    texts: Mapping[str, Any] = json.loads(files(__package__).joinpath(f"texts/{language}.json").read_text("utf-8"))
    return texts
