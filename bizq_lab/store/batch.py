"""One transaction of collection: rows, quarantine, task_outcome and offsets together. Knows no lock and no folder."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import bizq_lab.store.lines as journal_lines
from bizq_lab.errors import LogError
from bizq_lab.store.outcomes import TOUCHING, keep_task_outcome, part_known, tell_staged
from bizq_lab.store.staging import Batch, refused_in
from bizq_lab.store.statements import statement
from bizq_lab.store.tombstone import drop_forgotten

if TYPE_CHECKING:
    import duckdb


class Counts(NamedTuple):
    """What one transaction did."""

    events: int
    refused: int
    forgotten: int = 0


def commit_batch(batch: Batch, *, gone: list[str]) -> Counts:
    """Move the staged rows into the attached log's tables, exactly once: their offsets are part of the transaction.

    Args:
        batch: What to move; the log is attached to the DuckDB that it is staged in.
        gone: Segments that are no more; their names never come back, and their offsets are forgotten.

    Raises:
        LogError: The log says that a segment has not been collected to where the batch begins.
    """
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    connection = batch.staging.connection
    try:
        connection.execute("BEGIN")
        _check_offsets(connection, batch)
        staged = _left_out(batch)
        for kind in batch.kinds:
            _refuse_collected(batch, kind)
        drop_forgotten(batch)
        touches = not TOUCHING.isdisjoint(batch.kinds)
        if touches and _left_out(batch) != staged:
            tell_staged(connection)
        known = part_known(connection) if touches else 0
        for kind in batch.kinds:
            connection.execute(statement("move").replace("__kind__", kind))
        if touches:
            keep_task_outcome(connection, known=known)
        _quarantine(connection, batch)
        counts = _advance(connection, batch)
        if gone:
            connection.execute(statement("forget_segments"), {"gone": gone})
        connection.execute("COMMIT")
    except (duckdb.Error, LogError):
        with suppress(duckdb.Error):  # a commit that failed has ended its transaction
            connection.execute("ROLLBACK")
        raise
    return counts


def _check_offsets(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Whoever has the turn collects alone; this holds although somebody removed the file of the turn."""
    rows = connection.execute("SELECT segment, collected_bytes FROM collected_segment").fetchall()
    known = dict(rows)
    moved = [name for name, chunk in batch.chunks.items() if known.get(name, 0) != chunk.start]
    if moved:
        message = f"segment {moved[0]} was collected by somebody else meanwhile"
        raise LogError(message, hint="collect again; nothing was moved twice")


def _refuse_collected(batch: Batch, kind: str) -> None:
    """Take out the staged rows that the table has already."""
    connection = batch.staging.connection
    first_us, last_us = batch.spans[kind]
    query = statement("collected_before").replace("__kind__", kind)
    rows = connection.execute(query, {"first_us": first_us, "last_us": last_us}).fetchall()
    numbers = batch.kinds[kind]
    for (row,) in rows:
        batch.refuse(numbers[row], "event_id was collected before")
    batch.staging.drop(kind, [row for (row,) in rows])


def _left_out(batch: Batch) -> int:
    """How many lines will enter no table."""
    return len(batch.refused) + batch.forgotten.total()


def _quarantine(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    if batch.refused:
        segment, offset, reason, line = map(list, zip(*sorted(batch.refused), strict=True))
        row = {"segment": segment, "offset": offset, "reason": reason, "line": line}
        connection.execute(statement("quarantine"), row)


def _advance(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Counts:
    """Write down how far each segment has been collected."""
    refused = refused_in(batch.refused, batch.chunks)
    events = []
    for segment, chunk in batch.chunks.items():
        headers = 1 if chunk.start == 0 and chunk.lines and journal_lines.decode_header(chunk.lines[0]) else 0
        events.append(len(chunk.lines) + bool(chunk.torn) - headers - refused[segment] - batch.forgotten[segment])
    if batch.chunks:
        seen = {
            "segment": list(batch.chunks),
            "end": [chunk.end for chunk in batch.chunks.values()],
            "events": events,
            "quarantined": list(refused.values()),
        }
        connection.execute(statement("advance"), seen)
    return Counts(sum(events), sum(refused.values()), batch.forgotten.total())
