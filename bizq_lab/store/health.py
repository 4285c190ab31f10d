"""How a log is doing: what waits, what was refused, what never ended. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.store import segments
from bizq_lab.store.locks import owner_is_gone
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb


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
        file_bytes: Size of the DuckDB file.
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

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look: lines were refused, calls never ended, or strange files lie in the journal."""
        return bool(self.quarantined or self.unknown_attempts or self.foreign)

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


def examine(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> LogHealth:
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
        file_bytes=path.stat().st_size,
    )
