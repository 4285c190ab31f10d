"""Asking an open connection: named queries in plain Python values, and the analyst's one SELECT. Opens nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bizq_lab.errors import InputError
from bizq_lab.store.queries import named_query

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# What DuckDB may do for an analyst's own text: read this file. No other file, no network, no settings.
LOCKED_DOWN = {"enable_external_access": "false"}


def run_query(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a named query; whole numbers come back exact, JSON decoded.

    Raises:
        InputError: No such query, or the parameters are not the ones it names.
    """
    text = named_query(name)
    wanted = set(connection.extract_statements(text)[0].named_parameters)
    if wanted != params.keys():
        missing, extra = sorted(wanted - params.keys()), sorted(params.keys() - wanted)
        message = f"query {name!r} takes {sorted(wanted)}; missing {missing}, unknown {extra}"
        raise InputError(message, hint=f"see the header of store/queries/{name}.sql")
    connection.execute(text, dict(params) or None)
    columns = [(column[0], str(column[1])) for column in connection.description]
    documents = {index for index, (_, kind) in enumerate(columns) if kind == "JSON"}
    names = [column for column, _ in columns]
    rows = connection.fetchall()
    if documents:
        rows = [tuple(_decoded(v) if i in documents else v for i, v in enumerate(row)) for row in rows]
    return [dict(zip(names, row, strict=True)) for row in rows]


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection opened with `LOCKED_DOWN` what is left: Python's variables, and changing any setting."""
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


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
