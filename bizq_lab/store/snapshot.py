"""A copy of the log that answers while another program holds the file. Knows no table.

The copy is made while the collect lock is held and no connection is open, and takes its name in one step: a reader
sees the old copy or the new one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def snapshot_path(path: Path) -> Path:
    """Where the copy of a log lies."""
    return path.with_name(f"{path.name}.snapshot")


def refresh_snapshot(path: Path) -> None:
    """Copy the closed DuckDB file and swap the copy in."""
    target = snapshot_path(path)
    unborn = target.with_name(f".{target.name}.{os.getpid()}.unborn")
    try:
        shutil.copyfile(path, unborn)
        with unborn.open("rb+") as file:
            os.fsync(file.fileno())
        unborn.replace(target)
    finally:
        unborn.unlink(missing_ok=True)
