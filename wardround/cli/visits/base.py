"""One file that arrives in a demo."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """*label* names the batch, *what* says in words what arrives, *outcomes* is a file that arrives later, if any.

    *expected* is the action the round should decide on ("none", "quarantine", "retrain"); empty for the first, which
    is learned from.
    """

    label: str
    path: Path
    what: str
    outcomes: Path | None = None
    expected: str = ""
