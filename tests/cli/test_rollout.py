"""`bizq-lab rollout …`: a scheduler reads exit codes, a person reads reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.config import load_config, save_config
from tests.support.lab_cli import Cli
from tests.support.lab_small import TYPE, start

BASE = ("--task-type", TYPE, "--arm", "luna", "--override", "a test")


@pytest.fixture
def routing(tmp_path: Path) -> Path:
    """What runs now."""
    return save_config(start({"plain": 100}), tmp_path / "routing.json")


def test_a_rollout_from_start_to_rollback(cli: Cli, routing: Path) -> None:
    before = routing.read_bytes()
    started = cli("rollout", "start", routing, *BASE, "--ramp", "20,100", "-g", "quality:0.03:0.01", "--json")
    assert started.code == 0, started.err
    assert load_config(routing).tasks[TYPE].weights == {"luna": 20, "plain": 80}
    looked = cli("rollout", "check", routing, "--json")
    assert looked.code == 0
    assert [row["guardrail"] for row in looked.document["rows"]] == ["quality"]
    assert cli("rollout", "hold", routing, "--reason", "holiday").code == 0
    assert cli("rollout", "rollback", routing, "--reason", "complaints").code == 0
    assert routing.read_bytes() == before
    assert cli("rollout", "check", routing).code == 3
    told = cli("rollout", "history", routing, "--json").document
    assert [row["action"] for row in told["rows"]] == ["rollout_started", "held", "held", "rolled_back"]


def test_promoting_takes_one_step(cli: Cli, routing: Path) -> None:
    cli("rollout", "start", routing, *BASE, "--ramp", "20,100")
    done = cli("rollout", "promote", routing, "--reason", "reviewed")
    assert (done.code, "completed" in done.out) == (0, True)
    assert load_config(routing).tasks[TYPE].weights == {"luna": 100}


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("check",), 2, "no rollout"),
        (("start", "-t", TYPE, "-a", "luna"), 1, "without evidence"),
        (("start", *BASE, "--ramp", "ten"), 2, "whole percentages"),
        (("start", *BASE, "-g", "quality"), 2, "METRIC:MARGIN"),
        (("start", *BASE, "-g", "beauty:0.1"), 2, "metric"),
        (("start", "-t", TYPE, "-a", "nobody"), 1, "nobody"),
        (("rollback", "--reason", " "), 2, "reason"),
    ],
)
def test_a_mistake_is_one_message_and_changes_nothing(
    cli: Cli, routing: Path, options: tuple[str, ...], code: int, says: str
) -> None:
    before = routing.read_bytes()
    said = cli("rollout", options[0], routing, *options[1:])
    assert said.code == code, said.err
    assert says in said.err
    assert routing.read_bytes() == before
