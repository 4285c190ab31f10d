"""Reads journal lines into temporary tables, one a kind, before any lock is taken. Knows no folder and no log file.

Verifying and parsing are most of what collecting costs, and need nothing that others use. They happen in a DuckDB that
lives in memory; the log's own file is attached to it later, for as long as it takes to move the rows.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.events import EVENTS
from bizq_lab.errors import LogError
from bizq_lab.store import lines
from bizq_lab.store.columns import event_columns
from bizq_lab.store.connection import in_memory, translated
from bizq_lab.store.leftovers import OWNER_NAME, STAGING_PREFIX
from bizq_lab.store.locks import file_lock
from bizq_lab.store.outcomes import TOUCHING, tell_staged
from bizq_lab.store.segments import Chunk
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

_SHORTEST_BUFFER = 1 << 20
_VECTOR_ROWS = 2048
# Kinds with fewer rows than a part of what the largest has are copied as cheaply as written.
_SMALL_PART = 4


class Refused(NamedTuple):
    """A line that is no sound event: where it stood, why, and its bytes."""

    segment: str
    offset: int
    reason: str
    line: bytes


class Batch:
    """The lines of one batch, numbered through all its segments.

    Attributes:
        staging: Holds its tables once it has staged it, until it stages the next batch.
        chunks: What was read of each segment.
        kinds: Numbers of the lines of each kind; of those staged, in the order of the staged table's `rowid`.
        spans: When the first and the last event of each kind were recorded, UTC microseconds; None where there is none.
        refused: What will not enter a table.
        forgotten: How many lines of each segment are of what the log has forgotten.
    """

    staging: Staging

    def __init__(self, chunks: dict[str, Chunk]) -> None:
        """Number the lines, verify them and put each number with its kind; what is none is refused with a reason."""
        self.chunks = chunks
        self.lines = [line for chunk in chunks.values() for line in chunk.lines]
        self.spans: dict[str, tuple[int | None, int | None]] = {}
        self.refused: list[Refused] = []
        self.forgotten: Counter[str] = Counter()
        self.kinds = self._sorted()
        for segment, chunk in chunks.items():
            if chunk.torn:
                reason = "its writer died before the line was whole"
                self.refused.append(Refused(segment, chunk.end - len(chunk.torn), reason, chunk.torn))

    def begins_at(self, offsets: Mapping[str, int]) -> bool:
        """Whether each segment is collected to just where the batch begins."""
        return all(offsets.get(name, 0) == chunk.start for name, chunk in self.chunks.items())

    @property
    def ends(self) -> dict[str, int]:
        """How far each segment is collected once this batch is."""
        return {name: chunk.end for name, chunk in self.chunks.items()}

    @property
    def row_group_rows(self) -> int | None:
        """The most rows of a row group that every large kind fills; None where none does."""
        counts = [len(numbers) for numbers in self.kinds.values()]
        fewest = min((n for n in counts if n * _SMALL_PART >= max(counts)), default=0)
        return fewest // _VECTOR_ROWS * _VECTOR_ROWS or None

    def refuse(self, number: int, reason: str) -> None:
        """Note that a line will not enter a table."""
        first, segment = self._segment_of(number)
        chunk = self.chunks[segment]
        offset = chunk.start + self._begins[number] - self._begins[first]
        self.refused.append(Refused(segment, offset, reason, self.lines[number]))

    def forget(self, number: int) -> None:
        """Note that a line is of what the log has forgotten."""
        self.forgotten[self._segment_of(number)[1]] += 1

    def _sorted(self) -> dict[str, list[int]]:
        by_kind: dict[str, list[int]] = {kind: [] for kind in (*EVENTS, lines.HEADER_KIND)}
        for number, kind in enumerate(lines.kinds(self.lines)):
            if kind is None:
                self.refuse(number, lines.examine(self.lines[number]).problem)
            else:
                by_kind[kind].append(number)
        del by_kind[lines.HEADER_KIND]
        return {kind: numbers for kind, numbers in by_kind.items() if numbers}

    def _segment_of(self, number: int) -> tuple[int, str]:
        return self._segments[bisect_right(self._segments, number, key=lambda found: found[0]) - 1]

    @cached_property
    def _begins(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))

    @cached_property
    def _segments(self) -> list[tuple[int, str]]:
        """The number of each segment's first line."""
        firsts = accumulate((len(chunk.lines) for chunk in self.chunks.values()), initial=0)
        return [(first, name) for first, (name, chunk) in zip(firsts, self.chunks.items(), strict=False) if chunk.lines]


class Staging:
    """A DuckDB in memory, and a folder for the lines that it reads.

    Attributes:
        connection: Holds the tables `staged_<kind>` of the last batch.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        """Use `staging()`, which cleans up."""
        self.connection, self._folder = connection, folder

    def twin(self) -> Staging:
        """Another place in the same DuckDB, so that one batch can be staged while another one is moved."""
        folder = self._folder / "twin"
        folder.mkdir()
        return Staging(self.connection.cursor(), folder)

    def stage(self, batch: Batch) -> None:
        """Read a batch's sound lines into their tables.

        Raises:
            LogError: There is no room for them.
        """
        batch.staging = self
        with translated(self._folder):
            for kind, numbers in batch.kinds.items():
                batch.kinds[kind] = self._read(batch, kind, numbers)
                ((first_us, last_us, sound),) = self.connection.execute(
                    statement("staged_span").replace("__kind__", kind)
                ).fetchall()
                batch.spans[kind] = first_us, last_us
                if not sound:
                    self._refuse_unsound(batch, kind)
            for kind in TOUCHING - batch.kinds.keys():
                columns = ", ".join(f'"{name}" {of}' for name, of in event_columns(kind).items())
                self.connection.execute(f"CREATE OR REPLACE TEMP TABLE staged_{kind} ({columns})")
            if not TOUCHING.isdisjoint(batch.kinds):
                tell_staged(self.connection)

    def _read(self, batch: Batch, kind: str, numbers: list[int]) -> list[int]:
        """Read lines into the table; returns the numbers of those that DuckDB can read."""
        unreadable = dict(self._unreadable(batch, kind, numbers))
        if not unreadable:
            return numbers
        for number, reason in unreadable.items():
            batch.refuse(number, reason)
        readable = [number for number in numbers if number not in unreadable]
        self._read_json(batch, kind, readable)
        return readable

    def _unreadable(self, batch: Batch, kind: str, numbers: list[int]) -> Iterator[tuple[int, str]]:
        """Lines that DuckDB cannot read, found by halving, with its reason."""
        import duckdb  # noqa: PLC0415 - loads only where a file is opened

        try:
            self._read_json(batch, kind, numbers)
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            if len(numbers) == 1:
                yield numbers[0], str(error).splitlines()[0].rpartition("in line 1: ")[2]
                return
            middle = len(numbers) // 2
            for half in (numbers[:middle], numbers[middle:]):
                yield from self._unreadable(batch, kind, half)

    def _read_json(self, batch: Batch, kind: str, numbers: list[int]) -> None:
        found = [batch.lines[number] for number in numbers]
        columns = ", ".join(f"{name}: '{duckdb_type}'" for name, duckdb_type in event_columns(kind).items())
        longest = max(_SHORTEST_BUFFER, 2 * max(map(len, found), default=0))
        file = self._folder / "lines.jsonl"
        try:
            file.write_bytes(b"\n".join([*found, b""]))
        except OSError as error:
            message = f"{file.parent}: lines cannot be read there: {error.strerror}"
            raise LogError(message, hint="make room in the folder for temporary files; nothing is lost") from None
        text = statement("stage").replace("__columns__", columns).replace("__longest__", str(longest))
        self.connection.execute(text.replace("__kind__", kind).replace("__file__", str(file).replace("'", "''")))

    def _refuse_unsound(self, batch: Batch, kind: str) -> None:
        """Take out the rows without an id or a time, and the second of two with the same id."""
        rows = self.connection.execute(statement("unsound").replace("__kind__", kind)).fetchall()
        numbers = batch.kinds[kind]
        for row, reason in rows:
            batch.refuse(numbers[row], reason)
        self.drop(kind, [row for row, _ in rows])

    def drop(self, kind: str, rows: list[int]) -> None:
        """Take rows out of a staged table; the others keep their number."""
        if rows:
            text = statement("drop_staged").replace("__kind__", kind)
            self.connection.execute(text, {"refused": rows})


@contextmanager
def staging() -> Iterator[Staging]:
    """A place to stage batches in, for the length of the block."""
    with (
        tempfile.TemporaryDirectory(prefix=STAGING_PREFIX) as folder,
        file_lock(Path(folder) / OWNER_NAME, exclusive=True, patience_s=0),
        in_memory(Path(folder)) as connection,
    ):
        yield Staging(connection, Path(folder))


def refused_in(refused: Iterable[Refused], segments: Iterable[str]) -> dict[str, int]:
    """How many lines of each segment were refused."""
    counts = dict.fromkeys(segments, 0)
    for line in refused:
        counts[line.segment] += 1
    return counts
