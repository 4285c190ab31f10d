"""A new project: every file it writes is read by the product, and nothing that was there is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bizq_lab import Lab, RoutingContext
from bizq_lab.catalog import load_catalog
from bizq_lab.cli.reading import read_tasks
from bizq_lab.config import load_config
from bizq_lab.errors import InputError
from bizq_lab.lab.project import CONFIG, TASK_TYPE, WRITTEN, start_project
from tests.support.lab_project import DAY


def test_every_file_is_written_and_the_product_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "project"
    assert {path.name for path in start_project(home, as_of=DAY)} == {*WRITTEN.values(), CONFIG}
    catalog = load_catalog(str(home / "catalog.toml"), as_of=DAY)
    config = load_config(home / CONFIG)
    tasks = list(read_tasks(home / "tasks.jsonl", None, "{}"))
    assert {task.type for task in tasks} == {TASK_TYPE} <= set(catalog.task_types)
    assert config.as_of == DAY
    for arm in config.arms.values():
        assert arm.model in catalog.models
        assert arm.prompt in catalog.task_types[TASK_TYPE].prompts
    with Lab.open(home / "lab.duckdb", catalog=catalog, config=config, providers="simulated") as lab:
        done = lab.run_many(tasks, RoutingContext(workspace_id="ws"))
        assert {row.status for row in done.rows} <= {"completed", "escalated"}
        assert {lab.route(task, RoutingContext(workspace_id=f"w{n}")).arm for n, task in enumerate(tasks)} == {
            "plain",
            "styled",
        }


def test_the_model_that_waits_in_the_catalog_needs_only_its_comment_signs_taken_away(tmp_path: Path) -> None:
    start_project(tmp_path, as_of=DAY)
    head, model = (tmp_path / "catalog.toml").read_text("utf-8").split("# [[models]]\n")
    own = "\n".join(line.removeprefix("# ") for line in model.splitlines())
    (tmp_path / "catalog.toml").write_text(f"{head}[[models]]\n{own}\n", encoding="utf-8")
    assert "local/house-8b" in load_catalog(str(tmp_path / "catalog.toml"), as_of=DAY).models


def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text("mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"tasks\.jsonl"):
        start_project(tmp_path, as_of=DAY)
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.jsonl"]
    assert (tmp_path / "tasks.jsonl").read_text("utf-8") == "mine\n"


def test_git_sees_no_log_no_key_and_no_report(tmp_path: Path) -> None:
    start_project(tmp_path, as_of=DAY)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    data = (".env", "key.pem", "lab.duckdb", "lab.duckdb.ledger.sqlite", "lab.duckdb.journal/1.jsonl", "reports/x.html")
    for name in data:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    seen = subprocess.run(
        ["git", "-C", tmp_path, "status", "--short", "-uall"], check=True, capture_output=True, text=True
    ).stdout.split()
    assert set(seen) - {"??"} == {*WRITTEN.values(), CONFIG}


def test_the_environment_file_is_shell_and_holds_no_key(tmp_path: Path) -> None:
    start_project(tmp_path, as_of=DAY)
    shown = subprocess.run(
        ["bash", "-euc", "set -a; . ./.env.example; echo $BIZQ_LAB_CATALOG $BIZQ_LAB_LOG $OPENAI_API_KEY"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.split() == ["catalog.toml", "lab.duckdb"]
