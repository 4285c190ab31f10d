"""The log as everyone else sees it: append events, ask questions. Knows no question's meaning.

Appending touches the journal only. A question collects first if it can, then opens the DuckDB file for its own length;
nothing is held between questions, so any number of processes can share one log.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bizq_lab.core.events import Event
from bizq_lab.core.noun import Noun
from bizq_lab.errors import InputError, JournalWriteError, LogError, LogLocked
from bizq_lab.store import reading
from bizq_lab.store.archived import archive_of
from bizq_lab.store.collect import Collector, CollectReport
from bizq_lab.store.connection import connect
from bizq_lab.store.forgetting import Forgetting
from bizq_lab.store.health import LogHealth, examine
from bizq_lab.store.journal import Durability, Journal
from bizq_lab.store.locks import file_lock
from bizq_lab.store.opening import admit
from bizq_lab.store.places import journal_folder, mode_lock, refuse_unsupported
from bizq_lab.store.queries import named_query
from bizq_lab.store.segments import LOCK_NAME, TURN_NAME
from bizq_lab.store.sight import Sight
from bizq_lab.store.snapshot import snapshot_path
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from bizq_lab.core.protocols import Clock
    from bizq_lab.core.result import Cell

_READ_PATIENCE_S = 5.0
# Whoever rewrites a whole log waits for a moment in which nobody asks.
_ALONE_PATIENCE_S = 30.0
_COLLECT_PATIENCE_S = 5.0
# A question would rather answer without the latest events than wait for them.
_QUESTION_PATIENCE_S = 1.0
# Without a file there is nothing to answer from: another process is just making it.
_BIRTH_PATIENCE_S = 30.0
_NS_PER_US = 1000


class Log(Noun, Forgetting):
    """One log: a DuckDB file, and the journal folder `<file>.journal` beside it.

    Safe to share between threads. A forked or pickled copy in another process writes its own segment.

    Attributes:
        path: The DuckDB file.
        read_only: Whether `append` is refused and questions never collect.
    """

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

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        durability: Durability = "process",
        read_only: bool = False,
        clock: Clock | None = None,
        snapshot: bool = False,
    ) -> Self:
        """Open a log. A missing file is made by the first collection.

        Args:
            path: The DuckDB file.
            durability: `process`: an appended event survives the death of this process. `power`: and power loss.
            read_only: Only ask, and never collect.
            clock: Time for the record of migrations; events bring their own.
            snapshot: Keep a copy that answers while another program holds the file; collecting refreshes it.

        Raises:
            ForeignFile: The file is not a bizq_lab log, or is damaged; it is left as it is.
            SchemaMismatch: A newer release wrote it.
            UnsupportedPlatform: Native Windows, or a network file system.
            LogError: `read_only`, and there is no such file.
        """
        file = Path(path).absolute()
        refuse_unsupported(file)
        if file.exists():
            log = cls(file, durability=durability, read_only=read_only, clock=clock, snapshot=snapshot)
            admit(file, log._folder, read_only=read_only, now_us=log._now_us)
            return log
        if read_only:
            raise _missing(file)
        return cls(file, durability=durability, read_only=read_only, clock=clock, snapshot=snapshot)

    def facts(self) -> dict[str, Cell]:
        """Where it lies; nothing is opened to say so."""
        return {
            "file": str(self.path),
            "journal": str(self._folder),
            "read only": self.read_only,
            "told as of": "now" if self._before_us is None else f"{self._before_us} microseconds (UTC)",
        }

    # -- writing --------------------------------------------------------------------------------------------------

    def append(self, event: Event) -> None:
        """Write one event; it is safe when this returns.

        Raises:
            JournalWriteError: It could not be written, or the log is open read-only. The caller must not go on.
        """
        if self.read_only or self._before_us is not None:
            message = f"{self.path} is open {'read-only' if self.read_only else 'as of a past instant'}"
            raise JournalWriteError(message, hint="write to the log of today, opened without read_only=True")
        self._journal.append(event)

    def collect(self) -> CollectReport:
        """Move what the journals hold into the DuckDB file.

        Raises:
            LogLocked: Another program holds the file.
            LogError: The log is open read-only, or its folder cannot be written.
        """
        if self.read_only:
            raise LogError(f"{self.path} is open read-only", hint="open it without read_only=True to collect")
        return self._collect(_COLLECT_PATIENCE_S)

    # -- asking ---------------------------------------------------------------------------------------------------

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        """Run the named query `store/queries/<name>.sql` with `$named` parameters.

        Returns:
            One dict a row: whole numbers exact, JSON columns decoded.

        Raises:
            InputError: No such query, or not its parameters.
            LogLocked: Another program holds the file, and there is no snapshot.
        """
        with self._reading(named_query(name)) as connection:
            return reading.run_query(connection, name, params)

    @contextmanager
    def held(self) -> Iterator[Self]:
        """Ask several named questions of one state of the log: it is collected once and opened once for the block.

        Collectors wait until the block ends, so it must only ask.
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

    def sql(self, text: str) -> pd.DataFrame:
        """Answer one SELECT or EXPLAIN over the log's tables and views (data/SCHEMA.md) as a DataFrame.

        The connection reads this log, with its archive where that lies on this machine, and nothing else: no other
        file, no network, no setting, no Python variable. Rows of a remote archive are not part of the answer, and
        `frame.attrs["caveats"]` says so.

        Raises:
            InputError: Not one SELECT, not SQL, or it reaches beyond the log.
            LogLocked: Another program holds the file, and there is no snapshot.
        """
        with self._reading(text, locked_down=True) as connection:
            frame = reading.run_select(connection, text)
            frame.attrs["caveats"] = list(map(str, reading.caveats_of(connection, self.path)))
            return frame

    def as_of(self, before_us: int) -> Log:
        """The same log as it was known before an instant; it can be asked, and not written.

        Filtered by recorded time: ratings and outcomes that arrived later are not there, so that the answer of a
        past day does not change.

        Args:
            before_us: UTC microseconds since the epoch; what was recorded at this instant or later is hidden.
        """
        return Log(self.path, **{**self._options, "before_us": before_us})

    def health(self) -> LogHealth:
        """How the log is doing."""
        with self._reading(statement("health")) as connection:
            return examine(connection, self.path, self._folder, now_us=self._now_us())

    @property
    def last_collection(self) -> CollectReport:
        """What the last collection by this object did; its caveats concern every answer since."""
        return self._last

    # -- ending ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close this process's segment. What was appended is safe with or without it."""
        self._journal.close()

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the same log for itself."""
        return (_reopen, (self.path, self._options))

    # -- opening the file -----------------------------------------------------------------------------------------

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
                raise _missing(self.path)
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


def _reopen(path: Path, options: dict[str, Any]) -> Log:
    return Log(path, **options)


def _missing(path: Path) -> LogError:
    return LogError(f"{path}: no log there", hint="append to it first, or name the file of an existing log")


def _wall_us() -> int:
    return time.time_ns() // _NS_PER_US
