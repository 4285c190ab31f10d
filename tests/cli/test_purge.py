"""`bizq-lab purge`: asks, counts, removes."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.support.lab_bulk import WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_cli import Cli
from tests.support.lab_small import rows


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log whose decisions are of 1 November 2026."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with bulk_lab(tmp_path, Watched()) as lab:
        lab.run_many(bulk_tasks(3), WHERE)
        lab.log.collect()
    return tmp_path / "lab.duckdb"


def inputs(log: Path) -> int:
    return int(rows(log, "SELECT count(task_input) AS n FROM decision")[0]["n"])


def test_it_counts_then_removes_what_somebody_agreed_to(cli: Cli, log: Path) -> None:
    counted = cli("purge", "--older-than", "1h", "--dry-run", "--json")
    assert counted.code == 0
    assert {"place": "task inputs", "texts": 3} in counted.document["rows"]
    refused = cli("purge", "--older-than", "1h")
    assert refused.code == 2
    assert "nobody agreed" in refused.err
    assert inputs(log) == 3
    done = cli("purge", "--older-than", "1h", "--yes")
    assert done.code == 0, done.err
    assert "were removed" in done.out
    assert inputs(log) == 0


def test_what_is_young_stays(cli: Cli, log: Path) -> None:
    assert cli("purge", "--older-than", "9999w", "--yes").code == 0
    assert inputs(log) == 3


@pytest.mark.parametrize("age", ["90", "d", "-3d", "90 days", "1e3d"])
def test_an_age_that_is_none_is_a_usage_error(cli: Cli, age: str) -> None:
    said = cli("purge", f"--older-than={age}", "--yes")
    assert said.code == 2
    assert "must be a number with h, d or w" in said.err


def test_a_log_that_is_not_there_is_not_made(cli: Cli, tmp_path: Path) -> None:
    assert cli("purge", "--older-than", "90d", "--yes", "--log", "none.duckdb").code == 4
    assert not (tmp_path / "none.duckdb").exists()
