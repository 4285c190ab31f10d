"""A comparison is written down, with its price, before a cent is spent."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.catalog.tasks import load_tasks
from bizq_lab.core.decision import CostEstimate
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData, UnknownModel
from bizq_lab.experiments import ExperimentPlan
from bizq_lab.experiments.plan import planned_cost
from bizq_lab.routing import CostCalculator
from tests.support.lab_small import OTHER, TYPE, catalog, small_lab, tasks_of

ARMS = ["plain", "luna"]


def flat(_: Task, arm: str) -> CostEstimate:
    usd = {"cheap": 0.01, "dear": 0.1}.get(arm)
    return CostEstimate(10, 10, usd, usd, None if usd is None else 2 * usd, 1.0, arm)


def test_the_cost_of_a_test_is_every_execution_of_every_arm() -> None:
    _, cost, high = planned_cost(flat, tasks_of(n=4), ["cheap", "dear"], sample_size=4, repeats=3)
    assert cost == pytest.approx(4 * 3 * (0.01 + 0.1))
    assert high == pytest.approx(2 * 4 * 3 * (0.01 + 0.1))


def test_few_tasks_stand_for_many() -> None:
    _, cost, _ = planned_cost(flat, tasks_of(n=2), ["cheap", "dear"], sample_size=100, repeats=1)
    assert cost == pytest.approx(100 * (0.01 + 0.1))


def test_an_unknown_price_makes_the_cost_unknown_and_never_zero() -> None:
    assert planned_cost(flat, tasks_of(n=2), ["cheap", "unpriced"], sample_size=2, repeats=1) == (None, None, None)


def test_a_plan_of_a_lab_is_priced_by_the_routers_own_estimate(tmp_path: Path) -> None:
    tasks = tasks_of(n=3)
    context = RoutingContext(workspace_id="experiments")
    with small_lab(tmp_path) as lab:
        plan = lab.experiment().plan(TYPE, ARMS, tasks=tasks, sample_size=3, repeats=2)
        calculator = CostCalculator(catalog(), config=lab.config)
        quotes = [
            calculator.estimate_task_cost(task, lab.service.route(task, context, arm=arm), context)
            for task in tasks
            for arm in ARMS
        ]
    assert plan.cost_usd == pytest.approx(2 * math.fsum(quote.estimated_cost or math.nan for quote in quotes))
    assert plan.cost_high_usd == pytest.approx(2 * math.fsum(quote.high or math.nan for quote in quotes))
    assert 0 < (plan.cost_usd or 0) <= (plan.cost_high_usd or 0)


def test_planning_sends_and_logs_nothing(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        lab.experiment().plan(TYPE, ARMS)
        assert not list(tmp_path.rglob("*")), "a plan of an empty log left a file behind"
        assert lab.log.collect().events == 0


def test_a_plan_takes_what_the_task_type_declares(tmp_path: Path) -> None:
    entry = catalog().task_types[TYPE]
    with small_lab(tmp_path) as lab:
        plan = lab.experiment().plan(TYPE, ARMS)
    assert (plan.sample_size, plan.margin, plan.minimum_effect) == (
        entry.sample_size,
        entry.margin,
        entry.minimum_effect,
    )
    assert load_tasks(TYPE)


@pytest.mark.parametrize(
    ("arms", "options", "message"),
    [
        (["plain"], {}, "arms"),
        (["plain", "plain"], {}, "arms"),
        (ARMS, {"sample_size": 0}, "sample_size == 0"),
        (ARMS, {"sample_size": 5, "repeats": 0}, "repeats == 0"),
    ],
)
def test_a_plan_that_could_not_be_analysed_is_refused(
    tmp_path: Path, arms: list[str], options: dict[str, int], message: str
) -> None:
    with small_lab(tmp_path) as lab, pytest.raises(InputError, match=message):
        lab.experiment().plan(TYPE, arms, **options)  # type: ignore[arg-type]


def test_an_arm_that_does_not_exist_is_named_before_anything_runs(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab, pytest.raises(UnknownModel, match="lunar"):
        lab.experiment().plan(TYPE, ["plain", "lunar"])


def test_tasks_of_another_type_cannot_be_priced(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab, pytest.raises(NotEnoughData, match=TYPE):
        lab.experiment().plan(TYPE, ARMS, tasks=tasks_of(OTHER))


def test_the_logged_plan_is_the_plan() -> None:
    plan = ExperimentPlan(experiment="exp", task_type=TYPE, arms=("a", "b"), sample_size=7, repeats=2, cost_usd=0.25)
    event = plan.event("running", event_id="evt", recorded_at_us=1)
    assert (event.planned_n_per_arm, event.planned_cost_nano_usd, event.arms) == (7, 250_000_000, ["a", "b"])
    assert ExperimentPlan.from_row({"experiment": "exp", "plan": json.loads(json.dumps(event.plan))}) == plan


def test_repeats_that_the_looks_would_not_read_are_warned_of(tmp_path: Path) -> None:
    """The sequence for small samples reads each unit's first outcome."""
    wishes: dict[str, Any] = {"tasks": tasks_of(n=4), "sample_size": 40}
    with small_lab(tmp_path) as lab:
        plan = lab.experiment().plan
        once, often, at_the_end = (
            plan(TYPE, ARMS, reading="anytime", **wishes),
            plan(TYPE, ARMS, reading="anytime", repeats=3, **wishes),
            plan(TYPE, ARMS, repeats=3, **wishes),
        )
    told = ["first_outcome_only" in {caveat.code for caveat in one.caveats} for one in (once, often, at_the_end)]
    assert told == [False, True, False]
