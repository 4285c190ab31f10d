"""No acknowledged event is lost or doubled, whatever dies, and whenever.

`BIZQ_LAB_KILL_ROUNDS=200` runs the long version. Real processes, killed at random instants: a clock that tests control
could only stop them where somebody thought of stopping them.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bizq_lab.core.events import EVENTS
from bizq_lab.store import Log, journal_folder
from tests.support.store_processes import Program, finish, start

ROUNDS = int(os.environ.get("BIZQ_LAB_KILL_ROUNDS", "20"))
WRITERS, COLLECTORS = 4, 2
MEAN_LIFE_S = 0.1
SHORT_OF_A_SEGMENT = 64 * 1024


def collected(log: Log) -> list[str]:
    """The ids of all events in the tables, one for each row."""
    log.collect()
    ids = " UNION ALL ".join(f"SELECT event_id FROM {kind}" for kind in EVENTS)  # noqa: S608 - the kinds are ours
    return list(log.sql(ids)["event_id"])


def assert_exactly_once(log: Log, acknowledged: set[str], *, in_flight: int) -> None:
    rows = collected(log)
    assert len(rows) == len(set(rows)), "an event was collected twice"
    assert acknowledged - set(rows) == set(), "an acknowledged event was lost"
    assert len(set(rows) - acknowledged) <= in_flight, "events appeared that nobody wrote"


def assert_outcomes_are_those_of_the_events(log: Log) -> None:
    every_row = "SELECT * FROM task_outcome ORDER BY decision_id"
    kept = log.sql(every_row)
    log.rebuild_task_outcome()
    assert kept.equals(log.sql(every_row))


class Nursery:
    """Programs over logs, forked from one that has everything loaded, and killed one by one."""

    def __init__(self, program: Program) -> None:
        """Over the program that forks."""
        self._program = program

    def born(self, program: str, *arguments: object) -> int:
        """Start a program; returns its process id once it has said that it began."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(" ".join([program, *map(str, arguments)]) + "\n")
        self._program.stdin.flush()
        said = sorted(self._program.stdout.readline().strip() for _ in range(2))
        assert said[1] in {"writing", "collecting"}, said
        return int(said[0].removeprefix("born "))

    @staticmethod
    def kill(pid: int) -> None:
        """Kill a program, and wait until it is no more."""
        os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                time.sleep(0.001)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with start("nursery", tmp_path_factory.mktemp("nursery") / "none.duckdb") as program:
        yield Nursery(program)
        finish(program)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_writers_and_collectors_killed_at_any_instant_lose_and_double_nothing(
    tmp_path: Path, nursery: Nursery, number: int
) -> None:
    path, rng = tmp_path / "lab.duckdb", random.Random(number)
    words = [tmp_path / f"w{index}" for index in range(WRITERS)]
    alive = [nursery.born("collect", path) for _ in range(COLLECTORS)]
    alive += [nursery.born("write", path, word) for word in words]
    for pid in rng.sample(alive, len(alive)):
        time.sleep(rng.uniform(0, 2 * MEAN_LIFE_S / len(alive)))
        nursery.kill(pid)
    # A kill may cut a word, or a line of the journal, where it crosses a page: then nothing was acknowledged.
    acknowledged = {event_id for word in words for event_id in word.read_text().split("\n")[:-1]}
    with Log.open(path) as log:
        # A writer that died between the end of `append` and its word has one event in flight.
        assert_exactly_once(log, acknowledged, in_flight=WRITERS)
        assert_outcomes_are_those_of_the_events(log)
        cut = log.sql("SELECT reason FROM quarantine")["reason"]
        assert set(cut) <= {"its writer died before the line was whole"}
        assert len(cut) <= WRITERS
    left = [entry.name for entry in journal_folder(path).iterdir() if entry.suffix == ".jsonl"]
    assert left == [], "segments of the dead stay only until they are collected"


POINTS = [
    ("journal", "Journal._write", "before"),
    ("journal", "Journal._write", "after"),
    ("journal", "Journal._open_segment", "before"),
    ("journal", "segment_name", "after"),
    ("schema", "_apply", "after"),
    ("staging", "Batch._sorted", "after"),
    ("ahead", "Ahead._parse", "after"),
    ("collect", "attached", "before"),
    ("batch", "_refuse_collected", "after"),
    ("batch", "keep_task_outcome", "after"),
    ("batch", "_advance", "after"),
    ("collect", "commit_batch", "after"),
    ("connection", "_detach", "after"),
    ("segments", "remove_finished", "before"),
    ("segments", "remove_finished", "after"),
]


@pytest.mark.parametrize(("module", "name", "when"), POINTS)
def test_a_death_at_a_named_point_loses_and_doubles_nothing(tmp_path: Path, module: str, name: str, when: str) -> None:
    path = tmp_path / "lab.duckdb"
    program = start("die", path, module, name, when)
    said, _ = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGKILL, said
    with Log.open(path) as log:
        assert_exactly_once(log, set(said.split()), in_flight=1)
        assert_outcomes_are_those_of_the_events(log)
        assert log.health().quarantined == 0


def fill(path: Path, name: str) -> set[str]:
    """Append until the disk is full, and once more; returns the ids that were acknowledged."""
    said = finish(start("fill", path, name, SHORT_OF_A_SEGMENT)).splitlines()
    refused = [line for line in said if line.startswith("refused ")]
    assert len(refused) == 1
    return set(said) - set(refused)


def test_a_full_disk_is_said_before_the_caller_goes_on_and_the_segment_heals(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    acknowledged = fill(path, "full")
    with Log.open(path) as log:
        assert_exactly_once(log, acknowledged, in_flight=0)
        health = log.health()
        assert health.quarantined <= 1, "the line that was cut short, if there was room for its beginning"
        assert health.needs_attention == bool(health.quarantined)


@pytest.mark.parametrize("already", [False, True])
def test_collecting_onto_a_full_disk_fails_whole_and_can_be_done_again(tmp_path: Path, *, already: bool) -> None:
    """There is no room for the checkpoint, then for the write-ahead log, then for the copy of the lines."""
    path = tmp_path / "lab.duckdb"
    if already:
        with Log.open(path) as log:
            log.collect()
    acknowledged = set()
    for name, share in (("a", 1.2), ("b", 1.2), ("c", 0.1)):
        acknowledged |= fill(path, name)
        said = finish(start("collect_full", path, round(share * SHORT_OF_A_SEGMENT)))
        assert said == "" or (said.startswith("LogError: ") and said.endswith(": File too large\n")), share
    with Log.open(path) as log:
        assert_exactly_once(log, acknowledged, in_flight=0)
        assert_outcomes_are_those_of_the_events(log)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lab.duckdb", "lab.duckdb.journal"]
