"""Keeps `task_outcome`, and the sample of it, equal to what the events say, batch by batch. Knows no journal.

A batch touches the decisions that its decisions, outcomes and feedback name. Rows of decisions that are new to the log
are computed from the batch alone, before any lock is taken; those of which it knows something already are computed anew
from all their events. It is the same text that rebuilds the whole table, so the order in which events arrive cannot
matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

TOUCHING = frozenset({"decision", "outcome", "feedback"})
# The view, and the table that holds its rows as far as `task_outcome` holds all of its own.
SAMPLE, KEPT_SAMPLE = "task_outcome_sample", "sampled_outcome"


def start_touched(connection: duckdb.DuckDBPyConnection) -> None:
    """Begin to note which decisions a batch touches."""
    connection.execute("CREATE OR REPLACE TEMP TABLE touched (decision_id VARCHAR NOT NULL)")


def outcome_rows(into: str) -> str:
    """The statement that inserts the rows of the touched decisions into a table of the form of `task_outcome`."""
    rows = statement("task_outcome").replace("__events__", "")
    return f"INSERT INTO {into} BY NAME\n{rows}\nORDER BY decided_at_us, decision_id"


def tell_staged(connection: duckdb.DuckDBPyConnection) -> None:
    """Note the decisions that the staged rows name, and compute their rows as if the log knew nothing of them."""
    start_touched(connection)
    connection.execute(statement("touch"))
    rows = statement("task_outcome").replace("__events__", "staged_")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE staged_task_outcome AS\n{rows}")


def part_known(connection: duckdb.DuckDBPyConnection) -> int:
    """Set the touched decisions apart that the log knows; returns how many.

    To be called before the staged rows are in their tables.
    """
    connection.execute(statement("known"))
    ((known,),) = connection.execute("SELECT count(*) FROM known").fetchall()
    return int(known)


def keep_task_outcome(connection: duckdb.DuckDBPyConnection, *, known: int) -> None:
    """Give the touched decisions their rows, once the staged rows are in their tables."""
    connection.execute(statement("add_outcomes", rows="staged_task_outcome SEMI JOIN touched USING (decision_id)"))
    _note_late(connection)
    if known:
        connection.execute("CREATE OR REPLACE TEMP TABLE touched AS FROM known")
        connection.execute(statement("drop_outcomes"))
        connection.execute("CREATE OR REPLACE TEMP TABLE told_again AS FROM task_outcome LIMIT 0")
        connection.execute(outcome_rows("told_again"))
        connection.execute(statement("add_outcomes", rows="told_again"))
        _note_late(connection)
    connection.execute("DROP TABLE touched")


def rebuild_task_outcome(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the whole table anew from the events, and its sample, in one transaction."""
    connection.execute("BEGIN")
    start_touched(connection)
    connection.execute("INSERT INTO touched SELECT DISTINCT decision_id FROM decision WHERE decision_id IS NOT NULL")
    connection.execute(statement("drop_outcomes"))
    connection.execute(outcome_rows("task_outcome"))
    connection.execute(statement("sample_again"))
    _note_late(connection)
    connection.execute("COMMIT")


def _note_late(connection: duckdb.DuckDBPyConnection) -> None:
    """Note the touched decisions of which the archive may hold a part; their rows are told anew when they are read."""
    if connection.execute("SELECT count(*) FROM archive_place").fetchall()[0][0]:
        connection.execute(statement("late"))
