"""What a finder of identifiers is, and the categories it may find."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

CATEGORIES = (
    "name", "place", "date", "age", "phone", "fax", "email", "identity", "record", "plan", "account", "licence",
    "vehicle", "device", "url", "ip", "biometric", "photo", "other",
)  # fmt: skip
"""The 18 identifiers of 45 CFR 164.514(b)(2)(i), (A) to (R); the ages of (C) are apart from its dates.

``identity`` is a social security or an identity card number (G), ``place`` a geographic subdivision below a state (B).
"""

STRUCTURED = frozenset(CATEGORIES) - {"name", "place", "date", "age"}
"""Categories that are numbers or have a form of their own: none of them may be missed."""


BIRTH = "birth"
"""The year of a date of birth: it would give away an age over 89, so that it goes too."""


class Finding(NamedTuple):
    """An identifier at [start, end) of a text; *year* is what may stay of a date."""

    start: int
    end: int
    category: str
    year: str = ""


@dataclass(frozen=True)
class Rule:
    """A pattern of one category: the group ``x`` is the identifier, or the whole match; ``y`` the year of a date.

    Each quantifier of a pattern is bounded or followed by what it cannot match itself, so that time stays linear.
    """

    category: str
    pattern: "re.Pattern[str]"
    birth: bool = False

    def found(self, text: str) -> Iterator[Finding]:
        """Yield what the pattern finds."""
        for match in self.pattern.finditer(text):
            groups = match.groupdict()
            start, end = match.span("x" if "x" in groups else 0)
            yield Finding(start, end, self.category, BIRTH if self.birth else groups.get("y") or "")


def rule(category: str, pattern: str, flags: int = 0, *, birth: bool = False) -> Rule:
    """Return a rule; blanks in *pattern* do not count (``re.VERBOSE``)."""
    return Rule(category, re.compile(pattern, re.VERBOSE | flags), birth)
