"""`bizq-lab catalog`: exit codes, JSON on stdout, and an override that the next command reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Shell

DATE = ("--as-of", "2026-11-24")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_list_is_one_json_document(shell: Shell) -> None:
    ended = shell("catalog", "list", "--catalog", "classic", "--json", *DATE)
    assert ended.code == 0
    assert {row["model"] for row in json.loads(ended.out)["rows"]} >= {"openai/gpt-4", "anthropic/claude-3-opus"}


def test_diff_exits_3_only_when_prices_differ(shell: Shell, tmp_path: Path) -> None:
    prices = str(tmp_path / "prices.toml")
    assert shell("catalog", "diff", "--catalog", "classic", *DATE).code == 3
    assert shell("catalog", "refresh", "--catalog", "classic", "--out", prices, *DATE).code == 0
    ended = shell("catalog", "diff", "--catalog", "classic", "--override", prices, "--json", *DATE)
    assert ended.code == 0
    assert {row["status"] for row in json.loads(ended.out)["rows"]} == {"same"}


@pytest.mark.parametrize("words", [("list", "--catalog", "classics"), ("diff", "--override", "no/such.toml")])
def test_what_cannot_be_loaded_is_one_message(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell("catalog", *words)
    assert ended.code in {1, 2}
    assert ended.out == ""
    assert ended.err.startswith("InvalidCatalog:")


@pytest.mark.parametrize("command", ["list", "diff", "refresh"])
def test_each_help_holds_an_example(shell: Shell, command: str) -> None:
    ended = shell("catalog", command, "--help")
    assert ended.code == 0
    assert f"Example: bizq-lab catalog {command}" in ended.out
