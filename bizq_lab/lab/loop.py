"""The main job: paired experiments, answers, weights, a published config, routing by it. Knows no terminal, no HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab import __version__
from bizq_lab.config import ArmSpec, RoutingConfig, assigned
from bizq_lab.core.task import RoutingContext, Task

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.analysis import Comparison, Efficiency, Performance
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.experiments import ExperimentPlan
    from bizq_lab.lab.lab import Lab
    from bizq_lab.tuning import Proposal

Progress = Callable[["ExperimentPlan", str, "TaskResult"], None]
ROUTED_UNITS = 1_000
PRODUCER = f"bizq_lab {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions:
    """What the main job is asked to do.

    Attributes:
        per_type: Tasks of each type.
        repeats: How often each task is executed by each arm.
        deadline_s: No new pair but each type's first starts after this many seconds; None means no limit.
        budget_usd: Most that 1,000 tasks of each type may cost under the tuned weights; None means no cap.
        quality_floor: Least success rate that the tuned weights must keep, in [0, 1].
        as_of: The date the config and the report carry.
    """

    per_type: int
    repeats: int = 1
    deadline_s: float | None = None
    budget_usd: float | None = None
    quality_floor: float = 0.0
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOutcome:
    """What the main job found and wrote.

    Attributes:
        pairs: Blocks executed: one task by every arm.
        planned_pairs: Blocks planned; fewer were run if time was short.
        comparisons: One a task type, in the catalog's order.
        performance: Every model at every task type.
        efficiency: Cost per success, cheapest first.
        proposal: The tuned weights.
        config_path: The published config.
        closing: Results of the tasks that were routed by it.
        split: Share of 1,000 units that each arm got, by task type, under the published weights.
    """

    pairs: int
    planned_pairs: int
    comparisons: tuple[Comparison, ...]
    performance: Performance
    efficiency: Efficiency
    proposal: Proposal
    config_path: Path
    closing: tuple[TaskResult, ...]
    split: Mapping[str, Mapping[str, float]]


def starting_config(lab: Lab, arms: Mapping[str, Mapping[str, ArmSpec]], options: LoopOptions) -> RoutingConfig:
    """A config that knows every arm and gives all traffic to the control: what runs before anything is known.

    Args:
        lab: Whose catalog the arms refer to.
        arms: Arm specifications by task type and arm id; the first is the control.
        options: Gives the date.
    """
    named = {arm: spec for of_type in arms.values() for arm, spec in of_type.items()}
    weights = {name: {next(iter(of_type)): 100} for name, of_type in arms.items()}
    start = RoutingConfig.start(lab.catalog, arms=named, tasks=weights, as_of=options.as_of, produced_by=PRODUCER)
    # Failover stays among the models under study: an arm's failure must not be paid for by one that nobody compares.
    models = {name: tuple(sorted({spec.model for spec in of_type.values()})) for name, of_type in arms.items()}
    return start.evolve(parent="", tasks={name: {**dict(start.tasks[name]), "models": models[name]} for name in arms})


def close_the_loop(
    lab: Lab,
    *,
    tasks: Sequence[Task],
    arms: Mapping[str, Mapping[str, ArmSpec]],
    config_path: Path,
    options: LoopOptions,
    progress: Progress | None = None,
) -> LoopOutcome:
    """Run the loop once, from tasks to routing by the weights they taught.

    Args:
        lab: An open lab; left routing by the published config.
        tasks: Tasks of all the types in `arms`.
        arms: Arm specifications by task type and arm id; the first is the control.
        config_path: Where `routing.json` is written.
        options: How much, how long, within which limits.
        progress: Called after each execution.
    """
    lab.use(starting_config(lab, arms, options))
    tester = lab.experiment()
    plans = [
        tester.plan(name, list(of_type), tasks=tasks, sample_size=options.per_type, repeats=options.repeats)
        for name, of_type in arms.items()
    ]
    run = tester.run_plans(plans, tasks, deadline_s=options.deadline_s, progress=progress)
    pairs = lab.executor.wait(run)
    with lab.log.held():  # every answer is of one state of the log, which is opened once
        comparisons = tuple(tester.analyze(plan) for plan in plans)
        performance, efficiency = lab.performance(), lab.efficiency()
        proposal = lab.tune(budget_usd=options.budget_usd, quality_floor=options.quality_floor, as_of=options.as_of)
    lab.publish(proposal, config_path)
    return LoopOutcome(
        pairs=pairs,
        planned_pairs=sum(_blocks(plan, tasks) for plan in plans) * options.repeats,
        comparisons=comparisons,
        performance=performance,
        efficiency=efficiency,
        proposal=proposal,
        config_path=config_path,
        closing=tuple(lab.run(task, RoutingContext(workspace_id="ws_demo")) for task in _one_of_each(tasks, arms)),
        split={name: _split(proposal.config, name) for name in arms},
    )


def _blocks(plan: ExperimentPlan, tasks: Sequence[Task]) -> int:
    return min(plan.sample_size, sum(task.type == plan.task_type for task in tasks))


def _one_of_each(tasks: Sequence[Task], arms: Mapping[str, object]) -> list[Task]:
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(task.type, task)
    return [first[name] for name in arms if name in first]


def _split(config: RoutingConfig, task_type: str) -> dict[str, float]:
    """The arms of many workspaces under the published weights, as a service sees them."""
    counts = Counter(assigned(config, task_type, f"ws_{number}").arm for number in range(ROUTED_UNITS))
    return {arm: counts[arm] / ROUTED_UNITS for arm in sorted(counts)}
