"""Puts Parquet files into an archive and takes them out again, so that a death at any moment leaves a whole archive.

Files lie under names that nobody knows until one transaction of the DuckDB file notes them; what no transaction noted,
or a later one dropped, is swept by whoever archives next. Knows no days and no reasons.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.errors import LogError
from bizq_lab.store.archived import TIMES, ArchivedFile, Place, archived_files
from bizq_lab.store.connection import connect
from bizq_lab.store.manifest import write_manifest
from bizq_lab.store.migrations import SCHEMA_VERSION
from bizq_lab.store.shelf import Shelf, file_sha256
from bizq_lab.store.snapshot import refresh_snapshot, snapshot_path
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

PATIENCE_S = 5.0


@contextmanager
def staging(log: Path) -> Iterator[Path]:
    """A folder beside the log for files on their way; what a dead run left there goes first. The caller is alone."""
    folder = log.with_name(f".{log.name}.archiving")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_file(
    connection: duckdb.DuckDBPyConnection, shelf: Shelf, *, table: str, day: str, path: Path, name: str
) -> ArchivedFile:
    """Copy a Parquet file to the archive under this name and read its bytes back.

    Raises:
        LogError: What is there is not what was written.
    """
    expected = file_sha256(path)
    shelf.put(path, name)
    if shelf.sha256(name) != expected:
        message = f"{shelf.address(name)}: what was stored is not what was read back"
        raise LogError(message, hint="nothing was removed from the log; try again")
    rows = connection.execute(statement("parquet_rows"), {"path": str(path)}).fetchall()[0][0]
    return ArchivedFile(table, day, name, rows, path.stat().st_size, expected, SCHEMA_VERSION)


def note(
    connection: duckdb.DuckDBPyConnection, staged: Iterable[ArchivedFile], replaced: Iterable[ArchivedFile]
) -> None:
    """Write down, inside the caller's transaction, which files the archive has now."""
    for file in replaced:
        connection.execute("DELETE FROM archived_file WHERE path = $path", {"path": file.path})
    for file in staged:
        connection.execute("INSERT INTO archived_file VALUES (?, ?, ?, ?, ?, ?, ?)", list(file))


def finish(log: Path, place: Place) -> int:
    """After the transaction: the snapshot and the manifest follow, then files that nobody reads any more go.

    Returns how many were swept.
    """
    if snapshot_path(log).exists():
        refresh_snapshot(log)  # the old copy reads files that are about to go
    with connect(log, read_only=True, patience_s=PATIENCE_S) as connection:
        known = archived_files(connection)
    shelf = Shelf(place.url)
    write_manifest(shelf, place, known)
    lost = {
        name
        for name in shelf.names() - {file.path for file in known}
        if name.partition("/")[0] in TIMES and name.endswith(".parquet")
    }
    shelf.remove(lost)
    return len(lost)
