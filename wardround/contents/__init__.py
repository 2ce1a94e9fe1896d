"""Inputs that are no cells: pictures, signals and texts. The one explicit dict of their kinds is below."""

import importlib
from typing import TYPE_CHECKING

from wardround.contents.measures import features as features

if TYPE_CHECKING:
    from wardround.contents.base import Kind

HOMES = {
    "image": "wardround.contents.image",
    "series": "wardround.contents.series",
    "text": "wardround.contents.text",
}
"""Kind -> the module that has it as ``KIND``; imported when a use case has such a content."""


def kind(name: str) -> "Kind":
    """Return the kind of content called *name* (KeyError: there is none)."""
    found: Kind = importlib.import_module(HOMES[name]).KIND
    return found
