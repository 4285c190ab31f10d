"""BizQAIRouter: the one path from a task to a logged result. Knows routing and execution, never the questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from bizq_lab.core.ids import derived_id, derived_seed
from bizq_lab.core.model import Reason
from bizq_lab.core.noun import Noun
from bizq_lab.core.snapshot import Snapshot
from bizq_lab.errors import NoFeasibleModel
from bizq_lab.lab.records import NOWHERE, Payloads, Place, decision_event

if TYPE_CHECKING:
    from bizq_lab.catalog import Prompt
    from bizq_lab.core.decision import Design, RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Clock, EventSink, IdSource
    from bizq_lab.core.result import Cell
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.execution import ResilientExecutor
    from bizq_lab.routing import AITaskRouter

NOBODY_NOW = "no_model_available"


@dataclass(frozen=True, slots=True, kw_only=True)
class BizQAIRouter(Noun):
    """Route to the best model, execute with failover, log every step.

    Attributes:
        router: Decides; pure.
        executor: Acts; asynchronous inside, and the owner of the one background loop.
        sink: Where events go.
        clock: Wall time of the record.
        ids: Where decision and event ids come from.
        snapshot: What routing may know right now.
        seed: Base seed of adaptive draws.
        payloads: Whether task inputs are kept: `full`, `hash` or `none`.
        origin: Who asks, as logged.
    """

    router: AITaskRouter
    executor: ResilientExecutor
    sink: EventSink
    clock: Clock
    ids: IdSource
    snapshot: Callable[[RoutingContext], Snapshot]
    seed: int = 0
    payloads: Payloads = "full"
    origin: str = "lab"

    def facts(self) -> dict[str, Cell]:
        """What it routes by, and what it keeps."""
        return {**self.router.facts(), "payloads": self.payloads, "origin": self.origin, "seed": self.seed}

    def route(
        self,
        task: Task,
        context: RoutingContext,
        *,
        arm: str | None = None,
        experiment: str = "",
        design: Design = "observational",
        decision_id: str | None = None,
    ) -> RoutingDecision:
        """Decide without executing or logging.

        Raises:
            NoFeasibleModel: Every candidate violates a hard constraint.
        """
        return self._route(
            task, context, self.snapshot(context), arm=arm, experiment=experiment, design=design,
            decision_id=decision_id or self.ids("dec"),
        )  # fmt: skip

    def decide(
        self,
        task: Task,
        context: RoutingContext,
        *,
        arm: str | None = None,
        experiment: str = "",
        design: Design = "observational",
        decision_id: str | None = None,
    ) -> RoutingDecision:
        """As `route`, for a task that is to be executed: an outage is no reason to lose it.

        Where only the moment rules every model out (circuits are open, rate limits used up, answers slow), the task is
        decided as if all were well, and flagged `no_model_available`. Execution then calls whoever may be called after
        all, or hands the task to a person (S15, S21).

        Raises:
            NoFeasibleModel: Every candidate would violate a hard constraint at any time.
        """
        seen = self.snapshot(context)
        route = partial(
            self._route, task, context, arm=arm, experiment=experiment, design=design,
            decision_id=decision_id or self.ids("dec"),
        )  # fmt: skip
        try:
            return route(seen)
        except NoFeasibleModel as outage:
            try:
                decision = route(replace(seen, health=MappingProxyType({})))
            except NoFeasibleModel:
                raise outage from None
        config = decision.config.because(Reason(NOBODY_NOW, "decided as if every model were well"))
        return replace(decision, config=config, flags=(*decision.flags, NOBODY_NOW))

    def _route(
        self, task: Task, context: RoutingContext, snapshot: Snapshot, *, decision_id: str, arm: str | None,
        experiment: str, design: Design,
    ) -> RoutingDecision:  # fmt: skip
        return self.router.route_task(
            task,
            context,
            snapshot=snapshot,
            seed=derived_seed(self.seed, decision_id),
            decision_id=decision_id,
            arm=arm,
            experiment=experiment,
            design=design,
        )

    def log_decision(self, decision: RoutingDecision, *, repeat: int = 0, place: Place = NOWHERE) -> Prompt:
        """Write the decision, before anything is sent; writing it again adds nothing.

        Returns:
            Its prompt, filled in.

        Raises:
            InputError: The task's input cannot fill its prompt; nothing was written.
            JournalWriteError: The event could not be written; nothing may be sent.
        """
        prompt = self.check_input(decision)
        self.sink.append(
            decision_event(
                decision,
                event_id=derived_id("evt", "decision", decision.decision_id),
                recorded_at_us=self.clock.now_us(),
                repeat=repeat,
                payloads=self.payloads,
                origin=self.origin,
                place=place,
            )
        )
        return prompt

    def check_input(self, decision: RoutingDecision) -> Prompt:
        """The prompt that was decided, filled in; a task whose input cannot fill it is refused.

        Raises:
            InputError: A field is missing, or not of the form the template needs.
        """
        return self.router.catalog.render(decision.task, decision.config.prompt)

    async def run(
        self,
        task: Task,
        context: RoutingContext,
        *,
        arm: str | None = None,
        experiment: str = "",
        design: Design = "observational",
        repeat: int = 0,
    ) -> tuple[RoutingDecision, TaskResult]:
        """Decide (or take the arm given), log, execute: core's `Runner`."""
        decision = self.decide(task, context, arm=arm, experiment=experiment, design=design)
        prompt = self.log_decision(decision, repeat=repeat)
        return decision, await self.executor.execute(decision, task, context, repeat=repeat, prompt=prompt)

    async def run_row(self, decision: RoutingDecision, *, repeat: int, place: Place) -> TaskResult:
        """Log and execute a decision as one row of a bulk run, which stops where the money ends."""
        prompt = self.log_decision(decision, repeat=repeat, place=place)
        return await self.executor.execute(
            decision, decision.task, decision.context, repeat=repeat, prompt=prompt, on_budget="stop"
        )

    def route_and_execute(self, task: Task, context: RoutingContext) -> TaskResult:
        """The specification's front door, for synchronous callers: scripts, workers, notebooks.

        A workspace that `Lab.forget` forgot is served as any other; what it leaves is dropped at the next collection.
        """
        return self.executor.wait(self.run(task, context))[1]
