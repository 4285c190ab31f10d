"""`bizq-lab forget`: asks, counts, removes, and lists what it cannot reach."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bizq_lab.core.task import RoutingContext
from tests.support.lab_bulk import WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_cli import Cli
from tests.support.lab_small import rows


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log whose decisions are of 1 November 2026."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with bulk_lab(tmp_path, Watched()) as lab:
        lab.run_many(bulk_tasks(3), WHERE)
        lab.run_many(bulk_tasks(2), RoutingContext(workspace_id="ws_10"))
        lab.log.collect()
    return tmp_path / "lab.duckdb"


def workspaces(log: Path) -> dict[str, int]:
    found = rows(log, "SELECT workspace_id, count(*) AS n FROM decision GROUP BY ALL")
    return {row["workspace_id"]: row["n"] for row in found}


def test_it_counts_then_removes_what_somebody_agreed_to(cli: Cli, log: Path) -> None:
    counted = cli("forget", "ws_1", "--dry-run", "--json")
    assert counted.code == 0
    assert {"place": "decision", "found": 3, "fate": "would be removed"} in counted.document["rows"]
    refused = cli("forget", "ws_1")
    assert refused.code == 2
    assert "15 rows of workspace 'ws_1' would be removed for good" in refused.err
    assert "nobody agreed" in refused.err
    assert workspaces(log) == {"ws_1": 3, "ws_10": 2}
    done = cli("forget", "ws_1", "--yes")
    assert done.code == 0, done.err
    assert "were removed" in done.out
    assert "found in none of them" in done.out
    assert workspaces(log) == {"ws_10": 2}
    again = cli("forget", "ws_1", "--yes", "--json")
    assert again.code == 0
    assert {row["found"] for row in again.document["rows"]} == {0}


def test_reports_that_were_written_are_listed_and_stay(cli: Cli, tmp_path: Path) -> None:
    assert cli("report", "daily", "--as-of", "2026-10-31", "--out", "reports").code in {0, 4}
    assert cli("report", "daily", "--as-of", "2026-11-01", "--out", "reports").code == 0
    (tmp_path / "reports" / "who-moves.txt").write_text("ws_1 moves\n")
    (tmp_path / "reports" / "other.txt").write_text("ws_10 moves\n")
    done = cli("forget", "ws_1", "--yes", "--json", "--reports", "reports", "--reports", "none")
    assert done.code == 0, done.err
    listed = {row["place"]: row["fate"] for row in done.document["rows"] if "not reached" in row["fate"]}
    assert listed == {
        "reports/daily-2026-11-01.html": "may count its tasks: not reached",
        "reports/who-moves.txt": "names it: not reached",
    }
    assert (tmp_path / "reports" / "daily-2026-11-01.html").exists()


def test_a_manifest_that_is_nobodys_is_said_before_anything_goes(cli: Cli, log: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "manifest.json").write_text("[]")
    said = cli("forget", "ws_1", "--yes")
    assert said.code == 2
    assert "is not a manifest of reports" in said.err
    assert workspaces(log) == {"ws_1": 3, "ws_10": 2}


def test_a_copy_that_still_names_it_is_an_alert(cli: Cli, log: Path) -> None:
    log.with_name("lab.duckdb.mine.csv").write_text("ws_1,3\n")
    said = cli("forget", "ws_1", "--yes")
    assert said.code == 3
    assert "still found in" in said.out.replace("\n", " ")
    assert "lab.duckdb.mine.csv" in said.out


def test_a_workspace_that_is_not_there_is_a_usage_error(cli: Cli, log: Path) -> None:
    said = cli("forget", "ws_2", "--yes")
    assert said.code == 2
    assert "has nothing of a workspace 'ws_2'" in said.err
    assert "did you mean 'ws_1'" in said.err
    assert workspaces(log) == {"ws_1": 3, "ws_10": 2}


def test_a_log_that_is_not_there_is_not_made(cli: Cli, tmp_path: Path) -> None:
    assert cli("forget", "ws_1", "--yes", "--log", "none.duckdb").code == 4
    assert not (tmp_path / "none.duckdb").exists()
