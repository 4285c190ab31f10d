"""Reading live and archived rows as one: what stands for a table in a question. Moves nothing.

A temporary view under the table's own name hides it, and a view of the schema that names `task_outcome` sees the
temporary one too. Only the tables that a text names are set up: a year's files take a while to open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.events import EVENTS
from bizq_lab.store.migrations import SCHEMA_VERSION
from bizq_lab.store.outcomes import KEPT_SAMPLE, outcome_rows
from bizq_lab.store.shelf import Shelf
from bizq_lab.store.statements import statement
from bizq_lab.store.views import views

if TYPE_CHECKING:
    import duckdb

OUTCOMES = "task_outcome"
TIMES = {**dict.fromkeys(EVENTS, "recorded_at_us"), OUTCOMES: "decided_at_us"}
IDS = {**dict.fromkeys(EVENTS, "event_id"), OUTCOMES: "decision_id"}
# What an outcome is computed from.
_OUTCOME_READS = ("decision", "feedback", "outcome")
# Tables that are never archived, and asked for beside those that are.
_BESIDE = ("late_decision", "forgotten_decision", "forgotten_workspace", KEPT_SAMPLE)


class Place(NamedTuple):
    """Where a log's archive is, and how far it reaches."""

    archive_id: str
    url: str
    before_us: int


class ArchivedFile(NamedTuple):
    """One Parquet file: a day of a table, its path below the archive's root, and what it must hold."""

    table_name: str
    day: str
    path: str
    row_count: int
    bytes: int
    sha256: str
    schema_version: int


def archive_of(connection: duckdb.DuckDBPyConnection, log: Path) -> Place | None:
    """The log's archive, None when nothing was ever archived."""
    rows = connection.execute("SELECT archive_id, url, before_us FROM archive_place").fetchall()
    return Place(rows[0][0], absolute_url(rows[0][1], log), rows[0][2]) if rows else None


def archived_files(connection: duckdb.DuckDBPyConnection) -> list[ArchivedFile]:
    """All files of the archive, by table and day."""
    rows = connection.execute("SELECT * FROM archived_file ORDER BY ALL").fetchall()
    return [ArchivedFile(*row) for row in rows]


def absolute_url(url: str, log: Path) -> str:
    """A place as it is stored, as a URL or an absolute path."""
    return url if "://" in url or url.startswith("/") else str(log.parent / url)


def live_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By table, its rows in the DuckDB file, whatever temporary view hides it."""
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    quoted = database.replace('"', '""')
    return {table: f'"{quoted}".main.{table}' for table in (*TIMES, *_BESIDE)}


def whole_tables(connection: duckdb.DuckDBPyConnection, place: Place, text: str) -> dict[str, str]:
    """By table that a text names, itself or by a view, all its rows: a SELECT over the file and the archive.

    Args:
        connection: To the log's file; its own tables are not changed.
        place: The log's archive.
        text: The question, or any text that names tables.
    """
    shelf = Shelf(place.url)
    shelf.register(connection)
    live = live_tables(connection)
    files: dict[str, list[ArchivedFile]] = {}
    for file in archived_files(connection):
        files.setdefault(file.table_name, []).append(file)
    named = tables_named(text)
    found = {
        table: _events(connection, live[table], place, shelf, files[table])
        for table in named
        if table in files and table != OUTCOMES
    }
    if OUTCOMES in named and OUTCOMES in files:
        found[OUTCOMES] = _outcomes(connection, live, place, shelf, files)
    return found


def show_whole(connection: duckdb.DuckDBPyConnection, whole: Mapping[str, str]) -> None:
    """Let these tables show all their rows to whatever is asked next."""
    for table, source in whole.items():
        connection.execute(statement("show", table=table, source=source))


def tables_named(text: str) -> list[str]:
    """The archivable tables that a text may read, itself or by a view."""
    lowered = text.lower()
    while True:
        seen = [view.sql.lower() for view in views() if view.name in lowered and view.sql.lower() not in lowered]
        if not seen:
            return sorted(table for table in TIMES if table in lowered)
        lowered = "\n".join([lowered, *seen])


def literal(text: str) -> str:
    """A text inside SQL, for the places where DuckDB takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Sequence[str]) -> str:
    """Several of them, as a list."""
    return f"[{', '.join(map(literal, texts))}]"


def _events(
    connection: duckdb.DuckDBPyConnection, live: str, place: Place, shelf: Shelf, files: Sequence[ArchivedFile]
) -> str:
    """One kind of event; what was collected again after its archiving counts once."""
    again = f"SELECT count(*) FROM {live} WHERE recorded_at_us < $before_us"  # noqa: S608 - our tables
    unless = ""
    if connection.execute(again, {"before_us": place.before_us}).fetchall()[0][0]:
        unless = statement("archived_again", before_us=str(place.before_us))
    return _fill(statement("archived_events", unless=unless), live, shelf, files)


def _outcomes(
    connection: duckdb.DuckDBPyConnection,
    live: Mapping[str, str],
    place: Place,
    shelf: Shelf,
    files: Mapping[str, Sequence[ArchivedFile]],
) -> str:
    """The outcomes; those that have heard news since, or that an older release wrote, are computed from the events."""
    stale = _of_other_columns(connection, live[OUTCOMES], shelf, files[OUTCOMES])
    connection.execute(statement("late_outcome", live=live[OUTCOMES]))
    connection.execute(statement("late_touched", live=live["late_decision"]))
    if stale:
        addresses = literals([shelf.address(file.path) for file in stale])
        connection.execute(statement("stale_touched", files=addresses))
    if connection.execute(statement("recomputed")).fetchall()[0][0]:
        events = {kind: _events(connection, live[kind], place, shelf, files[kind])
                  for kind in _OUTCOME_READS if kind in files}  # fmt: skip
        show_whole(connection, events)
        connection.execute(outcome_rows("late_outcome"))
    current = [file for file in files[OUTCOMES] if file not in stale]
    if not current:
        return _fill(statement("recomputed_outcomes"), live[OUTCOMES], shelf, ())
    return _fill(statement("archived_outcomes"), live[OUTCOMES], shelf, current)


def _of_other_columns(
    connection: duckdb.DuckDBPyConnection, live: str, shelf: Shelf, files: Sequence[ArchivedFile]
) -> list[ArchivedFile]:
    """Files that an older release wrote, when outcomes had other columns."""
    columns, other = _column_names(connection, live), set()
    for version, file in {file.schema_version: file for file in files}.items():
        written = f"read_parquet({literals([shelf.address(file.path)])}, hive_partitioning = false)"
        if version != SCHEMA_VERSION and _column_names(connection, written) != columns:
            other.add(version)
    return [file for file in files if file.schema_version in other]


def _column_names(connection: duckdb.DuckDBPyConnection, source: str) -> set[str]:
    rows = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    return {row[0] for row in rows}


def _fill(text: str, live: str, shelf: Shelf, files: Sequence[ArchivedFile]) -> str:
    """A SELECT in brackets."""
    listed = literals([shelf.address(file.path) for file in files])
    mixed = len({file.schema_version for file in files}) > 1
    filled = text.strip().replace("__live__", live).replace("__files__", listed)
    return f"({filled.replace('__mixed__', str(mixed).lower())})"
