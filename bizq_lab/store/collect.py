"""Moves journal lines into the DuckDB file exactly once, by whoever asks first. Knows no question.

A collector holds the lock for one batch at a time, at most 50,000 events or about 200 ms, then lets others in. What
it commits includes how far it has read each segment, so a collector that dies leaves nothing to repair.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.core.estimate import Caveat
from bizq_lab.store import schema, segments
from bizq_lab.store.batch import Counts, commit_chunks
from bizq_lab.store.connection import connect
from bizq_lab.store.locks import file_lock, owner_is_gone
from bizq_lab.store.migrations import SCHEMA_VERSION
from bizq_lab.store.segments import Chunk
from bizq_lab.store.snapshot import refresh_snapshot

if TYPE_CHECKING:
    import duckdb

BATCH_EVENTS = 50_000
BATCH_S = 0.2
_SMALLEST_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What a collection did.

    Attributes:
        events: Events moved into the tables.
        quarantined: Lines that were no sound events.
        batches: Transactions.
        removed: Segments that were finished and are gone.
        foreign: Files in the journal folder that nobody here wrote; they are left alone.
        newer: Segments of a newer release; they wait for it.
        complete: Whether everything that was there at the start has been collected.
    """

    events: int = 0
    quarantined: int = 0
    batches: int = 0
    removed: int = 0
    foreign: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    complete: bool = True

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of the log's answers must know."""
        found = []
        if self.quarantined:
            text = f"{self.quarantined} journal lines were no sound events; see the view quarantine_health"
            found.append(Caveat(code="quarantined_lines", message=text))
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
        self._batch_events = BATCH_EVENTS // 2
        self._offsets: dict[str, int] = {}
        self._prepared: int | None = None

    def collect(self, *, patience_s: float) -> CollectReport:
        """Collect what is there now; events that arrive meanwhile may wait for the next collection.

        Args:
            patience_s: How long to wait for the lock, a batch at a time. Without it nothing is collected.

        Raises:
            LogLocked: Another program holds the DuckDB file.
            ForeignFile: The file is not a log.
            SchemaMismatch: A newer release wrote it.
        """
        seen = segments.look(self._folder)
        newer = tuple(name for name in seen.sizes if self._is_newer(name))
        targets = {name: size for name, size in seen.sizes.items() if name not in newer}
        events = quarantined = batches = removed = 0
        complete = True
        while self._path_missing() or self._pending(targets):
            self._folder.mkdir(parents=True, exist_ok=True)
            with file_lock(self._folder / segments.LOCK_NAME, exclusive=True, patience_s=patience_s) as held:
                if not held:
                    complete = False
                    break
                counts, progress = self._batch(targets)
                finished = segments.remove_finished(self._folder, self._offsets)
            targets = {name: size for name, size in targets.items() if name not in finished}
            removed += len(finished)
            events, quarantined, batches = events + counts.events, quarantined + counts.refused, batches + 1
            if not progress:
                break
        if self._snapshot and batches:
            self._copy(patience_s)
        return CollectReport(
            events=events, quarantined=quarantined, batches=batches, removed=removed,
            foreign=seen.foreign, newer=newer, complete=complete,
        )  # fmt: skip

    def _path_missing(self) -> bool:
        return not self._path.exists()

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

    def _batch(self, targets: dict[str, int]) -> tuple[Counts, bool]:
        """One transaction, and whether it moved anything on."""
        began = time.monotonic()
        self._prepare()
        with connect(self._path, read_only=False, patience_s=BATCH_S) as connection:
            schema.refresh_views(connection)
            rows = connection.execute("SELECT segment, collected_bytes FROM collected_segment").fetchall()
            self._offsets = dict(rows)
            chunks = self._read(targets)
            counts = commit_chunks(connection, chunks) if chunks else Counts(0, 0)
            self._forget_removed(connection)
        self._offsets |= {name: chunk.end for name, chunk in chunks.items()}
        self._adapt(counts.events, time.monotonic() - began)
        return counts, bool(chunks)

    def _prepare(self) -> None:
        """Check and migrate the file once; again if another one took its name."""
        if self._prepared is None or not self._path.exists() or self._path.stat().st_ino != self._prepared:
            schema.prepare(self._path, now_us=self._now_us, patience_s=BATCH_S)
            self._prepared = self._path.stat().st_ino

    def _copy(self, patience_s: float) -> None:
        with file_lock(self._folder / segments.LOCK_NAME, exclusive=True, patience_s=patience_s) as held:
            if held:
                refresh_snapshot(self._path)

    def _read(self, targets: dict[str, int]) -> dict[str, Chunk]:
        """Whole lines of as many segments as one batch takes."""
        chunks: dict[str, Chunk] = {}
        room = self._batch_events
        for name, size in targets.items():
            start = self._offsets.get(name, 0)
            if room <= 0:
                break
            if size <= start:
                continue
            try:
                chunk = segments.read_lines(self._folder / name, start, at_most=room)
            except FileNotFoundError:
                continue  # finished and removed by another collector since the listing
            if chunk.end > start:
                chunks[name] = chunk
                room -= len(chunk.lines)
        return chunks

    def _forget_removed(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Drop the offsets of segments that are no more; their names never come back."""
        present = segments.look(self._folder).sizes
        gone = [name for name in self._offsets if name not in present]
        if gone:
            connection.execute("DELETE FROM collected_segment WHERE segment IN (SELECT unnest($gone))", {"gone": gone})
            for name in gone:
                del self._offsets[name]

    def _adapt(self, events: int, elapsed_s: float) -> None:
        """Take as many events next time as fit into the time a batch may hold the lock."""
        if events < self._batch_events // 2:
            return
        fitting = int(events * BATCH_S / max(elapsed_s, 1e-6))
        self._batch_events = max(_SMALLEST_BATCH, min(BATCH_EVENTS, fitting))
