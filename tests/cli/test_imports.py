"""`bizq-lab import` as a shell sees it."""

from __future__ import annotations

from pathlib import Path

from tests.support.imports import spend, write_csv, write_lines
from tests.support.lab_cli import Cli


def test_it_reports_in_json_and_again_finds_everything_there(cli: Cli, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "spend.csv", [spend(1), spend(2), spend(3, spend=-1)])
    call = ("import", file, "--format", "litellm", "--task-type", "support.reply", "--log", tmp_path / "l.duckdb")
    dry = cli(*call, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert not (tmp_path / "l.duckdb").exists()
    said = cli(*call, "--json")
    assert said.code == 0, said.err
    rows = {(row["outcome"], row["reason"]): row["rows"] for row in said.document["rows"]}
    assert rows == {("imported", ""): 2, ("refused", "spend is below 0"): 1}
    again = cli(*call)
    assert "2 already there" in again.out
    assert again.code == 0


def test_a_file_of_which_nothing_could_be_taken_ends_with_4(cli: Cli, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "spend.jsonl", [spend(1, model="")])
    said = cli("import", file, "--format", "litellm", "-t", "x", "--log", tmp_path / "l.duckdb")
    assert said.code == 4
    assert "model is missing" in said.out


def test_wrong_usage_ends_with_2(cli: Cli, tmp_path: Path) -> None:
    assert cli("import", tmp_path / "no.csv", "--format", "litellm", "--log", tmp_path / "l.duckdb").code == 2
    assert cli("import", tmp_path / "no.csv", "--format", "csv").code == 2
    assert cli("import", tmp_path / "no.csv", "--format", "generic").code == 2
