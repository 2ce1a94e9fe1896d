"""Parameters with their limits and the titles the form shows, and run names a person can read."""

from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from prefect import runtime
from pydantic import BeforeValidator, Field


def titled(title: str) -> Any:
    """Return what gives a parameter its *title* in the form: Prefect itself would show the Python name."""
    return Field(json_schema_extra={"title": title})


def _empty(value: Any) -> Any:
    return "" if value is None else value


_IfAny = BeforeValidator(_empty)
"""Makes None the empty text: a text field stays one in the form, where a choice of types would take its place."""
_Batch = Annotated[str, Field(min_length=1, max_length=64)]

UseCaseName = Annotated[str, Field(min_length=3, max_length=500), titled("Use case")]
"""A shipped use case's name, or the path of a Python file."""

BatchName = Annotated[_Batch, titled("Batch")]
"""A batch's label, its id or the beginning of its id."""

BatchIfAny = Annotated[str, _IfAny, Field(max_length=64), titled("Batch")]
BatchesIfAny = Annotated[list[_Batch] | None, titled("Batches to learn from")]

LabelIfAny = Annotated[
    str, _IfAny, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"), titled("Name of the new batch")
]
"""1 to 63 lower-case letters, digits and hyphens."""

CauseText = Annotated[str, Field(min_length=3, max_length=500), titled("Cause")]
"""Why it was started; it is kept with the model."""

VersionName = Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$"), titled("Model version")]
"""A model version, or the beginning of it: hexadecimal digits."""

ChampionIfAny = Annotated[str, _IfAny, Field(pattern=r"^([0-9a-f]{4,64})?$"), titled("Champion")]

RunName = Annotated[str, Field(pattern=r"^(prefect\.flow-run\.)?[0-9a-f-]{36}$"), titled("Run that died")]
"""The id of a flow run, as an event names it."""

SourceIfAny = Annotated[str, _IfAny, Field(max_length=2000), titled("Where the rows are")]
"""A file, a database URL with a table, or an S3 prefix."""

MomentIfAny = Annotated[datetime | None, titled("As of")]
"""The moment a visit stands for."""

MayPromote = Annotated[bool, titled("Promote if it passes")]

MARK = " → "
"""Stands in a run's name before what came of it."""


def run_name(verb: str, *parameters: str) -> Callable[[], str]:
    """Return what names a run: *verb*, the use case, and the first of *parameters* that is given."""

    def name() -> str:
        given = runtime.flow_run.parameters
        use_case = PurePosixPath(str(given.get("use_case", ""))).stem
        detail = next((_short(given[key]) for key in parameters if given.get(key)), "")
        return f"{verb} {use_case}".strip() + (f": {detail}" if detail else "")

    return name


def task_name(template: str) -> Callable[[], str]:
    """Return what names a task: *template* filled with its parameters, a use case by its name and not its path."""

    def name() -> str:
        given = dict(runtime.task_run.parameters)
        if "use_case" in given:
            given["use_case"] = PurePosixPath(given["use_case"]).stem
        return template.format(**given)

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
