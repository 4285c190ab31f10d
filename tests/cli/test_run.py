"""`bizq-lab run`: asks before it spends, stops at its cap, goes on where it stopped."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.lab import runs
from tests.support.lab_bulk import bulk_tasks
from tests.support.lab_cli import Cli
from tests.support.lab_small import rows

SIMULATED = ("--provider", "simulated", "--log", "lab.duckdb")


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path) -> Path:
    file = tmp_path / "tasks.jsonl"
    named = [{"id": f"task-{n}", "type": task.type, "input": task.input} for n, task in enumerate(bulk_tasks(6))]
    file.write_text("".join(json.dumps(task) + "\n" for task in named))  # the simulated answers follow from the ids
    return file


class Terminal(io.StringIO):
    """Somebody who types an answer."""

    def isatty(self) -> bool:
        """They sit at a terminal."""
        return True


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Runs that were let through; none is executed."""
    calls: list[Any] = []

    def note(*_: object, **options: Any) -> None:
        calls.append(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.Runs, "run_many", note)
    return calls


def test_a_dry_run_prices_every_task_and_leaves_no_file(cli: Cli, tmp_path: Path, spent: list[Any]) -> None:
    said = cli("run", "tasks.jsonl", "--dry-run", "--log", "lab.duckdb", "--json")
    assert said.code == 0
    assert sum(row["tasks"] for row in said.document["rows"]) == 6
    assert said.document["rows"][0]["low_usd"] < said.document["rows"][0]["high_usd"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["tasks.jsonl"]
    assert spent == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 130), ("n\n", 1), ("", 1)])
def test_on_a_terminal_it_asks(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, spent: list[Any], answer: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    said = cli("run", "tasks.jsonl")
    assert (said.code, bool(spent)) == (code, answer.startswith("y"))
    assert "6 tasks: $" in said.err
    assert "Go on?" in said.err
    assert said.out.strip() == ""


def test_elsewhere_somebody_must_have_agreed(cli: Cli, monkeypatch: pytest.MonkeyPatch, spent: list[Any]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    refused = cli("run", "tasks.jsonl")
    assert refused.code == 2
    assert "nobody agreed to that" in refused.err
    assert "--yes to spend it" in refused.err
    assert spent == []
    assert cli("run", "tasks.jsonl", "--yes").code == 130
    assert cli("run", "tasks.jsonl", "--max-cost", "0.1").code == 130
    assert [call["max_cost_usd"] for call in spent] == [None, 0.1]


def test_an_interrupt_says_how_to_go_on(cli: Cli, spent: list[Any]) -> None:
    said = cli("run", "tasks.jsonl", "--yes")
    assert said.code == 130
    assert "--resume" in said.err
    assert len(spent) == 1


def test_a_run_goes_on_where_its_cap_ended_it(cli: Cli, tmp_path: Path) -> None:
    first = cli("run", "tasks.jsonl", *SIMULATED, "--max-cost", "0.00035", "--run", "mine", "--json")
    assert first.code == 5, first.err
    assert "go on with --resume" in first.err
    statuses = [row["status"] for row in first.document]
    assert 0 < statuses.count("completed") < 6
    second = cli("run", "tasks.jsonl", *SIMULATED, "--resume", "--max-cost", "5", "--json")
    assert second.code == 0, second.err
    assert second.err.startswith(f"{6 - statuses.count('completed') - statuses.count('escalated')} tasks: $")
    assert [row["earlier"] for row in second.document] == [status in {"completed", "escalated"} for status in statuses]
    once = rows(tmp_path / "lab.duckdb", "SELECT run_row FROM decision JOIN outcome USING (decision_id) "
                "WHERE outcome.status <> 'cancelled' GROUP BY ALL HAVING count(*) > 1")  # fmt: skip
    assert once == []


def test_changed_tasks_are_not_taken_for_those_of_the_run(cli: Cli, tasks: Path) -> None:
    assert cli("run", "tasks.jsonl", *SIMULATED).code == 0
    tasks.write_text(tasks.read_text().replace("Item 3", "Item 33"))
    said = cli("run", "tasks.jsonl", *SIMULATED, "--resume")
    assert said.code == 2
    assert "not those that run" in said.err
    assert cli("run", "tasks.jsonl", *SIMULATED, "--resume", "--run", "none").code == 4
