"""What the log costs: appends, collections, questions; each beside a reference of the same kind in the same run.

Run: python -m tests.benchmarks.bench_store [events of the large log; 200,000 if not given, 1,000,000 for the issue's]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from bizq_lab.core.events import EVENTS, Event
from bizq_lab.store import Log, journal_folder
from bizq_lab.store.columns import event_columns
from bizq_lab.store.journal import Durability
from tests.support.store_events import make_event, make_story
from tests.support.store_processes import finish, start

EVENTS_IN_ALL = 200_000
APPENDS = 20_000
POWER_APPENDS = 200
APPENDS_EACH, WRITERS = 50_000, 4
QUESTIONS = 15
READINGS_S = 10
ROUNDS = 3  # of collections, by turns with their peer; the best of each counts, and the largest hold and memory
GIB = 1 << 30


class Row(NamedTuple):
    """One measurement, what it is held against, and whether that holds; the ratio is ours over the reference."""

    what: str
    ours: float
    unit: str
    reference: float
    reference_is: str
    bound: str
    holds: bool

    def __str__(self) -> str:
        verdict = f"{'ok' if self.holds else 'MISS':<5}{self.bound:<15}"
        measured = f"{self.what:<30}{self.ours:12,.1f} {self.unit:<9}{self.reference:12,.1f}"
        return f"{measured}  x{self.ours / self.reference:5.2f}  {verdict}{self.reference_is}"


def main() -> None:
    """Measure and print."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS_IN_ALL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for section in (appends(folder), together(folder), collections(folder, n), questions(folder), readers(folder)):
            for row in section:
                sys.stdout.write(f"{row}\n")
                sys.stdout.flush()


# -- appending ------------------------------------------------------------------------------------------------------


def appends(folder: Path) -> Iterator[Row]:
    """Microseconds of one append, beside one `write` of as many bytes, and with fdatasync beside one of those."""
    cases: tuple[tuple[Durability, int, str], ...] = (
        ("process", APPENDS, "a bare write"),
        ("power", POWER_APPENDS, "a bare write and fdatasync"),
    )
    for durability, n, reference_is in cases:
        events = [make_event("attempt") for _ in range(n)]
        fd = os.open(folder / durability, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with Log.open(folder / f"{durability}.duckdb", durability=durability) as log:
            log.append(events[0])  # opens the segment
            (segment,) = journal_folder(log.path).glob("*.jsonl")
            line = segment.read_bytes().splitlines(keepends=True)[1]
            ours, plain = in_turns(log.append, events, writer(fd, sync=durability == "power"), [line] * n)
        os.close(fd)
        median, bare = statistics.median(ours), statistics.median(plain)
        free = durability == "power"
        yield Row(
            f"append, {durability}, median",
            median,
            "us",
            bare,
            reference_is,
            "" if free else "<= 25 us",
            free or median <= 25,
        )
        if not free:
            p99 = percentile(ours, 99)
            yield Row("append, process, p99", p99, "us", percentile(plain, 99), reference_is, "<= 200 us", p99 <= 200)


def together(folder: Path) -> Iterator[Row]:
    """Events a second of four processes together, each event of 36 columns."""
    path = folder / "together.duckdb"
    writers = [start("race", path, APPENDS_EACH) for _ in range(WRITERS)]
    for each in writers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in writers:
        finish(each)
    rate = WRITERS * APPENDS_EACH / (time.perf_counter() - begun)
    yield Row("append, 4 processes", rate, "events/s", 60_000, "the bound", ">= 60,000", rate >= 60_000)


def writer(fd: int, *, sync: bool) -> Callable[[bytes], None]:
    """The least that an append could do."""

    def write(line: bytes) -> None:
        os.write(fd, line)
        if sync:
            os.fdatasync(fd)

    return write


# -- collecting -----------------------------------------------------------------------------------------------------


def collections(folder: Path, n: int) -> Iterator[Row]:
    """Events a second into the tables, beside DuckDB's own `read_json` of the same lines into one table.

    The bound is for what executors leave, a mix of kinds. Attempts alone, which have the most columns and which no
    writer leaves alone, show the worst case beside it.
    """
    stories = (event for number in range(n // 4) for event in make_story(f"dec_{number:032x}", at_us=number * 10))
    attempts = (make_event("attempt", attempt_id=str(number)) for number in range(n))
    cases: tuple[tuple[str, Iterator[Event], list[str], float], ...] = (
        ("mixed", stories, list(EVENTS), 0.5),
        ("attempts alone", attempts, ["attempt"], 0.0),
    )
    for name, events, kinds, least in cases:
        path = folder / f"{name}.duckdb"
        with Log.open(path) as log:
            for event in events:
                log.append(event)
        lines = folder / "lines.jsonl"
        with lines.open("wb") as file:
            for segment in journal_folder(path).glob("*.jsonl"):
                file.write(segment.read_bytes())
        plain = rate = resident = hold = 0.0
        for log_of_round in [*(copy_of(path, number) for number in range(1, ROUNDS)), path]:
            plain = max(plain, peer(folder, lines, kinds))
            said = finish(start("measure", log_of_round), within_s=3600).split()
            events_of, rate = int(said[0]), max(rate, int(said[0]) / float(said[1]))
            resident, hold = max(resident, float(said[2])), max(hold, float(said[3]))
        columns = len({column for kind in kinds for column in event_columns(kind)})
        peer_is = f"read_json of the same file, {columns} declared columns"
        bound = f">= {least}" if least else ""
        yield Row(f"collect, {name}", rate, "events/s", plain, peer_is, bound, rate >= least * plain)
        yield Row(
            "  resident",
            resident / 1e6,
            "MB",
            GIB / 1e6,
            f"the bound, {events_of:,} events",
            "<= 1 GiB",
            resident <= GIB,
        )
        yield Row("  longest hold", hold, "s", 0.2, "the aim; never more than 50,000 events", "", holds=True)


def copy_of(path: Path, number: int) -> Path:
    """A log of its own with the same segments, as links to the same bytes."""
    copy = path.with_stem(f"{path.stem}-{number}")
    journal_folder(copy).mkdir()
    for segment in journal_folder(path).glob("*.jsonl"):
        os.link(segment, journal_folder(copy) / segment.name)
    return copy


def peer(folder: Path, lines: Path, kinds: Sequence[str]) -> float:
    """Events a second of plain DuckDB."""
    columns = {"kind": "VARCHAR"} | {column: of for kind in kinds for column, of in event_columns(kind).items()}
    declared = ", ".join(f"{column}: '{of}'" for column, of in columns.items())
    path = folder / "plain.duckdb"
    begun = time.perf_counter()
    with duckdb.connect(str(path)) as connection:
        ((count,),) = connection.execute(
            f"CREATE TABLE line AS FROM read_json('{lines}', format = 'newline_delimited', columns = {{{declared}}})"
        ).fetchall()
    taken = time.perf_counter() - begun
    path.unlink()
    return int(count) / taken


# -- asking ---------------------------------------------------------------------------------------------------------

PERFORMANCE = """
SELECT arm, model, count(*), count(*) FILTER (succeeded), sum(cost_nano_usd), sum(response_time_us),
    sum(CAST(response_time_us AS HUGEINT) * response_time_us), sum(CAST(cost_nano_usd AS HUGEINT) * cost_nano_usd)
FROM task_outcome GROUP BY ALL
"""


def questions(folder: Path) -> Iterator[Row]:
    """Milliseconds of opening and asking, beside opening the file in DuckDB and asking the same."""
    path = folder / "mixed.duckdb"

    def ours(_: int) -> None:
        with Log.open(path) as log:
            log.sql(PERFORMANCE)

    def plain(_: int) -> None:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute(PERFORMANCE).df()

    turns = list(range(QUESTIONS))
    taken, reference = map(statistics.median, in_turns(ours, turns, plain, turns))
    peer_is = "duckdb.connect, the same query, close"
    yield Row("open and ask", taken / 1e3, "ms", reference / 1e3, peer_is, "<= 1.3", taken <= 1.3 * reference)


def readers(folder: Path) -> Iterator[Row]:
    """Milliseconds of opening and asking while somebody writes and somebody collects every second."""
    path = folder / "mixed.duckdb"
    busy = [start("write", path, folder / "acknowledged"), start("collect_every", path, 1.0)]
    taken = []
    with Log.open(path, read_only=True) as log:
        until = time.monotonic() + READINGS_S
        while time.monotonic() < until:
            begun = time.perf_counter()
            log.query("decisions_of_task", task_id="none")
            taken.append((time.perf_counter() - begun) * 1e3)
            time.sleep(0.02)
    busy[0].kill()
    busy[0].communicate()
    said = finish_with(busy[1])
    longest_ms = float(said) * 1e3
    p99 = percentile(taken, 99)
    reference_is = f"longest hold of the lock; {len(taken)} readings, no error"
    yield Row("question beside collector, p99", p99, "ms", longest_ms, reference_is, "<= 3", p99 <= 3 * longest_ms)


def finish_with(program: subprocess.Popen[str]) -> str:
    """Its last words, once its input has ended."""
    return finish(program).split()[-1]


# -- arithmetic -----------------------------------------------------------------------------------------------------


def in_turns(
    ours: Callable[[Any], object], things: Sequence[Any], reference: Callable[[Any], object], others: Sequence[Any]
) -> tuple[list[float], list[float]]:
    """Microseconds of each call of each, in turns, so that a busy moment hits both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for thing, other in zip(things, others, strict=True):
        for act, argument, spent in ((ours, thing, taken[0]), (reference, other, taken[1])):
            begun = time.perf_counter_ns()
            act(argument)
            spent.append((time.perf_counter_ns() - begun) / 1e3)
    return taken


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent of all do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


if __name__ == "__main__":
    main()
