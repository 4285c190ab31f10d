"""The command line as tests call it: what a command left behind, and processes of our own. Asserts nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bizq_lab.cli import main

ROOT = Path(__file__).parents[2]
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as exactly one strict JSON document."""

        def refuse(constant: str) -> None:
            message = f"{constant} is not JSON"
            raise ValueError(message)

        return json.loads(self.out, parse_constant=refuse)


Cli = Callable[..., Said]


class Twins(NamedTuple):
    """The same demo, run by two processes."""

    first: Path
    second: Path
    said: Said


def inside(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    """Run a command inside this process, which has everything loaded."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bizq-lab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
    out, err = capsys.readouterr()
    return Said(int(ending.value.code or 0), out, err)


def spawn(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m bizq_lab` in a process of its own, without keys."""
    return program("-m", "bizq_lab", *arguments, **environment)


def program(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start Python in a process of its own, without keys."""
    inherited = {name: value for name, value in os.environ.items() if name not in KEYS}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=inherited | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Said:
    """Wait for a process."""
    out, err = process.communicate(timeout=600)
    return Said(process.returncode, out, err)
