"""The specification's PerformanceMonitor over a lab's log: it tracks what the log lacks, checks, scores, recommends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bizq_lab import PerformanceMonitor
from bizq_lab.core.execution import ExecutionMetrics
from bizq_lab.core.seeded import SeededClock
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import AmbiguousTask, InputError, NotEnoughData
from bizq_lab.lab import Lab
from tests.support.lab_small import ARMS, TYPE, rows, small_lab, tasks_of

SHOP = RoutingContext(workspace_id="ws_shop")
DONE = ExecutionMetrics(
    response_time=2.5,
    first_token_time=0.5,
    tokens_per_second=40.0,
    total_tokens=80,
    cost=0.002,
    success=True,
    error_type=None,
)


def pass_time(lab: Lab, hours: float) -> None:
    assert isinstance(lab.clock, SeededClock)
    lab.clock.advance(3600 * hours)


def test_what_was_executed_elsewhere_is_logged_with_its_decision(tmp_path: Path) -> None:
    [task] = tasks_of(n=1)
    with small_lab(tmp_path) as lab:
        decision = lab.route(task, SHOP)
        lab.monitor().track_task_execution(task.id, decision, DONE)
        lab.log.collect()
    [found] = rows(tmp_path / "lab.duckdb", "FROM task_outcome")
    assert (found["decision_id"], found["model"], found["status"]) == (
        decision.decision_id,
        decision.config.key,
        "completed",
    )
    assert (found["response_time_us"], found["time_to_first_chunk_us"]) == (2_500_000, 500_000)
    assert (found["cost_nano_usd"], found["succeeded"], found["workspace_id"]) == (2_000_000, True, "ws_shop")


def test_failures_keep_their_cost_and_their_class(tmp_path: Path) -> None:
    [task] = tasks_of(n=1)
    with small_lab(tmp_path) as lab:
        failed = replace(DONE, success=False, error_type="timeout_read", first_token_time=None, cost=None)
        lab.monitor().track_task_execution(task.id, lab.route(task, SHOP), failed)
        lab.log.collect()
    [found] = rows(tmp_path / "lab.duckdb", "FROM task_outcome")
    assert (found["status"], found["timed_out"], found["error_type"]) == ("failed", True, "timeout_read")
    assert (found["cost_nano_usd"], found["time_to_first_chunk_us"]) == (None, None)


def test_tracking_what_the_lab_executed_adds_nothing(tmp_path: Path) -> None:
    [task] = tasks_of(n=1)
    with small_lab(tmp_path) as lab:
        result = lab.run(task, SHOP)
        for _ in range(2):
            lab.monitor().track_task_execution(task.id, lab.route(task, SHOP).config, result.metrics)
        lab.log.collect()
    [outcome] = rows(tmp_path / "lab.duckdb", "FROM outcome")
    assert outcome["cost_nano_usd"] == (None if result.cost is None else result.cost.nano_usd)


def test_a_logged_decision_needs_only_its_config_unless_there_are_several(tmp_path: Path) -> None:
    [task] = tasks_of(n=1)
    with small_lab(tmp_path) as lab:
        first = lab.route(task, SHOP)
        lab.service.log_decision(first)
        monitor = lab.monitor()
        monitor.track_task_execution(task.id, first.config, DONE)
        second, third = (lab.route(task, SHOP) for _ in range(2))
        for decision in (second, third):
            lab.service.log_decision(decision)
        with pytest.raises(AmbiguousTask, match="2 decisions"):
            monitor.track_task_execution(task.id, first.config, DONE)
        monitor.track_task_execution(task.id, second, DONE)
        monitor.track_task_execution(task.id, first.config, DONE)
        lab.log.collect()
    assert len(rows(tmp_path / "lab.duckdb", "SELECT DISTINCT decision_id FROM outcome")) == 3


def test_a_config_alone_of_an_unknown_task_and_another_tasks_decision_are_refused(tmp_path: Path) -> None:
    [task, other] = tasks_of(n=2)
    with small_lab(tmp_path) as lab:
        decision = lab.route(task, SHOP)
        with pytest.raises(NotEnoughData, match="no decision of task"):
            lab.monitor().track_task_execution(task.id, decision.config, DONE)
        with pytest.raises(InputError, match=other.id):
            lab.monitor().track_task_execution(other.id, decision, DONE)
        assert lab.log.collect().events == 0


def test_tracking_checks_once_in_every_slot(tmp_path: Path) -> None:
    """A service tracks every task; a check reads the whole log."""
    tasks = tasks_of(n=4)
    with small_lab(tmp_path) as lab:
        monitor = lab.monitor()
        checks = []
        for task, hours in zip(tasks, (0, 0, 1, 0.2), strict=True):
            pass_time(lab, hours)
            checks.append(monitor.track_task_execution(task.id, lab.route(task, SHOP), DONE))
    assert [one is not None for one in checks] == [True, False, True, False]


def test_the_questions_of_the_specification_are_answered_from_the_log(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        lab.experiment().run_model_comparison(TYPE, list(ARMS), tasks_of(n=12))
        pass_time(lab, 1)
        monitor = lab.monitor()
        said = monitor.get_model_recommendation(TYPE)
        health, table = monitor.health(), monitor.performance(by_workspace=True, by_day=True)
        looked = monitor.check(dry_run=True)
        assert isinstance(monitor, PerformanceMonitor)
    models = {spec.model for spec in ARMS.values()}
    assert {said.recommended_model, *said.alternative_models} == models
    assert {row.model for row in health.rows} == models
    assert {(row.model, row.slice) for row in table.rows} == {(m, "experiments 2026-11-01") for m in models}
    assert looked.raised == 0
