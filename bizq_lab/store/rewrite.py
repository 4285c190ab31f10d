"""A log written anew with some of its text left out, so that none of its bytes stay. Knows tables, not why.

An UPDATE would leave the old pages in the file. Here every row goes into a new file, changed or as it is, and the new
file takes the log's name in one step: a process that dies in between leaves the log as it was. What is collected of a
segment whose owner still writes is overwritten in place, for its owner only appends and collectors read on from there.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bizq_lab.store import schema
from bizq_lab.store.connection import connect
from bizq_lab.store.snapshot import refresh_snapshot, snapshot_path
from bizq_lab.store.statements import statement

_PATIENCE_S = 5.0
_BLOCK_BYTES = 1 << 20


def rewrite_file(
    path: Path, changed: Mapping[str, str], params: Mapping[str, Any], *, now_us: Callable[[], int]
) -> None:
    """Write the log's file anew. The caller holds the mode lock and the collect lock alone, and has collected.

    Args:
        path: The DuckDB file, at the newest schema.
        changed: By table, the SELECT over `earlier.<table>` that gives its new rows; the others stay as they are.
        params: `$named` parameters of these.
        now_us: UTC microseconds since the epoch.

    Raises:
        LogLocked: Another program holds the file.
        LogError: There is no room for the new file.
    """
    unborn = path.with_name(f".{path.name}.{os.getpid()}.unborn")
    _remove(unborn)
    try:
        with connect(path, read_only=False, patience_s=_PATIENCE_S) as connection:
            connection.execute("CHECKPOINT")  # nothing is left in a write-ahead log
        schema.prepare(unborn, now_us=now_us, patience_s=_PATIENCE_S)
        with connect(unborn, read_only=False, patience_s=_PATIENCE_S) as connection:
            connection.execute(statement("attach_earlier").replace("__file__", str(path).replace("'", "''")))
            connection.execute("BEGIN")
            for (table,) in connection.execute(statement("tables")).fetchall():
                rows = changed.get(table)
                wanted = {name: value for name, value in params.items() if rows is not None and f"${name}" in rows}
                text = statement("rewrite").replace("__rows__", rows or "FROM earlier.__table__")
                connection.execute(statement("clear").replace("__table__", table))
                connection.execute(text.replace("__table__", table), wanted or None)
            connection.execute("COMMIT")
            connection.execute("DETACH earlier")
            connection.execute("CHECKPOINT")
        unborn.replace(path)
    finally:
        _remove(unborn)
    if snapshot_path(path).exists():
        refresh_snapshot(path)


def overwrite_collected(segment: Path, collected_bytes: int) -> int:
    """Overwrite with spaces what is collected of a segment, but for its header; returns how many bytes."""
    with segment.open("rb+") as file:
        start = len(file.readline())
        for at in range(start, collected_bytes, _BLOCK_BYTES):
            file.seek(at)
            file.write(b" " * min(_BLOCK_BYTES, collected_bytes - at))
        file.flush()
        os.fsync(file.fileno())
    return max(0, collected_bytes - start)


def blank_segments(path: Path, folder: Path) -> None:
    """Overwrite what is collected of every segment, of writers that live too: they only append."""
    with connect(path, read_only=True, patience_s=_PATIENCE_S) as connection:
        collected = connection.execute(statement("collected")).fetchall()
    for name, size in collected:
        segment = folder / name
        if segment.exists():
            overwrite_collected(segment, size)


def backups_of(path: Path) -> list[Path]:
    """Copies that migrations made before they touched the file."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.v*.backup*"))


def _remove(unborn: Path) -> None:
    for suffix in ("", ".wal"):
        unborn.with_name(unborn.name + suffix).unlink(missing_ok=True)
