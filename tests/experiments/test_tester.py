"""Every task meets every arm, in a random order that can be repeated, and time running out leaves whole pairs."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from bizq_lab.core.execution import TaskResult
from bizq_lab.core.seeded import SeededClock
from bizq_lab.core.task import Task
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.experiments import ExperimentPlan
from tests.support.lab_small import OTHER, TYPE, rows, small_lab, tasks_of

ARMS = ["plain", "luna"]
ORDER = "SELECT task_key, repeat, arm FROM decision ORDER BY recorded_at_us"


def order(log: Path) -> list[tuple[str, int, str]]:
    return [tuple(row.values()) for row in rows(log, ORDER)]


def compared(folder: Path, *, seed: int = 0, n: int = 8, repeats: int = 2) -> list[tuple[str, int, str]]:
    with small_lab(folder, seed=seed) as lab:
        lab.experiment().run_model_comparison(TYPE, ARMS, tasks_of(n=n), repeats=repeats)
        lab.log.collect()
    return order(folder / "lab.duckdb")


def test_every_task_gets_every_arm_as_often(tmp_path: Path) -> None:
    calls = compared(tmp_path)
    assert Counter(calls) == Counter(
        (task.key, repeat, arm) for task in tasks_of(n=8) for repeat in range(2) for arm in ARMS
    )
    decisions = rows(tmp_path / "lab.duckdb", "SELECT DISTINCT design, propensity_ppb, policy FROM decision")
    assert decisions == [{"design": "paired", "propensity_ppb": 1_000_000_000, "policy": "experiment"}]


def test_the_arms_of_a_pair_run_back_to_back_in_an_order_drawn_for_it(tmp_path: Path) -> None:
    calls = compared(tmp_path)
    pairs = [calls[place : place + 2] for place in range(0, len(calls), 2)]
    assert all(first[:2] == second[:2] and {first[2], second[2]} == set(ARMS) for first, second in pairs)
    assert {first[2] for first, _ in pairs} == set(ARMS), "one arm always came first"
    assert [pair[0][0] for pair in pairs][:8] != [task.key for task in tasks_of(n=8)], "tasks came in file order"


def test_the_order_follows_from_the_seed(tmp_path: Path) -> None:
    calls = compared(tmp_path / "a")
    assert compared(tmp_path / "b") == calls
    assert compared(tmp_path / "c", seed=1) != calls


def test_the_sample_is_no_larger_than_planned(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        answer = lab.experiment().run_model_comparison(TYPE, ARMS, tasks_of(n=12), sample_size=5)
    assert answer.main_row().n == 5


def test_a_plan_is_registered_before_its_first_decision_and_finished_after_its_last(tmp_path: Path) -> None:
    compared(tmp_path)
    log = tmp_path / "lab.duckdb"
    states = rows(log, "SELECT status, recorded_at_us FROM experiment ORDER BY recorded_at_us")
    [span] = rows(log, "SELECT min(recorded_at_us) AS first, max(recorded_at_us) AS last FROM decision")
    assert [state["status"] for state in states] == ["running", "finished"]
    assert states[0]["recorded_at_us"] < span["first"] <= span["last"] < states[1]["recorded_at_us"]
    [plan] = rows(log, "SELECT DISTINCT planned_n_per_arm, planned_cost_nano_usd FROM experiment")
    assert plan["planned_n_per_arm"] == 8
    assert plan["planned_cost_nano_usd"] > 0


def test_past_the_deadline_no_pair_starts_and_the_started_one_is_finished(tmp_path: Path) -> None:
    """Time here is the clock's: the first call takes it past the deadline."""
    with small_lab(tmp_path) as lab:
        tester, clock = lab.experiment(), lab.clock
        assert isinstance(clock, SeededClock)
        plans = [tester.plan(name, ARMS, sample_size=4) for name in (TYPE, OTHER)]

        def late(_plan: ExperimentPlan, _arm: str, _result: TaskResult) -> None:
            clock.advance(10.0)

        run = tester.run_plans(plans, [*tasks_of(), *tasks_of(OTHER)], deadline_s=25.0, progress=late)
        assert lab.executor.wait(run) == 2
        lab.log.collect()
    log = tmp_path / "lab.duckdb"
    counted = rows(
        log, "SELECT task_type, count(*) AS n, count(DISTINCT arm) AS arms FROM decision GROUP BY ALL ORDER BY ALL"
    )
    assert counted == [{"task_type": OTHER, "n": 2, "arms": 2}, {"task_type": TYPE, "n": 2, "arms": 2}]
    assert Counter(row["status"] for row in rows(log, "FROM experiment")) == {"running": 2, "finished": 2}


def test_a_deadline_that_passes_at_once_leaves_each_experiment_its_first_pair(tmp_path: Path) -> None:
    """However slow the machine is: an experiment without a pair would answer nothing."""
    with small_lab(tmp_path) as lab:
        tester = lab.experiment()
        plans = [tester.plan(name, ARMS, sample_size=4) for name in (TYPE, OTHER)]
        assert lab.executor.wait(tester.run_plans(plans, [*tasks_of(), *tasks_of(OTHER)], deadline_s=0.0)) == 2
        assert [tester.analyze(plan).main_row().n for plan in plans] == [1, 1]


def test_progress_is_told_of_every_execution(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []
    with small_lab(tmp_path) as lab:
        lab.experiment().run_model_comparison(
            TYPE, ARMS, tasks_of(n=3), progress=lambda plan, arm, _: seen.append((plan.task_type, arm))
        )
    assert Counter(seen) == {(TYPE, arm): 3 for arm in ARMS}


def test_a_comparison_without_a_task_registers_and_runs_nothing(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        with pytest.raises(NotEnoughData, match=TYPE):
            lab.experiment().run_model_comparison(TYPE, ARMS, tasks_of(OTHER))
        plan = lab.experiment().plan(TYPE, ARMS)
        with pytest.raises(NotEnoughData, match=TYPE):
            lab.executor.wait(lab.experiment().run_plans([plan], tasks_of(OTHER)))
        assert lab.log.collect().events == 0


def test_a_block_refuses_a_task_of_another_type(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        tester = lab.experiment()
        plan = tester.plan(TYPE, ARMS)
        with pytest.raises(InputError, match=OTHER):
            asyncio.run(tester.run_block(plan, tasks_of(OTHER)[0]))


def test_an_answer_can_be_read_again_from_the_log_alone(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        answer = lab.experiment().run_model_comparison(TYPE, ARMS, tasks_of(n=12))
    with small_lab(tmp_path) as later:
        plan = later.experiment().plan(TYPE, ARMS, sample_size=12)
        assert later.experiment().analyze(plan).to_dict()["rows"] == answer.to_dict()["rows"]


def test_arms_may_be_named_by_model(tmp_path: Path) -> None:
    arms = ["openai/gpt-6-luna", "anthropic/claude-haiku-5-5"]
    with small_lab(tmp_path, config=None) as lab:
        answer = lab.experiment().run_model_comparison(TYPE, arms, tasks_of(n=3))
        lab.log.collect()
    assert answer.control == arms[0]
    served = rows(tmp_path / "lab.duckdb", "SELECT DISTINCT arm, model FROM decision ORDER BY ALL")
    assert [(row["arm"], row["model"]) for row in served] == [(arm, arm) for arm in sorted(arms)]


def test_the_sync_front_refuses_to_wait_on_its_own_loop(tmp_path: Path) -> None:
    """It would wait for ever."""
    with small_lab(tmp_path) as lab:
        tester = lab.experiment()

        async def inside(tasks: list[Task]) -> None:
            tester.run_model_comparison(TYPE, ARMS, tasks)

        with pytest.raises(InputError, match="background loop"):
            lab.executor.wait(inside(tasks_of()))


def test_an_offline_run_looks_as_often_as_it_is_told(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        tester = lab.experiment(look_every=4)
        plan = tester.plan(TYPE, ARMS, sample_size=10, reading="anytime")
        tasks = tasks_of(n=10)
        lab.executor.wait(tester.run_plans([plan], tasks))
        lab.log.collect()
    looks = rows(tmp_path / "lab.duckdb", "SELECT look FROM experiment_look ORDER BY look")
    assert [row["look"] for row in looks] == [1, 2]


def test_a_run_that_would_never_look_is_refused(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab, pytest.raises(InputError, match="look_every is 0"):
        lab.experiment(look_every=0)
