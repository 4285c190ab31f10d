"""Keeps `task_outcome` equal to what its events say, batch by batch. Knows no journal.

A batch touches the decisions that its decisions, outcomes and feedback name. Their rows are computed anew from the
events by the same text that rebuilds the whole table, so the order in which events arrive cannot matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

TOUCHING = frozenset({"decision", "outcome", "feedback"})


def start_touched(connection: duckdb.DuckDBPyConnection) -> None:
    """Begin to note which decisions a batch touches."""
    connection.execute("CREATE OR REPLACE TEMP TABLE touched (decision_id VARCHAR NOT NULL)")


def touch_staged(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Note the decisions that the staged rows of a kind name."""
    connection.execute(statement("touch").replace("__kind__", kind))


def refresh_task_outcome(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the touched rows anew."""
    connection.execute("DELETE FROM task_outcome WHERE decision_id IN (SELECT decision_id FROM touched)")
    connection.execute(statement("task_outcome"))
    if connection.execute("SELECT count(*) FROM archive_place").fetchall()[0][0]:
        connection.execute(statement("late"))
    connection.execute("DROP TABLE touched")


def rebuild_task_outcome(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the whole table anew from the events, in one transaction."""
    connection.execute("BEGIN")
    start_touched(connection)
    connection.execute("INSERT INTO touched SELECT DISTINCT decision_id FROM decision WHERE decision_id IS NOT NULL")
    refresh_task_outcome(connection)
    connection.execute("COMMIT")
