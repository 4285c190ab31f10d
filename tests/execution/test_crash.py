"""`kill -9` at every named point: what was promised of calls, money, ratings and files still holds (N1 to N7).

`make crash` runs 200 deaths; the suite runs 20 of them.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bizq_lab.config import load_config
from bizq_lab.core.money import Money
from bizq_lab.lab import Lab
from tests.support.crash_processes import CAP_USD, Job, Nursery, open_lab

ROUNDS = int(os.environ.get("BIZQ_LAB_KILL_ROUNDS", "20"))
AT_WORK = (
    "before reserve", "after reserve", "after the start is written", "during send", "after response",
    "after the end is written", "before return",
)  # fmt: skip
POINTS = (*AT_WORK, "mid-collect", "mid-export", "mid-report")
PROGRAM = {"mid-collect": "collect", "mid-export": "publish", "mid-report": "report"}
LAST_PASSAGE = {"mid-collect": 6, "mid-export": 8, "mid-report": 8}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


def passages(point: str) -> list[int]:
    """Which passages of a point are fatal in turn: as many rounds as are its share."""
    share = ROUNDS // len(POINTS) + (POINTS.index(point) < ROUNDS % len(POINTS))
    return [number % LAST_PASSAGE.get(point, 4) + 1 for number in range(share)]


@pytest.mark.parametrize("point", AT_WORK)
def test_a_death_at_work_loses_no_call_no_cent_and_no_rating(nursery: Nursery, tmp_path: Path, point: str) -> None:
    for passage in passages(point):
        assert nursery.run(Job("work", str(tmp_path), point, passage)) == -signal.SIGKILL
        check_log(tmp_path)


def test_a_death_while_collecting_leaves_everything_to_be_collected_once(nursery: Nursery, tmp_path: Path) -> None:
    for passage in passages("mid-collect"):
        assert nursery.run(Job("work", str(tmp_path), "before return", 3)) == -signal.SIGKILL
        assert nursery.run(Job("collect", str(tmp_path), "mid-collect", passage)) == -signal.SIGKILL
        check_log(tmp_path)


@pytest.mark.parametrize("point", ["mid-export", "mid-report"])
def test_a_death_while_writing_a_file_leaves_the_old_one_or_the_new_one(
    nursery: Nursery, tmp_path: Path, point: str
) -> None:
    """N6."""
    file = tmp_path / {"mid-export": "routing.json", "mid-report": "report.html"}[point]
    assert nursery.run(Job(PROGRAM[point], str(tmp_path), "nowhere", 1)) == 0
    whole = {file.read_bytes()}
    for passage in passages(point):
        assert nursery.run(Job(PROGRAM[point], str(tmp_path), point, passage)) == -signal.SIGKILL
        seen = file.read_bytes()
        if point == "mid-export":
            load_config(file)  # checks its checksum
        else:
            assert seen.endswith(b"</html>")
        whole.add(seen)
    assert len({len(content) for content in whole}) <= 2  # process ids differ in length, and nothing else does


def read(lab: Lab, sql: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", lab.log.sql(sql).to_dict("records"))


def check_log(folder: Path) -> None:
    """N1 to N5 and N7, after a death and a new start."""
    with open_lab(folder, None) as lab:
        lab.log.collect()
        calls = read(lab, "SELECT s.*, d.task_id FROM attempt_state AS s LEFT JOIN decision AS d USING (decision_id)")
        outcomes = {row["decision_id"]: row for row in read(lab, "SELECT * FROM outcome")}
        rows = read(lab, "SELECT attempt_id, output_sha256, decision_id, status FROM attempt")
        began = list(lab.log.sql("SELECT attempt_id FROM attempt_started")["attempt_id"])
        rated = list(lab.log.sql("SELECT comment FROM feedback ORDER BY recorded_at_us")["comment"])
        booked = cast("Any", lab.ledger).booked()
    check_calls(folder, calls, began, [row["attempt_id"] for row in rows])
    by_attempt = sum(int(call["booked_nano_usd"] or 0) for call in calls)
    by_task: dict[str, int] = {}
    for call in calls:
        by_task[call["decision_id"]] = by_task.get(call["decision_id"], 0) + int(call["booked_nano_usd"] or 0)
    for decision_id, outcome in outcomes.items():
        assert by_task[decision_id] == outcome["cost_nano_usd"]  # N4: what ended costs what its calls cost
    assert sum(by_task.values()) == by_attempt == booked.nano_usd  # N4: and the ledger agrees, dead calls included
    assert booked <= Money.from_usd(CAP_USD)  # N5
    accepted = {row["decision_id"]: row["output_sha256"] for row in rows if row["status"] == "completed"}
    noted = folder / "acknowledged"
    told = [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []
    for said in told:  # N2
        outcome = outcomes[said["decision_id"]]
        tokens = outcome["input_tokens"] + outcome["output_tokens"]
        assert (accepted[said["decision_id"]], outcome["cost_nano_usd"]) == (said["sha256"], said["cost"])
        assert tokens == said["tokens"]
    check_ratings(folder, rated, {call["decision_id"]: call["task_id"] for call in calls}, told)


def check_calls(folder: Path, calls: list[dict[str, Any]], began: list[str], ended: list[str]) -> None:
    """N1 and N3: every request that left has one start; a start without an end stays, unknown, at its worst."""
    wire = folder / "wire"
    sent = [line.split()[:2] for line in wire.read_text().splitlines()] if wire.exists() else []
    known = [[call["task_id"], str(call["ordinal"])] for call in calls]
    assert len(began) == len(set(began))
    assert len(ended) == len(set(ended))
    assert len(known) == len({tuple(pair) for pair in known}) == len(began)
    assert all(pair in known for pair in sent)
    for call in calls:
        if call["attempt_id"] not in ended:
            assert call["status"] == "unknown"
            assert call["booked_nano_usd"] == call["worst_case_nano_usd"] > 0


def check_ratings(folder: Path, rated: list[str], tasks: dict[str, str], told: list[dict[str, Any]]) -> None:
    """N7: what was rated stays as it was, in its order; whatever was rated was acknowledged before."""
    assert len(rated) == len(set(rated))
    assert set(rated) <= {tasks[said["decision_id"]] for said in told}
    remembered = folder / "rated"
    before = remembered.read_text().splitlines() if remembered.exists() else []
    assert rated[: len(before)] == before
    remembered.write_text("\n".join(rated))
