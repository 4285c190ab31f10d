"""What lies in the journal folder, and its bytes. Knows the line format by name only, and no DuckDB."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bizq_lab.store.journal import UNBORN_SUFFIX
from bizq_lab.store.lines import decode_header, recorded_at_us_of
from bizq_lab.store.locks import owner_is_gone

# Held by whoever uses the DuckDB file; and by the one process that reads the journal, which takes it first.
LOCK_NAME, TURN_NAME = "lock", "turn"
_SEGMENT = re.compile(r"\w+-(?P<pid>\d+)-[0-9a-f]{32}\.jsonl")
_READ_BYTES = 256 * 1024
_HEADER_BYTES = 4096


class Folder(NamedTuple):
    """Segments by name with their sizes in bytes, and the names of files that nobody here wrote."""

    sizes: dict[str, int]
    foreign: tuple[str, ...]


class Chunk(NamedTuple):
    """Whole lines without newlines, where the first begins, where the next chunk begins, a dead writer's tail."""

    lines: list[bytes]
    start: int
    end: int
    torn: bytes = b""


def look(folder: Path) -> Folder:
    """List the folder; segments in order of their names."""
    sizes, foreign = {}, []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            if _SEGMENT.fullmatch(entry.name) and not entry.is_symlink():
                sizes[entry.name] = entry.stat().st_size
            elif entry.name not in (LOCK_NAME, TURN_NAME) and not entry.name.endswith(UNBORN_SUFFIX):
                foreign.append(entry.name)
        except FileNotFoundError:
            continue  # another collector removed it between the listing and the look
    return Folder(sizes, tuple(foreign))


def owner_pid(segment: str) -> int:
    """The process that a segment's name says owns it."""
    match = _SEGMENT.fullmatch(segment)
    return int(match["pid"]) if match else 0


def schema_of(path: Path) -> int:
    """The schema version in a segment's header; 0 when the header is missing or garbled."""
    with path.open("rb") as file:
        header = decode_header(file.readline(_HEADER_BYTES).rstrip(b"\n"))
    return int(header["schema"]) if header else 0


def recorded_at_us(path: Path, start: int) -> int | None:
    """When the first whole event from an offset on was recorded; None when there is none, or it is garbled."""
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if decode_header(line.rstrip(b"\n")) is None:
                return recorded_at_us_of(line.rstrip(b"\n"))
    return None


def read_lines(path: Path, start: int, *, at_most: int, at_most_bytes: int) -> Chunk:
    """The next whole lines from an offset on; a tail without newline only once its writer is gone.

    Args:
        path: The segment.
        start: Where to begin, at the start of a line.
        at_most: Lines to return at most.
        at_most_bytes: Once so many are read, no more are; one line may be longer.
    """
    gone = owner_is_gone(path)  # asked before reading: what a dead owner left is all there will ever be
    with path.open("rb") as file:
        file.seek(start)
        lines, tail, at_end = _take(file, at_most, at_most_bytes)
    end = start + sum(map(len, lines)) + len(lines)
    torn = tail if gone and at_end else b""
    return Chunk(lines, start, end + len(torn), torn)


def _take(file: BinaryIO, at_most: int, at_most_bytes: int) -> tuple[list[bytes], bytes, bool]:
    """At most so many whole lines of about so many bytes, what follows them, and whether that is all there is."""
    lines: list[bytes] = []
    tail, taken = b"", 0
    while len(lines) < at_most and (taken < at_most_bytes or not lines):
        data = file.read(_READ_BYTES)
        if not data:
            return lines, tail, True
        *whole, tail = (tail + data).split(b"\n")
        lines += whole
        taken += len(data)
    at_end = len(lines) <= at_most and not file.read(1)
    return lines[:at_most], tail, at_end


def remove_finished(folder: Path, collected: dict[str, int]) -> tuple[str, ...]:
    """Remove segments that are collected to their end and whose owner is gone; returns their names.

    Files that never became segments, left by a process that died in between, go too.
    """
    removed = []
    for name, size in look(folder).sizes.items():
        path = folder / name
        if collected.get(name, -1) == size and owner_is_gone(path) and path.stat().st_size == size:
            path.unlink(missing_ok=True)
            removed.append(name)
    for path in folder.glob(f"*{UNBORN_SUFFIX}"):
        if owner_is_gone(path):
            path.unlink(missing_ok=True)
    return tuple(removed)
