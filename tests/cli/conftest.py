"""The command line as a caller sees it: arguments in, exit code and two streams out. One demo for all who only read."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from bizq_lab.execution import local_engine_problem
from tests.support.lab_cli import KEYS, Cli, Said, Twins, ended, inside, program, spawn


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's keys, nobody's log, an empty folder."""
    for name in (*KEYS, "BIZQ_LAB_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command inside this process."""
    return partial(inside, capsys)


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """The simulated demo, twice from the same seed, side by side."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    command = ("demo", "--provider", "simulated", "--seed", "7", "--json", "--out")
    said = [ended(process) for process in [spawn(*command, folder) for folder in (first, second)]]
    assert [one.code for one in said] == [0, 0], said
    return Twins(first, second, said[0])


@pytest.fixture(scope="session")
def simulated(twins: Twins) -> Path:
    """Folder of a finished simulated demo; only to be read."""
    return twins.first


@pytest.fixture
def demo(simulated: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    return Path(shutil.copytree(simulated, tmp_path / "demo"))


# One short pair of each task type is as real as four long ones.
ONE_PAIR = """
from bizq_lab.cli import main
from bizq_lab.lab import demo
demo.QUICK_PER_TYPE, demo.MAX_TOKENS = 1, 16
main()
"""


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """The main job on the real model, once for the whole suite; `make full` runs as much of it as users do."""
    problem = local_engine_problem()
    if problem is not None:
        pytest.skip(f"no embedded engine: {problem.message}")
    folder = tmp_path_factory.mktemp("local")
    start = ("-m", "bizq_lab") if os.environ.get("BIZQ_LAB_FULL") == "1" else ("-c", ONE_PAIR)
    return folder, ended(program(*start, "demo", "--json", "--out", folder, CI="true"))
