"""Moves journal lines into the DuckDB file exactly once, by whoever asks first. Knows no question.

One process at a time has the turn: it verifies and parses a batch, which is most of the work, while questions go on.
Then it holds the lock to move the rows, at most 50,000 events or 64 MiB, and lets others in. What it commits
includes how far it has read each segment, so a collector that dies leaves nothing to repair.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from bizq_lab.core.estimate import Caveat
from bizq_lab.store import schema, segments
from bizq_lab.store.ahead import Ahead
from bizq_lab.store.batch import Counts, commit_batch
from bizq_lab.store.connection import attached, translated
from bizq_lab.store.locks import file_lock, owner_is_gone
from bizq_lab.store.migrations import SCHEMA_VERSION
from bizq_lab.store.rewrite import overwrite_collected
from bizq_lab.store.snapshot import refresh_snapshot
from bizq_lab.store.staging import Batch, Staging, staging

_OPEN_PATIENCE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What a collection did.

    Attributes:
        events: Events moved into the tables.
        quarantined: Lines that were no sound events.
        forgotten: Events of workspaces that the log has forgotten; they entered no table.
        batches: Transactions.
        removed: Segments that were finished and are gone.
        foreign: Files in the journal folder that nobody here wrote; they are left alone.
        newer: Segments of a newer release; they wait for it.
        complete: Whether everything that was there at the start has been collected.
        longest_hold_s: The longest that the DuckDB file was kept from others, in seconds.
    """

    events: int = 0
    quarantined: int = 0
    forgotten: int = 0
    batches: int = 0
    removed: int = 0
    foreign: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    complete: bool = True
    longest_hold_s: float = 0.0

    def plus(self, counts: Counts, *, removed: int, hold_s: float) -> CollectReport:
        """This and one more batch."""
        return replace(
            self,
            events=self.events + counts.events,
            quarantined=self.quarantined + counts.refused,
            forgotten=self.forgotten + counts.forgotten,
            batches=self.batches + 1,
            removed=self.removed + removed,
            longest_hold_s=max(self.longest_hold_s, hold_s),
        )

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of the log's answers must know."""
        found = []
        if self.quarantined:
            text = f"{self.quarantined} journal lines were no sound events; see the view quarantine_health"
            found.append(Caveat(code="quarantined_lines", message=text))
        if self.forgotten:
            text = f"{self.forgotten} events of forgotten workspaces were dropped; something still writes them"
            found.append(Caveat(code="forgotten_events", message=text))
        if self.foreign:
            text = f"files in the journal folder that are no segments were ignored: {', '.join(self.foreign[:3])}"
            found.append(Caveat(code="foreign_files", message=text))
        if self.newer:
            text = f"{len(self.newer)} segments were written by a newer release and wait for it"
            found.append(Caveat(code="newer_segments", message=text))
        if not self.complete:
            text = "the log was busy; its latest events are not part of this answer"
            found.append(Caveat(code="not_collected", message=text))
        return tuple(found)


class Collector:
    """Collects one log. Holds no connection and no lock between batches.

    Args:
        path: The DuckDB file.
        folder: The journal folder.
        now_us: UTC microseconds since the epoch; asked only when the schema changes.
        snapshot: Whether to refresh the copy beside the file after collecting.
    """

    def __init__(self, path: Path, folder: Path, *, now_us: Callable[[], int], snapshot: bool = False) -> None:
        """Nothing is opened yet."""
        self._path, self._folder, self._now_us, self._snapshot = path, folder, now_us, snapshot
        self._offsets: dict[str, int] = {}
        self._prepared: int | None = None
        self._left: tuple[int, int, int] | None = None

    def collect(self, *, patience_s: float) -> CollectReport:
        """Collect what is there now; events that arrive meanwhile may wait for the next collection.

        Args:
            patience_s: How long to wait for the turn and for the lock, a batch at a time; without them nothing happens.

        Raises:
            LogLocked: Another program holds the DuckDB file.
            ForeignFile: The file is not a log.
            SchemaMismatch: A newer release wrote it.
        """
        seen = segments.look(self._folder)
        newer = tuple(name for name in seen.sizes if self._is_newer(name))
        targets = {name: size for name, size in seen.sizes.items() if name not in newer}
        report = CollectReport(foreign=seen.foreign, newer=newer)
        if not self._path.exists() or self._pending(targets):
            self._folder.mkdir(parents=True, exist_ok=True)
            with staging() as place:
                report = self._drain(place, targets, report, patience_s)
        if self._snapshot and report.batches:
            self._copy(patience_s)
        return report

    def _drain(
        self, place: Staging, targets: dict[str, int], report: CollectReport, patience_s: float
    ) -> CollectReport:
        """Batch after batch, until what was there at the start is collected, or others will not let us."""
        with Ahead(self._folder, place, targets) as ahead:
            while True:
                with self._lock(segments.TURN_NAME, patience_s) as turn:
                    if not turn or not self._catch_up(place, patience_s):
                        return replace(report, complete=False)
                    batch = ahead.take(self._offsets)
                    with self._lock(segments.LOCK_NAME, patience_s) as held:
                        if not held:
                            return replace(report, complete=False)
                        began = time.monotonic()
                        counts = self._commit(batch, alone=not (report.batches or ahead.more))
                        finished = segments.remove_finished(self._folder, self._offsets)
                        report = report.plus(counts, removed=len(finished), hold_s=time.monotonic() - began)
                targets = {name: size for name, size in targets.items() if name not in finished}
                if not batch.chunks or not self._pending(targets):
                    return report

    def _lock(self, name: str, patience_s: float) -> AbstractContextManager[bool]:
        return file_lock(self._folder / name, exclusive=True, patience_s=patience_s)

    def _pending(self, targets: dict[str, int]) -> bool:
        """Whether some segment may have more than is known to be collected, or is finished and still there."""
        return any(
            size > self._offsets.get(name, 0) or owner_is_gone(self._folder / name) for name, size in targets.items()
        )

    def _is_newer(self, name: str) -> bool:
        if name in self._offsets:
            return False
        try:
            return segments.schema_of(self._folder / name) > SCHEMA_VERSION
        except FileNotFoundError:
            return False

    def _catch_up(self, place: Staging, patience_s: float) -> bool:
        """Make sure of the file, and learn how far it is, unless nobody has changed it since we did; False if busy.

        The caller has the turn: from here on nobody else collects.
        """
        if self._left is not None and self._path.exists() and self._stamp() == self._left:
            return True
        with self._lock(segments.LOCK_NAME, patience_s) as held:
            if not held:
                return False
            if self._prepared is None or not self._path.exists() or self._path.stat().st_ino != self._prepared:
                schema.prepare(self._path, now_us=self._now_us, patience_s=_OPEN_PATIENCE_S)
                self._prepared = self._path.stat().st_ino
            connection = place.connection.cursor()  # the next batch may be under way on its own
            with attached(connection, self._path, read_only=True, patience_s=_OPEN_PATIENCE_S):
                rows = connection.execute("SELECT segment, collected_bytes FROM collected_segment").fetchall()
        self._offsets = dict(rows)
        self._left = self._stamp()
        return True

    def _stamp(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _commit(self, batch: Batch, *, alone: bool) -> Counts:
        """One transaction over the attached file.

        DuckDB joins the small row groups that transactions leave behind, a table at a time, under the lock. While one
        batch follows another it would write the same rows again and again, and joining at the end of a backlog takes
        the longer, the larger it is: later batches that come alone do it, a join for each table, of some seconds. For
        the same reason the row groups of a backlog are no larger than its batches: DuckDB writes whole ones as they
        are inserted, and copies the rest once more when it commits.
        """
        present = segments.look(self._folder).sizes
        gone = [name for name in self._offsets if name not in present]
        if not batch.chunks and not gone:
            return Counts(0, 0)
        self._left = None
        batch.staging.connection.execute(f"SET max_vacuum_tasks = {int(alone)}")
        rows = None if alone else batch.row_group_rows
        with (
            translated(self._path),
            attached(batch.staging.connection, self._path, patience_s=_OPEN_PATIENCE_S, row_group_rows=rows),
        ):
            counts = commit_batch(batch, gone=gone)
        for name in batch.forgotten:  # their writers may live for days
            overwrite_collected(self._folder / name, batch.ends[name])
        for name in gone:
            del self._offsets[name]
        self._offsets |= batch.ends
        self._left = self._stamp()
        return counts

    def _copy(self, patience_s: float) -> None:
        with self._lock(segments.LOCK_NAME, patience_s) as held:
            if held:
                refresh_snapshot(self._path)
