"""What processes that are no more left of files and copies they were making. Knows names and owners, no table."""

from __future__ import annotations

import glob
import os
import re
import shutil
import tempfile
from pathlib import Path

from bizq_lab.store.locks import owner_is_gone
from bizq_lab.store.snapshot import snapshot_path

# In the system's folder for temporary files, with the lines of one collection; whoever uses it holds its owner's lock.
STAGING_PREFIX, OWNER_NAME = "bizq-lab-", "owner"
_UNBORN = re.compile(r"\.(?P<pid>\d+)\.unborn(\.wal|\.tmp)?$")


def remove_unborn(path: Path) -> list[str]:
    """Remove what the dead left of a file or a copy they were making, and of lines on their way; returns the names."""
    removed = []
    name = glob.escape(path.name)
    # Two dots: the schema of a file that was itself being made.
    for file in [*path.parent.glob(f".{name}*.unborn*"), *path.parent.glob(f"..{name}*.unborn*")]:
        match = _UNBORN.search(file.name)
        if match and not _is_alive(int(match["pid"])):
            _remove(file)
            removed.append(file.name)
    for folder in Path(tempfile.gettempdir()).glob(f"{STAGING_PREFIX}*"):
        owner = folder / OWNER_NAME
        if owner.is_file() and owner_is_gone(owner):
            _remove(folder)
            removed.append(folder.name)
    return sorted(removed)


def remove_spilled(path: Path) -> None:
    """Remove what DuckDB put beside the file because its memory was full, and never took away. The caller is alone."""
    for file in (path, snapshot_path(path)):
        _remove(file.with_name(f"{file.name}.tmp"))


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's, but alive
    return True
