"""Asking an open connection: named queries in plain Python values, and the analyst's one SELECT. Opens nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import InputError
from bizq_lab.store.archived import Place, archive_of, literal
from bizq_lab.store.queries import fitted, named_query
from bizq_lab.store.shelf import Shelf

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    from numpy.typing import NDArray

Columns = dict[str, "NDArray[Any]"]
COLUMN_TYPES = {"BIGINT": "int64", "DOUBLE": "float64", "VARCHAR": "object"}
# A question shares its machine with what it is about. Ten million rows fit, in at most 300 MB for the whole process.
MEMORY = "128MB"
# By text, for any connection. Parsing takes a millisecond; the texts are no more than the queries and their tags give.
_parsed: dict[str, duckdb.Statement] = {}


def run_query(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a named query; whole numbers come back exact, JSON decoded.

    Raises:
        InputError: No such query, or the parameters are not the ones it names.
    """
    shape = ask(connection, name, params)
    return plain_rows(shape, connection.fetchall())


def run_columns(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, Any]) -> Columns:
    """Run a named query whose answer is long; see `Log.columns`.

    Raises:
        InputError: No such query, the parameters are not the ones it names, or its columns are of other types.
    """
    import numpy as np  # noqa: PLC0415 - who only writes never loads it

    refuse_untyped(name, ask(connection, name, params))
    found = cast("Columns", connection.fetchnumpy())
    return {
        column: np.where(values.mask, np.array(None), values.data) if isinstance(values, np.ma.MaskedArray) else values
        for column, values in found.items()
    }


def refuse_untyped(name: str, shape: Mapping[str, str]) -> None:
    """Refuse an answer that has no exact columns.

    Raises:
        InputError: A column is not among `COLUMN_TYPES`.
    """
    if other := {column: kind for column, kind in shape.items() if kind not in COLUMN_TYPES}:
        message = f"query {name!r} has columns of {other}, which are not exact as arrays"
        raise InputError(message, hint="ask it by rows: log.query()")


def ask(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, Any]) -> dict[str, str]:
    """Ask a named query; returns the type of each column of the answer, whose rows wait to be fetched.

    Raises:
        InputError: No such query, or the parameters are not the ones it names.
    """
    text, done = fitted(named_query(name), params)
    if (statement := _parsed.get(text)) is None:
        (statement,) = connection.extract_statements(text)
        _parsed[text] = statement
    bound = set(statement.named_parameters)
    wanted = bound | done
    if wanted != params.keys():
        missing, extra = sorted(wanted - params.keys()), sorted(params.keys() - wanted)
        message = f"query {name!r} takes {sorted(wanted)}; missing {missing}, unknown {extra}"
        raise InputError(message, hint=f"see the header of store/queries/{name}.sql")
    _execute(connection, statement, {key: params[key] for key in bound} or None)
    return {column[0]: str(column[1]) for column in connection.description}


def plain_rows(shape: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """One dict a row, JSON decoded."""
    documents = {index for index, kind in enumerate(shape.values()) if kind == "JSON"}
    if documents:
        rows = [tuple(_decoded(v) if i in documents else v for i, v in enumerate(row)) for row in rows]
    return [dict(zip(shape, row, strict=True)) for row in rows]


def allow_archive(connection: duckdb.DuckDBPyConnection, place: Place | None) -> Place | None:
    """Keep the archive readable on a connection about to be locked down; None where it lies on another machine."""
    if place is None or not (shelf := Shelf(place.url)).is_local:
        return None
    connection.execute(f"SET allowed_directories = [{literal(shelf.root)}]")
    return place


def _execute(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, params: dict[str, Any] | None) -> None:
    """Within a small memory; what does not fit there, and cannot be spilled, is asked again without the limit."""
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    connection.execute(f"SET memory_limit = '{MEMORY}'")
    try:
        connection.execute(statement, params)
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        connection.execute("RESET memory_limit")
        connection.execute(statement, params)


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection what an analyst's own text must not do: other files, network, Python, settings."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


def caveats_of(connection: duckdb.DuckDBPyConnection, log: Path) -> tuple[Caveat, ...]:
    """What a reader of an answer on a locked-down connection must know."""
    place = archive_of(connection, log)
    if place is None or Shelf(place.url).is_local:
        return ()
    text = f"rows archived to {place.url} are not part of this answer; ask a question of the lab instead"
    return (Caveat(code="archive_not_read", message=text),)


def run_select(connection: duckdb.DuckDBPyConnection, text: str) -> pd.DataFrame:
    """Run one SELECT or EXPLAIN, as DuckDB's own parser sees it.

    Raises:
        InputError: It is something else, more than one statement, or not SQL.
    """
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    statements = connection.extract_statements(text)
    if len(statements) != 1:
        message = f"{len(statements)} statements given, must be exactly one"
        raise InputError(message, hint="ask one SELECT at a time")
    if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        message = f"a {statements[0].type.name} statement is refused; only SELECT and EXPLAIN may be asked"
        raise InputError(message, hint="the log is append-only: events enter through bizq_lab, never through SQL")
    return connection.execute(statements[0]).df()


def _decoded(value: str | None) -> Any:
    return None if value is None else json.loads(value)
