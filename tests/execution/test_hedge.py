"""Hedging: when a second call starts, who wins, what the loser costs, and when there must be none."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from pydantic import ValidationError

from bizq_lab.catalog import Catalog
from bizq_lab.catalog.schema import HedgeSpec, TaskTypeEntry
from bizq_lab.core.execution import Attempt, ProviderCall, ProviderReply, TaskResult
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import BudgetRefused, JournalWriteError, ProviderError
from bizq_lab.execution import ResilientExecutor, RetrySettings
from tests.support.execution import (
    SIDE_EFFECTS,
    FakeClock,
    ListSink,
    ScriptedProvider,
    TinyCatalog,
    classes,
    config,
    decision,
    reply,
    scripted,
)

SPEC = HedgeSpec(max_share=1.0)


class HedgingCatalog(TinyCatalog):
    """Every task type hedges; those with side effects would, if they could."""

    def __init__(self, spec: HedgeSpec = SPEC) -> None:
        self.spec = spec

    def task_type(self, name: str, *, strict: bool = False) -> tuple[TaskTypeEntry, str]:
        """The tiny catalog's, with a hedge that no validator saw."""
        entry, source = super().task_type(name, strict=strict)
        return entry.model_copy(update={"hedge": self.spec}), source


async def slow(_call: ProviderCall) -> ProviderReply:
    for _ in range(50):
        await asyncio.sleep(0)
    return reply()


async def never(_: ProviderCall) -> ProviderReply:
    await asyncio.Event().wait()
    raise AssertionError


def slow_then(*steps: Any) -> ScriptedProvider:
    return ScriptedProvider(never, *steps)


def hedging(provider: ScriptedProvider, sink: ListSink, *, seen: int = 30, **settings: Any) -> ResilientExecutor:
    spec = settings.pop("spec", SPEC)
    made = scripted(
        sink=sink, providers={"openai": provider}, catalog=cast("Catalog", HedgingCatalog(spec)), **settings
    )
    for _ in range(seen):
        made.health.record(
            Attempt(
                attempt_id="a", ordinal=1, config=config("openai/sol"), status="completed", cost=None,
                response_time_s=0.5,
            )
        )  # fmt: skip
    return made


def run(made: ResilientExecutor, **changes: Any) -> TaskResult:
    choice = decision("openai/sol", **changes)
    return made.execute_with_failover(choice.task, choice, choice.context)


def test_the_second_call_starts_after_the_usual_latency_and_both_are_booked() -> None:
    sink, clock = ListSink(), FakeClock()
    result = run(hedging(slow_then(reply()), sink, clock=clock))
    assert clock.slept == [pytest.approx(0.5)]
    assert result.status == "completed"
    assert [event.kind for event in sink.events] == [
        "attempt_started", "attempt_started", "attempt", "attempt", "outcome",
    ]  # fmt: skip
    won, lost = sink.attempts
    assert (won.status, won.ordinal, won.flags[0]) == ("completed", 2, "hedge")
    assert (lost.status, lost.ordinal, lost.error_type) == ("cancelled", 1, "cancelled")
    assert lost.error_message == "another call for the same answer was faster"
    started = cast("Any", sink.events[0])
    assert (lost.maybe_billed, lost.cost_nano_usd) == (True, started.worst_case_nano_usd)
    assert sink.outcome.cost_nano_usd == sum(row.cost_nano_usd or 0 for row in sink.attempts)
    assert result.output == "Fine."


def test_time_that_passed_twice_at_once_counts_once() -> None:
    """The wait for the first call, and then the second one: not the sum of both calls."""
    result = run(hedging(slow_then(reply()), ListSink(), clock=FakeClock()))
    assert result.processing_time == pytest.approx(0.5)


def test_a_first_call_that_wins_cancels_the_second() -> None:
    sink, release = ListSink(), asyncio.Event()

    async def late(_: ProviderCall) -> ProviderReply:
        await release.wait()
        return reply("First.")

    async def free_the_first(_: ProviderCall) -> ProviderReply:
        release.set()
        return await never(_)

    result = run(hedging(ScriptedProvider(late, free_the_first), sink))
    assert result.output == "First."
    assert [(row.status, row.ordinal) for row in sink.attempts] == [("completed", 1), ("cancelled", 2)]


def test_a_failure_waits_for_the_other_call() -> None:
    sink, failed = ListSink(), asyncio.Event()

    async def fails(_: ProviderCall) -> ProviderReply:
        await failed.wait()
        raise ProviderError("down", error_class="server_error")

    async def then_answers(_: ProviderCall) -> ProviderReply:
        failed.set()
        await asyncio.sleep(0)
        return reply()

    result = run(hedging(ScriptedProvider(fails, then_answers), sink))
    assert result.status == "completed"
    assert sorted(classes(sink.attempts)) == ["openai/sol:ok", "openai/sol:server_error"]


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        pytest.param({"seen": 5}, {}, id="too few answers to know what is usual"),
        pytest.param({"spec": HedgeSpec()}, {}, id="beyond its share of the calls"),
        pytest.param({"retry": RetrySettings(attempts_per_task=1)}, {}, id="no attempt left"),
        pytest.param({}, {"context": RoutingContext(workspace_id="w", max_cost=0.0008)}, id="no money left"),
    ],
)
def test_nothing_starts_beside_the_call(settings: dict[str, Any], changes: dict[str, Any]) -> None:
    sink, clock = ListSink(), FakeClock()

    provider = ScriptedProvider(slow)
    result = run(hedging(provider, sink, clock=clock, **settings), **changes)
    assert (result.status, len(provider.calls), len(sink.attempts)) == ("completed", 1, 1)


def test_the_share_is_of_all_calls_of_the_task_type() -> None:
    """2 % of 200 calls: four hedges, however slow the provider is."""
    provider, sink = ScriptedProvider(slow), ListSink()
    made = hedging(provider, sink, spec=HedgeSpec())
    for _ in range(200):
        run(made)
    assert len(provider.calls) == 204


def test_a_ledger_that_refuses_the_second_call_leaves_the_first_alone() -> None:
    class OneOnly:
        reserved: int = 0

        def reserve(self, *, workspace_id: str, attempt_id: str, nano_usd: int) -> None:
            del workspace_id, attempt_id, nano_usd
            self.reserved += 1
            if self.reserved > 1:
                raise BudgetRefused("the cap")

        def settle(self, attempt_id: str, nano_usd: int) -> None:
            """Nothing to settle."""

    async def slower(_: ProviderCall) -> ProviderReply:
        await asyncio.sleep(0.02)  # the ledger answers on a thread
        return reply()

    sink, ledger = ListSink(), OneOnly()
    result = run(hedging(ScriptedProvider(slower), sink, budget=ledger))
    assert (result.status, ledger.reserved, len(sink.attempts)) == ("completed", 2, 1)


def test_a_task_with_side_effects_is_never_hedged() -> None:
    provider = ScriptedProvider(slow)
    run(hedging(provider, ListSink()), task=Task(type=SIDE_EFFECTS, input={"q": "x"}, id="task_1"))
    assert len(provider.calls) == 1
    plain, _ = TinyCatalog().task_type(SIDE_EFFECTS)
    with pytest.raises(ValidationError, match="must not be hedged"):
        TaskTypeEntry(**{**plain.model_dump(), "hedge": SPEC})


def test_a_cancelled_task_books_both_calls_as_cancelled() -> None:
    sink, both = ListSink(), asyncio.Event()

    async def second(_: ProviderCall) -> ProviderReply:
        both.set()
        return await never(_)

    async def main() -> None:
        made = hedging(slow_then(second), sink)
        choice = decision("openai/sol")
        task = asyncio.ensure_future(made.execute(choice, choice.task, choice.context))
        await both.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert sorted(row.ordinal for row in sink.attempts) == [1, 2]
    assert {row.status for row in sink.attempts} == {"cancelled"}
    assert (sink.outcome.status, sink.outcome.attempts) == ("cancelled", 2)


def test_a_log_that_cannot_take_the_second_call_stops_the_task() -> None:
    sink = ListSink()

    def full(event: Any) -> None:
        if event.kind == "attempt_started" and event.ordinal == 2:
            raise JournalWriteError("disk full")

    sink.before_append = full
    with pytest.raises(JournalWriteError, match="disk full"):
        run(hedging(ScriptedProvider(slow), sink))
