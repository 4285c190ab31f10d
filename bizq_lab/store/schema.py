"""What a log file must look like inside: which steps it has seen, and bringing it up to date. Knows no journal.

A file is ours when it has the table of migrations. A newer one is refused, an older one is copied beside itself before
it is touched, and all missing steps run in one transaction.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.errors import ForeignFile, SchemaMismatch
from bizq_lab.store.connection import check_magic, connect
from bizq_lab.store.migrations import SCHEMA_VERSION, Migration, migrations
from bizq_lab.store.views import views, views_digest

if TYPE_CHECKING:
    import duckdb


def file_version(path: Path, *, patience_s: float, steps: Sequence[Migration] | None = None) -> int:
    """The schema version of an existing file, after refusing what is not ours.

    Raises:
        ForeignFile: Not a DuckDB file, or a DuckDB file without our tables.
        SchemaMismatch: A newer release wrote it.
        LogLocked: Another program holds it.
    """
    return _look(path, patience_s, tuple(steps if steps is not None else migrations()))[0]


def _look(path: Path, patience_s: float, steps: Sequence[Migration]) -> tuple[int, bool]:
    """The version of an existing file, and whether it has this release's views."""
    check_magic(path)
    with connect(path, read_only=True, patience_s=patience_s) as connection:
        version = _version(connection)
        current = version > 0 and _views_are_current(connection)
    if version == 0:
        message = f"{path} is a DuckDB file, but not a bizq_lab log"
        raise ForeignFile(message, hint="name another file; this one was left as it is")
    newest = steps[-1].version
    if version > newest:
        message = f"{path} has schema version {version}; this release knows versions up to {newest}"
        raise SchemaMismatch(message, hint="upgrade bizq_lab, or open another log")
    return version, current


def prepare(
    path: Path, *, now_us: Callable[[], int], patience_s: float, steps: Sequence[Migration] | None = None
) -> None:
    """Make the file if need be, bring it to the newest schema, give it this release's views.

    The caller holds the collect lock alone.

    Args:
        path: The DuckDB file.
        now_us: UTC microseconds since the epoch, asked only when a step is applied.
        patience_s: How long to wait for another program to let go.
        steps: The migrations; by default those of this release.

    Raises:
        ForeignFile: The file is not ours.
        SchemaMismatch: A newer release wrote it.
        LogLocked: Another program holds it.
    """
    known = tuple(steps if steps is not None else migrations())
    exists = path.exists()
    version, current = _look(path, patience_s, known) if exists else (0, False)
    todo = [step for step in known if step.version > version]
    if not todo and current:
        return
    if exists:
        if todo:
            _back_up(path, version)
        with connect(path, read_only=False, patience_s=patience_s) as connection:
            _apply(connection, todo, now_us())
        return
    # A new file appears whole or not at all: a process killed half-way leaves no log that nobody can open.
    path.parent.mkdir(parents=True, exist_ok=True)
    unborn = path.with_name(f".{path.name}.{os.getpid()}.unborn")
    _remove(unborn)
    try:
        _make(unborn, todo, now_us())
        unborn.replace(path)
    finally:
        _remove(unborn)


def _make(path: Path, steps: Sequence[Migration], now_us: int) -> None:
    """A whole new file."""
    with connect(path, read_only=False, patience_s=0) as connection:
        _apply(connection, steps, now_us)
        # Closing would leave on a full disk what it could not move out of the write-ahead log, and say nothing.
        connection.execute("CHECKPOINT")


def refresh_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Install this release's views unless they are there already; inside the caller's transaction."""
    if _views_are_current(connection):
        return
    for view in views():
        connection.execute(view.sql)
    connection.execute("DELETE FROM schema_view")
    connection.execute("INSERT INTO schema_view VALUES ($digest)", {"digest": views_digest()})


def _views_are_current(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute("SELECT digest FROM schema_view").fetchall() == [(views_digest(),)]


def _apply(connection: duckdb.DuckDBPyConnection, todo: Sequence[Migration], now_us: int) -> None:
    connection.execute("BEGIN")
    for step in todo:
        connection.execute(step.sql)
        connection.execute(
            "INSERT INTO schema_migration VALUES ($version, $name, $now_us)",
            {"version": step.version, "name": step.name, "now_us": now_us},
        )
    if _version(connection) >= SCHEMA_VERSION:  # they name columns that no older schema has
        refresh_views(connection)
    connection.execute("COMMIT")


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    """The last step applied; 0 when this is no log."""
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    try:
        rows = connection.execute("SELECT coalesce(max(version), 0) FROM schema_migration").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):  # no such table, or somebody else's of that name
        return 0
    return int(rows[0][0])


def _remove(path: Path) -> None:
    """Remove a DuckDB file of ours that never became a log, and its write-ahead log."""
    for suffix in ("", ".wal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _back_up(path: Path, version: int) -> None:
    """Copy the file, and the write-ahead log that belongs to it, before it is changed."""
    for suffix in ("", ".wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copy2(source, path.with_name(f"{path.name}.v{version}.backup{suffix}"))
