"""What a log remembers of what it forgot: salted hashes, so that nothing of it comes back. Rewrites no file.

Whoever has the log and guesses a workspace's name can check the guess against its salt; nobody can read a name off it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.store.archived import archive_of, show_whole, whole_tables
from bizq_lab.store.connection import connect
from bizq_lab.store.outcomes import KEPT_SAMPLE
from bizq_lab.store.staging import Batch
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

# Every table that says whose its rows are, and by what.
FORGETTING = {
    **dict.fromkeys(("decision", "task_outcome", KEPT_SAMPLE), "workspace"),
    **dict.fromkeys(
        ("attempt", "attempt_started", "evaluation", "feedback", "human_task", "late_decision", "outcome"), "decision"
    ),
}
_PATIENCE_S = 5.0
_QUOTED = re.compile(r"[\"'].*", re.DOTALL)


def forgotten(table: str, tombs: str = "") -> str:
    """A condition with the parameter `$salt`: a row of this table is of what was forgotten.

    Args:
        table: A key of `FORGETTING`.
        tombs: Where the tombstones lie, such as `earlier.`.
    """
    return statement(f"forgotten_by_{FORGETTING[table]}", tombs=tombs)


def salt_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The log's salt, None where nothing was ever forgotten."""
    rows = connection.execute("SELECT salt FROM forgetting_salt").fetchall()
    return str(rows[0][0]) if rows else None


def is_forgotten(connection: duckdb.DuckDBPyConnection, workspace_id: str) -> bool:
    """Whether this workspace was forgotten."""
    salt = salt_of(connection)
    params = {"salt": salt, "workspace_id": workspace_id}
    return salt is not None and bool(connection.execute(statement("is_forgotten"), params).fetchall()[0][0])


def lay_tombstone(path: Path, workspace_id: str, now_us: int) -> str:
    """Remember, in one transaction, that a workspace is forgotten, and which decisions were its own; returns the salt.

    The caller holds every lock and has collected. A second time adds what is new since the first.
    """
    with connect(path, read_only=False, patience_s=_PATIENCE_S) as connection:
        place = archive_of(connection, path)
        if place is not None:
            show_whole(connection, whole_tables(connection, place, "decision task_outcome"))
        connection.execute("BEGIN")
        salt = salt_of(connection)
        if salt is None:
            salt = secrets.token_hex(16)
            connection.execute("INSERT INTO forgetting_salt VALUES ($salt)", {"salt": salt})
        params = {"salt": salt, "workspace_id": workspace_id, "now_us": now_us}
        run_each(connection, statement("lay_tombstone"), params)
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
    return salt


def drop_forgotten(batch: Batch) -> None:
    """Take what was forgotten out of the staged rows; of refused lines, whose owner nobody knows, the place remains.

    Inside the transaction that collects. Costs one look at an empty table where nothing was ever forgotten.
    """
    connection = batch.staging.connection
    salt = salt_of(connection)
    if salt is None:
        return
    if "decision" in batch.kinds:
        _remember(connection, salt)
    for kind in batch.kinds.keys() & FORGETTING.keys():
        query = statement("forgotten_staged", kind=kind, forgotten=forgotten(kind))
        rows = [row for (row,) in connection.execute(query, {"salt": salt}).fetchall()]
        for row in rows:
            batch.forget(batch.kinds[kind][row])
        batch.staging.drop(kind, rows)
    batch.refused = [line._replace(line=b"", reason=_QUOTED.sub("", line.reason)) for line in batch.refused]


def _remember(connection: duckdb.DuckDBPyConnection, salt: str) -> None:
    """Note new decisions of forgotten workspaces, and take out what came before them."""
    run_each(connection, statement("forget_staged", forgotten=forgotten("decision")), {"salt": salt})
    if connection.execute("SELECT count(*) FROM forgotten_now").fetchall()[0][0]:
        for table in FORGETTING:
            connection.execute(statement("forget_early", table=table))


def run_each(connection: duckdb.DuckDBPyConnection, text: str, params: Mapping[str, Any]) -> None:
    """Run several statements, each with those parameters that it names."""
    for each in connection.extract_statements(text):
        connection.execute(each, {name: params[name] for name in each.named_parameters})
