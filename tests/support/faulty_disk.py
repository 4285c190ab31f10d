"""A layer between the journal and the disk that counts what passes, and fails when told to. Asserts nothing."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable

import pytest


class FaultyDisk:
    """Stands before `os.write` and `os.fdatasync` in this process.

    Attributes:
        writes: Bytes of each write that was let through.
        syncs: How many syncs were asked for.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        """From here on everything passes through."""
        self.writes: list[int] = []
        self.syncs = 0
        self._write, self._sync = os.write, os.fdatasync
        self._failing: dict[str, int] = {}
        self._before_sync: Callable[[int], None] = lambda _: None
        self._guard = threading.Lock()
        patch.setattr(os, "write", self.write)
        patch.setattr(os, "fdatasync", self.fdatasync)

    def fail(self, call: str, code: int = errno.EIO) -> None:
        """Let every `write` or `sync` fail with this error, until `heal`."""
        self._failing[call] = code

    def heal(self) -> None:
        """Let everything pass again."""
        self._failing.clear()

    def before_sync(self, act: Callable[[int], None]) -> None:
        """Call this with the number of the sync, from 1, before each."""
        self._before_sync = act

    def write(self, fd: int, data: bytes) -> int:
        """What `os.write` is now."""
        self._raise_if_failing("write")
        self.writes.append(len(data))
        return self._write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """What `os.fdatasync` is now."""
        with self._guard:
            self.syncs += 1
            number = self.syncs
        self._before_sync(number)
        self._raise_if_failing("sync")
        self._sync(fd)

    def _raise_if_failing(self, call: str) -> None:
        if call in self._failing:
            raise OSError(self._failing[call], os.strerror(self._failing[call]))
