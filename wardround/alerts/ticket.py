"""A ticket as a value: one cause that a person should know of, and what was done about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from wardround.domain import Action

PREFIX = "tickets/"
BY_ITSELF = "wardround"
"""Who closes a ticket whose cause is gone without a person's doing."""


class Urgency(StrEnum):
    """How soon a person should know; the order is that of the members."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for normal, 2 for high."""
        return list(Urgency).index(self)


APPROVE = "approve"
REPAIR = "repair"
URGENCIES = {
    Action.INSUFFICIENT_DATA.value: Urgency.LOW,
    Action.RETRAIN.value: Urgency.NORMAL,
    APPROVE: Urgency.NORMAL,
    Action.RETRAIN_WITH_HUMAN.value: Urgency.HIGH,
    Action.QUARANTINE.value: Urgency.HIGH,
    REPAIR: Urgency.HIGH,
}
"""Every action a ticket can ask for: those of a decision, ``approve`` a version, ``repair`` a run that failed."""


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One cause, from the first round that found it until it is closed.

    *action* is one of `URGENCIES`; *rounds* are the keys of the decisions that found the cause, the first one first;
    *as_of* and *decided_at* are those of the latest round. *subject* is the version that waits for an approval or the
    work that failed, empty for a decision. *in_ledger*: what was done to the ticket is in the ledger.
    """

    id: str
    use_case: str
    action: str
    cause: str
    champion: str | None
    headline: str
    reasons: tuple[str, ...]
    opened_at: datetime
    as_of: datetime
    decided_at: datetime
    rounds: tuple[str, ...] = ()
    subject: str = ""
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    comment: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""
    closing_comment: str = ""
    in_ledger: bool = True

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it."""
        return self.closed_at is None

    @property
    def urgency(self) -> Urgency:
        """How soon a person should know."""
        return URGENCIES[self.action]

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"{PREFIX}{self.use_case}/{self.id}.json"

    @property
    def folder(self) -> str:
        """The key prefix of what was done to it and who was told, with a slash at the end."""
        return f"{PREFIX}{self.use_case}/{self.id}/"


@dataclass(frozen=True, kw_only=True)
class TicketAct:
    """What *person* did to a ticket."""

    ticket: str
    use_case: str
    act: Literal["acknowledged", "closed"]
    person: str
    comment: str
    at: datetime
