"""Writes tables to Parquet, one file each, as other tools like to read them. Opens nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError
from bizq_lab.store.archived import IDS, TIMES, literal
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb


def export_tables(connection: duckdb.DuckDBPyConnection, folder: Path, tables: Sequence[str] = ()) -> dict[str, int]:
    """Write tables to `<folder>/<table>.parquet`, each whole or not at all; rows by table.

    Args:
        connection: Where the tables are.
        folder: Made if need be; files of the same names are replaced.
        tables: Which; by default every kind of event, and `task_outcome`.

    Raises:
        InputError: There is no such table, or the folder cannot be written.
    """
    unknown = sorted(set(tables) - TIMES.keys())
    if unknown:
        raise InputError(f"no table {unknown[0]!r}", hint=f"known: {', '.join(TIMES)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}", hint="name a folder that can be written") from None
    written = {}
    for table in tables or TIMES:
        unborn = folder / f".{table}.parquet.{os.getpid()}.unborn"
        text = statement("export", table=table, time=TIMES[table], id=IDS[table], file=literal(str(unborn)))
        try:
            copied = connection.execute(text).fetchall()
            unborn.replace(folder / f"{table}.parquet")
        finally:
            unborn.unlink(missing_ok=True)
        written[table] = copied[0][0]
    return written
