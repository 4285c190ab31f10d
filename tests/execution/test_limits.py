"""A call that would break a rate limit is not sent: it waits its turn, or the next model gets it (S12)."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizq_lab.catalog.schema import RateLimits
from bizq_lab.core.execution import Attempt, ProviderCall, ProviderReply, Usage
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext
from bizq_lab.execution import HealthBook, ModelLimits
from bizq_lab.execution.limits import Headroom, Refused, Turn
from bizq_lab.execution.slots import Slots
from tests.support.execution import FakeClock, ListSink, ScriptedProvider, classes, config, decision, reply, scripted

SOL, LUNA = "openai/sol", "openai/luna"
MINUTE_S = 60.0


class Live(ScriptedProvider):
    """Scripted, but with a vendor's limits behind it."""

    live = True


def limited(clock: FakeClock, **limits: Any) -> ModelLimits:
    return ModelLimits({SOL: RateLimits(**limits)}, clock=clock, timeout=clock.timeout)


async def enter(limits: ModelLimits, tokens: int = 0, patience_s: float | None = None) -> Turn | Refused:
    return await limits.enter(SOL, input_tokens=tokens, max_tokens=0, patience_s=patience_s)


@settings(max_examples=60, deadline=None)
@given(
    rpm=st.integers(1, 12),
    tpm=st.integers(40, 400),
    calls=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 40)), min_size=1, max_size=80),
)
def test_no_minute_ever_holds_more_requests_or_tokens_than_allowed(
    rpm: int, tpm: int, calls: list[tuple[float, int]]
) -> None:
    """The law, over every window of 60 s that begins at a call, for waiting callers who never give up."""
    clock = FakeClock()
    limits = limited(clock, rpm=rpm, tpm=tpm)
    sent: list[tuple[float, int]] = []

    async def drive() -> None:
        for pause, tokens in calls:
            clock.now += pause
            turn = await enter(limits, tokens)
            assert isinstance(turn, Turn)
            sent.append((clock.now, tokens))
            turn.end()

    asyncio.run(drive())
    assert len(sent) == len(calls)
    for start, _ in sent:
        inside = [tokens for at, tokens in sent if start <= at <= start + MINUTE_S]
        assert len(inside) <= rpm
        assert sum(inside) <= tpm


def test_ten_thousand_calls_at_full_speed_take_exactly_the_time_their_limit_implies() -> None:
    clock = FakeClock()
    limits = limited(clock, rpm=500)
    began = clock.now

    async def drive() -> None:
        for _ in range(10_000):
            assert isinstance(await enter(limits), Turn)

    asyncio.run(drive())
    assert clock.now - began == pytest.approx(19 * MINUTE_S, abs=0.1)  # 20 bursts of 500, 19 waits between them


def test_a_wait_that_does_not_fit_is_refused_at_once_and_counts_nothing() -> None:
    clock = FakeClock()
    limits = limited(clock, rpm=1)

    async def drive() -> None:
        assert isinstance(await enter(limits), Turn)
        refused = await enter(limits, patience_s=59.0)
        assert isinstance(refused, Refused)
        assert "no call for 60 s, and 59 s are left" in refused.message
        assert clock.slept == []
        assert isinstance(await enter(limits, patience_s=61.0), Turn)

    asyncio.run(drive())
    assert clock.slept == [pytest.approx(60.001)]


def test_a_call_larger_than_the_limit_itself_never_waits() -> None:
    clock = FakeClock()
    refused = asyncio.run(enter(limited(clock, tpm=1_000), tokens=1_001))
    assert isinstance(refused, Refused)
    assert "1,001 tokens" in refused.message
    assert clock.slept == []


def test_after_a_call_the_tokens_counted_replace_the_bytes_that_bounded_them() -> None:
    clock = FakeClock()
    limits = limited(clock, tpm=1_000)

    async def drive(usage: Usage | None) -> int | None:
        turn = await limits.enter(SOL, input_tokens=400, max_tokens=100, patience_s=0.0)
        assert isinstance(turn, Turn)
        turn.end(usage)
        turn.end(usage)  # a second end changes nothing
        return limits.headroom()[SOL].tokens_left

    assert asyncio.run(drive(Usage(40, 7))) == 1_000 - 140  # 100 of output stay, as vendors count them
    assert asyncio.run(drive(None)) == 860 - 500  # nobody knows what a failed call used


def test_an_estimated_usage_and_an_old_one_correct_nothing() -> None:
    clock = FakeClock()
    limits = limited(clock, tpm=1_000)

    async def drive() -> None:
        first = await enter(limits, 600)
        assert isinstance(first, Turn)
        first.end(Usage(1, 1, estimated=True))
        assert limits.headroom()[SOL].tokens_left == 400
        late = await enter(limits, 400)
        clock.now += MINUTE_S + 1
        assert isinstance(late, Turn)
        late.end(Usage(1, 1))
        assert limits.headroom()[SOL].tokens_left == 1_000

    asyncio.run(drive())


def test_headroom_is_what_routing_sees_and_looking_takes_nothing() -> None:
    clock = FakeClock()
    limits = limited(clock, rpm=10, tpm=1_000, concurrency=3)
    health = HealthBook(clock=clock, limits=limits)
    assert limits.headroom() == {SOL: Headroom(10, 1_000, 3)}
    before = health.version
    turn = asyncio.run(enter(limits, 250))
    seen = health.snapshot()[SOL]
    assert (seen.requests_left, seen.tokens_left, seen.slots_left) == (9, 750, 2)
    assert health.snapshot()[SOL] == seen
    assert health.version > before, "a decision made now saw something else"
    assert isinstance(turn, Turn)
    turn.end()
    assert health.snapshot()[SOL].slots_left == 3


def test_a_limited_model_that_fails_is_seen_to_fail_although_its_room_stays_the_same() -> None:
    clock = FakeClock()
    health = HealthBook(clock=clock, limits=limited(clock, rpm=10, tpm=1_000, concurrency=3))
    health.admit("openai", SOL)
    assert health.snapshot()[SOL].available
    gone = Attempt(
        attempt_id="a", ordinal=1, config=config(SOL), status="failed", cost=Money(0), response_time_s=1.0,
        error_class="model_not_found",
    )  # fmt: skip
    health.record(gone)
    seen = health.snapshot()[SOL]
    assert not seen.available
    assert seen.requests_left == 10


def test_a_model_without_limits_is_always_admitted_and_not_in_the_snapshot() -> None:
    limits = ModelLimits({SOL: RateLimits()}, clock=FakeClock())
    assert isinstance(asyncio.run(enter(limits, 10**9)), Turn)
    assert limits.headroom() == {}


# -- concurrency ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [1, 7, 60])
def test_never_more_calls_under_way_than_slots_and_first_come_is_first_served(calls: int) -> None:
    limits, under_way, order = limited(FakeClock(), concurrency=3), [0], list[int]()

    async def call(number: int) -> None:
        turn = await enter(limits)
        assert isinstance(turn, Turn)
        order.append(number)
        under_way.append(under_way[-1] + 1)
        await asyncio.sleep(0)
        under_way.append(under_way[-1] - 1)
        turn.end()

    async def drive() -> None:
        await asyncio.gather(*map(call, range(calls)))

    asyncio.run(drive())
    assert max(under_way) == min(3, calls)
    assert all(earlier < later for earlier, later in pairwise(order))
    assert limits.headroom()[SOL].slots_left == 3


def test_a_cancelled_waiter_passes_its_slot_on_even_when_both_happen_at_once() -> None:
    async def drive() -> None:
        slots = Slots(1)
        await slots.acquire()
        waiting = [asyncio.ensure_future(slots.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        slots.release()  # hands over to the first, who is cancelled before it wakes
        waiting[0].cancel()
        waiting[1].cancel()
        assert [type(end) for end in await asyncio.gather(*waiting, return_exceptions=True)] == [
            asyncio.CancelledError,
            asyncio.CancelledError,
            type(None),
        ]
        assert slots.left == 0
        slots.release()
        assert slots.left == 1

    asyncio.run(drive())


def test_a_waiter_on_a_loop_that_was_closed_does_not_swallow_the_slot() -> None:
    slots, loop = Slots(0), asyncio.new_event_loop()
    orphan = slots.acquire()

    async def start() -> asyncio.Task[None]:
        task = asyncio.ensure_future(orphan)
        await asyncio.sleep(0)
        return task

    task = loop.run_until_complete(start())
    loop.close()
    slots.release()
    assert slots.left == 1
    cast("Any", task)._log_destroy_pending = False  # it is lost on purpose
    orphan.close()


# -- the executor -----------------------------------------------------------------------------------------------------


def test_the_executor_waits_within_the_deadline_and_the_wait_counts() -> None:
    clock, sink, provider = FakeClock(), ListSink(), Live(reply())
    executor = scripted(clock=clock, sink=sink, providers={"openai": provider}, limits=limited(clock, rpm=1))
    made = decision(SOL, context=RoutingContext(workspace_id="ws_1", max_processing_time=100.0))
    results = [executor.execute_with_failover(made.task, made, made.context) for _ in range(2)]
    assert [result.status for result in results] == ["completed", "completed"]
    assert results[1].processing_time == pytest.approx(60.5, abs=0.01)
    assert provider.calls[1].timeout_s == pytest.approx(100 - 60.0, abs=0.01), "the call gets what the wait left"


def test_the_executor_fails_over_when_the_wait_does_not_fit_and_sends_nothing() -> None:
    clock, sink, provider = FakeClock(), ListSink(), Live(reply())
    executor = scripted(clock=clock, sink=sink, providers={"openai": provider}, limits=limited(clock, rpm=1))
    made = decision(SOL, LUNA, context=RoutingContext(workspace_id="ws_1", max_processing_time=30.0))
    results = [executor.execute_with_failover(made.task, made, made.context) for _ in range(2)]
    assert classes(sink.attempts) == [f"{SOL}:ok", f"{LUNA}:ok"]
    assert clock.slept == []
    assert f"{SOL} was not called: its rate limit allows no call for 60 s" in results[1].reasoning


def test_a_person_takes_over_when_no_model_may_be_called_in_time() -> None:
    clock, sink = FakeClock(), ListSink()
    executor = scripted(clock=clock, sink=sink, providers={"openai": Live(reply())}, limits=limited(clock, tpm=10))
    made = decision(SOL)
    result = executor.execute_with_failover(made.task, made, made.context)
    assert (result.status, result.metrics.error_type, sink.attempts) == ("escalated", "rate_limit", [])


def test_a_slot_is_freed_however_a_call_ends_and_the_next_waits_for_it() -> None:
    clock = FakeClock()
    limits = limited(clock, concurrency=1)
    peak = [0, 0]

    async def answer(_: ProviderCall) -> ProviderReply:
        peak[0] += 1
        peak[1] = max(peak)
        try:
            await asyncio.sleep(0)
        finally:
            peak[0] -= 1
        return reply()

    executor = scripted(clock=clock, providers={"openai": Live(answer)}, limits=limits)

    async def drive() -> list[Any]:
        made = decision(SOL)
        tasks = [asyncio.ensure_future(executor.execute(made, made.task, made.context)) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    ended = asyncio.run(drive())
    assert isinstance(ended[0], asyncio.CancelledError)
    assert [result.status for result in ended[1:]] == ["completed"] * 4
    assert peak[1] == 1
    assert limits.headroom()[SOL].slots_left == 1


def test_waiting_for_a_slot_ends_with_the_deadline() -> None:
    clock = FakeClock()
    limits = limited(clock, concurrency=1)

    async def drive() -> Turn | Refused:
        holder = await enter(limits)
        assert isinstance(holder, Turn)
        waiting = asyncio.ensure_future(enter(limits, patience_s=5.0))
        await asyncio.sleep(0)
        clock.expire()
        refused = await waiting
        holder.end()
        return refused

    assert asyncio.run(drive()) == Refused("all 1 concurrent calls are taken")
    assert limits.headroom()[SOL].slots_left == 1


def test_replayed_and_simulated_calls_are_nobodys_traffic() -> None:
    clock, provider = FakeClock(), ScriptedProvider(reply())
    executor = scripted(clock=clock, providers={"openai": provider}, limits=limited(clock, rpm=1))
    made = decision(SOL)
    for _ in range(3):
        executor.execute_with_failover(made.task, made, made.context)
    assert (len(provider.calls), clock.slept) == (3, [])
