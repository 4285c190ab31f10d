"""`bizq-lab archive` and `bizq-lab export-log`: what moves is seen as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.store import Log
from tests.support.lab_bulk import WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_cli import Cli


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Path:
    """A log whose decisions are of 1 November 2026."""
    with bulk_lab(tmp_path, Watched()) as lab:
        lab.run_many(bulk_tasks(3), WHERE)
        lab.log.collect()
    return tmp_path / "lab.duckdb"


def test_archived_days_are_part_of_every_answer_and_of_an_export(cli: Cli, log: Path, tmp_path: Path) -> None:
    before = cli("performance", "--json").document["rows"]
    said = cli("archive", "--before", "2026-11-02", "--to", str(tmp_path / "cold"), "--json")
    assert {"table": "decision", "rows": 3} in said.document["rows"]
    assert (tmp_path / "cold" / "manifest.json").exists()
    assert list((tmp_path / "cold" / "decision" / "day=2026-11-01").glob("*.parquet"))
    with Log.open(log) as opened:
        assert opened.sql("SELECT count(*) AS n FROM decision")["n"][0] == 3
    assert cli("performance", "--json").document["rows"] == before
    again = cli("archive", "--before", "2026-11-02")
    assert again.code == 0
    assert "0 rows from before 2026-11-02" in again.out
    exported = cli("export-log", "--out", str(tmp_path / "out"), "--table", "task_outcome")
    assert exported.code == 0
    assert f"3 rows of 1 tables are in {tmp_path / 'out'}" in exported.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("archive", "--before", "9999-01-01"), "must not be later than today"),
        (("archive", "--before", "soon"), "does not match the format"),
        (("archive", "--before", "2026-11-02", "--to", "nowhere://bucket"), "nowhere://bucket: cannot be opened"),
        (("export-log", "--out", "out", "--table", "decisions"), "no table 'decisions'"),
    ],
)
def test_what_cannot_be_moved_is_a_usage_error(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    refused = cli(*arguments)
    assert refused.code == 2
    assert said in refused.err


def test_a_log_that_is_not_there_is_not_made(cli: Cli) -> None:
    assert cli("archive", "--before", "2026-11-02", "--log", "none.duckdb").code == 4
    assert cli("export-log", "--out", "out", "--log", "none.duckdb").code == 4
