"""Every fault a server can cause, on every wire, streaming and not: calls, waits, rows, money, breaker, words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Protocol

import pytest

from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.task import RoutingContext, WorkspacePreferences
from tests.support.execution import LOCAL_PRICE, PRICE, Bench, classes, decision
from tests.support.fault_server import ANSWER, Answer, FaultServer, failure

PRIMARY = {"openai": "openai/sol", "anthropic": "anthropic/sonnet", "local": "local/small"}
BACKUP = {"openai": "anthropic/sonnet", "anthropic": "openai/sol", "local": "openai/sol"}
ANYWHERE = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(allow_remote_failover=True))
CAP_S = 8.0


class MakeBench(Protocol):
    """Gives a bench with empty books."""

    def __call__(self, *, stream: bool) -> Bench:
        """With clients that stream, or not."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row: what the primary's server does, and everything that must follow.

    `rows` are the error classes of the attempts on the primary; `ok` at the end means it recovered. `follows` is
    what happens after a last failure: `backup` serves, or `human` takes over.
    """

    name: str
    answers: tuple[Answer, ...]
    rows: tuple[str, ...]
    follows: str = "backup"
    waits: tuple[tuple[float, float], ...] = ()
    maybe_billed: bool = False
    breaker: str = "closed"
    provider_breaker: str = "closed"
    flags: tuple[str, ...] = ()
    says: str = ""
    hold: bool = False
    streaming: tuple[bool, ...] = (True, False)
    wires: tuple[str, ...] = ("openai", "anthropic", "local")
    text: str = ANSWER


def backoff(*retries: int) -> tuple[tuple[float, float], ...]:
    return tuple((0.0, min(CAP_S, 0.5 * 2.0**retry)) for retry in retries)


def quota(status: int, code: str, message: str = "no more") -> Answer:
    return failure(status, code=code, kind=code, message=message)


WAIT_2 = failure(429, kind="rate_limit_error", Retry_After="2")
FAULTS = [
    *(
        Fault(
            name=f"{status} once",
            answers=(failure(status),),
            rows=(row, "ok"),
            waits=backoff(0),
            maybe_billed=status == 504,
        )
        for status, row in ((500, "server_error"), (502, "server_error"), (503, "overloaded"), (504, "gateway_timeout"))
    ),
    Fault(
        name="529 three times",
        answers=(failure(529, kind="overloaded_error"),) * 3,
        rows=("overloaded",) * 3,
        waits=backoff(0, 1),
    ),
    Fault(name="429 Retry-After 2", answers=(WAIT_2,), rows=("rate_limit", "ok"), waits=((2.0, 2.2),)),
    Fault(
        name="429 retry-after-ms 150",
        answers=(failure(429, retry_after_ms="150", Retry_After="9"),),
        rows=("rate_limit", "ok"),
        waits=((0.15, 0.165),),
    ),
    Fault(
        name="429 date in the past",
        answers=(failure(429, Retry_After=formatdate(0, usegmt=True)),),
        rows=("rate_limit", "ok"),
        waits=((0.0, 0.0),),
    ),
    Fault(
        name="429 date in the future",
        answers=(failure(429, Retry_After=formatdate(1_795_000_000 + 1_010, usegmt=True)),),
        rows=("rate_limit", "ok"),
        waits=((10.0, 11.0),),
    ),
    Fault(name="429 for an hour", answers=(failure(429, Retry_After="3600"),), rows=("rate_limit",)),
    *(
        Fault(
            name=f"429 Retry-After {value}",
            answers=(failure(429, Retry_After=value),),
            rows=("rate_limit", "ok"),
            waits=backoff(0),
        )
        for value in ("soon", "NaN", "-5", "1e309", "Wed, 99 Foo 2026")
    ),
    Fault(name="429 without a header", answers=(failure(429),), rows=("rate_limit", "ok"), waits=backoff(0)),
    *(
        Fault(
            name=f"quota: {status} {code}",
            answers=(quota(status, code, message),),
            rows=("quota_exhausted",),
            provider_breaker="open",
            says="spend limit or credit used up",
        )
        for status, code, message in (
            (429, "insufficient_quota", "no more"),
            (429, "credit_balance_exhausted", "no more"),
            (429, "project_spend_limit_exceeded", "no more"),
            (429, "organization_usage_limit_exceeded", "no more"),
            (429, "enforced_spend_limit_reached", "no more"),
            (400, "invalid_request_error", "You have reached your specified API usage limits."),
            (402, "billing_error", "pay first"),
        )
    ),
    *(
        Fault(
            name=f"{status}",
            answers=(failure(status, message="bad key sk-proj-leaked0leaked0leaked"),),
            rows=("auth",),
            provider_breaker="open",
            says="bad key [redacted]",
        )
        for status in (401, 403)
    ),
    Fault(
        name="404 model",
        answers=(failure(404, code="model_not_found"),),
        rows=("model_not_found",),
        breaker="open",
        says="no such model",
    ),
    Fault(
        name="400 unsupported temperature",
        answers=(failure(400, message="`temperature` is deprecated for this model"),),
        rows=("bad_request",),
        follows="human",
        says="`temperature` is deprecated",
    ),
    Fault(
        name="400 context length",
        answers=(failure(400, code="context_length_exceeded"),),
        rows=("context_length",),
        follows="human",
        says="does not fit the context window",
    ),
    Fault(name="413", answers=(failure(413),), rows=("context_length",), follows="human"),
    Fault(name="422", answers=(failure(422),), rows=("bad_request",), follows="human"),
    Fault(
        name="400 policy",
        answers=(failure(400, code="content_policy_violation"),),
        rows=("content_filter",),
        follows="human",
        maybe_billed=True,
    ),
    Fault(name="length", answers=(Answer(finish="length"),), rows=("ok",), flags=("truncated",)),
    Fault(
        name="content filter",
        answers=(Answer(finish="content_filter"),),
        rows=("ok",),
        flags=("content_filter",),
        wires=("openai", "local"),
    ),
    Fault(name="refusal", answers=(Answer(finish="refusal"),), rows=("ok",), flags=("refusal",), wires=("anthropic",)),
    Fault(name="empty text", answers=(Answer(words=()),), rows=("quality_reject",)),
    Fault(name="null content", answers=(Answer(words=None),), rows=("quality_reject",)),
    Fault(
        name="HTML with 200",
        answers=(Answer(raw=b"<html>hello</html>", content_type="text/html"),) * 2,
        rows=("malformed", "malformed"),
        waits=backoff(0),
        maybe_billed=True,
    ),
    Fault(
        name="truncated JSON",
        answers=(Answer(raw=b'{"id": "x", "choi'),),
        rows=("malformed", "ok"),
        waits=backoff(0),
        maybe_billed=True,
    ),
    Fault(
        name="JSON without fields",
        answers=(Answer(raw=b'{"id": "x", "choices": null, "content": null}'),),
        rows=("malformed", "ok"),
        waits=backoff(0),
        maybe_billed=True,
    ),
    Fault(name="no usage", answers=(Answer(usage=None),), rows=("ok",), flags=("usage_estimated",)),
    *(
        Fault(name=f"usage {given!r}", answers=(Answer(usage=(given, 7)),), rows=("ok",), flags=("usage_estimated",))
        for given in (-1, 10**9, "40")
    ),
    Fault(
        name="silence after a few words",
        answers=(Answer(breakage="silence"),) * 2,
        rows=("timeout_read", "timeout_read"),
        waits=backoff(0),
        maybe_billed=True,
        hold=True,
    ),
    Fault(
        name="bytes that dribble in for ever",
        answers=(Answer(breakage="drip"),) * 2,
        rows=("timeout_read", "timeout_read"),
        waits=backoff(0),
        maybe_billed=True,
        hold=True,
    ),
    Fault(
        name="silence from the start",
        answers=(Answer(breakage="hang"),),
        rows=("timeout_read", "ok"),
        waits=backoff(0),
        maybe_billed=True,
        hold=True,
    ),
    Fault(
        name="reset after a few words",
        answers=(Answer(breakage="reset"),),
        rows=("reset", "ok"),
        waits=backoff(0),
        maybe_billed=True,
    ),
    Fault(
        name="stream ends early",
        answers=(Answer(breakage="end"),),
        rows=("reset", "ok"),
        waits=backoff(0),
        maybe_billed=True,
        streaming=(True,),
    ),
    Fault(
        name="error event after a few words",
        answers=(Answer(breakage="error_event"),),
        rows=("reset", "ok"),
        waits=backoff(0),
        maybe_billed=True,
        streaming=(True,),
    ),
    Fault(name="another model served", answers=(Answer(model="luna"),), rows=("ok",), flags=("served_model_mismatch",)),
    Fault(
        name="unknown model served", answers=(Answer(model="brand-new"),), rows=("ok",), flags=("priced_as_requested",)
    ),
    Fault(name="dated id served", answers=(Answer(model="sol-2026-01-01"),), rows=("ok",), wires=("openai",)),
]
CASES = [
    pytest.param(fault, wire, stream, id=f"{fault.name}-{wire}-{'stream' if stream else 'whole'}")
    for fault in FAULTS
    for wire in fault.wires
    for stream in fault.streaming
]


@pytest.fixture(scope="module")
def bench_for(running_server: FaultServer) -> Iterator[MakeBench]:
    """Clients are slow to make and hold nothing of a test, so that each test gets a new bench around the same ones."""
    made: dict[bool, Bench] = {}

    def make(*, stream: bool) -> Bench:
        kept = made.setdefault(stream, Bench(running_server, stream=stream))
        return kept.fresh()

    yield make
    for bench in made.values():
        bench.close()


@pytest.mark.parametrize(("fault", "wire", "stream"), CASES)
def test_a_fault_has_exactly_the_consequences_of_its_class(
    server: FaultServer,
    bench_for: MakeBench,
    fault: Fault,
    wire: str,
    *,
    stream: bool,
) -> None:
    bench = bench_for(stream=stream)
    server.script(wire, fault.answers)
    server.on_hold = bench.clock.expire if fault.hold else server.on_hold
    server.on_drip = lambda: bench.clock.tick(1.0)
    result = bench.run(decision(PRIMARY[wire], BACKUP[wire], context=ANYWHERE))

    recovered = fault.rows[-1] == "ok"
    backup = [f"{BACKUP[wire]}:ok"] if not recovered and fault.follows == "backup" else []
    assert classes(bench.sink.attempts) == [f"{PRIMARY[wire]}:{row}" for row in fault.rows] + backup
    assert server.calls(wire) == len(fault.rows)
    assert len(server.seen) == len(fault.rows) + len(backup)
    assert len(bench.clock.slept) == len(fault.waits)
    assert all(low <= slept <= high for slept, (low, high) in zip(bench.clock.slept, fault.waits, strict=True))
    _check_money(bench, fault, wire)
    assert bench.health.state(PRIMARY[wire]) == fault.breaker
    assert bench.health.state(wire) == fault.provider_breaker
    assert set(fault.flags) <= set(bench.sink.attempts[0].flags)
    _check_result(bench, result, fault, completed=recovered or bool(backup))


@pytest.fixture(scope="module")
def asynchronous(running_server: FaultServer) -> Iterator[Callable[[bool], tuple[asyncio.Runner, Bench]]]:
    """Benches whose clients live on a loop of the caller's own, as in a service."""
    with asyncio.Runner() as runner:
        made = {stream: Bench(running_server, stream=stream) for stream in (True, False)}
        yield lambda stream: (runner, made[stream].fresh())
        for bench in made.values():
            runner.run(bench.executor.aclose())


@pytest.mark.parametrize(
    ("fault", "wire"), [pytest.param(one, wire, id=f"{one.name}-{wire}") for one in FAULTS for wire in one.wires]
)
def test_an_asynchronous_caller_sees_the_same(
    server: FaultServer, asynchronous: Callable[[bool], tuple[asyncio.Runner, Bench]], fault: Fault, wire: str
) -> None:
    """On a loop of its own, beside the background loop that serves synchronous callers."""
    runner, bench = asynchronous(fault.streaming[-1])
    server.script(wire, fault.answers)
    server.on_hold = bench.clock.expire if fault.hold else server.on_hold
    server.on_drip = lambda: bench.clock.tick(1.0)
    made = decision(PRIMARY[wire], BACKUP[wire], context=ANYWHERE)
    result = runner.run(bench.executor.execute(made, made.task, made.context))

    recovered = fault.rows[-1] == "ok"
    backup = [f"{BACKUP[wire]}:ok"] if not recovered and fault.follows == "backup" else []
    assert classes(bench.sink.attempts) == [f"{PRIMARY[wire]}:{row}" for row in fault.rows] + backup
    assert len(bench.clock.slept) == len(fault.waits)
    _check_money(bench, fault, wire)
    _check_result(bench, result, fault, completed=recovered or bool(backup))


def _check_money(bench: Bench, fault: Fault, wire: str) -> None:
    """Failures cost nothing, or their worst case; the outcome is the exact sum."""
    started = bench.sink.events[0]
    for row in bench.sink.attempts[: len(fault.rows)]:
        if row.error_type in {"", "quality_reject"}:
            continue
        worst = getattr(started, "worst_case_nano_usd", None)
        assert row.maybe_billed is fault.maybe_billed
        assert row.cost_nano_usd == (worst if fault.maybe_billed else 0)
        assert row.error_type != "timeout_read" or row.response_time_us == 120_000_000
    assert bench.sink.outcome.cost_nano_usd == sum(row.cost_nano_usd or 0 for row in bench.sink.attempts)
    price = LOCAL_PRICE if wire == "local" else PRICE
    assert bench.sink.attempts[0].price_version == price.version


def _check_result(bench: Bench, result: Any, fault: Fault, *, completed: bool) -> None:
    outcome = bench.sink.outcome
    assert fault.says in result.reasoning
    assert "sk-proj-leaked" not in repr(bench.sink.events) + repr(result)
    assert outcome.succeeded is completed
    assert result.status == outcome.status == ("completed" if completed else "escalated")
    assert result.output == (fault.text if completed else "")
    assert len(bench.sink.human_tasks) == (not completed)
    assert outcome.timed_out is any("timeout" in row and row != "gateway_timeout" for row in fault.rows)


def test_every_attempt_was_written_before_it_was_sent(server: FaultServer, bench_for: MakeBench) -> None:
    """N1: at the moment a `started` row is written, its request has not arrived."""
    bench = bench_for(stream=True)
    arrived: list[int] = []
    bench.sink.before_append = lambda event: (
        arrived.append(len(server.seen)) if event.kind == "attempt_started" else None
    )
    server.script("openai", (failure(500), failure(500)))
    bench.run(decision("openai/sol"))
    assert arrived == [0, 1, 2]


def test_a_window_that_is_larger_may_follow_a_prompt_that_does_not_fit(
    server: FaultServer, bench_for: MakeBench
) -> None:
    bench = bench_for(stream=True)
    server.script("openai", (failure(400, code="context_length_exceeded"),))
    made: RoutingDecision = decision("openai/sol", "anthropic/sonnet", "openai/wide")
    result = bench.run(made)
    assert classes(bench.sink.attempts) == ["openai/sol:context_length", "openai/wide:ok"]
    assert result.status == "completed"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("wire", ["openai", "anthropic", "local"])
def test_a_deadline_holds_to_the_second_although_a_byte_comes_every_second(
    server: FaultServer, bench_for: MakeBench, wire: str, *, stream: bool
) -> None:
    """Fault 31: no time between two bytes is long, so that only the task's own deadline can end it (S20)."""
    bench = bench_for(stream=stream)
    server.script(wire, (), then=Answer(breakage="drip"))
    server.on_drip = lambda: bench.clock.tick(1.0)
    began = bench.clock.monotonic()
    soon = ANYWHERE.model_copy(update={"max_processing_time": 30.0})
    result = bench.run(decision(PRIMARY[wire], BACKUP[wire], context=soon))
    assert bench.clock.monotonic() - began == 30.0 == result.processing_time
    assert classes(bench.sink.attempts) == [f"{PRIMARY[wire]}:timeout_read"]
    assert (server.dripped, len(server.seen)) == (29, 1)
    assert (result.status, bench.sink.outcome.timed_out) == ("escalated", True)
