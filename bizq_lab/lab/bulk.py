"""Executing many rows at once: a lane a provider, and a stop that lets what is under way end. Knows no file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bizq_lab.errors import BizqLabError, BudgetRefused, InputError
from bizq_lab.lab.budgets import naming_the_budget
from bizq_lab.lab.outage import Outage
from bizq_lab.lab.records import Place

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.lab.service import BizQAIRouter

PER_PROVIDER = 8
# Rows that are routed and wait for a lane: enough that a busy provider does not keep another one idle.
LOOK_AHEAD = 64
Concurrency = int | Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """One row to execute.

    Attributes:
        number: Its place in the run, from 0.
        task: The task.
        context: Whose, and within which limits.
        repeat: Which repetition of the task, from 0.
        decision_id: Derived from run, row and try, so that a resumed run knows its own.
        tries: Tries of this row before this one.
    """

    number: int
    task: Task
    context: RoutingContext
    repeat: int
    decision_id: str
    tries: int


@dataclass(slots=True, kw_only=True)
class BulkExecution:
    """One pass over the rows of a run.

    Attributes:
        service: The one route-execute-log path.
        run_id: Which run.
        concurrency: Rows at a time for each provider: one number for all, or by name (others get the default).
        tick: Called after each row.
        results: What became of the rows, by number.
        refusal: Why the budget stopped it; empty when it did not.
        error: What else stopped it: no key, no engine, a log that cannot be written, no model left.
    """

    service: BizQAIRouter
    run_id: str
    concurrency: Concurrency = PER_PROVIDER
    tick: Callable[[Todo, TaskResult], None] = lambda *_: None
    results: dict[int, TaskResult] = field(default_factory=dict)
    refusal: str = ""
    error: BizqLabError | None = None
    _lanes: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _outage: Outage = field(init=False)

    def __post_init__(self) -> None:
        """Watch the circuits that the executor keeps."""
        self._outage = Outage(health=self.service.executor.health, clock=self.service.clock)

    async def run(self, rows: Iterable[Todo]) -> None:
        """Execute rows until they end, money ends, or nothing can be executed; what is under way always ends.

        Raises:
            asyncio.CancelledError: The caller cancelled; every row under way is booked as `cancelled`.
        """
        gate = asyncio.Semaphore(LOOK_AHEAD)
        async with asyncio.TaskGroup() as group:
            for row in rows:
                await gate.acquire()
                if self._stopped:
                    break
                group.create_task(self._one(row, gate))

    @property
    def _stopped(self) -> bool:
        return bool(self.refusal) or self.error is not None

    async def _one(self, row: Todo, gate: asyncio.Semaphore) -> None:
        try:
            with naming_the_budget(self.service, row.task, row.context):
                decision = self.service.decide(row.task, row.context, decision_id=row.decision_id)
            async with self._lane(decision.config.provider):
                if self._stopped:
                    return
                result = await self._outage.through(
                    decision, partial(self._executed, row, decision), stopped=lambda: self._stopped
                )
        except BudgetRefused as refusal:
            self.refusal = self.refusal or refusal.message
        except BizqLabError as error:
            self.error = self.error or error
        else:
            self._keep(row, result)
        finally:
            gate.release()

    async def _executed(self, row: Todo, decision: RoutingDecision) -> TaskResult:
        place = Place(self.run_id, row.number, row.tries)
        return await self.service.run_row(decision, repeat=row.repeat, place=place)

    def _keep(self, row: Todo, result: TaskResult) -> None:
        self.results[row.number] = result
        if result.status == "cancelled" and result.metrics.error_type == "budget":
            self.refusal = self.refusal or result.reasoning
        self.tick(row, result)

    def _lane(self, provider: str) -> asyncio.Semaphore:
        if provider not in self._lanes:
            wide = self.concurrency if isinstance(self.concurrency, int) else self.concurrency.get(provider)
            self._lanes[provider] = asyncio.Semaphore(PER_PROVIDER if wide is None else wide)
        return self._lanes[provider]


def check_concurrency(concurrency: Concurrency) -> None:
    """Refuse a width that is none.

    Raises:
        InputError: Some width is not a whole number of at least 1.
    """
    named = {"concurrency": concurrency} if isinstance(concurrency, int) else dict(concurrency)
    for name, wide in named.items():
        if isinstance(wide, bool) or not isinstance(wide, int) or wide < 1:
            message = f"{name} == {wide!r}, must be a whole number of at least 1"
            raise InputError(message, hint="concurrency=8, or {'openai': 16, 'anthropic': 4}")
