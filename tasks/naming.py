"""Parameters with their limits, and run names a person can read."""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated

from prefect import runtime
from pydantic import Field

UseCaseName = Annotated[str, Field(min_length=3, max_length=500)]
"""A shipped use case's name, or the path of a Python file."""

BatchName = Annotated[str, Field(min_length=1, max_length=64)]
"""A batch's label, its id or the beginning of its id."""

Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""1 to 63 lower-case letters, digits and hyphens."""

CauseText = Annotated[str, Field(min_length=3, max_length=500)]
"""Why it was started; it is kept with the model."""


def run_name(verb: str, *parameters: str) -> Callable[[], str]:
    """Return what names a run: *verb*, the use case, and the first of *parameters* that is given."""

    def name() -> str:
        given = runtime.flow_run.parameters
        use_case = PurePosixPath(str(given.get("use_case", ""))).stem
        detail = next((_short(given[key]) for key in parameters if given.get(key)), "")
        return f"{verb} {use_case}" + (f": {detail}" if detail else "")

    return name


def _short(value: object) -> str:
    """Shorten ids and drop folders and credentials of sources."""
    if isinstance(value, list | tuple):
        return ", ".join(_short(each) for each in value)
    text = str(value)
    address, mark, part = text.partition("#")
    text = address.split("?")[0] + mark + part
    text = PurePosixPath(text.rstrip("/")).name if "/" in text else text
    text = text.rpartition("@")[2]
    return text[:12] if len(text) == 64 else text[:60]
