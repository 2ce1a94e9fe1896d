"""What is said of an exception nobody expected: its kind and place, for its own words may quote a patient."""

import os
import traceback
from pathlib import Path

from wardround.errors import WardroundError

HERE = Path(__file__).parent


class UnexpectedError(WardroundError):
    """Something broke that should not have: *kind* of exception at *place*, its own words left out.

    The words of a foreign exception may quote a cell ("could not convert string to float: '...'").
    """

    exit_code = 3

    def __init__(self, kind: str, place: str):
        super().__init__(kind, place)
        self.kind = kind
        self.place = place

    def __str__(self) -> str:
        return (
            f"an unexpected {self.kind} at {self.place}; its text is withheld because it may quote patient data. "
            "Run the same command where the data may be seen, with WARDROUND_SHOW_ERRORS=1, and report it."
        )


def withheld(error: Exception) -> Exception:
    """Return what may be shown of *error*: its kind and place, or all of it with ``WARDROUND_SHOW_ERRORS=1``."""
    if os.environ.get("WARDROUND_SHOW_ERRORS") == "1":
        return error
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(HERE)] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "a place it does not tell"
    return UnexpectedError(type(error).__name__, place)
