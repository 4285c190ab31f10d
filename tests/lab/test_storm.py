"""A bulk run in a storm, killed in the middle: every task completed or escalated, none lost, none twice, sums exact.

The server fails 30 % of calls, in ways that any provider may; both official SDKs call it over HTTP. `BIZQ_LAB_FULL=1`
(`make storm`) runs 2,000 tasks, the suite 100.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from bizq_lab.lab import Lab
from bizq_lab.store import Log
from tests.support.fault_server import FaultServer
from tests.support.storm import AT_ONCE, RUN, WHERE, Weather, open_lab, start, tasks_of

TASKS = 2_000 if os.environ.get("BIZQ_LAB_FULL") else 100


def read(log: Log, sql: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", log.sql(sql).to_dict("records"))


def number(task_id: str) -> int:
    return int(task_id.rpartition("_")[2])


def killed_in_the_middle(folder: Path, server: FaultServer, weather: Weather) -> set[int]:
    """Run in a process of its own until so many requests arrived, kill it, and say which tasks had ended well."""
    with start(folder, server.url, TASKS) as process:

        def at(request: int) -> None:
            if request == TASKS * 3 // 4:
                os.kill(process.pid, signal.SIGKILL)

        weather.at = at
        assert process.wait(timeout=600) == -signal.SIGKILL
        weather.at = lambda _: None
    with Log.open(folder / "lab.duckdb") as log:
        ended = "SELECT task_id FROM decision SEMI JOIN (FROM attempt WHERE status = 'completed') USING (decision_id)"
        return {number(row["task_id"]) for row in read(log, ended)}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_task_is_completed_or_escalated_once_and_three_sums_are_one(tmp_path: Path) -> None:
    weather = Weather(random.Random(7))
    with FaultServer() as server:
        server.weather = weather
        before = killed_in_the_middle(tmp_path, server, weather)
        sent_before = len(weather.asked)
        with open_lab(tmp_path, server.url) as lab:
            run = lab.run_many(tasks_of(TASKS), WHERE, run_id=RUN, resume=True, concurrency=AT_ONCE)
            lab.executor.wait(lab.executor.aclose())
            check_books(lab, weather)
    assert TASKS // 4 < len(before) < TASKS
    assert not before & set(weather.asked[sent_before:]), "executed again after its success was acknowledged"
    assert [number(row.task_id) for row in run.rows] == list(range(TASKS)), "a task was lost"
    assert set(run.counts) <= {"completed", "escalated"}
    assert run.counts["completed"] > 0.8 * TASKS
    assert {row.row - 1 for row in run.rows if row.earlier} >= before


def check_books(lab: Lab, weather: Weather) -> None:
    """What the log and the ledger say of it."""
    lab.log.collect()
    calls = read(lab.log, "SELECT s.*, d.task_id FROM attempt_state AS s JOIN decision AS d USING (decision_id)")
    outcomes = read(lab.log, "SELECT o.*, d.task_id FROM outcome AS o JOIN decision AS d USING (decision_id)")
    decided = read(lab.log, "SELECT decision_id, task_id, run_row FROM decision")
    assert {number(row["task_id"]) for row in decided} == set(range(TASKS)) == {row["run_row"] for row in decided}
    assert len(outcomes) == len({row["decision_id"] for row in outcomes}) == len(decided), "a decision has no end"
    by_attempt = sum(int(call["booked_nano_usd"]) for call in calls)
    by_task = sum(int(row["cost_nano_usd"]) for row in outcomes)
    assert lab.ledger is not None
    assert by_attempt == by_task == lab.ledger.booked().nano_usd > 0
    booked, arrived = Counter(number(call["task_id"]) for call in calls), Counter(weather.asked)
    assert all(arrived[one] <= booked[one] for one in arrived), "a call was sent that nobody booked"
    good = {call["task_id"]: int(call["started_at_us"]) for call in calls if call["status"] == "completed"}
    late = [call for call in calls if int(call["started_at_us"]) > good.get(call["task_id"], 2**62)]
    assert late == [], "asked again although the answer was there"
    waiting = read(lab.log, "SELECT decision_id FROM human_queue WHERE status = 'open'")
    with_people = {row["decision_id"] for row in outcomes if row["status"] == "escalated"}
    assert {row["decision_id"] for row in waiting} == with_people
