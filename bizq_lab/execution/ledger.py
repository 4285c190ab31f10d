"""Money set aside before a call and settled after it, shared by all processes (S18). Knows no provider and no price."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.core.money import Money
from bizq_lab.core.snapshot import BudgetView
from bizq_lab.errors import LogError
from bizq_lab.execution.caps import (
    EVERYONE,
    PERIODS,
    Abandoned,
    Booking,
    Cap,
    check_cap,
    period_of,
    refusal,
    run_scope,
)
from bizq_lab.execution.clock import SystemClock
from bizq_lab.execution.owners import Owner, is_gone
from bizq_lab.execution.statements import statements

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock

_BUSY_S = 30.0


class BudgetLedger:
    """A SQLite file that no number of processes can overspend.

    A reserve books the worst case in one `BEGIN IMMEDIATE` transaction that first checks every cap; settling
    replaces it by what the call cost. A call that never settles (killed, or maybe billed) stays booked at its worst;
    a process that died before its call was even written leaves money behind that `abandoned` tells and `release` frees.

    Args:
        path: The file; `Lab` keeps it beside the log.
        caps: Cap of each workspace. `"*"` caps all of them together.
        each: Cap of every workspace that has none of its own.
        clock: Says which period it is.
        run_cap: Name of one run and most USD for it: all that this object reserves
            counts, whatever its workspace, and nothing else.
    """

    def __init__(
        self, path: Path | str, *, caps: Mapping[str, Cap] | None = None, each: Cap | None = None,
        clock: Clock | None = None, run_cap: tuple[str, float] | None = None,
    ) -> None:  # fmt: skip
        """Make the file if need be.

        Raises:
            InputError: A cap is not an amount per period.
            LogError: The file cannot be used.
        """
        self._path, self._caps, self._each, self._clock = Path(path), dict(caps or {}), each, clock or SystemClock()
        self._runs = [] if run_cap is None else [run_scope(*run_cap)]
        for scope, cap in [*self._caps.items(), *([("each workspace", each)] if each else [])]:
            check_cap(scope, cap)
        self._statements = statements("ledger.sql")
        self._owner = Owner(self._path)
        self._lock = threading.Lock()
        self._pid = -1
        self._connection: sqlite3.Connection | None = None
        with self._transaction() as run:
            for statement in filter(str.strip, self._statements["schema"].split(";")):
                run.execute(statement)

    def reserve(self, *, workspace_id: str, attempt_id: str, nano_usd: int) -> None:
        """Book the worst case of one call.

        Raises:
            BudgetRefused: It would pass a cap; nothing was booked.
        """
        now_us = self._clock.now_us()
        with self._transaction() as run:
            for scope, cap in self._scopes(workspace_id):
                spent = self._spent(run, scope, period_of(cap, now_us))
                if cap is not None and spent + nano_usd > Money.from_usd(cap.usd).nano_usd:
                    raise refusal(scope, cap, spent, nano_usd)
                one = Booking(attempt_id, scope, now_us, nano_usd, ended=False)
                self._book(run, one, owner=self._owner.name)

    def settle(self, attempt_id: str, nano_usd: int) -> None:
        """Replace what was booked for a call by what it cost. A second time changes nothing."""
        with self._transaction() as run:
            self._settle(run, attempt_id, nano_usd)

    @property
    def reconciled_at_us(self) -> int | None:
        """When the ledger last agreed with the log; None for a new one, which agrees with nothing yet."""
        with self._transaction() as run:
            row = run.execute(self._statements["reconciled"]).fetchone()
            return None if row is None else int(row[0])

    def reconcile(self, bookings: Iterable[Booking], *, at_us: int) -> None:
        """Book what the log knows and this ledger does not, and settle what it has not seen the end of.

        Doing it again, or while others reserve and settle, changes nothing. No cap is checked: it was spent already.
        A call that is booked keeps the periods and the scopes that it was booked in.

        Args:
            bookings: Calls of the log since `reconciled_at_us`, with some overlap.
            at_us: When the log was read.
        """
        with self._transaction() as run:
            for one in bookings:
                if run.execute(self._statements["known"], {"attempt_id": one.attempt_id}).fetchone() is None:
                    for scope in dict.fromkeys(filter(None, (one.workspace_id, EVERYONE))):
                        self._book(run, one._replace(workspace_id=scope))
                if one.ended:
                    self._settle(run, one.attempt_id, one.nano_usd)
                run.execute(self._statements["logged"], {"attempt_id": one.attempt_id})
            run.execute(self._statements["reconcile"], {"at_us": at_us})

    def abandoned(self) -> list[Abandoned]:
        """What processes that are gone set aside and never settled, and no reconciliation has met in the log yet."""
        with self._transaction() as run:
            rows = run.execute(self._statements["unsettled"]).fetchall()
        gone = {owner for owner in {row[2] for row in rows} if is_gone(self._path, owner)}
        return [Abandoned(attempt_id, at_us) for attempt_id, at_us, owner in rows if owner in gone]

    def release(self, attempt_ids: Iterable[str]) -> None:
        """Free what was set aside for calls that were never made: their processes died before the log knew of them.

        Args:
            attempt_ids: Of `abandoned`, those that the whole log, read after that, does not hold.
        """
        with self._transaction() as run:
            for attempt_id in attempt_ids:
                self._settle(run, attempt_id, 0)

    def booked(self, scope: str = EVERYONE) -> Money:
        """Settled and reserved money of a workspace, or of everyone, in the current period."""
        caps = dict(self._scopes(scope))
        with self._transaction() as run:
            return Money(self._spent(run, scope, period_of(caps[scope], self._clock.now_us())))

    def view(self, workspace_id: str) -> BudgetView:
        """What routing may know: the least that any cap leaves this workspace now."""
        left, version = [], []
        with self._transaction() as run:
            for scope, cap in self._scopes(workspace_id):
                spent = self._spent(run, scope, period_of(cap, self._clock.now_us()))
                version.append(str(spent))
                if cap is not None:
                    left.append(Money.from_usd(cap.usd).nano_usd - spent)
        return BudgetView(remaining_usd=max(0, min(left)) / 1e9 if left else None, version="/".join(version))

    @contextmanager
    def capped(self, run: str, usd: float, *, earlier: Iterable[Booking] = ()) -> Iterator[None]:
        """Hold whatever this object reserves inside the block to the cap of a run, besides every other cap.

        What the same run spent before counts: a run that is resumed goes on with what it had left.

        Args:
            run: Its name.
            usd: Most USD for all of it.
            earlier: Its calls that the log knows, so that those count that were made without a cap.

        Raises:
            InputError: The cap is not an amount.
        """
        scope = run_scope(run, usd)
        with self._transaction() as books:
            for one in earlier:
                where = {"attempt_id": one.attempt_id, "scope": scope[0]}
                if books.execute(self._statements["known_in"], where).fetchone() is None:
                    self._book(books, one._replace(workspace_id=scope[0]))
                    if one.ended:
                        self._settle(books, one.attempt_id, one.nano_usd)
        self._runs.append(scope)
        try:
            yield
        finally:
            self._runs.remove(scope)

    def calls_of(self, workspace_id: str) -> int:
        """How many calls of a workspace the file names."""
        with self._transaction() as run:
            return int(run.execute(self._statements["calls_of"], {"scope": workspace_id}).fetchone()[0])

    def forget(self, workspace_id: str) -> None:
        """Take out a workspace's calls and what it spent, and leave none of their bytes in the file.

        What it spent stays in the sums of everyone and of runs. A call under way stays booked there until it settles.
        The file is rewritten in place: whoever has it open goes on in it, where another file would let them overspend.

        Raises:
            LogError: Another process did not let go of the file, or it cannot be written.
        """
        with self._transaction() as run:
            run.execute("PRAGMA secure_delete = ON")
            for name in ("forget_calls", "forget_bookings", "forget_spending"):
                run.execute(self._statements[name], {"scope": workspace_id})
        try:
            with self._lock:
                connection = self._open()
                connection.execute("VACUUM")
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            message = f"the budget ledger {self._path.name!r} cannot be written anew: {error}"
            raise LogError(message, hint="make room and run it again") from error
        if busy:
            message = f"the budget ledger {self._path.name!r} is being read by another process"
            raise LogError(message, hint="run it again in a moment")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None
            self._owner.let_go()

    def _scopes(self, workspace_id: str) -> list[tuple[str, Cap | None]]:
        shared: list[tuple[str, Cap | None]] = [(EVERYONE, self._caps.get(EVERYONE)), *dict(self._runs).items()]
        if workspace_id == EVERYONE:
            return shared
        return [(workspace_id, self._caps.get(workspace_id, self._each)), *shared]

    def _book(self, run: sqlite3.Connection, one: Booking, *, owner: str = "") -> None:
        row = {"attempt_id": one.attempt_id, "scope": one.workspace_id, "nano_usd": one.nano_usd, "owner": owner}
        run.execute(self._statements["reserve"], {**row, "at_us": one.started_at_us})
        self._add(run, one.workspace_id, one.started_at_us, one.nano_usd)

    def _settle(self, run: sqlite3.Connection, attempt_id: str, nano_usd: int) -> None:
        for scope, reserved, at_us in run.execute(self._statements["open"], {"attempt_id": attempt_id}).fetchall():
            self._add(run, scope, at_us, nano_usd - reserved)
        run.execute(self._statements["settle"], {"attempt_id": attempt_id, "nano_usd": nano_usd})

    def _add(self, run: sqlite3.Connection, scope: str, at_us: int, nano_usd: int) -> None:
        for name in PERIODS:
            period = period_of(Cap(0, name), at_us)
            run.execute(self._statements["add"], {"scope": scope, "period": period, "nano_usd": nano_usd})

    def _spent(self, run: sqlite3.Connection, scope: str, period: str) -> int:
        row = run.execute(self._statements["spent"], {"scope": scope, "period": period}).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                message = f"the budget ledger {self._path.name!r} cannot be used: {error}"
                raise LogError(
                    message, hint="is it a file of this program, in a folder that can be written?"
                ) from error

    def _open(self) -> sqlite3.Connection:
        # A connection must not cross a fork: SQLite's locks belong to the process that took them.
        if self._connection is None or self._pid != os.getpid():
            connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._connection, self._pid = connection, os.getpid()
        return self._connection
