"""How the file of a log is reached: collected into, locked, opened for one question. Knows no question and no event."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bizq_lab.errors import InputError, LogError, LogLocked
from bizq_lab.store import reading
from bizq_lab.store.archived import archive_of
from bizq_lab.store.collect import Collector, CollectReport
from bizq_lab.store.connection import connect
from bizq_lab.store.journal import Durability, Journal
from bizq_lab.store.locks import file_lock
from bizq_lab.store.places import journal_folder, mode_lock
from bizq_lab.store.segments import LOCK_NAME, TURN_NAME
from bizq_lab.store.sight import Sight
from bizq_lab.store.snapshot import snapshot_path

if TYPE_CHECKING:
    import duckdb

    from bizq_lab.core.protocols import Clock

_READ_PATIENCE_S = 5.0
# Whoever rewrites a whole log waits for a moment in which nobody asks.
_ALONE_PATIENCE_S = 30.0
_COLLECT_PATIENCE_S = 5.0
# A question would rather answer without the latest events than wait for them.
_QUESTION_PATIENCE_S = 1.0
# Without a file there is nothing to answer from: another process is just making it.
_BIRTH_PATIENCE_S = 30.0
_NS_PER_US = 1000


class Access:
    """The side of a `Log` that holds its parts, and opens its file."""

    def __init__(
        self,
        path: Path,
        *,
        durability: Durability,
        read_only: bool,
        clock: Clock | None,
        snapshot: bool,
        before_us: int | None = None,
    ) -> None:
        """Wire the parts; see `Log.open`."""
        self.path, self.read_only, self._before_us = path, read_only, before_us
        self._options: dict[str, Any] = {
            "durability": durability, "read_only": read_only, "clock": clock, "snapshot": snapshot,
            "before_us": before_us,
        }  # fmt: skip
        self._folder = journal_folder(path)
        self._journal = Journal(self._folder, durability=durability)
        self._now_us = clock.now_us if clock is not None else _wall_us
        self._collector = Collector(path, self._folder, now_us=self._now_us, snapshot=snapshot)
        self._last = CollectReport()
        self._held = threading.local()

    def collect(self) -> CollectReport:
        """Move what the journals hold into the DuckDB file.

        Raises:
            LogLocked: Another program holds the file.
            LogError: The log is open read-only, or its folder cannot be written.
        """
        if self.read_only:
            raise LogError(f"{self.path} is open read-only", hint="open it without read_only=True to collect")
        return self._collect(_COLLECT_PATIENCE_S)

    @contextmanager
    def held(self) -> Iterator[Self]:
        """Ask several named questions of one state of the log: it is collected once and opened once for the block.

        Collectors wait until the block ends, so it must not collect; what it appends, later questions see.
        """
        if getattr(self._held, "sight", None) is not None:
            yield self
            return
        with self._opened() as sight:
            self._held.sight = sight
            try:
                yield self
            finally:
                self._held.sight = None

    @property
    def last_collection(self) -> CollectReport:
        """What the last collection by this object did; its caveats concern every answer since."""
        return self._last

    def _collect(self, patience_s: float) -> CollectReport:
        with mode_lock(self.path):
            try:
                self._last = self._collector.collect(patience_s=patience_s)
            except OSError as error:
                message = f"{self.path}: cannot be collected: {error.strerror or error}"
                raise LogError(message, hint="the folder must be writable and have room") from None
            return self._last

    @contextmanager
    def _reading(self, text: str, *, locked_down: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Read on the connection that is held, or on one of its own.

        Args:
            text: What will be asked; the tables that it names show archived rows too.
            locked_down: Leave the connection with nothing but this log in reach.
        """
        held: Sight | None = getattr(self._held, "sight", None)
        if held is not None and locked_down:
            raise InputError("SQL was asked inside held()", hint="ask it before or after: it locks its connection down")
        with nullcontext(held) if held is not None else self._opened(locked_down=locked_down) as sight:
            sight.show(text)
            if locked_down:
                reading.lock_down(sight.connection)
            yield sight.connection

    @contextmanager
    def _opened(self, *, locked_down: bool = False) -> Iterator[Sight]:
        """Collect if possible, then open: the file, or its snapshot while another program holds the file."""
        with mode_lock(self.path):
            self._collect_if_possible()
            if not self.path.exists():
                raise no_log_at(self.path)
            with ExitStack() as stack:
                stack.enter_context(self._file_lock(exclusive=False))
                connection = self._open(stack)
                place = archive_of(connection, self.path)
                if locked_down:
                    place = reading.allow_archive(connection, place)
                yield Sight(connection, place, self._before_us)

    def _open(self, stack: ExitStack) -> duckdb.DuckDBPyConnection:
        copy = snapshot_path(self.path)
        patience_s = _QUESTION_PATIENCE_S if copy.exists() else _READ_PATIENCE_S
        try:
            return stack.enter_context(connect(self.path, read_only=True, patience_s=patience_s))
        except LogLocked:
            if not copy.exists():
                raise
            return stack.enter_context(connect(copy, read_only=True, patience_s=0))

    def _collect_if_possible(self) -> None:
        """Collect before a question, unless the log is only read, its folder is, or another program holds the file."""
        if self.read_only or not os.access(self.path.parent, os.W_OK):
            return
        try:
            self._collect(_QUESTION_PATIENCE_S if self.path.exists() else _BIRTH_PATIENCE_S)
        except LogLocked:
            if not self.path.exists():
                raise
            self._last = CollectReport(complete=False)

    def _file_lock(self, *, exclusive: bool) -> AbstractContextManager[bool]:
        patience_s = _ALONE_PATIENCE_S if exclusive else _READ_PATIENCE_S
        return file_lock(self._folder / LOCK_NAME, exclusive=exclusive, patience_s=patience_s)

    def _turn(self) -> AbstractContextManager[bool]:
        return file_lock(self._folder / TURN_NAME, exclusive=True, patience_s=_ALONE_PATIENCE_S)


def no_log_at(path: Path) -> LogError:
    """The error of asking a log that is not there."""
    return LogError(f"{path}: no log there", hint="append to it first, or name the file of an existing log")


def _wall_us() -> int:
    return time.time_ns() // _NS_PER_US
