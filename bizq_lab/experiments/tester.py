"""ModelABTester: plan, run, read and deploy a comparison. Executes only through the Runner it is given."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bizq_lab.catalog.tasks import bundled_types, load_tasks
from bizq_lab.config import load_config
from bizq_lab.core.ids import derived_id, derived_seed
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.experiments.deploy import arm_to_deploy, evidence_of, guardrails_of
from bizq_lab.experiments.plan import ExperimentPlan, Quote, defaults_for
from bizq_lab.experiments.planning import Wishes, make_plan
from bizq_lab.experiments.reading import logged_tasks
from bizq_lab.experiments.registry import Registry
from bizq_lab.tuning.rollout import Rollouts
from bizq_lab.tuning.rollout_plan import RAMP
from bizq_lab.tuning.rollout_steps import day_of

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Runner

NANO_PER_USD = 1_000_000_000
Source = Sequence[Task] | Literal["bundled", "logged"]
Progress = Callable[[ExperimentPlan, str, "TaskResult"], None]


@dataclass(frozen=True, kw_only=True)
class ModelABTester(Registry):
    """Compare arms on the same tasks, in random order, with every step in the log.

    Attributes:
        runner: The route-execute-log path.
        wait: Runs a coroutine to its end, for synchronous callers; in a notebook too.
        quote: Estimates what an execution costs; None leaves costs out of plans.
        context: Who pays for the tasks of an experiment.
        seed: Randomises the order of arms and tasks.
        look_every: Blocks between two looks at an offline run that may be looked at; at least one, else InputError.
    """

    runner: Runner
    wait: Callable[[Coroutine[Any, Any, int]], int]
    quote: Quote | None = None
    context: RoutingContext = field(default_factory=lambda: RoutingContext(workspace_id="experiments"))
    seed: int = 0
    look_every: int = 10

    def __post_init__(self) -> None:
        """Refuse what could never look."""
        if self.look_every < 1:
            raise InputError(f"look_every is {self.look_every}", hint="give the blocks between two looks: 1 or more")

    def plan(
        self,
        task_type: str,
        arms: Sequence[str],
        *,
        tasks: Source | None = None,
        experiment: str | None = None,
        **wishes: Any,
    ) -> ExperimentPlan:
        """A pre-registration: power, size, duration and cost, with the task type's defaults where nothing is said.

        Args:
            task_type: What is compared.
            arms: Arm ids; the first is the control.
            tasks: Priced to estimate the cost: given ones, `bundled` or `logged`; by default bundled, else logged.
            experiment: Its id; by default a new one, so that a second run is never pooled with the first.
            **wishes: Fields of `planning.Wishes`: design, unit, weights, reading, sample_size, repeats,
                primary_metric, margin, minimum_effect, power, alpha, guardrails, max_cost_usd.

        Raises:
            InputError: Fewer than two arms, a size below one, an unknown wish, or no task to price.
            UnknownModel: An arm that is neither the config's nor a model.
        """
        unknown = sorted(set(wishes) - {f.name for f in fields(Wishes)})
        if unknown:
            message = f"unknown options of a plan: {unknown!r}"
            raise InputError(message, hint=f"known: {', '.join(f.name for f in fields(Wishes))}")
        own = [task for task in self.tasks(task_type, tasks) if task.type == task_type]
        return make_plan(
            self.log,
            self.catalog,
            experiment=experiment or self.ids("exp"),
            task_type=task_type,
            arms=tuple(arms),
            tasks=_some(own, task_type),
            quote=self.quote,
            salt=derived_id("salt", task_type, self.seed),
            wishes=Wishes(**wishes),
        )

    def tasks(self, task_type: str, source: Source | None = None) -> list[Task]:
        """Tasks to compare on: those given, the bundled ones, or those of the log, each once, the latest first.

        Raises:
            InputError: None are bundled for this type.
            NotEnoughData: The log holds none with its input.
        """
        if source is None:
            source = "bundled" if task_type in bundled_types() else "logged"
        if not isinstance(source, str):
            return list(source)
        if source == "bundled":
            return list(load_tasks(task_type))
        return logged_tasks(self.log, task_type)

    async def run_block(
        self, plan: ExperimentPlan, task: Task, *, repeat: int = 0, progress: Progress | None = None
    ) -> int:
        """Execute one task with every arm, in an order drawn for this task and repeat; its cost in nano-USD."""
        if task.type != plan.task_type:
            message = f"task.type == {task.type!r}, must be {plan.task_type!r}"
            raise InputError(message, hint="an experiment compares arms on one task type")
        order, nano_usd = list(plan.arms), 0
        random.Random(derived_seed(self.seed, plan.experiment, task.key, repeat)).shuffle(order)
        for arm in order:
            _, result = await self.runner.run(
                task, self.context, arm=arm, experiment=plan.experiment, design="paired", repeat=repeat
            )
            nano_usd += 0 if result.cost is None else result.cost.nano_usd
            if progress is not None:
                progress(plan, arm, result)
        return nano_usd

    async def run_plans(
        self,
        plans: Sequence[ExperimentPlan],
        tasks: Sequence[Task],
        *,
        repeats: int | None = None,
        deadline_s: float | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Run several paired experiments side by side, block by block, and return how many blocks were run.

        Blocks of the experiments alternate, so that a deadline leaves all of them with about the same n.
        Past `deadline_s` seconds no new block starts but each plan's first, without which it would answer nothing; one
        that has started is finished.

        Args:
            plans: Registered here, before the first decision.
            tasks: Of all the plans' types.
            repeats: Executions of each task by each arm; by default what each plan says.
            deadline_s: Seconds; None means no limit.
            progress: Called after each execution.

        Raises:
            NotEnoughData: A plan has no task; nothing was registered or executed.
        """
        started = self.clock.monotonic()
        queues = [self._blocks(plan, tasks, plan.repeats if repeats is None else repeats) for plan in plans]
        for plan in plans:
            self.register(plan)
        ends = {plan.experiment: "stopped" for plan in plans}
        spent, done = dict.fromkeys(ends, 0), 0
        try:
            for depth in range(max(map(len, queues), default=0)):
                for plan, task, repeat in (queue[depth] for queue in queues if depth < len(queue)):
                    if depth and deadline_s is not None and self.clock.monotonic() - started >= deadline_s:
                        ends = {name: "finished" if end == "stopped" else end for name, end in ends.items()}
                        return done
                    if ends[plan.experiment] != "stopped":
                        continue
                    spent[plan.experiment] += await self.run_block(plan, task, repeat=repeat, progress=progress)
                    done += 1
                    if reason := self._reason_to_stop(plan, depth + 1, spent[plan.experiment]):
                        ends[plan.experiment] = f"stopped_{reason}"
            ends = {name: "finished" if end == "stopped" else end for name, end in ends.items()}
            return done
        finally:
            # However it ends: a plan must not look as if it were still running.
            for plan in plans:
                self.register(plan, ends[plan.experiment])

    def _reason_to_stop(self, plan: ExperimentPlan, blocks: int, nano_usd: int) -> str:
        """Why no further block of a plan should run, or nothing: its budget after every block, a look now and then."""
        each = nano_usd / blocks
        if plan.max_cost_usd is not None and nano_usd + each > plan.max_cost_usd * NANO_PER_USD:
            return "budget"
        if plan.reading == "fixed" or blocks % self.look_every:
            return ""
        return self.watch(plan.experiment).stop

    def run_model_comparison(
        self,
        task_type: str,
        arms: Sequence[str],
        tasks: Source | None = None,
        *,
        sample_size: int | None = None,
        deadline_s: float | None = None,
        progress: Progress | None = None,
        **wishes: Any,
    ) -> Comparison:
        """Plan, register, run and read one paired comparison: the specification's `runModelComparison`.

        Args:
            task_type: What is compared.
            arms: Arm ids of the config in force, or model keys; the first is the control.
            tasks: Given ones (other types are left out), `bundled` or `logged`; by default bundled, else logged.
            sample_size: Tasks per arm; by default what the task type declares, and never more than there are.
            deadline_s: No new task but the first starts after this many seconds.
            progress: Called after each execution.
            **wishes: As `plan` takes them, such as `primary_metric`, `repeats`, `max_cost_usd`.

        Raises:
            NotEnoughData: No task is of that type, or time was too short for one.
            InputError: The plan could not be analysed; nothing was executed.
        """
        own = _some([task for task in self.tasks(task_type, tasks) if task.type == task_type], task_type)
        default_size, _, _ = defaults_for(self.catalog, task_type)
        plan = self.plan(
            task_type,
            arms,
            tasks=own,
            sample_size=min(default_size if sample_size is None else sample_size, len(own)),
            **wishes,
        )
        self.wait(self.run_plans([plan], own, deadline_s=deadline_s, progress=progress))
        return self.analyze(plan)

    def deploy_winner(
        self,
        task_type: str,
        comparison: Comparison,
        config: RoutingConfig,
        path: str | Path,
        *,
        rollout_percentage: int = 10,
        as_of: date | None = None,
        override: str = "",
        expires_in_days: int = 90,
    ) -> RoutingConfig:
        """Start a rollout of the winner: a share of the traffic now, more as its guardrails clear (S31).

        The ramp goes on by `Rollouts.check`, which `bizq-lab rollout check` runs from a scheduler.

        Args:
            task_type: Must be the comparison's.
            comparison: What was found.
            config: What runs now.
            path: The routing config file to write.
            rollout_percentage: The winner's first share, from 1 to 100; the usual ramp goes on from there.
            as_of: The date the config carries; by default the clock's day.
            override: Reason for deploying the most promising arm against the verdict; logged.
            expires_in_days: After how many days nothing may be ramped from the config any more: evidence ages.

        Returns:
            The published config: its `parent` is the present one.

        Raises:
            UnsafeProposal: The verdict or the number of tasks does not suffice, and nothing overrides that.
            InputError: Another task type was compared, or the share is out of range.
            InvalidRoutingConfig: The config has expired, does not know the arm, or cannot be written.
        """
        if comparison.task_type != task_type:
            message = f"task_type == {task_type!r}, but the comparison is of {comparison.task_type!r}"
            raise InputError(message, hint="deploy a comparison on the task type it was made on")
        arm = arm_to_deploy(comparison, override=override)
        today = as_of or day_of(self.clock.now_us())
        desk = Rollouts(path=Path(path), log=self.log, catalog=self.catalog, clock=self.clock, author="deploy_winner")
        desk.start(
            task_type=task_type,
            arm=arm,
            present=config,
            ramp=(rollout_percentage, *(share for share in RAMP if share > rollout_percentage)),
            guardrails=guardrails_of(comparison),
            evidence=evidence_of(comparison),
            override=override,
            as_of=today,
            expires_on=today + timedelta(days=expires_in_days),
        )
        return load_config(path)

    def _blocks(
        self, plan: ExperimentPlan, tasks: Sequence[Task], repeats: int
    ) -> list[tuple[ExperimentPlan, Task, int]]:
        own = _some([task for task in tasks if task.type == plan.task_type], plan.task_type)
        random.Random(derived_seed(self.seed, plan.experiment)).shuffle(own)
        chosen = own[: plan.sample_size]
        return [(plan, task, repeat) for repeat in range(repeats) for task in chosen]


def _some(own: list[Task], task_type: str) -> list[Task]:
    if not own:
        message = f"no task of type {task_type!r} was given"
        raise NotEnoughData(message, hint="pass tasks of the experiment's type")
    return own
