"""`bizq-lab humans`: the queue as a person works through it."""

from __future__ import annotations

from pathlib import Path

from tests.lab.test_people import first, lab_with_work
from tests.support.lab_cli import Cli


def test_the_shell_takes_the_same_steps_with_the_same_errors(cli: Cli, tmp_path: Path) -> None:
    with lab_with_work(tmp_path) as lab:
        task = first(lab).human_task_id
    log = ("--log", "lab.duckdb")
    listed = cli("humans", "list", "--status", "open", *log, "--json")
    assert task in {row["human_task_id"] for row in listed.document["rows"]}
    assert listed.code == 3 or not any(row["overdue"] for row in listed.document["rows"])
    claimed = cli("humans", "claim", task, "--worker", "ada", *log)
    assert (claimed.code, claimed.out) == (0, f"{task} is claimed by ada\n")
    again = cli("humans", "claim", task, "--worker", "bob", *log)
    assert (again.code, again.out) == (2, "")
    assert "is claimed, cannot become claimed" in again.err
    done = cli("humans", "resolve", task, "--minutes", "7", "--solved", *log, "--json")
    assert (done.code, done.document["cost_usd"], done.document["succeeded"]) == (0, 3.5, True)
    assert cli("humans", "resolve", "hum_none", "--minutes", "7", "--solved", *log).code == 4
    assert cli("humans", "list", "--log", "nothing.duckdb").code == 4
