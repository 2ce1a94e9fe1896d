"""What flows give back: keys and counts, small and frozen."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A batch that was ingested, or was known already (*new* is False)."""

    use_case: str
    batch: str
    label: str
    rows: int
    accepted: int
    quarantined: int
    refused: bool
    faults: tuple[str, ...]
    new: bool


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A verdict that was written to *verdict_key* about *version* against *champion*."""

    use_case: str
    version: str
    champion: str | None
    verdict_key: str
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A version that was trained, armed and judged; *sentence* says what became of it.

    *waits*: it may be promoted when the persons who have to approve it have done so.
    """

    use_case: str
    version: str
    verdict_key: str
    passed: bool
    promoted: bool
    sentence: str
    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of a version that asked to be promoted, and why.

    *refused* are approvals that do not count, each with its reasons in one line.
    """

    use_case: str
    version: str
    outcome: Literal["promoted", "waits", "rejected", "refused", "asked already"]
    sentence: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Predictions that are stored at *key*; *new* is False when they were there already."""

    use_case: str
    batch: str
    version: str
    key: str
    rows: int
    new: bool


@dataclass(frozen=True, kw_only=True)
class Visited:
    """A decision that was written to *decision_key*; *action* and *cause* in words."""

    use_case: str
    batch: str
    champion: str | None
    decision_key: str
    action: str
    cause: str
    retraining_due: bool


@dataclass(frozen=True, kw_only=True)
class Told:
    """How many messages to people went out, and how many wait (quiet hours, a place that does not answer)."""

    configured: bool
    delivered: int
    waiting: int
    sentence: str
