"""One transaction of collection: rows, quarantine, task_outcome and offsets together. Knows no lock and no folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
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
    for kind, found in by_kind.items():
        by_kind[kind], unreadable = _stage(connection, kind, found)
        refused += unreadable
    try:
        connection.execute("BEGIN")
        touches = not TOUCHING.isdisjoint(by_kind)
        if touches:
            start_touched(connection)
        for kind, found in by_kind.items():
            refused += _move(connection, kind, found)
        if touches:
            refresh_task_outcome(connection)
        _quarantine(connection, refused)
        counts = _advance(connection, chunks, refused)
        connection.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.Error):  # a commit that failed has ended its transaction
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


def _stage(connection: duckdb.DuckDBPyConnection, kind: str, found: Sorted) -> tuple[Sorted, list[Refused]]:
    """Read the lines of one kind into a temporary table; one that DuckDB cannot read is found by halving."""
    refused = _unreadable(connection, kind, found)
    if refused:
        bad = {(line.segment, line.offset) for line in refused}
        kept = [pair for pair in zip(found.lines, found.places, strict=True) if pair[1] not in bad]
        found = Sorted([line for line, _ in kept], [place for _, place in kept])
        _read_json(connection, kind, found.lines)
    return found, refused


def _unreadable(connection: duckdb.DuckDBPyConnection, kind: str, found: Sorted) -> list[Refused]:
    import duckdb  # noqa: PLC0415 - as above

    try:
        _read_json(connection, kind, found.lines)
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        if len(found.lines) == 1:
            return [_refuse(found, 0, str(error).splitlines()[0].rpartition("in line 1: ")[2])]
        middle = len(found.lines) // 2
        halves = (Sorted(found.lines[half], found.places[half]) for half in (slice(middle), slice(middle, None)))
        return [refusal for half in halves for refusal in _unreadable(connection, kind, half)]
    return []


def _read_json(connection: duckdb.DuckDBPyConnection, kind: str, lines: list[bytes]) -> None:
    columns = ", ".join(f"{name}: '{duckdb_type}'" for name, duckdb_type in event_columns(kind).items())
    longest = max(_SHORTEST_BUFFER, 2 * max(map(len, lines), default=0))
    text = statement("stage").replace("__columns__", columns).replace("__longest__", str(longest))
    with tempfile.TemporaryDirectory(prefix="bizq-lab-") as folder:
        file = Path(folder) / "lines.jsonl"
        file.write_bytes(b"\n".join([*lines, b""]))
        connection.execute(text.replace("__kind__", kind).replace("__file__", str(file).replace("'", "''")))


def _move(connection: duckdb.DuckDBPyConnection, kind: str, found: Sorted) -> list[Refused]:
    """Staged rows into their table, but for those that must not enter it."""
    span = statement("staged_span").replace("__kind__", kind)
    ((first_us, last_us),) = connection.execute(span).fetchall()
    query = statement("refused").replace("__kind__", kind)
    refused = dict(connection.execute(query, {"first_us": first_us, "last_us": last_us}).fetchall())
    move = statement("move").replace("__kind__", kind)
    connection.execute(move, {"refused": list(refused)})
    if kind in TOUCHING:
        touch_staged(connection, kind)
    return [_refuse(found, row, reason) for row, reason in refused.items()]


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
