"""Whether a file is a log that this release can work with; an older one is brought up to date. Asks no question.

A file that this process has found sound, and that nobody has changed since, is not opened again for that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bizq_lab.errors import LogLocked, SchemaMismatch
from bizq_lab.store import schema
from bizq_lab.store.locks import file_lock
from bizq_lab.store.migrations import SCHEMA_VERSION
from bizq_lab.store.places import mode_lock
from bizq_lab.store.segments import LOCK_NAME

_LOCK_PATIENCE_S = 5.0
_FILE_PATIENCE_S = 1.0
_sound: dict[Path, tuple[int, int, int]] = {}


def admit(path: Path, folder: Path, *, read_only: bool, now_us: Callable[[], int]) -> None:
    """Refuse a file that is not ours before anything is written beside it, and bring an older one up to date.

    Args:
        path: The DuckDB file.
        folder: Its journal folder.
        read_only: Whether the caller may only read.
        now_us: UTC microseconds since the epoch, for the record of migrations.

    Raises:
        ForeignFile: Not a log.
        SchemaMismatch: A newer release wrote it, or an older one and it may not be written here.
    """
    if _sound.get(path) == _stamp(path):
        return
    lock = folder / LOCK_NAME
    with mode_lock(path):
        stamp = _stamp(path)
        with file_lock(lock, exclusive=False, patience_s=_LOCK_PATIENCE_S):
            try:
                version = schema.file_version(path, patience_s=_FILE_PATIENCE_S)
            except LogLocked:
                return  # writing needs no DuckDB; the first question will say who holds the file
        if version == SCHEMA_VERSION:
            _sound[path] = stamp
            return
        if read_only or not os.access(path.parent, os.W_OK):
            message = f"{path} has schema version {version}; this release asks version {SCHEMA_VERSION}"
            raise SchemaMismatch(message, hint="open it once where it may be written; a backup is kept beside it")
        folder.mkdir(parents=True, exist_ok=True)  # the file may have come here alone, such as a backup
        with file_lock(lock, exclusive=True, patience_s=_LOCK_PATIENCE_S) as held:
            if held:
                schema.prepare(path, now_us=now_us, patience_s=_LOCK_PATIENCE_S)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
