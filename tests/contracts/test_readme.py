"""What the README shows is what happens: every Python block runs, in order, and every command exists and succeeds."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.lab_cli import inside

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for language, body in FENCE.findall(README)
    if language == "console"
    for line in body.splitlines()
    if line.strip()
]


def test_the_python_blocks_run_top_to_bottom_and_print_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `text` block right after a `python` block is that block's output."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    blocks = FENCE.findall(README)
    assert sum(language == "python" for language, _ in blocks) >= 3
    for (language, body), following in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(body, "README.md", "exec"), namespace)  # noqa: S102 - our own README
        if following[0] == "text":
            assert printed.getvalue() == following[1]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_a_make_target_of_the_readme_exists(command: str) -> None:
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_commands_of_the_readme_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an empty folder, one after the other; the walk types the others into a shell."""
    commands = [command for command in COMMANDS if command.startswith("bizq-lab ")]
    assert commands
    monkeypatch.chdir(tmp_path)
    for command in commands:
        said = inside(capsys, *shlex.split(command)[1:])
        assert said.code == 0, f"{command}\n{said.out}\n{said.err}"
