"""Replace a file whole: a reader, or a crash at any instant, sees the old file or the new one. Knows no format."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_file(target: Path, content: bytes) -> None:
    """Write a file durably, under another name first, and rename it over the target.

    Raises:
        OSError: It cannot be written; the previous file, if any, is untouched.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode_of(target))
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _mode_of(target: Path) -> int:
    """Keep the permissions of the file that is replaced; a new one is readable by others, as services need."""
    return target.stat().st_mode & 0o777 if target.exists() else 0o644


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
