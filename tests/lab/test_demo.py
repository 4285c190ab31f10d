"""A demo starts from nothing, whatever an earlier one left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import ForeignFile, InputError
from bizq_lab.lab import Lab
from bizq_lab.lab.demo import open_demo
from tests.support.lab_small import tasks_of


def test_events_of_a_demo_that_died_are_not_those_of_the_next(tmp_path: Path) -> None:
    """It had logged, and collected nothing yet."""
    with open_demo(tmp_path, provider="simulated").lab as died:
        died.run(tasks_of(n=1)[0], RoutingContext(workspace_id="ws_demo"))
    with open_demo(tmp_path, provider="simulated").lab as lab:
        assert lab.log.collect().events == 0


def test_a_file_that_is_no_log_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "lab.duckdb").write_text("mine")
    with pytest.raises(ForeignFile):
        open_demo(tmp_path, provider="simulated")
    assert (tmp_path / "lab.duckdb").read_text() == "mine"


def test_a_demo_never_replaces_a_log_that_holds_more_than_demos(tmp_path: Path) -> None:
    """`lab.duckdb` is also where everything else logs by default."""
    path = tmp_path / "lab.duckdb"
    with Lab.open(path, providers="simulated") as lab:
        lab.run(tasks_of(n=1)[0], RoutingContext(workspace_id="ws_1"))
    with pytest.raises(InputError, match="no demo made"):
        open_demo(tmp_path, provider="simulated")
    with Lab.open(path) as lab:
        assert len(lab.sql("SELECT * FROM decision")) == 1


def test_a_demo_may_ask_less_often_and_never_counts_a_recorded_outcome_twice(tmp_path: Path) -> None:
    assert open_demo(tmp_path, provider="replay", repeats=2).options.repeats == 2
    assert open_demo(tmp_path, provider="simulated", repeats=30).options.repeats == 30
    for wrong in (0, 12):
        with pytest.raises(InputError, match=f"repeats == {wrong}"):
            open_demo(tmp_path, provider="replay", repeats=wrong)
