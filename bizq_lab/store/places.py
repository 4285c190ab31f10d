"""Where a log may live, and one lock for each in this process. Knows no DuckDB."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from bizq_lab.errors import UnsupportedPlatform

# Append and flock are not atomic between machines here, or not at all. Parallel file systems that keep POSIX's promises
# are not listed.
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "davfs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse"}
)
_MOUNTS = Path("/proc/self/mounts")

_modes: dict[Path, threading.RLock] = {}
_modes_guard = threading.Lock()


def journal_folder(path: Path) -> Path:
    """Where the segments of a log lie."""
    return path.with_name(f"{path.name}.journal")


def refuse_unsupported(path: Path, *, system: str = sys.platform, mounts: Path = _MOUNTS) -> None:
    """Refuse native Windows and network file systems, as far as the system tells (Linux does, macOS does not).

    Raises:
        UnsupportedPlatform: Appends and locks cannot be relied on here.
    """
    if system == "win32":
        message = "a log needs POSIX appends and locks, which native Windows does not have"
        raise UnsupportedPlatform(message, hint="use WSL, and a folder inside its own file system")
    kind = _file_system(path, mounts)
    if kind in _NETWORK:
        message = f"{path} is on a network file system ({kind}), where appends and locks cannot be relied on"
        raise UnsupportedPlatform(message, hint="keep the log on a local disk and copy the DuckDB file")


def mode_lock(path: Path) -> threading.RLock:
    """One lock a log file for all threads: DuckDB refuses to read and write one file at once in one process."""
    with _modes_guard:
        return _modes.setdefault(path.resolve(), threading.RLock())


def _file_system(path: Path, mounts: Path) -> str:
    """The type of the file system that holds a path, by the longest mount point above it; empty if unknown."""
    if not mounts.exists():
        return ""
    target = str(path.resolve().parent) + "/"
    best, kind = "", ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, found, *_ = line.split(" ")
        prefix = point.replace("\\040", " ").rstrip("/") + "/"
        if target.startswith(prefix) and len(prefix) >= len(best):
            best, kind = prefix, found
    return kind


def _after_fork() -> None:
    """A lock that another thread held at the fork would never be free in the child."""
    global _modes_guard  # noqa: PLW0603 - the child needs new locks, and nobody else may see the old ones
    _modes_guard = threading.Lock()
    _modes.clear()


os.register_at_fork(after_in_child=_after_fork)
