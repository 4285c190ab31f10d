"""How a log is doing: what waits, what was refused, what never ended. Changes nothing."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.store import segments
from bizq_lab.store.locks import owner_is_gone
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

# Clocks of one machine step by this much when they are set; more is somebody else's clock.
SKEW_TOLERATED_S = 5.0
_US_PER_S = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHealth:
    """How a log is doing.

    Attributes:
        schema_version: Of the file.
        decisions: Decisions collected.
        pending: Decisions without an outcome.
        unknown_attempts: Calls that began and whose end was never written.
        quarantined: Journal lines that were no sound events.
        segments: Journal segments present.
        waiting_bytes: Journal bytes not collected yet.
        orphans: Segments whose owner is gone and that still wait to be collected.
        foreign: Files in the journal folder that nobody here wrote.
        file_bytes: Size of the DuckDB file, with what it has beside it: its write-ahead log, snapshot and backups.
        journal_bytes: Size of the segments, collected or not.
        lag_s: How long ago the oldest event that waits was recorded, in seconds; 0 when nothing waits.
        clock_skew_s: How far the newest event lies in this machine's future, in seconds; 0 when it does not.
        outcomes_missing: Decisions without their row in `task_outcome`; never any, unless somebody changed the file.
    """

    schema_version: int
    decisions: int
    pending: int
    unknown_attempts: int
    quarantined: int
    segments: int
    waiting_bytes: int
    orphans: int
    foreign: tuple[str, ...]
    file_bytes: int
    journal_bytes: int
    lag_s: float
    clock_skew_s: float
    outcomes_missing: int

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look.

        Lines were refused, calls never ended, strange files lie in the journal, clocks disagree, or rows are missing.
        """
        skewed = self.clock_skew_s > SKEW_TOLERATED_S
        return bool(self.quarantined or self.unknown_attempts or self.foreign or skewed or self.outcomes_missing)

    def __str__(self) -> str:
        """One sentence."""
        parts = [
            f"{self.decisions} decisions ({self.pending} pending)",
            f"{self.segments} journal segments, {self.waiting_bytes} bytes waiting",
            f"{self.quarantined} lines quarantined",
            f"{self.unknown_attempts} attempts without an end",
            f"schema {self.schema_version}",
            f"{self.file_bytes / 1e6:.1f} MB",
        ]
        if self.foreign:
            parts.append(f"foreign files: {', '.join(self.foreign)}")
        return "; ".join(parts)


def examine(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path, *, now_us: int) -> LogHealth:
    """Look at an open log and its journal folder."""
    row = connection.execute(statement("health")).fetchall()[0]
    offsets = dict(connection.execute("SELECT segment, collected_bytes FROM collected_segment").fetchall())
    seen = segments.look(folder)
    waiting = {name: size - offsets.get(name, 0) for name, size in seen.sizes.items()}
    return LogHealth(
        schema_version=row[0],
        decisions=row[1],
        pending=row[2],
        unknown_attempts=row[3],
        quarantined=row[4],
        segments=len(seen.sizes),
        waiting_bytes=sum(waiting.values()),
        orphans=sum(rest > 0 and owner_is_gone(folder / name) for name, rest in waiting.items()),
        foreign=seen.foreign,
        file_bytes=sum(
            file.stat().st_size for file in path.parent.glob(f"{glob.escape(path.name)}*") if file.is_file()
        ),
        journal_bytes=sum(seen.sizes.values()),
        lag_s=max(0.0, (now_us - min(_oldest_waiting(folder, offsets, waiting), default=now_us)) / _US_PER_S),
        clock_skew_s=max(0.0, (row[5] - now_us) / _US_PER_S),
        outcomes_missing=row[6],
    )


def _oldest_waiting(folder: Path, offsets: dict[str, int], waiting: dict[str, int]) -> Iterator[int]:
    """When the first event that waits in each segment was recorded."""
    for name, rest in waiting.items():
        if rest > 0:
            with suppress(FileNotFoundError):  # collected and removed meanwhile
                recorded_at_us = segments.recorded_at_us(folder / name, offsets.get(name, 0))
                if recorded_at_us is not None:
                    yield recorded_at_us
