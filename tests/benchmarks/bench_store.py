"""What the log costs: an append, a collection, a question; each beside a reference of the same kind on this machine.

Run: python -m tests.benchmarks.bench_store [events]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from bizq_lab.core.events import Event
from bizq_lab.store import Log, journal_folder
from bizq_lab.store.journal import Durability
from tests.support.store_events import make_story

EVENTS = 100_000
APPENDS = 20_000
POWER_APPENDS = 200
QUESTIONS = 15


class Row(NamedTuple):
    """One measurement beside its reference; the ratio is ours over theirs, of the same unit."""

    what: str
    ours: float
    reference: float
    unit: str
    reference_is: str

    def __str__(self) -> str:
        measured = f"{self.what:<24}{self.ours:12,.1f} {self.unit:<9}{self.reference:12,.1f}"
        return f"{measured}  x{self.ours / self.reference:6.2f}  {self.reference_is}"


def main() -> None:
    """Measure and print."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    stories = [make_story(f"d{number}", at_us=number * 10) for number in range(n // 4)]
    events = [event for story in stories for event in story]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in (*appends(folder, events), *collection(folder, events), *questions(folder)):
            sys.stdout.write(f"{row}\n")


def appends(folder: Path, events: list[Event]) -> list[Row]:
    """Microseconds of one append, beside one `write` of as many bytes, and with fdatasync beside one of those."""
    rows = []
    cases: tuple[tuple[Durability, int, str], ...] = (
        ("process", APPENDS, "a bare write"),
        ("power", POWER_APPENDS, "a bare write and fdatasync"),
    )
    for durability, n, reference_is in cases:
        path = folder / f"{durability}.duckdb"
        fd = os.open(folder / durability, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with Log.open(path, durability=durability) as log:
            log.append(events[0])  # opens the segment
            (segment,) = journal_folder(path).glob("*.jsonl")
            line = segment.read_bytes().splitlines(keepends=True)[1]
            ours, plain = medians_us(log.append, events[1 : n + 1], writer(fd, sync=durability == "power"), [line] * n)
        os.close(fd)
        rows.append(Row(f"append, {durability}", ours, plain, "us", reference_is))
    return rows


def writer(fd: int, *, sync: bool) -> Callable[[bytes], None]:
    """The least that an append could do."""

    def write(line: bytes) -> None:
        os.write(fd, line)
        if sync:
            os.fdatasync(fd)

    return write


def medians_us(
    ours: Callable[[Any], object], things: Sequence[Any], reference: Callable[[Any], object], others: Sequence[Any]
) -> tuple[float, float]:
    """Median microseconds of one call of each, in turns, so that a busy moment hits both."""
    taken: tuple[list[int], list[int]] = ([], [])
    for thing, other in zip(things, others, strict=True):
        for act, argument, spent in ((ours, thing, taken[0]), (reference, other, taken[1])):
            begun = time.perf_counter_ns()
            act(argument)
            spent.append(time.perf_counter_ns() - begun)
    return statistics.median(taken[0]) / 1e3, statistics.median(taken[1]) / 1e3


def collection(folder: Path, events: list[Event]) -> list[Row]:
    """Events a second into the tables, beside DuckDB reading the same lines into one table of text."""
    path = folder / "lab.duckdb"
    with Log.open(path) as log:
        for event in events:
            log.append(event)
        (segment, *_) = segments = list(journal_folder(path).glob("*.jsonl"))
        lines = b"".join(each.read_bytes() for each in segments)
        begun = time.perf_counter()
        report = log.collect()
        ours = report.events / (time.perf_counter() - begun)
    assert report.events == len(events)
    copy = folder / segment.name
    copy.write_bytes(lines)
    with duckdb.connect(str(folder / "plain.duckdb")) as connection:
        begun = time.perf_counter()
        connection.execute("CREATE TABLE line AS SELECT * FROM read_ndjson_objects($file)", {"file": str(copy)})
        reference = len(events) / (time.perf_counter() - begun)
    return [Row("collect", ours, reference, "events/s", "DuckDB reading the lines unchecked into one column")]


def questions(folder: Path) -> list[Row]:
    """Milliseconds of a small question with nothing to collect, beside opening the file in DuckDB."""
    path = folder / "lab.duckdb"

    def plain(_: int) -> None:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("SELECT decision_id FROM decision WHERE task_id = 'none'").fetchall()

    turns = list(range(QUESTIONS))
    with Log.open(path) as log:
        ours, reference = medians_us(lambda _: log.query("decisions_of_task", task_id="none"), turns, plain, turns)
    return [Row("question, nothing new", ours / 1e3, reference / 1e3, "ms", "duckdb.connect, the same question, close")]


if __name__ == "__main__":
    main()
