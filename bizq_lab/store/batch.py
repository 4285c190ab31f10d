"""One transaction of collection: rows, quarantine, task_outcome and offsets together. Knows no lock and no folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import bizq_lab.store.lines as journal_lines
from bizq_lab.core.events import EVENTS
from bizq_lab.store.columns import event_columns
from bizq_lab.store.outcomes import TOUCHING, refresh_task_outcome, start_touched, touch_staged
from bizq_lab.store.segments import Chunk
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

_SHORTEST_BUFFER = 1 << 20


class Refused(NamedTuple):
    """A line that is no sound event: where it stood, why, and its bytes."""

    segment: str
    offset: int
    reason: str
    line: bytes


class Sorted(NamedTuple):
    """Sound lines of one kind, and where each stood."""

    lines: list[bytes]
    places: list[tuple[str, int]]


class Counts(NamedTuple):
    """What one transaction did."""

    events: int
    refused: int


def commit_chunks(connection: duckdb.DuckDBPyConnection, chunks: dict[str, Chunk]) -> Counts:
    """Move the lines of these segments into the tables, exactly once: their offsets are part of the transaction."""
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    by_kind, refused = sort_lines(chunks)
    try:
        connection.execute("BEGIN")
        touches = not TOUCHING.isdisjoint(by_kind)
        if touches:
            start_touched(connection)
        for kind, found in by_kind.items():
            refused += _ingest(connection, kind, found)
        if touches:
            refresh_task_outcome(connection)
        _quarantine(connection, refused)
        counts = _advance(connection, chunks, refused)
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.execute("ROLLBACK")
        raise
    return counts


def sort_lines(chunks: dict[str, Chunk]) -> tuple[dict[str, Sorted], list[Refused]]:
    """Verify every line and put it with its kind; headers are dropped, the rest is refused with a reason."""
    by_kind: dict[str, Sorted] = {kind: Sorted([], []) for kind in EVENTS}
    refused: list[Refused] = []
    for segment, chunk in chunks.items():
        offset = chunk.start
        for line in chunk.lines:
            kind, problem = journal_lines.examine(line)
            if problem:
                refused.append(Refused(segment, offset, problem, line))
            elif kind != journal_lines.HEADER_KIND:
                found = by_kind[kind]
                found.lines.append(line)
                found.places.append((segment, offset))
            offset += len(line) + 1
        if chunk.torn:
            refused.append(Refused(segment, offset, "its writer died before the line was whole", chunk.torn))
    return {kind: found for kind, found in by_kind.items() if found.lines}, refused


def _ingest(connection: duckdb.DuckDBPyConnection, kind: str, found: Sorted) -> list[Refused]:
    """Insert the lines of one kind; a line that DuckDB cannot read is found by halving."""
    import duckdb  # noqa: PLC0415 - as above

    try:
        _stage(connection, kind, found.lines)
    except duckdb.DataError as error:
        if len(found.lines) == 1:
            return [_refuse(found, 0, str(error).splitlines()[0])]
        middle = len(found.lines) // 2
        halves = (Sorted(found.lines[half], found.places[half]) for half in (slice(middle), slice(middle, None)))
        return [refusal for half in halves for refusal in _ingest(connection, kind, half)]
    refused = _refusals(connection, kind)
    if refused:
        connection.execute("DELETE FROM staged WHERE rowid IN (SELECT unnest($rows))", {"rows": list(refused)})
    connection.execute(f"INSERT INTO {kind} BY NAME SELECT * FROM staged")  # noqa: S608 - kind is a key of EVENTS
    if kind in TOUCHING:
        touch_staged(connection)
    connection.execute("DROP TABLE staged")
    return [_refuse(found, row, reason) for row, reason in refused.items()]


def _stage(connection: duckdb.DuckDBPyConnection, kind: str, lines: list[bytes]) -> None:
    columns = ", ".join(f"{name}: '{duckdb_type}'" for name, duckdb_type in event_columns(kind).items())
    with tempfile.TemporaryDirectory(prefix="bizq-lab-") as folder:
        file = Path(folder) / "lines.jsonl"
        file.write_bytes(b"\n".join(lines) + b"\n")
        longest = max(_SHORTEST_BUFFER, 2 * max(map(len, lines)))
        text = statement("ingest").replace("__columns__", columns).replace("__longest__", str(longest))
        connection.execute(text.replace("__file__", str(file).replace("'", "''")))


def _refusals(connection: duckdb.DuckDBPyConnection, kind: str) -> dict[int, str]:
    span = connection.execute("SELECT min(recorded_at_us), max(recorded_at_us) FROM staged").fetchall()[0]
    query = statement("refused").replace("__kind__", kind)
    return dict(connection.execute(query, {"first_us": span[0], "last_us": span[1]}).fetchall())


def _refuse(found: Sorted, row: int, reason: str) -> Refused:
    segment, offset = found.places[row]
    return Refused(segment, offset, reason, found.lines[row])


def _quarantine(connection: duckdb.DuckDBPyConnection, refused: list[Refused]) -> None:
    for line in sorted(refused):
        connection.execute("INSERT INTO quarantine VALUES ($segment, $offset, $reason, $line)", line._asdict())


def _advance(connection: duckdb.DuckDBPyConnection, chunks: dict[str, Chunk], refused: Iterable[Refused]) -> Counts:
    """Write down how far each segment has been collected."""
    refused_in = dict.fromkeys(chunks, 0)
    for line in refused:
        refused_in[line.segment] += 1
    events = 0
    for segment, chunk in chunks.items():
        headers = 1 if chunk.start == 0 and chunk.lines and journal_lines.decode_header(chunk.lines[0]) else 0
        sound = len(chunk.lines) + bool(chunk.torn) - headers - refused_in[segment]
        events += sound
        row = {"segment": segment, "end": chunk.end, "events": sound, "quarantined": refused_in[segment]}
        connection.execute(statement("advance"), row)
    return Counts(events, sum(refused_in.values()))
