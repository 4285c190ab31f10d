"""What a person at a terminal sees: the plain text's words, as wide as it is, and nothing that a model wrote acts."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from bizq_lab.cli import terminal
from bizq_lab.core.display import Sheet
from tests.support.hostile import PAYLOADS
from tests.support.lab_cli import Cli

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def shown(monkeypatch: pytest.MonkeyPatch, sheet: Sheet, columns: int) -> str:
    """What a terminal of that width gets, with its colours."""
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    for name, value in {"COLUMNS": str(columns), "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal.show(sheet)
    return screen.getvalue()


def test_a_pipe_gets_plain_text_and_a_terminal_the_same_words_in_colour(
    cli: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ("efficiency", "--log", demo / "lab.duckdb", "--task-type", "order.process_batch")
    piped = cli(*question).out
    assert "\x1b" not in piped
    monkeypatch.setattr("bizq_lab.cli.output.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "110")
    coloured = ANSI.sub("", cli(*question).out)
    words = re.sub(r"[-─\s]+", " ", piped), re.sub(r"[-─\s]+", " ", coloured)
    assert words[0] == words[1]


@pytest.mark.parametrize("columns", [60, 80, 110, 200])
def test_a_table_uses_the_terminals_width_and_cuts_no_cell_that_fits(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    sheet = Sheet("t", "s", ["arm", "a", "b", "c"], [{"arm": "x", **dict.fromkeys("abc", "y" * 44)}])
    lines = ANSI.sub("", shown(monkeypatch, sheet, columns)).split("\n")
    assert max(map(len, lines)) <= columns
    assert sum(line.count("y" * 44) for line in lines) == 3
    assert len([line for line in lines if line.startswith("arm")]) == (
        1 if columns >= 144 else 2 if columns > 96 else 3
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_a_model_wrote_steers_the_terminal_or_becomes_markup(
    monkeypatch: pytest.MonkeyPatch, payload: str
) -> None:
    sheet = Sheet(payload, payload, ["arm", "n"], [{"arm": payload, "n": 1}], [payload], payload)
    plain = ANSI.sub("", shown(monkeypatch, sheet, 110))
    assert "\x1b" not in plain
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", plain)


def test_brackets_are_shown_and_not_read_as_style(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet("[red]t[/red]", "[bold]s[/]", ["arm"], [{"arm": ":smile: [link=x]y[/link]"}])
    said = ANSI.sub("", shown(monkeypatch, sheet, 110))
    assert all(text in said for text in ("[red]t[/red]", "[bold]s[/]", ":smile: [link=x]y[/link]"))
