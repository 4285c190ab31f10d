"""Runs the command line in this process, as a shell would see it. Asserts nothing."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest

from bizq_lab.cli.app import run


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Shell:
    """Runs commands, and gives back exit code and output."""

    def __init__(self, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._captured = captured

    def __call__(self, *words: str) -> Ended:
        """One command."""
        self._patch.setattr(sys, "argv", ["bizq-lab", *words])
        with pytest.raises(SystemExit) as ended:
            run()
        out, err = self._captured.readouterr()
        return Ended(int(ended.value.code or 0), out, err)
