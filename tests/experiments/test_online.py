"""A split of live traffic: started and stopped through the config, looked at whenever one likes, read from the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.analysis import Watch
from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.errors import InputError, InvalidRoutingConfig, NotEnoughData
from bizq_lab.experiments import ExperimentPlan
from bizq_lab.lab import Lab
from tests.support.lab_small import TYPE, rows, small_lab, start, tasks_of

ARMS = ("plain", "luna")
READ = """
import json, sys
from bizq_lab.lab import Lab
with Lab.open(sys.argv[1], providers="simulated") as lab:
    print(json.dumps(lab.experiment().analyze(sys.argv[2]).to_dict(), sort_keys=True))
"""


def begin(lab: Lab, folder: Path, **wishes: Any) -> ExperimentPlan:
    """A split that runs, and this lab routing by it."""
    options: dict[str, Any] = {"design": "randomised", "unit": "task", "sample_size": 60, **wishes}
    tester = lab.experiment()
    plan = tester.plan(TYPE, ARMS, **options)
    assert lab.config is not None
    lab.use(tester.start(plan, lab.config, folder / "routing.json"))
    return plan


def serve(lab: Lab, n: int, *, first: int = 0, workspaces: int = 40) -> None:
    """Traffic: distinct tasks of many workspaces."""
    [some] = tasks_of(n=1)
    for number in range(first, first + n):
        task = Task(type=TYPE, input=some.input, expected=some.expected, id=f"t{number}")
        lab.run(task, RoutingContext(workspace_id=f"ws{number % workspaces}"))


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Watch]:
    """A split looked at after every thirty tasks until it stopped by itself."""
    folder = tmp_path_factory.mktemp("split")
    with small_lab(folder) as lab:
        plan = begin(lab, folder, sample_size=400, minimum_effect=0.2)
        for day in range(8):
            serve(lab, 60, first=60 * day)
            seen = lab.experiment().watch(plan.experiment)
            if seen.stop:
                break
        assert lab.config is not None
        lab.use(lab.experiment().stop(plan.experiment, lab.config, folder / "routing.json", reason=seen.stop))
        lab.log.collect()
    return folder, plan.experiment, seen


def test_starting_a_split_registers_it_and_publishes_a_config_that_carries_it(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        plan = begin(lab, tmp_path, weights={"plain": 70, "luna": 30})
        serve(lab, 40)
        lab.log.collect()
    config = load_config(tmp_path / "routing.json")
    assert [(spec.id, dict(spec.weights), spec.unit) for spec in config.experiments] == [
        (plan.experiment, {"plain": 70, "luna": 30}, "task")
    ]
    log = tmp_path / "lab.duckdb"
    drawn = rows(log, "SELECT DISTINCT policy, design, experiment, propensity_ppb FROM decision ORDER BY ALL")
    assert {row["propensity_ppb"] for row in drawn} == {700_000_000, 300_000_000}
    assert {(row["policy"], row["design"], row["experiment"]) for row in drawn} == {
        ("experiment", "randomised", plan.experiment)
    }
    [first] = rows(log, "SELECT min(recorded_at_us) AS us FROM experiment")
    [decision] = rows(log, "SELECT min(recorded_at_us) AS us FROM decision")
    assert first["us"] < decision["us"], "registered before the first task"


def test_models_that_are_no_arms_yet_become_arms(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        tester = lab.experiment()
        plan = tester.plan(TYPE, ["plain", "openai/gpt-6-luna"], design="randomised")
        config = tester.start(plan, start(), tmp_path / "routing.json")
    assert config.arms["openai/gpt-6-luna"].model == "openai/gpt-6-luna"


def test_a_split_is_started_once_and_a_paired_plan_never(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        plan = begin(lab, tmp_path)
        tester, config = lab.experiment(), lab.config
        assert config is not None
        with pytest.raises(InputError, match="runs already"):
            tester.start(plan, config, tmp_path / "routing.json")
        with pytest.raises(InputError, match="paired"):
            tester.start(tester.plan(TYPE, ARMS), config, tmp_path / "routing.json")
        with pytest.raises(InvalidRoutingConfig, match="share one namespace"):
            tester.start(tester.plan(TYPE, ARMS, design="randomised"), config, tmp_path / "routing.json")


def test_a_stopped_split_routes_no_more_and_its_log_stays(decided: tuple[Path, str, Watch]) -> None:
    folder, experiment, seen = decided
    config: RoutingConfig = load_config(folder / "routing.json")
    assert not config.experiments
    states = [row["status"] for row in rows(folder / "lab.duckdb", "FROM experiment ORDER BY recorded_at_us")]
    assert states == ["running", f"stopped_{seen.stop}"]
    with small_lab(folder, config=config) as lab:
        assert lab.route(tasks_of(n=1)[0], RoutingContext(workspace_id="w")).experiment == ""
        with pytest.raises(InputError, match=experiment):
            lab.experiment().stop(experiment, config, folder / "routing.json")


def test_a_clear_difference_stops_the_watch_before_the_plan_is_in(decided: tuple[Path, str, Watch]) -> None:
    """In this world and seed `luna` wins by far."""
    _, _, seen = decided
    assert (seen.stop, seen.rows[-1].verdict, seen.rows[-1].winner) == ("winner", "winner", "luna")
    assert seen.rows[-1].tasks < 800
    assert seen.rows[-1].difference.lower > 0
    assert "Stop for winner" in seen.summary()


def test_every_look_is_a_row_and_intervals_only_narrow(decided: tuple[Path, str, Watch]) -> None:
    folder, _, seen = decided
    logged = rows(folder / "lab.duckdb", "FROM experiment_look ORDER BY look")
    assert [row["look"] for row in logged] == list(range(1, len(seen.rows) + 1))
    ends = [(row.difference.lower, row.difference.upper) for row in seen.rows]
    assert all(now[0] >= before[0] and now[1] <= before[1] for before, now in pairwise(ends))
    assert all(row["sample_ratio_p"] > 0.001 for row in logged)
    assert len(seen.to_frame()) == len(seen.rows)
    assert seen.plot().get_title(loc="left") == "success: luna minus plain"
    assert "<section" in seen.to_html()


def test_a_look_can_be_taken_again_from_the_log_and_is_the_same(decided: tuple[Path, str, Watch]) -> None:
    """Only what had arrived by then counts."""
    folder, experiment, seen = decided
    with small_lab(folder) as lab:
        again = lab.experiment().watch(experiment, as_of_us=seen.rows[0].as_of_us)
    first, last = seen.rows[0], again.rows[-1]
    assert (last.tasks, last.n, last.spent_usd) == (first.tasks, first.n, first.spent_usd)


def test_another_process_reads_the_identical_result_from_the_log_alone(decided: tuple[Path, str, Watch]) -> None:
    folder, experiment, _ = decided
    log = folder / "lab.duckdb"
    with small_lab(folder) as lab:
        here = lab.experiment().analyze(experiment).to_dict()
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    read = subprocess.run(
        [sys.executable, "-c", READ, str(log), experiment], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(read.stdout) == json.loads(json.dumps(here))
    assert here["caveats"][-1]["code"] == "anytime_valid"


def test_the_result_is_that_of_the_looks_and_says_so(decided: tuple[Path, str, Watch]) -> None:
    folder, experiment, seen = decided
    with small_lab(folder) as lab:
        answer = lab.experiment().analyze(experiment)
    assert (answer.verdict, answer.winner) == ("winner", "luna")
    assert answer.main_row().difference == seen.last.difference
    assert "anytime_valid" in {caveat.code for caveat in answer.caveats}


def test_a_budget_that_is_spent_stops_the_watch(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        plan = begin(lab, tmp_path, max_cost_usd=1e-6)
        serve(lab, 6)
        seen = lab.experiment().watch(plan.experiment)
    assert seen.stop == "budget"
    assert "over_budget" in {caveat.code for caveat in plan.caveats}


def test_an_offline_run_ends_before_its_budget_is_passed(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        answer = lab.experiment().run_model_comparison(TYPE, ARMS, tasks_of(n=12), max_cost_usd=0.002)
        lab.log.collect()
    states = [row["status"] for row in rows(tmp_path / "lab.duckdb", "FROM experiment ORDER BY recorded_at_us")]
    [spent] = rows(tmp_path / "lab.duckdb", "SELECT sum(cost_nano_usd) AS nano FROM outcome")
    assert states == ["running", "stopped_budget"]
    assert spent["nano"] <= 2_000_000
    assert "fewer_than_planned" in {caveat.code for caveat in answer.caveats}


def test_a_look_before_any_outcome_and_at_an_unknown_experiment_says_what_to_do(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        plan = begin(lab, tmp_path)
        with pytest.raises(NotEnoughData, match="no outcome yet"):
            lab.experiment().watch(plan.experiment)
        with pytest.raises(NotEnoughData, match="no experiment 'other'"):
            lab.experiment().watch("other")


def test_tasks_of_the_log_can_be_compared_on(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        serve(lab, 5)
        answer = lab.experiment().run_model_comparison(TYPE, ARMS, "logged")
    assert answer.main_row().n == 5


@pytest.mark.parametrize("reading", ["fixed", "anytime"])
def test_what_the_rules_choose_can_be_the_control_whichever_models_it_is(tmp_path: Path, reading: str) -> None:
    """`default` is an arm (S15): a split against it is read by that name, and several models of it are no drift."""
    [some] = tasks_of(n=1)
    with small_lab(tmp_path) as lab:
        tester = lab.experiment()
        plan = tester.plan(
            TYPE, ("default", "plain"), design="randomised", unit="task", sample_size=40, reading=reading
        )
        assert lab.config is not None
        lab.use(tester.start(plan, lab.config, tmp_path / "routing.json"))
        for number in range(80):
            task = Task(type=TYPE, input=some.input, expected=some.expected, id=f"t{number}")
            liked = "openai" if number % 2 else "anthropic"
            wishes = WorkspacePreferences(preferred_provider=liked)
            lab.run(task, RoutingContext(workspace_id=f"ws{number}", workspace_preferences=wishes))
        looked = tester.watch(plan.experiment)
        answer = tester.analyze(plan.experiment)
        models = set(lab.sql("SELECT DISTINCT model FROM decision WHERE arm = 'default'")["model"])
    assert len(models) > 1, "else the rules' choice could as well go by its model"
    assert (answer.control, {row.arm for row in answer.rows}) == ("default", {"plain"})
    assert sum(row.n for row in answer.rows if row.role == "primary") == looked.last.n == 80
    assert answer.verdict != "invalid"
    assert "drifted_model" not in {caveat.code for caveat in answer.caveats}
