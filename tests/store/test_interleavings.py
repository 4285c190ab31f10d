"""Any interleaving of appends, collections and crashes collects to the same tables.

`BIZQ_LAB_FULL=1` (part of `make crash`) draws sixty new ones, the suite always the same five.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from bizq_lab.core.events import EVENTS, Event
from bizq_lab.store import Log, batch, collect, journal_folder, segments, staging
from bizq_lab.store.journal import Journal
from tests.support.store_events import crossing_events, make_event

WRITERS, COLLECTORS = 3, 2


class Crash(BaseException):
    """What ends a collector in the middle; no `except Exception` sees it."""


def crashing(*_: Any, **__: Any) -> Any:
    raise Crash


POINTS = [
    (staging.Staging, "stage"),
    (batch, "_refuse_collected"),
    (batch, "_advance"),
    (collect, "commit_batch"),
    (segments, "remove_finished"),
]


POOL = crossing_events()
TABLES = (*EVENTS, "task_outcome", "sampled_outcome")


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the tables of events, of `task_outcome` and its sample, in an order of their own."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608 - ours
            for name in TABLES
        }


class OneLog(RuleBasedStateMachine):
    """Writers and collectors over one log; what they leave is held against one writer and one collection."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "lab.duckdb"
        self.logs = [Log.open(self.path) for _ in range(COLLECTORS)]
        self.writers = [Journal(journal_folder(self.path)) for _ in range(WRITERS)]
        self.written: list[Event] = []
        self.torn = 0

    @rule(writer=st.integers(0, WRITERS - 1), number=st.integers(0, len(POOL) - 1))
    def append(self, writer: int, number: int) -> None:
        """One of the events that was not written yet."""
        event = POOL[number]
        if event not in self.written:
            self.writers[writer].append(event)
            self.written.append(event)

    @rule(collector=st.integers(0, COLLECTORS - 1))
    def collect(self, collector: int) -> None:
        """All that is there."""
        assert self.logs[collector].collect().complete

    @rule(writer=st.integers(0, WRITERS - 1))
    def writer_dies(self, writer: int) -> None:
        """Its segment ends; the next event begins another."""
        self.writers[writer].close()

    @rule(writer=st.integers(0, WRITERS - 1))
    def writer_dies_in_a_line(self, writer: int) -> None:
        """What stands before the line is whole."""
        before = set(journal_folder(self.path).glob("*.jsonl")) if journal_folder(self.path).exists() else set()
        self.writers[writer].close()
        self.writers[writer].append(make_event("alert", event_id=f"torn-{self.torn}", recorded_at_us=1))
        (segment,) = set(journal_folder(self.path).glob("*.jsonl")) - before
        self.writers[writer].close()
        segment.write_bytes(segment.read_bytes()[:-9])
        self.torn += 1

    @rule(collector=st.integers(0, COLLECTORS - 1), point=st.sampled_from(POINTS))
    def collector_crashes(self, collector: int, point: tuple[Any, str]) -> None:
        """At a named point, if it comes that far."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(point[0], point[1], crashing)
            try:
                self.logs[collector].collect()
            except Crash:
                self.logs[collector] = Log.open(self.path)

    def teardown(self) -> None:
        """Everything written is there once, and as if it had been written and collected in one go."""
        try:
            for writer in self.writers:
                writer.close()
            self.logs[0].collect()
            with Log.open(self.folder / "straight.duckdb") as straight:
                for event in self.written:
                    straight.append(event)
                straight.collect()
            found = tables(self.path)
            assert found == tables(straight.path)
            self.logs[0].rebuild_task_outcome()
            assert tables(self.path) == found
            assert self.logs[0].health().quarantined == self.torn
        finally:
            shutil.rmtree(self.folder)


STORIES = 60 if os.environ.get("BIZQ_LAB_FULL") == "1" else 5
OneLog.TestCase.settings = settings(max_examples=STORIES, stateful_step_count=14, deadline=None)
TestAnyInterleavingCollectsToTheSameTables = OneLog.TestCase
