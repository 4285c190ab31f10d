"""The write side: each process appends events to its own segment file. Knows nothing of DuckDB or of questions.

One event is one `write()` to a file opened with O_APPEND, so it survives the death of the process the moment `append`
returns. A segment's owner holds a lock (flock) on it while it lives; whoever finds the lock free knows that no more
lines will come. A segment gets its lock under another name and only then appears as `*.jsonl`, so nobody can mistake a
segment that was just born for one whose owner died.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
import uuid
import weakref
from pathlib import Path
from typing import Literal

from bizq_lab.core.events import Event
from bizq_lab.errors import InputError, JournalWriteError
from bizq_lab.store import lines
from bizq_lab.store.migrations import SCHEMA_VERSION

Durability = Literal["process", "power"]
SEGMENT_BYTES = 16 * 1024 * 1024
UNBORN_SUFFIX = ".unborn"
_OPEN_TRIES = 5


class Journal:
    """Appends events to this process's segment. Safe to share between threads; a forked child opens its own.

    Args:
        folder: Where segments lie; made on the first append.
        durability: `process` survives `kill -9`; `power` also survives power loss, by one fdatasync a group of events.
        segment_bytes: A segment that has grown to this size is closed, and the next event opens a new one.
    """

    def __init__(self, folder: Path, *, durability: Durability = "process", segment_bytes: int = SEGMENT_BYTES) -> None:
        """Remember where; nothing is opened before the first event."""
        if durability not in ("process", "power"):
            message = f"durability == {durability!r}, must be 'process' or 'power'"
            raise InputError(message)
        self.folder, self.durability, self.segment_bytes = folder, durability, segment_bytes
        self._lock, self._sync_lock = threading.Lock(), threading.Lock()
        self._fd = -1
        self._size = 0
        self._torn = False
        self._written = 0
        self._synced = 0
        self._lost: list[tuple[int, int]] = []
        _JOURNALS.add(self)

    def append(self, event: Event) -> None:
        """Write one event; it is safe when this returns.

        Raises:
            JournalWriteError: It could not be written (disk full, read-only, not JSON). The caller must not go on.
        """
        line = lines.encode(event)
        with self._lock:
            fd = self._fd if self._fd >= 0 and self._size < self.segment_bytes else self._open_next()
            self._write(fd, line)
            self._written += 1
            ticket = self._written
        if self.durability == "power":
            self._sync_up_to(ticket)

    def close(self) -> None:
        """Close the segment; a later append opens a new one."""
        with self._lock:
            self._close_segment()

    # -- one segment ----------------------------------------------------------------------------------------------

    def _write(self, fd: int, line: bytes) -> None:
        # A line that was cut short gets its newline with the next one, which stays whole.
        data = b"\n" + line if self._torn else line
        try:
            written = os.write(fd, data)
        except OSError as error:
            raise self._failure(error) from None
        self._size += written
        self._torn = written != len(data) and (written > 0 or self._torn)
        self._check_whole(written, data)

    def _check_whole(self, written: int, data: bytes) -> None:
        if written != len(data):
            message = f"{self.folder}: only {written} of {len(data)} bytes were written"
            raise JournalWriteError(message, hint="the disk is full, or a file size limit is reached; make room")

    def _open_next(self) -> int:
        self._close_segment()
        for attempt in range(_OPEN_TRIES):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                return self._open_segment()
            except (FileNotFoundError, BlockingIOError) as error:
                # A collector tidied the file away, or is looking at it, in the instant before it had its lock.
                if attempt == _OPEN_TRIES - 1:
                    raise self._failure(error) from None
            except OSError as error:
                raise self._failure(error) from None
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _open_segment(self) -> int:
        name = segment_name()
        unborn = self.folder / f"{name}{UNBORN_SUFFIX}"
        fd = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            header = lines.encode_header(schema=SCHEMA_VERSION, pid=os.getpid(), host=socket.gethostname())
            self._check_whole(os.write(fd, header), header)
            unborn.rename(self.folder / name)
        except BaseException:
            unborn.unlink(missing_ok=True)
            os.close(fd)
            raise
        if self.durability == "power":
            _sync_folder(self.folder)
        self._fd, self._size, self._torn = fd, len(header), False
        return fd

    def _close_segment(self) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            if self.durability == "power":
                _fdatasync(fd)
                self._synced = self._written
        except OSError as error:
            self._lost.append((self._synced, self._written))
            raise self._failure(error) from None
        finally:
            os.close(fd)

    def _sync_up_to(self, ticket: int) -> None:
        """Group commit: whoever gets the lock syncs for all who wrote before it; the others find it done.

        A sync that failed is not tried again: the kernel may have dropped the pages and would report success. All who
        waited for it are told, and the segment is given up.
        """
        with self._sync_lock:
            if any(after < ticket <= upto for after, upto in self._lost):
                raise self._failure(OSError(errno.EIO, os.strerror(errno.EIO)))
            if self._synced >= ticket:
                return
            with self._lock:
                target, fd = self._written, os.dup(self._fd) if self._fd >= 0 else -1
            if fd < 0:
                return
            try:
                _fdatasync(fd)
            except OSError as error:
                self._give_up()
                raise self._failure(error) from None
            finally:
                os.close(fd)
            # A segment closed meanwhile may have synced more; too low a mark costs one sync and loses nothing.
            self._synced = max(self._synced, target)

    def _give_up(self) -> None:
        """Close a segment that could not be synced; what was written since goes down with it."""
        with self._lock:
            self._lost.append((self._synced, self._written))
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _failure(self, error: OSError) -> JournalWriteError:
        message = f"{self.folder}: event not written: {error.strerror or error}"
        return JournalWriteError(message, hint="the folder must be writable and have room; nothing was acknowledged")

    # -- fork -----------------------------------------------------------------------------------------------------

    def _after_fork(self) -> None:
        """In the child: let go of the parent's segment without unlocking it, and start with none."""
        if self._fd >= 0:
            os.close(self._fd)
        # Another thread of the parent may have held the locks at the fork; nobody would ever free them here.
        self._lock, self._sync_lock = threading.Lock(), threading.Lock()
        self._fd, self._torn = -1, False

    def __reduce__(self) -> tuple[object, ...]:
        """Another process gets the place and the settings, and opens its own segment."""
        return (_remake, (self.folder, self.durability, self.segment_bytes))


def segment_name() -> str:
    """`<host>-<pid>-<uuid>.jsonl`: names the owner to people; unique without asking anybody."""
    host = "".join(c if c.isalnum() else "_" for c in socket.gethostname())[:40] or "host"
    return f"{host}-{os.getpid()}-{uuid.uuid4().hex}.jsonl"


def _remake(folder: Path, durability: Durability, segment_bytes: int) -> Journal:
    return Journal(folder, durability=durability, segment_bytes=segment_bytes)


def _fdatasync(fd: int) -> None:
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync alone leaves the data in the drive's cache
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


_JOURNALS: weakref.WeakSet[Journal] = weakref.WeakSet()


def _forget_inherited_segments() -> None:
    for journal in list(_JOURNALS):
        journal._after_fork()  # noqa: SLF001 - the fork hook is this module's own


os.register_at_fork(after_in_child=_forget_inherited_segments)
