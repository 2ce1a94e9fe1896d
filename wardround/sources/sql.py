"""Databases: a table or a query, through any SQLAlchemy URL."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardround.errors import InputFault, ServiceFailed
from wardround.sources.files import locate
from wardround.sources.header import named
from wardround.use_cases.base import Source

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection, TextClause

    from wardround.settings import Settings

_CHUNK = 50_000


def read_sql(source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read the option ``table`` (also ``schema.table``) or the answer of the option ``query``.

    A relative SQLite path is looked for like any file. What the database says is not repeated in an error: it
    may quote a value.

    Raises:
        InputFault: a wrong URL, no such file or table, a query the database does not take, no driver.
        ServiceFailed: the database server did not answer.
    """
    import sqlalchemy as sa

    try:
        url = sa.make_url(source.location)
    except sa.exc.ArgumentError:
        raise InputFault(
            "the database URL", "it is no SQLAlchemy URL", "Write dialect+driver://user@host/name"
        ) from None
    place = url.render_as_string(hide_password=True)
    if ("table" in source.options) == ("query" in source.options):
        raise InputFault(place, "it needs one of the options `table` and `query`", "Write sqlite:///ward.db#table")
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(_sqlite_file(url.database, place, settings)))
    try:
        engine = sa.create_engine(url)
    except (ModuleNotFoundError, sa.exc.NoSuchModuleError):
        raise InputFault(
            place,
            f"no driver for {url.drivername} is installed",
            "Install it beside wardround (postgres: wardround[postgres])",
        ) from None
    try:
        with engine.connect() as connection:
            return _rows(connection, _statement(connection, source, place))
    except sa.exc.SQLAlchemyError as error:
        if isinstance(error, sa.exc.OperationalError) and url.get_backend_name() != "sqlite":
            raise ServiceFailed(
                f"the database {place}", f"no answer ({type(error).__name__})", "Check its address, user and password"
            ) from None
        raise InputFault(
            place,
            f"the database did not take the query ({type(error).__name__})",
            "Try it in the database's own client",
        ) from None
    finally:
        engine.dispose()


def _sqlite_file(database: str | None, place: str, settings: "Settings") -> Path:
    if database in (None, "", ":memory:"):
        raise InputFault(place, "a database in memory has no rows to read", "Name a file: sqlite:///ward.db#table")
    path = locate(str(database), settings)
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise InputFault(place, "the file is not a SQLite database, or is damaged", "Check the path")
    return path


def _statement(connection: "Connection", source: Source, place: str) -> "TextClause":
    import sqlalchemy as sa

    if "query" in source.options:
        return sa.text(str(source.options["query"]))
    schema, _, table = str(source.options["table"]).rpartition(".")
    inspector = sa.inspect(connection)
    names = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if table not in names:
        there = ", ".join(repr(name) for name in sorted(names)[:8]) or "none"
        raise InputFault(place, f"there is no table {table!r} (tables: {there})", "Check the name after #")
    quote = connection.dialect.identifier_preparer.quote
    return sa.text(f"SELECT * FROM {quote(schema) + '.' if schema else ''}{quote(table)}")


def _rows(connection: "Connection", statement: "TextClause") -> "pd.DataFrame":
    import pandas as pd

    result = connection.execution_options(stream_results=True).execute(statement)
    header = list(result.keys())
    chunks = [pd.DataFrame(columns=range(len(header)), dtype=object)]
    while rows := result.fetchmany(_CHUNK):
        chunks.append(_tight(pd.DataFrame([tuple(row) for row in rows], columns=range(len(header)), dtype=object)))
    frame: pd.DataFrame = pd.concat(chunks[1:], ignore_index=True) if len(chunks) > 1 else chunks[0]
    frame.columns = named(header)
    return frame


def _tight(chunk: "pd.DataFrame") -> "pd.DataFrame":
    """Give text columns their compact type; everything else stays the object that the database gave."""
    import pandas as pd

    def tight(column: Any) -> Any:
        return column.astype("str") if pd.api.types.infer_dtype(column, skipna=True) == "string" else column

    tightened: pd.DataFrame = chunk.apply(tight)
    return tightened
