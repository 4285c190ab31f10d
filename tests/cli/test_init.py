"""`init`, and the two that look at what is around: what a newcomer types first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bizq_lab.cli import surroundings
from bizq_lab.cli.output import Exit
from tests.support.lab_cli import Cli

TYPE = "support.confirm_return"
ARMS = ("experiment", "run", "-t", TYPE, "--arms", "luna,haiku", "--config", "p/routing.json")
OWN = ("--catalog", "p/catalog.toml", "--tasks", "p/tasks.jsonl", "--provider", "simulated")


def test_init_names_its_files_and_what_comes_next(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", "p", "--json")
    assert said.code == 0
    assert all((tmp_path / name).is_file() for name in said.document["files"])
    assert said.document["next"][0] == "cd p"
    again = cli("init", "p")
    assert (again.code, again.out) == (Exit.USAGE, "")
    assert "nothing was written" in again.err


def test_own_tasks_of_an_own_type_are_planned_and_compared_from_the_command_line(cli: Cli) -> None:
    cli("init", "p")
    plan = cli("experiment", "plan", *ARMS[2:], "--catalog", "p/catalog.toml", "--tasks", "p/tasks.jsonl", "--json")
    assert plan.code in (Exit.OK, Exit.ALERT), plan.err
    said = cli(*ARMS, *OWN, "--json")
    assert said.code == 0, said.err
    assert {row["n"] for row in said.document["rows"]} == {12}


def test_an_own_catalog_may_be_named_once_for_all_commands(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init", "p")
    monkeypatch.setenv("BIZQ_LAB_CATALOG", "p/catalog.toml")
    said = cli("route", "p/tasks.jsonl", "--config", "p/routing.json", "--json")
    assert {row["arm"] for row in said.document} <= {"plain", "styled"}
    monkeypatch.setenv("BIZQ_LAB_CATALOG", "p/none.toml")
    assert "none.toml" in cli("route", "p/tasks.jsonl").err


def test_a_file_of_tasks_that_is_not_there_says_so_before_anything_runs(cli: Cli) -> None:
    cli("init", "p")
    said = cli(*ARMS, *OWN[:2], "--tasks", "p/none.jsonl", "--provider", "simulated")
    assert said.code == Exit.DATA_MISSING
    assert "none.jsonl" in said.err


def test_doctor_tells_an_absent_extra_with_the_command_that_installs_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "_installed", lambda package: package != "cryptography")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    found = {row["what"]: row for row in cli("doctor", "--json").document["findings"]}
    assert found["extra sign"]["state"] == "optional"
    assert "pip install 'cryptography>=45'" in found["extra sign"]["detail"]
    assert found["extra redis"]["state"] == "ok"
    assert found["extra spark"]["state"] == "missing"
    assert "JAVA_HOME" in found["extra spark"]["detail"]


def test_doctor_attends_to_a_catalog_that_does_not_load(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text("models = 3", encoding="utf-8")
    monkeypatch.setenv("BIZQ_LAB_CATALOG", "own.toml")
    said = cli("doctor", "--json")
    assert said.code == Exit.ALERT
    (found,) = [row for row in json.loads(said.out)["findings"] if row["what"] == "catalog"]
    assert found["state"] == "attend"
