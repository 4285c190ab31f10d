"""A fault, then another: every ordered pair of the main ones, and two thousand tasks through a provider that fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from itertools import product

import pytest

from bizq_lab.core.execution import ProviderCall, ProviderReply, TaskResult
from bizq_lab.core.task import Task
from bizq_lab.errors import ProviderError
from bizq_lab.execution.error_table import ERROR_TABLE, action_for
from tests.support.execution import Bench, ListSink, ScriptedProvider, classes, decision, reply, scripted
from tests.support.fault_server import Answer, FaultServer, failure

MAIN = {
    "rate_limit": failure(429),
    "quota_exhausted": failure(429, code="insufficient_quota"),
    "overloaded": failure(529, kind="overloaded_error"),
    "server_error": failure(500),
    "gateway_timeout": failure(504),
    "auth": failure(401),
    "model_not_found": failure(404),
    "bad_request": failure(400),
    "context_length": failure(413),
    "reset": Answer(breakage="reset"),
    "malformed": Answer(raw=b"<html>", content_type="text/html"),
    "quality_reject": Answer(words=()),
}
FOLLOWED = {"any", "other_provider"}


@pytest.fixture(scope="module")
def shared(running_server: FaultServer) -> Iterator[Bench]:
    bench = Bench(running_server)
    yield bench
    bench.close()


@pytest.mark.parametrize(("first", "second"), list(product(MAIN, MAIN)))
def test_each_fault_of_a_pair_keeps_its_own_consequences(
    server: FaultServer, shared: Bench, first: str, second: str
) -> None:
    """The second fault meets whoever the first one left in charge; a third answer is good."""
    bench = shared.fresh()
    one, two = action_for(first), action_for(second)
    if one.retries:  # the same model meets both
        server.script("openai", (MAIN[first], MAIN[second]))
        again = two.retries > 1
        ends = ["openai/sol:ok"] if again else ["anthropic/sonnet:ok"] if two.fail_over in FOLLOWED else []
        expected = [f"openai/sol:{first}", f"openai/sol:{second}", *ends]
    else:
        server.script("openai", (MAIN[first],))
        server.script("anthropic", (MAIN[second],))
        after = [f"anthropic/sonnet:{second}", *(["anthropic/sonnet:ok"] if two.retries else [])]
        expected = [f"openai/sol:{first}", *(after if one.fail_over in FOLLOWED else [])]
    result = bench.run(decision("openai/sol", "anthropic/sonnet"))
    assert classes(bench.sink.attempts) == expected
    assert result.status == ("completed" if expected[-1].endswith(":ok") else "escalated")
    assert len(server.seen) == len(expected)
    booked = [row.cost_nano_usd or 0 for row in bench.sink.attempts]
    assert bench.sink.outcome.cost_nano_usd == sum(booked)
    for row, cost in zip(bench.sink.attempts, booked, strict=True):
        billed = action_for(row.error_type).billed if row.error_type else "yes"
        assert (cost == 0) is (billed == "no")


def test_two_thousand_tasks_through_a_failing_provider_are_all_completed_or_escalated_once() -> None:
    """30 % of calls fail in mixed ways; none is lost, none runs again after its answer was accepted."""
    rng = random.Random(11)
    kinds = [
        name
        for name, row in ERROR_TABLE.items()
        if not row.setup and name not in {"cancelled", "auth", "quota_exhausted"}
    ]
    accepted: list[str] = []

    async def mostly(call: ProviderCall) -> ProviderReply:
        await asyncio.sleep(0)
        if rng.random() < 0.3:
            name = rng.choice(kinds)
            if name == "quality_reject":
                return reply("")
            raise ProviderError(name, error_class=name, response_time_s=0.1)
        accepted.append(call.task_key)
        return reply()

    sink = ListSink()
    executor = scripted(
        sink=sink, providers={"openai": ScriptedProvider(mostly), "anthropic": ScriptedProvider(mostly)}
    )

    async def everything() -> list[TaskResult]:
        async def one(number: int) -> TaskResult:
            made = decision("openai/sol", "anthropic/sonnet", task=Task(type="t", id=f"task_{number}"))
            return await executor.execute(made, made.task, made.context)

        return await asyncio.gather(*map(one, range(2000)))

    results = asyncio.run(everything())
    assert {result.status for result in results} == {"completed", "escalated"}
    assert len({result.task_id for result in results}) == 2000
    assert sorted(accepted) == sorted(result.task_id for result in results if result.status == "completed")
    outcomes = [event for event in sink.events if event.kind == "outcome"]
    assert len(outcomes) == 2000
    assert len(sink.human_tasks) == sum(result.status == "escalated" for result in results)
    by_attempt = sum(row.cost_nano_usd or 0 for row in sink.attempts)
    assert by_attempt == sum(getattr(event, "cost_nano_usd", 0) for event in outcomes)
