"""A workspace taken out of a log, file by file, so that none of its rows and bytes stay. Knows no lock.

The tombstone is first: from then on nothing of the workspace is collected. Each step after it finds out for itself what
is left to do, so that a run that was killed is finished by running it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bizq_lab.errors import ForeignFile, LogError
from bizq_lab.store.archive_rewrite import rewrite_archive
from bizq_lab.store.archived import archive_of, literal, live_tables, whole_tables
from bizq_lab.store.connection import connect
from bizq_lab.store.leftovers import remove_spilled, remove_unborn
from bizq_lab.store.rewrite import backups_of, blank_segments, rewrite_file
from bizq_lab.store.snapshot import snapshot_path
from bizq_lab.store.statements import statement
from bizq_lab.store.tombstone import FORGETTING, forgotten, lay_tombstone

_PATIENCE_S = 5.0


def forget_workspace(path: Path, folder: Path, workspace_id: str, *, now_us: Callable[[], int]) -> None:
    """Take a workspace out of the file, its archive, snapshot, segments and backups. The caller holds every lock.

    Args:
        path: The DuckDB file; everything has been collected into it.
        folder: The journal folder.
        workspace_id: Whose rows go.
        now_us: UTC microseconds since the epoch.

    Raises:
        LogError: A file cannot be written anew, or still has rows of the workspace.
    """
    salt = lay_tombstone(path, workspace_id, now_us())
    changed = {table: statement("forget_rows", table=table, forgotten=forgotten(table, "earlier."))
               for table in FORGETTING}  # fmt: skip
    changed["quarantine"] = statement("purge_quarantine")
    rewrite_archive(path, changed, {"salt": salt})
    rewrite_file(path, changed, {"salt": salt}, now_us=now_us)
    blank_segments(path, folder)
    for backup in _whole_backups(path):
        _rewrite_backup(backup, path, salt)
    remove_unborn(path)
    remove_spilled(path)
    _check(path, salt)


def _whole_backups(path: Path) -> list[Path]:
    """Backups, each with what its write-ahead log had; one that is no log helps nobody and goes."""
    found = []
    for backup in backups_of(path):
        if backup.suffix == ".wal":
            continue
        try:
            with connect(backup, read_only=False, patience_s=_PATIENCE_S) as connection:
                connection.execute("CHECKPOINT")
            found.append(backup)
        except ForeignFile:
            backup.unlink()
            backup.with_name(f"{backup.name}.wal").unlink(missing_ok=True)
    return found


def _rewrite_backup(backup: Path, path: Path, salt: str) -> None:
    """Write a copy that a migration made anew, in its own older schema."""
    unborn = backup.with_name(f".{backup.name}.{os.getpid()}.unborn")
    unborn.unlink(missing_ok=True)
    try:
        with connect(unborn, read_only=False, patience_s=_PATIENCE_S) as connection:
            connection.execute(statement("attach_earlier").replace("__file__", str(backup).replace("'", "''")))
            ((database,),) = connection.execute("SELECT current_database()").fetchall()
            connection.execute(statement("copy_schema", database=database))
            connection.execute(f"ATTACH {literal(str(path))} AS tombs (READ_ONLY)")
            for (table,) in connection.execute(statement("tables")).fetchall():
                rows = "FROM earlier.__table__"
                if table in FORGETTING:
                    rows = statement("forget_rows", forgotten=forgotten(table, "tombs."))
                if table == "quarantine":
                    rows = statement("purge_quarantine")
                text = statement("rewrite", rows=rows).replace("__table__", table)
                connection.execute(text, {"salt": salt} if "$salt" in text else None)
            connection.execute("DETACH earlier")
            connection.execute("DETACH tombs")
            connection.execute("CHECKPOINT")
        unborn.replace(backup)
    finally:
        unborn.unlink(missing_ok=True)
        unborn.with_name(f"{unborn.name}.wal").unlink(missing_ok=True)


def _check(path: Path, salt: str) -> None:
    """Refuse to call it done while any file has a row of what was forgotten."""
    for file in filter(Path.exists, [path, snapshot_path(path), *backups_of(path)]):
        for table, rows in _left(file, path, salt):
            if rows:
                message = f"{file}: {rows} rows of {table} are still of a forgotten workspace"
                raise LogError(message, hint="run it again; if it stays, move the file away")


def _left(file: Path, log: Path, salt: str) -> Iterator[tuple[str, int]]:
    """How many rows of what was forgotten each table of a file, and of the log's archive, still has."""
    with connect(file, read_only=True, patience_s=_PATIENCE_S) as connection:
        tombs = ""
        if file != log:
            connection.execute(f"ATTACH {literal(str(log))} AS tombs (READ_ONLY)")
            tombs = "tombs."
        present = {table for (table,) in connection.execute(statement("tables")).fetchall()}
        place = archive_of(connection, log) if file == log else None
        whole = whole_tables(connection, place, " ".join(FORGETTING)) if place else {}
        sources = {**live_tables(connection), **whole}
        for table in sorted(FORGETTING.keys() & present):
            query = statement("forgotten_left", source=sources[table], forgotten=forgotten(table, tombs))
            yield table, connection.execute(query, {"salt": salt}).fetchall()[0][0]
