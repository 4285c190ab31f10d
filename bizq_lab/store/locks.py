"""A lock between processes that the kernel frees when its holder dies. Knows nothing of what it guards.

Readers hold it together for the length of a question, a collector alone for the length of a batch. It is advisory and
covers our own processes; other programs meet DuckDB's own lock.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.004
_jitter = random.Random()


def pause(longest_s: float = POLL_S) -> None:
    """Sleep a random while, so that contenders do not march in step."""
    time.sleep(_jitter.uniform(longest_s / 4, longest_s))


@contextmanager
def file_lock(path: Path, *, exclusive: bool, patience_s: float) -> Iterator[bool]:
    """Hold the lock file's lock inside the block; yields whether it was obtained.

    Args:
        path: The lock file; made if the folder allows it. Where it can neither be made nor opened nobody can be
            writing beside us, and a shared lock counts as obtained.
        exclusive: Alone, or together with others who hold it shared.
        patience_s: How long to keep trying; 0 tries once.
    """
    fd = _open(path, create=exclusive)
    if fd is None:
        yield not exclusive
        return
    try:
        yield _acquire(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH, patience_s)
    finally:
        os.close(fd)


def owner_is_gone(path: Path) -> bool:
    """Whether no process holds the lock on this file; False when the file cannot be opened."""
    fd = _open(path, create=False)
    if fd is None:
        return False
    try:
        return _acquire(fd, fcntl.LOCK_EX, 0)
    finally:
        os.close(fd)


def _open(path: Path, *, create: bool) -> int | None:
    try:
        if create:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _acquire(fd: int, mode: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(fd, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            pause()
        else:
            return True
