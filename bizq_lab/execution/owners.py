"""Which processes are still there, by a lock that each holds on a file of its own. Knows nothing of what they do.

The kernel frees the lock with its holder's death, so nobody has to guess by time, and a process that only sleeps for an
hour is not taken for dead.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

_MARK = ".owner."


class Owner:
    """This process as the owner of something that lies in a file; one name a process, also after a fork.

    Args:
        path: The file; what marks owners lies beside it.
    """

    def __init__(self, path: Path) -> None:
        """Own nothing yet."""
        self._path, self._pid, self._fd, self._name = path, -1, -1, ""

    @property
    def name(self) -> str:
        """The name of this process, held from now on until it dies or lets go."""
        if self._pid != os.getpid():
            self._disown()
            self._pid, self._name = os.getpid(), f"{os.getpid()}-{uuid4().hex}"
            mark = _mark(self._path, self._name)
            self._fd = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self._name

    def let_go(self) -> None:
        """Own nothing more."""
        if self._pid == os.getpid():
            _mark(self._path, self._name).unlink(missing_ok=True)
        self._disown()

    def _disown(self) -> None:
        # What a forked child inherited it closes: that frees nothing of its parent's.
        if self._fd >= 0:
            os.close(self._fd)
        self._pid = self._fd = -1


def is_gone(path: Path, name: str) -> bool:
    """Whether the process of that name is dead, or let go; what marked it is removed then."""
    mark = _mark(path, name)
    try:
        fd = os.open(mark, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        with suppress(OSError):
            mark.unlink()
        return True
    finally:
        os.close(fd)


def _mark(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}{_MARK}{name}")
