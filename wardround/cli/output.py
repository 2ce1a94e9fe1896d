"""What people and programs get to see: text on a terminal, or one JSON document on standard output."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NoReturn

import typer

from wardround.errors import WardroundError

UseCaseOption = Annotated[
    str,
    typer.Option(
        "--use-case",
        "-u",
        envvar="WARDROUND_USE_CASE",
        help="Name of a shipped use case, or the path of your own Python file.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger with your name.")]


def json_wanted() -> bool:
    """Whether this command was called with ``--json``."""
    return "--json" in sys.argv


def say(text: str) -> None:
    """Tell the person at the terminal something; with ``--json`` it goes to standard error."""
    stream = sys.stderr if json_wanted() else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def give(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print the one JSON document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console(file=sys.stderr if json_wanted() else sys.stdout)
    if not console.is_terminal:
        console.width = 200
    console.print(drawn)


def fail(error: WardroundError) -> NoReturn:
    """Say what went wrong in one sentence and leave with the code that tells whose turn it is."""
    if json_wanted():
        give({"error": {"kind": type(error).__name__, "message": str(error), "exit_code": error.exit_code}})
    sys.stderr.write(f"wardround: {error}\n")
    raise SystemExit(error.exit_code)
