"""Moves whole days out of the DuckDB file into Parquet, partitioned as Hive does. Asks nothing.

Files are written, read back and compared; then one DuckDB transaction removes the rows and notes the files. Killed
before it, the log has lost nothing; killed after it, the next run finishes. A day that gets news is written anew,
whole, and its old file goes last. Outcomes and ratings move once their decision has, never before it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError, LogError
from bizq_lab.store.archive_files import PATIENCE_S, finish, note, put_file, staging
from bizq_lab.store.archived import (
    IDS,
    OUTCOMES,
    TIMES,
    ArchivedFile,
    Place,
    archive_of,
    archived_files,
    literal,
    literals,
    live_tables,
    show_whole,
    whole_tables,
)
from bizq_lab.store.connection import connect
from bizq_lab.store.manifest import read_manifest
from bizq_lab.store.outcomes import KEPT_SAMPLE
from bizq_lab.store.rewrite import rewrite_file
from bizq_lab.store.shelf import Shelf
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

# They stay as long as their decision does.
_FOLLOWERS = frozenset({"outcome", "feedback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What an archiving did.

    Attributes:
        url: Where the archive lies.
        before: Rows of earlier days (UTC) are in the archive now.
        moved: Rows that left the DuckDB file, by table.
        files: Files that the archive holds now.
        written: Files written by this run.
        replaced: Files whose day was written anew.
    """

    url: str
    before: date
    moved: dict[str, int]
    files: int
    written: int
    replaced: int


def archive_rows(log: Path, *, before: date, url: str | None, now_us: Callable[[], int]) -> ArchiveReport:
    """Move everything before a day; the caller holds every lock and has collected.

    Raises:
        InputError: The log has its archive elsewhere, or the folder is another log's.
        LogLocked: Another program holds the DuckDB file.
        LogError: What was written is not what was read back; nothing was removed.
    """
    before_us = int(datetime(before.year, before.month, before.day, tzinfo=UTC).timestamp()) * 1_000_000
    with (
        connect(log, read_only=False, patience_s=PATIENCE_S) as connection,
        staging(log) as folder,
    ):
        place = _place(connection, log, url, before_us)
        shelf = Shelf(place.url)
        _refuse_foreign(shelf, place)
        known = archived_files(connection)
        if known:
            show_whole(connection, whole_tables(connection, place, " ".join(TIMES)))
        connection.execute(statement("archive_staying"), {"before_us": place.before_us})
        staged = [file for table in TIMES for file in _stage(connection, table, place.before_us, folder, shelf)]
        days = {(file.table_name, file.day) for file in staged}
        replaced = [file for file in known if (file.table_name, file.day) in days]
        moved = _commit(connection, place, _stored_url(place.url, log), staged, replaced)
    finish(log, place)
    if any(moved.values()):
        rewrite_file(log, {}, {}, now_us=now_us)  # DuckDB would keep the room that the rows took
    return ArchiveReport(
        url=shelf.root, before=before, moved=moved, files=len(known) - len(replaced) + len(staged),
        written=len(staged), replaced=len(replaced),
    )  # fmt: skip


def _place(connection: duckdb.DuckDBPyConnection, log: Path, url: str | None, before_us: int) -> Place:
    known = archive_of(connection, log)
    wanted = url if url is None or "://" in url else str(Path(url).absolute())
    if known is None:
        return Place(uuid.uuid4().hex, wanted or str(log.with_name(f"{log.name}.archive")), before_us)
    if wanted is not None and Shelf(wanted).root != Shelf(known.url).root:
        message = f"{log} has its archive at {known.url}, not at {wanted}"
        raise InputError(message, hint="leave the place out; a log has one archive")
    return known._replace(before_us=max(before_us, known.before_us))


def _stored_url(url: str, log: Path) -> str:
    """Relative to the log where the archive lies beside it, so that both can move together."""
    if "://" in url or not Path(url).is_relative_to(log.parent):
        return url
    return str(Path(url).relative_to(log.parent))


def _refuse_foreign(shelf: Shelf, place: Place) -> None:
    manifest = read_manifest(shelf)
    if manifest is not None and manifest["archive_id"] != place.archive_id:
        raise InputError(f"{shelf.root} is the archive of another log", hint="name a folder of its own")


def _stage(
    connection: duckdb.DuckDBPyConnection, table: str, before_us: int, folder: Path, shelf: Shelf
) -> list[ArchivedFile]:
    """Write the days of one table that have something to move, put them on the shelf, and compare what is there."""
    fields = {
        "time": TIMES[table], "id": IDS[table], "before_us": str(before_us),
        "source": table, "leaving": _leaving(table),
    }  # fmt: skip
    days = _days(connection, table, fields)
    if not days:
        return []
    place = folder / table
    fields |= {
        "days": f"({', '.join(map(literal, days))})", "batch": uuid.uuid4().hex, "folder": str(place).replace("'", "''")
    }  # fmt: skip
    connection.execute(statement("archive_write", **fields))
    paths = sorted(place.rglob("*.parquet"))
    written = f"read_parquet({literals(list(map(str, paths)))}, hive_partitioning = false)"
    expected = connection.execute(statement("archive_check", **fields)).fetchall()
    found = connection.execute(statement("archive_check", **{**fields, "source": written, "leaving": ""})).fetchall()
    if found != expected:
        raise LogError(f"{table}: what was written is not what was read back", hint="nothing was removed; try again")
    return [
        put_file(
            connection, shelf, table=table, day=path.parent.name.removeprefix("day="), path=path,
            name=path.relative_to(folder).as_posix(),
        )
        for path in paths
    ]  # fmt: skip


def _days(connection: duckdb.DuckDBPyConnection, table: str, fields: Mapping[str, str]) -> list[str]:
    """Days with live rows to move, and for outcomes those computed anew."""
    sources = [live_tables(connection)[table]]
    if table == OUTCOMES and any(file.table_name == OUTCOMES for file in archived_files(connection)):
        sources.append("late_outcome")
    texts = [statement("archive_days", **{**fields, "source": source}) for source in sources]
    return sorted({row[0] for text in texts for row in connection.execute(text).fetchall()})


def _commit(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    stored_url: str,
    staged: Sequence[ArchivedFile],
    replaced: Sequence[ArchivedFile],
) -> dict[str, int]:
    """From here on the rows are in the archive: one transaction."""
    for table in TIMES:
        connection.execute(f"DROP VIEW IF EXISTS temp.{table}")
    connection.execute("BEGIN")
    moved = {}
    for table, time in TIMES.items():
        fields = {"table": table, "time": time, "before_us": str(place.before_us), "leaving": _leaving(table)}
        moved[table] = connection.execute(statement("archive_remove", **fields)).fetchall()[0][0]
        if table == OUTCOMES:
            connection.execute(statement("archive_remove", **{**fields, "table": KEPT_SAMPLE}))
    connection.execute("DELETE FROM archive_place")
    row = {"archive_id": place.archive_id, "url": stored_url, "before_us": place.before_us}
    connection.execute("INSERT INTO archive_place VALUES ($archive_id, $url, $before_us)", row)
    note(connection, staged, replaced)
    connection.execute("DELETE FROM late_decision")
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT")
    return moved


def _leaving(table: str) -> str:
    """A condition: the decision of this row leaves, or has left."""
    return statement("archive_leaving") if table in _FOLLOWERS else ""
