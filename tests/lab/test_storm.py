"""A provider that fails 30 % of calls in mixed ways, under a budget: nothing lost, nothing twice, sums exact.

`BIZQ_LAB_FULL=1` (`make storm`) executes 2,000 tasks, the suite 200.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Any, cast

from bizq_lab.core.execution import ProviderCall, ProviderReply, TaskResult
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.errors import ProviderError
from bizq_lab.execution import Cap, HealthBook, ResilientExecutor
from bizq_lab.execution.error_table import ERROR_TABLE
from bizq_lab.execution.health import BreakerSettings
from bizq_lab.lab import Lab
from tests.support.execution import FakeClock, reply

TASKS = 2_000 if os.environ.get("BIZQ_LAB_FULL") else 200
AT_ONCE = 32
# What would close a model or a whole provider for good is not the weather of a storm.
NOT_OF_A_CALL = {"cancelled", "auth", "quota_exhausted", "model_not_found"}
FAILURES = [row.name for row in ERROR_TABLE.values() if not row.setup and row.name not in NOT_OF_A_CALL]
CONTEXT = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(preferred_provider="openai"))


class Storm:
    """A provider that fails three calls in ten, and remembers each answer that was good."""

    live = False

    def __init__(self, name: str, rng: random.Random, answered: list[str]) -> None:
        self.name, self._rng, self._answered = name, rng, answered

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Fail by one of the table's classes, or answer."""
        await asyncio.sleep(0)
        if self._rng.random() < 0.3:
            name = self._rng.choice(FAILURES)
            if name == "quality_reject":
                return reply("")
            raise ProviderError(name, error_class=name, response_time_s=0.1)
        self._answered.append(call.task_key)
        return reply(served_model=call.config.api_model)

    async def aclose(self) -> None:
        """Nothing to close."""


def executed(lab: Lab) -> list[TaskResult]:
    """All tasks, so many at a time."""

    async def everything() -> list[TaskResult]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> TaskResult:
            async with turns:
                task = Task(type="default", input={"q": "x"}, id=f"task_{number}")
                return (await lab.service.run(task, CONTEXT))[1]

        return await asyncio.gather(*map(one, range(TASKS)))

    return lab.executor.wait(everything())


def test_every_task_is_completed_or_escalated_once_and_three_sums_are_one(tmp_path: Path) -> None:
    rng, answered, clock = random.Random(7), list[str](), FakeClock()
    providers = {name: Storm(name, rng, answered) for name in ("openai", "anthropic")}
    with Lab.open(tmp_path / "lab.duckdb", providers=providers, budgets={"*": Cap(usd=500, period="total")}) as lab:
        # No time passes here, so that no open circuit would ever be probed: only a dead provider opens one.
        health = HealthBook(clock=clock, settings=BreakerSettings(failure_share=1.0, minimum=20, provider_minimum=20))
        lab.executor = ResilientExecutor(lab.catalog, providers, lab.log, clock=clock, budget=lab.ledger, health=health)
        lab.use(None)
        results = executed(lab)
        attempts = lab.log.sql("SELECT decision_id, booked_nano_usd, status FROM attempt_state").to_dict("records")
        outcomes = lab.log.sql("SELECT decision_id, cost_nano_usd, status FROM outcome").to_dict("records")
        decided = lab.log.sql("SELECT task_id FROM decision")["task_id"].tolist()
        booked = cast("Any", lab.ledger).booked().nano_usd
    assert sorted(decided) == sorted(result.task_id for result in results)
    assert len(set(decided)) == TASKS == len({row["decision_id"] for row in outcomes}) == len(outcomes)
    assert {result.status for result in results} == {"completed", "escalated"}
    completed = [result.task_id for result in results if result.status == "completed"]
    assert sorted(answered) == sorted(completed), "a good answer was thrown away, or asked for twice"
    by_attempt = sum(int(row["booked_nano_usd"]) for row in attempts)
    assert by_attempt == sum(int(row["cost_nano_usd"]) for row in outcomes) == booked > 0
