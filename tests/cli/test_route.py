"""`bizq-lab route` on many tasks: a line a decision, exactly the router's own, written as it goes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.routing import AITaskRouter
from tests.support.cli import Shell

LINES = [json.dumps({"type": "order.process_batch", "input": {"n": n}, "id": f"t{n}"}) for n in range(20)]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(LINES), "utf-8")
    return path


def test_a_line_a_decision_is_what_the_router_says(shell: Shell, tasks: Path) -> None:
    ended = shell("route", str(tasks), "--jsonl")
    assert ended.code == 0
    rows = [json.loads(line) for line in ended.out.splitlines()]
    router = AITaskRouter(load_catalog())
    expected = [
        router.route_task(Task.model_validate(json.loads(line)), RoutingContext(workspace_id="cli")) for line in LINES
    ]
    assert [row["task_id"] for row in rows] == [f"t{n}" for n in range(20)]
    assert [row["model"] for row in rows] == [decision.config.key for decision in expected]
    assert json.loads(shell("route", str(tasks), "--json").out) == rows


def test_lines_are_written_before_the_last_task_is_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What bounds the memory: a decision leaves before the next task comes in."""
    written = io.StringIO()
    ahead: list[int] = []

    class Watched(io.StringIO):
        def __iter__(self) -> Iterator[str]:  # type: ignore[override]
            for number, line in enumerate(LINES):
                ahead.append(number - written.getvalue().count("\n"))
                yield line + "\n"

    monkeypatch.setattr(sys, "stdin", Watched())
    monkeypatch.setattr(sys, "stdout", written)
    assert shell("route", "-", "--jsonl").code == 0
    assert len(ahead) == len(LINES)
    assert set(ahead) == {0}


def test_what_was_decided_before_a_broken_line_is_still_there(shell: Shell, tasks: Path) -> None:
    tasks.write_text(LINES[0] + "\n{broken\n", "utf-8")
    ended = shell("route", str(tasks), "--jsonl")
    assert ended.code == 2
    assert json.loads(ended.out)["task_id"] == "t0"
    assert ":2 ==" in ended.err


def test_one_form_at_a_time(shell: Shell, tasks: Path) -> None:
    ended = shell("route", str(tasks), "--jsonl", "--json")
    assert (ended.code, ended.out) == (2, "")
