"""The recipes of docs/scheduling.md are valid in the language of their scheduler, and call commands that exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bizq_lab.lab.project import start_project
from tests.support.lab_project import DAY, cron_lines, valid_cron

PAGE = (Path(__file__).parents[2] / "docs/scheduling.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {
        f"{group} {word}" if group in ("report", "rollout") else group
        for group, word in re.findall(r"bizq-lab\"?,? \"?(report|rollout|notify)\"?,? ?\"?(daily|check)?", PAGE)
        if word or group == "notify"
    }
)
NIGHTLY = [body for language, body in BLOCKS if language == "python"]


def test_a_crontab_has_five_fields_and_a_command() -> None:
    lines = cron_lines(next(body for language, body in BLOCKS if language == "crontab"))
    assert len(lines) == 2
    assert all(map(valid_cron, lines))


def test_no_recipe_of_cron_that_is_wrong_would_pass() -> None:
    assert not valid_cron("15 1 * * bizq-lab")
    assert not valid_cron("75 1 * * * bizq-lab")
    assert not valid_cron("15 1 * * * date +%F")


def test_the_workflow_is_yaml_with_steps_and_a_script_that_bash_reads() -> None:
    workflow = yaml.safe_load(next(body for language, body in BLOCKS if language == "yaml"))
    assert {"name", "jobs"} <= set(workflow)
    assert valid_cron(f"{workflow[True]['schedule'][0]['cron']} x"), "YAML 1.1 reads the key `on` as true"
    steps = workflow["jobs"]["report"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    scripts = [step["run"] for step in steps if "run" in step]
    assert all(subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0 for script in scripts)


def test_the_workflow_turns_exit_codes_into_what_they_mean() -> None:
    workflow = yaml.safe_load(next(body for language, body in BLOCKS if language == "yaml"))
    (script,) = [s["run"] for s in workflow["jobs"]["report"]["steps"] if "report daily" in s.get("run", "")]
    for code, ends in {0: 0, 3: 0, 4: 0, 1: 1, 2: 2}.items():
        faked = f"bizq-lab() {{ return {code}; }}\n{script}"
        assert subprocess.run(["bash", "-e", "-c", faked], check=False, capture_output=True).returncode == ends


@pytest.mark.parametrize("body", NIGHTLY, ids=["airflow", "prefect"])
def test_a_recipe_in_python_compiles_and_names_what_it_imports(body: str) -> None:
    tree = ast.parse(body)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert imported <= used


def test_airflows_shell_line_passes_on_every_code_but_that_of_alerts() -> None:
    tree = ast.parse(NIGHTLY[0])
    lines = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    (line,) = [text for text in lines if "report daily" in text]
    for code, ends in {0: 0, 3: 0, 4: 4, 1: 1}.items():
        faked = f"cd() {{ :; }}; bizq-lab() {{ return {code}; }}; {line}"
        assert subprocess.run(["bash", "-c", faked], check=False).returncode == ends


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_a_recipe_exists(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bizq_lab", *command.split(), "--help"], check=False, capture_output=True
    )
    assert done.returncode == 0


def test_the_crontab_of_a_new_project_is_valid_wherever_it_lies(tmp_path: Path) -> None:
    start_project(tmp_path / "a 100 % odd 'name'", as_of=DAY)
    lines = cron_lines((tmp_path / "a 100 % odd 'name'" / "crontab").read_text("utf-8"))
    assert len(lines) == 1
    assert valid_cron(lines[0])
