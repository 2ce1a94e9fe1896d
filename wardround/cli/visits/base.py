"""Files that arrive in a demo, and how they are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


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


def written(
    inbox: Path,
    files: "Sequence[tuple[str, pd.DataFrame, str, str]]",
    *,
    late: "dict[str, pd.DataFrame] | None" = None,
) -> tuple[Delivery, ...]:
    """Write *files* (label, rows, what they are, expected action) and what comes *late*, by label, into *inbox*."""
    inbox.mkdir(parents=True, exist_ok=True)

    def write(name: str, frame: "pd.DataFrame") -> Path:
        frame = frame.copy(deep=False)
        frame.attrs = {}
        path = inbox / f"{name}.parquet"
        frame.to_parquet(path, index=False)
        return path

    outcomes = {label: write(f"{label}-outcomes", frame) for label, frame in (late or {}).items()}
    return tuple(
        Delivery(
            label=label, path=write(label, frame), what=what, expected=expected, outcomes=outcomes.get(label)
        )
        for label, frame, what, expected in files
    )  # fmt: skip
