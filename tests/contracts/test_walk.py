"""A newcomer's walk: the README's own blocks, typed into a shell in an empty folder, end in a report and an export."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bizq_lab.config import load_config
from bizq_lab.execution import local_engine_problem
from bizq_lab.lab.demo import LOCAL_MODEL
from tests.support.lab_cli import KEYS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
OWN_TASKS, OWN_KEYS = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def typed(script: str, folder: Path) -> str:
    """A shell that stops at the first failure, without keys; what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.local_model
def test_own_tasks_are_compared_tuned_exported_and_reported_on_the_local_model(tmp_path: Path) -> None:
    problem = local_engine_problem(LOCAL_MODEL)
    if problem is not None:
        pytest.skip(f"{problem.message}: bizq-lab doctor --fix")
    said = typed(OWN_TASKS, tmp_path)
    home = tmp_path / "returns"
    assert re.search(r"styled minus plain is [-\d.]+ \[[-\d.]+, [-\d.]+\] success \(95% interval, 12", said)
    weights = load_config(home / "routing.json").tasks["support.confirm_return"].weights
    assert sum(weights.values()) == 100
    exported = yaml.safe_load((home / "config.yaml").read_text("utf-8"))
    shares = {
        entry["model_info"]["id"]: entry["litellm_params"]["weight"]
        for entry in exported["model_list"]
        if entry["model_name"] == "support.confirm_return"
    }
    assert shares == {f"support.confirm_return/{arm}": share / 100 for arm, share in weights.items()}
    report = (home / "report.html").read_text("utf-8")
    assert "support.confirm_return" in report
    assert "<script" not in report


def test_the_walk_with_keys_runs_as_written_in_a_simulated_world(tmp_path: Path) -> None:
    """The same lines; only the provider is another, so that a test spends nothing."""
    simulated = OWN_KEYS.replace("--max-cost", "--provider simulated --max-cost")
    assert simulated != OWN_KEYS
    first = "bizq-lab init returns\ncd returns\ncp .env.example .env\n"
    said = typed(first + simulated, tmp_path)
    assert "tasks for each of 2 arms of support.confirm_return" in said
    assert "haiku minus luna" in said
    assert (tmp_path / "returns" / "lab.duckdb").exists()
