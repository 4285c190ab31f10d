"""Prepares batches: while one is moved, the next is parsed and the one after it read. Holds no lock, moves nothing.

Reading and verifying are Python's, parsing is DuckDB's, and so is moving: each in a thread of its own, they share the
cores. What was prepared is dropped where somebody else has collected meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from bizq_lab.store import segments
from bizq_lab.store.segments import Chunk
from bizq_lab.store.staging import Batch, Staging

# What one hold of the lock moves at most.
BATCH_EVENTS = 50_000
BATCH_BYTES = 64 * 1024 * 1024
# The first batch is a part of that, so that moving need not wait long for its first work.
_FIRST_PART = 4


class Ahead:
    """Batches of one collection, in order, for the length of a block.

    Args:
        folder: The journal folder.
        place: Where to parse; a second place beside it is made when it is needed.
        targets: Up to where each segment is collected, in bytes.
    """

    def __init__(self, folder: Path, place: Staging, targets: Mapping[str, int]) -> None:
        """Nothing is read yet."""
        self._folder, self._places, self._targets = folder, [place], dict(targets)
        self._readers, self._parsers = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._read: Future[Batch] | None = None
        self._parsed: Future[Batch] | None = None
        self._part = _FIRST_PART

    def __enter__(self) -> Self:
        """Threads start with their first work."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for what is under way, for it uses the place."""
        for pool in (self._parsers, self._readers):
            pool.shutdown()

    def take(self, offsets: Mapping[str, int]) -> Batch:
        """The batch that begins at these offsets; work on the next ones goes on behind it.

        Returns:
            A batch without chunks where nothing is left.
        """
        batch = self._parsed.result() if self._parsed is not None else None
        if batch is None or not batch.begins_at(offsets):
            batch = self._parse(self._places[0], offsets)
        self._parsed = None
        after = {**offsets, **batch.ends}
        if batch.chunks and self._pending(after):
            if len(self._places) == 1:
                self._places.append(self._places[0].twin())
            idle = self._places[batch.staging is self._places[0]]
            self._parsed = self._parsers.submit(self._parse, idle, after)
        return batch

    @property
    def more(self) -> bool:
        """Whether another batch follows the one that was taken last."""
        return self._parsed is not None

    def _parse(self, place: Staging, offsets: Mapping[str, int]) -> Batch:
        batch = self._read.result() if self._read is not None else None
        if batch is None or not batch.begins_at(offsets):
            batch = self._load(offsets)
        after = {**offsets, **batch.ends}
        self._read = self._readers.submit(self._load, after) if batch.chunks and self._pending(after) else None
        place.stage(batch)
        return batch

    def _load(self, offsets: Mapping[str, int]) -> Batch:
        return Batch(self._chunks(offsets))

    def _pending(self, offsets: Mapping[str, int]) -> bool:
        return any(size > offsets.get(name, 0) for name, size in self._targets.items())

    def _chunks(self, offsets: Mapping[str, int]) -> dict[str, Chunk]:
        """Whole lines of as many segments as one batch takes."""
        chunks: dict[str, Chunk] = {}
        room, room_bytes = BATCH_EVENTS // self._part, BATCH_BYTES // self._part
        self._part = 1
        for name, size in self._targets.items():
            start = offsets.get(name, 0)
            if room <= 0 or room_bytes <= 0:
                break
            if size <= start:
                continue
            try:
                chunk = segments.read_lines(self._folder / name, start, at_most=room, at_most_bytes=room_bytes)
            except FileNotFoundError:
                continue  # finished and removed by another collector since the listing
            if chunk.end > start:
                chunks[name] = chunk
                room -= len(chunk.lines)
                room_bytes -= chunk.end - chunk.start
        return chunks
