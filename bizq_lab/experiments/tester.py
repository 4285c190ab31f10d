"""ModelABTester: plan, run, read and deploy a comparison. Executes only through the Runner it is given."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from bizq_lab.analysis import compare
from bizq_lab.core.ids import derived_id, derived_seed
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.experiments.plan import ExperimentPlan, defaults_for

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Clock, IdSource, Runner
    from bizq_lab.store import Log

Progress = Callable[[ExperimentPlan, str, "TaskResult"], None]


@dataclass(frozen=True, kw_only=True)
class ModelABTester:
    """Compare arms on the same tasks, in random order, with every step in the log.

    Attributes:
        runner: The route-execute-log path.
        log: Where plans are registered and answers are read.
        catalog: Declares sample sizes and margins.
        clock: Wall time of the record, and the deadline's monotonic time.
        ids: Where event ids come from.
        context: Who pays for the tasks of an experiment.
        seed: Randomises the order of arms and tasks.
    """

    runner: Runner
    log: Log
    catalog: Catalog
    clock: Clock
    ids: IdSource
    context: RoutingContext = field(default_factory=lambda: RoutingContext(workspace_id="experiments"))
    seed: int = 0

    def plan(
        self,
        task_type: str,
        arms: Sequence[str],
        *,
        sample_size: int | None = None,
        primary_metric: str = "success",
        margin: float | None = None,
        cost_usd: float | None = None,
        cost_high_usd: float | None = None,
    ) -> ExperimentPlan:
        """A pre-registration with the task type's own defaults where nothing is said."""
        default_size, default_margin, minimum_effect = defaults_for(self.catalog, task_type)
        size = default_size if sample_size is None else sample_size
        return ExperimentPlan(
            experiment=derived_id("exp", task_type, *arms, self.seed),
            task_type=task_type,
            arms=tuple(arms),
            primary_metric=primary_metric,
            margin=default_margin if margin is None else margin,
            sample_size=size,
            cost_usd=cost_usd,
            cost_high_usd=cost_high_usd,
            minimum_effect=minimum_effect,
            salt=derived_id("salt", task_type, self.seed),
        )

    def register(self, plan: ExperimentPlan, status: str = "running") -> None:
        """Write a change of state; the first one is the pre-registration."""
        self.log.append(plan.event(status, event_id=self.ids("evt"), recorded_at_us=self.clock.now_us()))

    async def run_block(
        self, plan: ExperimentPlan, task: Task, *, repeat: int = 0, progress: Progress | None = None
    ) -> None:
        """Execute one task with every arm, in an order drawn for this task and repeat."""
        if task.type != plan.task_type:
            message = f"task.type == {task.type!r}, must be {plan.task_type!r}"
            raise InputError(message, hint="an experiment compares arms on one task type")
        order = list(plan.arms)
        random.Random(derived_seed(self.seed, plan.experiment, task.key, repeat)).shuffle(order)
        for arm in order:
            _, result = await self.runner.run(
                task, self.context, arm=arm, experiment=plan.experiment, design="paired", repeat=repeat
            )
            if progress is not None:
                progress(plan, arm, result)

    async def run_plans(
        self,
        plans: Sequence[ExperimentPlan],
        tasks: Sequence[Task],
        *,
        repeats: int = 1,
        deadline_s: float | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Run several paired experiments side by side, block by block, and return how many blocks were run.

        Blocks of the experiments alternate, so that a deadline leaves all of them with about the same n.
        Past `deadline_s` seconds no new block starts; one that has started is finished.
        """
        started = self.clock.monotonic()
        queues = [self._blocks(plan, tasks, repeats) for plan in plans]
        for plan in plans:
            self.register(plan)
        done = 0
        for depth in count():
            row = [queue[depth] for queue in queues if depth < len(queue)]
            if not row:
                break
            for plan, task, repeat in row:
                if deadline_s is not None and self.clock.monotonic() - started >= deadline_s:
                    return self._finish(plans, done)
                await self.run_block(plan, task, repeat=repeat, progress=progress)
                done += 1
        return self._finish(plans, done)

    def analyze(self, plan: ExperimentPlan) -> Comparison:
        """Read the answer from the log alone."""
        return compare(
            self.log,
            task_type=plan.task_type,
            experiment=plan.experiment,
            primary=plan.primary_metric,
            margin=plan.margin,
            alpha=plan.alpha,
            control=plan.arms[0],
        )

    def _finish(self, plans: Sequence[ExperimentPlan], done: int) -> int:
        for plan in plans:
            self.register(plan, "finished")
        return done

    def _blocks(
        self, plan: ExperimentPlan, tasks: Sequence[Task], repeats: int
    ) -> list[tuple[ExperimentPlan, Task, int]]:
        own = [task for task in tasks if task.type == plan.task_type]
        if not own:
            message = f"no task of type {plan.task_type!r} was given"
            raise NotEnoughData(message, hint="pass tasks of the experiment's type")
        random.Random(derived_seed(self.seed, plan.experiment)).shuffle(own)
        chosen = own[: plan.sample_size]
        return [(plan, task, repeat) for repeat in range(repeats) for task in chosen]
