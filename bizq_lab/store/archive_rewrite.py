"""Archived rows written anew, with some of them, or of their text, left out for good. Knows no reason.

Only files whose rows change are written; the old ones go once the DuckDB file knows the new ones.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.store.archive_files import PATIENCE_S, finish, note, put_file, staging
from bizq_lab.store.archived import archive_of, archived_files, literal, live_tables
from bizq_lab.store.connection import connect
from bizq_lab.store.shelf import Shelf
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb


def rewrite_archive(log: Path, changed: Mapping[str, str], params: Mapping[str, Any]) -> int:
    """Write anew what the archive holds of these tables; the caller holds every lock. Returns the files written.

    Args:
        log: The DuckDB file.
        changed: By table, the SELECT over `earlier.<table>` that gives the new rows; it sees one day at a time of its
            own table, and of the others what the DuckDB file holds.
        params: `$named` parameters of these.

    Raises:
        LogLocked: Another program holds the DuckDB file.
        LogError: The archive cannot be reached, or does not hold what was written; it is as it was.
    """
    with (
        connect(log, read_only=False, patience_s=PATIENCE_S) as connection,
        staging(log) as folder,
    ):
        place = archive_of(connection, log)
        if place is None:
            return 0
        shelf = Shelf(place.url)
        shelf.register(connection)
        connection.execute("ATTACH ':memory:' AS earlier")
        for table, source in live_tables(connection).items():  # what an archived file is told anew by
            connection.execute(statement("earlier_file", table=table, source=source))
        staged, replaced = [], []
        for file in archived_files(connection):
            target = folder / f"{uuid.uuid4().hex}.parquet"
            source = f"read_parquet({literal(shelf.address(file.path))}, hive_partitioning = false)"
            if file.table_name not in changed:
                continue
            connection.execute(statement("earlier_file", table=file.table_name, source=source))
            if not _write(connection, source, changed[file.table_name], params, target):
                continue
            name = f"{file.path.rpartition('/')[0]}/{target.name}"
            new = put_file(connection, shelf, table=file.table_name, day=file.day, path=target, name=name)
            new = new._replace(schema_version=file.schema_version)  # its columns are those of the release that wrote it
            staged += [new] if new.row_count else []  # of an empty day nothing stays, and its file is swept
            replaced.append(file)
            target.unlink()
        connection.execute("BEGIN")
        note(connection, staged, replaced)
        connection.execute("COMMIT")
        connection.execute("DETACH earlier")
        connection.execute("CHECKPOINT")
    finish(log, place)
    return len(staged)


def _write(
    connection: duckdb.DuckDBPyConnection, source: str, rows: str, params: Mapping[str, Any], target: Path
) -> bool:
    """Write the new rows of one file; whether they are others than it holds."""
    wanted = {name: value for name, value in params.items() if f"${name}" in rows}
    copy = statement("rewrite_file", rows=rows.strip().rstrip(";"), file=literal(str(target)))
    connection.execute(copy, wanted or None)
    same = statement("same_rows", one=source, other=f"read_parquet({literal(str(target))})")
    return not connection.execute(same).fetchall()[0][0]
