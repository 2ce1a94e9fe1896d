"""What a sink is told: subject, plain text, HTML and a JSON document, made from a ticket in English or Chinese.

Only what the ticket and its decision hold, which are aggregates; the subject holds no figure, and what a person wrote
as a comment is left out, since nobody can vouch for it.
"""

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
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
class _Words:
    headline: str
    meaning: str
    next_step: str


def message(
    ticket: Ticket, name: str, *, sink: str, language: str, decision: Decision | None, settings: Settings, now: datetime
) -> Message:
    """Say what happened to *ticket*, to *sink*; *name* is ``opened``, ``reminder-<n>`` or ``closed``.

    *decision* is the one that opened it (None: none did).
    """
    texts = _texts(language)
    words = _words(ticket, decision, language)
    since = f"{ticket.opened_at:%Y-%m-%d %H:%M} UTC"
    kind = OPENED if name == OPENED else CLOSED if name == CLOSED else "reminder"
    subject = texts["subject" if kind == OPENED else f"subject_{kind}"]
    states = [texts["reminder"].format(since=since)] if kind == "reminder" else []
    if ticket.closed_at is not None:
        state = texts["closed_itself" if ticket.closed_by == BY_ITSELF else "closed_person"]
        states.append(state.format(comment=ticket.closing_comment, person=ticket.closed_by))
    link, command = _way(ticket, texts, settings)
    document = {
        "kind": kind, "use_case": ticket.use_case, "ticket": ticket.id, "urgency": ticket.urgency.value,
        "action": ticket.action, "cause": ticket.cause, "champion": ticket.champion, "subject": ticket.subject,
        "opened_at": ticket.opened_at.isoformat(), "open": ticket.is_open, "headline": words.headline,
        "meaning": words.meaning, "reasons": list(ticket.reasons), "next_step": words.next_step,
        "link": link, "command": command,
    }  # fmt: skip
    facts = [
        (texts["use_case"], ticket.use_case),
        (texts["urgency"], texts[f"urgency_{ticket.urgency}"]),
        (texts["ticket"], ticket.id),
    ]
    return _message(
        _id(ticket, name, sink), texts, subject.format(headline=words.headline, use_case=ticket.use_case, since=since),
        words=words, states=states, reasons=ticket.reasons, facts=facts, link=link, command=command,
        document=document, language=language, urgency=ticket.urgency, now=now,
        answers=None if name == OPENED else _id(ticket, OPENED, sink),
    )  # fmt: skip


def trial_message(*, sink: str, language: str, now: datetime) -> Message:
    """Return a message that says of itself that it is a test."""
    texts = _texts(language)
    words = _Words(headline=texts["test_headline"], meaning="", next_step=texts["test_next"].format(sink=sink))
    document = {"kind": TEST, "headline": words.headline, "next_step": words.next_step}
    return _message(
        _hash(TEST, sink, now.isoformat()), texts, texts["subject_test"], words=words, states=[], reasons=(), facts=[],
        link=None, command=None, document=document, language=language, urgency=Urgency.LOW, now=now, answers=None,
    )  # fmt: skip


def _message(
    id: str,
    texts: Mapping[str, Any],
    subject: str,
    *,
    words: _Words,
    states: list[str],
    reasons: tuple[str, ...],
    facts: list[tuple[str, str]],
    link: str | None,
    command: str | None,
    document: Mapping[str, Any],
    language: str,
    urgency: Urgency,
    now: datetime,
    answers: str | None,
) -> Message:
    reasons = tuple(line(reason) for reason in reasons)
    footer = texts["footer"].format(version=__version__)
    way = (texts["link"], link) if link else (texts["command"], command)
    blocks = [words.headline, *states, words.meaning, "\n".join(f"{name}: {value}" for name, value in facts)]
    blocks += ["\n".join([f"{texts['why']}:", *(f"- {reason}" for reason in reasons)])] if reasons else []
    blocks += [f"{texts['next']}:\n{words.next_step}"]
    blocks += [f"{way[0]}:\n{way[1]}"] if way[1] else []
    text = "\n\n".join(block for block in (*blocks, f"-- \n{footer}") if block) + "\n"
    e = html.escape
    parts = [f"<h1>{e(words.headline)}</h1>", *(f"<p><strong>{e(state)}</strong></p>" for state in states)]
    parts += [f"<p>{e(words.meaning)}</p>"] if words.meaning else []
    parts += [f"<p>{'<br>'.join(f'{e(name)}: {e(value)}' for name, value in facts)}</p>"] if facts else []
    if reasons:
        parts.append(f"<h2>{e(texts['why'])}</h2><ul>{''.join(f'<li>{e(reason)}</li>' for reason in reasons)}</ul>")
    parts.append(f"<h2>{e(texts['next'])}</h2><p>{e(words.next_step)}</p>")
    if link:
        parts.append(f'<p><a href="{e(link)}">{e(texts["link"])}</a></p>')
    elif command:
        parts.append(f"<p>{e(texts['command'])}: <code>{e(command)}</code></p>")
    parts.append(f"<hr><p><small>{e(footer)}</small></p>")
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{e(subject)}</title></head>'
        f"<body>{''.join(parts)}</body></html>"
    )
    full = {
        "schema": SCHEMA, "id": id, "test": document["kind"] == TEST,
        "language": language, "title": subject, "text": text, **document,
    }  # fmt: skip
    return Message(
        id=id, answers=answers, urgency=urgency, at=now, subject=line(subject), text=text, html=page, document=full
    )


def _words(ticket: Ticket, decision: Decision | None, language: str) -> _Words:
    texts = _texts(language)
    champion = ticket.champion[:12] if ticket.champion else texts["no_champion"]
    if ticket.action in (APPROVE, REPAIR):
        return _Words(
            headline=texts[f"{ticket.action}_headline"].format(subject=ticket.subject),
            meaning=texts[f"{ticket.action}_meaning"].format(subject=ticket.subject, champion=champion),
            next_step=texts[f"{ticket.action}_next"],
        )
    if language == "en":
        if decision is None:
            return _Words(headline=ticket.headline, meaning="", next_step="")
        said = told(decision)
        return _Words(headline=said.headline, meaning=f"{said.facts} {said.meaning}", next_step=said.next_step)
    action = texts["actions"][ticket.action]
    known = ticket.cause != Cause.NONE.value
    facts, step = "", ticket.action
    if decision is not None:
        facts = texts["facts"].format(
            use_case=ticket.use_case, label=line(decision.label), as_of=f"{decision.as_of:%Y-%m-%d %H:%M}",
            action=action, champion=champion,
        )  # fmt: skip
        step = "no champion" if decision.champion is None else "cool down" if decision.in_cool_down else step
    return _Words(
        headline=texts["headline"].format(action=action, cause=texts["causes"][ticket.cause]) if known else action,
        meaning=facts + texts["meanings"][ticket.cause],
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
