"""Breakers open on evidence, probe once, and close again; estimates follow what was seen."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bizq_lab.core.execution import Attempt, ProviderCall, ProviderReply
from bizq_lab.core.money import Money
from bizq_lab.errors import ProviderError
from bizq_lab.execution import BreakerSettings, HealthBook
from tests.support.execution import FakeClock, ScriptedProvider, config, decision, reply, scripted

KEY = "openai/sol"
RULES = BreakerSettings()


def attempt(error_class: str = "", *, key: str = KEY, seconds: float = 1.0) -> Attempt:
    return Attempt(
        attempt_id="a", ordinal=1, config=config(key), status="failed" if error_class else "completed",
        cost=Money(0), response_time_s=seconds, error_class=error_class,
    )  # fmt: skip


def book() -> tuple[HealthBook, FakeClock]:
    clock = FakeClock()
    return HealthBook(clock=clock), clock


def opened() -> tuple[HealthBook, FakeClock]:
    health, clock = book()
    for _ in range(RULES.minimum):
        health.record(attempt("server_error"))
    return health, clock


def test_four_failures_are_not_yet_evidence_and_the_fifth_opens() -> None:
    health, _ = book()
    for _ in range(RULES.minimum - 1):
        health.record(attempt("server_error"))
    assert health.state(KEY) == "closed"
    health.record(attempt("server_error"))
    assert health.state(KEY) == "open"
    assert health.state("openai") == "closed"
    assert not health.snapshot()[KEY].available


def test_a_half_open_circuit_admits_exactly_one_probe() -> None:
    health, clock = opened()
    clock.now += RULES.cooldown_s
    assert [health.admit("openai", KEY) for _ in range(3)] == [True, False, False]


def test_a_good_probe_closes_and_a_bad_one_opens_for_longer() -> None:
    health, clock = opened()
    clock.now += RULES.cooldown_s
    assert health.admit("openai", KEY)
    health.record(attempt("server_error"))
    assert health.snapshot()[KEY].retry_in_s == 2 * RULES.cooldown_s
    clock.now += 2 * RULES.cooldown_s
    assert health.admit("openai", KEY)
    health.record(attempt())
    assert health.state(KEY) == "closed"
    assert health.snapshot()[KEY].retry_in_s is None


def test_a_probe_that_told_nothing_lets_the_next_one_try() -> None:
    """A rate limit says nothing of the model's health; a leaked probe must not shut it for ever."""
    health, clock = opened()
    clock.now += RULES.cooldown_s
    assert health.admit("openai", KEY)
    health.record(attempt("rate_limit"))
    assert health.admit("openai", KEY)
    clock.now += RULES.cooldown_s
    assert health.admit("openai", KEY)


def test_the_cooldown_never_passes_its_limit() -> None:
    health, clock = opened()
    for _ in range(30):
        clock.now += RULES.longest_cooldown_s
        assert health.admit("openai", KEY)
        health.record(attempt("server_error"))
    assert health.snapshot()[KEY].retry_in_s == RULES.longest_cooldown_s


@pytest.mark.parametrize("error_class", ["rate_limit", "bad_request", "context_length", "quality_reject", "budget"])
def test_what_is_not_the_models_fault_never_opens_its_circuit(error_class: str) -> None:
    health, _ = book()
    for _ in range(50):
        health.record(attempt(error_class))
    assert health.state(KEY) == health.state("openai") == "closed"


@pytest.mark.parametrize("error_class", ["auth", "quota_exhausted"])
def test_a_refused_key_opens_the_whole_provider_at_once(error_class: str) -> None:
    health, _ = book()
    health.record(attempt(error_class))
    assert not health.admit("openai", "openai/luna")
    assert health.admit("anthropic", "anthropic/sonnet")


def test_estimates_follow_successes_and_forget_with_their_half_life() -> None:
    health, clock = book()
    assert KEY not in health.snapshot()
    for second in (1.0, 1.2, 0.8, 1.1, 0.9):
        health.record(attempt(seconds=second))
    seen = health.snapshot()[KEY]
    assert seen.success_rate == pytest.approx(6 / 7)
    assert seen.p95_latency_s == pytest.approx(1.25, abs=0.2)
    clock.now += 10 * RULES.half_life_s
    health.record(attempt("rate_limit"))
    health.record(attempt("server_error"))
    assert (health.snapshot()[KEY].success_rate or 1.0) < 0.4


def test_flapping_opens_within_ten_calls_and_bounds_retries_to_a_tenth() -> None:
    """Fault 35: every other of 200 calls fails."""
    clock, turns = FakeClock(), count()
    broken = ProviderError("no", error_class="server_error", response_time_s=0.1)

    async def flap(_: ProviderCall) -> ProviderReply:
        clock.now += 0.1
        if next(turns) % 2:
            raise broken
        return reply(response_time_s=0.1)

    provider = ScriptedProvider(flap)
    executor = scripted(clock=clock, providers={"openai": provider})
    calls_until_open = 0
    for _ in range(200):
        made = decision(KEY)
        executor.execute_with_failover(made.task, made, made.context)
        if not calls_until_open and executor.health.state(KEY) == "open":
            calls_until_open = len(provider.calls)
    assert 0 < calls_until_open <= 10
    retries = sum(call.ordinal > 1 for call in provider.calls)
    assert retries <= 0.1 * 200 + 3


class BreakerMachine(RuleBasedStateMachine):
    """Any order of calls, results and waiting: never two probes, and never shut for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.health = HealthBook(clock=self.clock)
        self.under_way = 0

    @rule()
    def ask(self) -> None:
        """Two callers at once."""
        half_open = self.health.state(KEY) == "half_open"
        admitted = [self.health.admit("openai", KEY), self.health.admit("openai", KEY)]
        assert not (half_open and all(admitted))
        self.under_way += sum(admitted)

    @rule(error_class=st.sampled_from(["", "", "server_error", "rate_limit", "timeout_read", "model_not_found"]))
    def end(self, error_class: str) -> None:
        """One of them ends."""
        if self.under_way:
            self.under_way -= 1
            self.health.record(attempt(error_class))

    @rule(seconds=st.floats(0, 400))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.now += seconds

    @invariant()
    def is_never_shut_for_ever(self) -> None:
        """Every circuit says when it is probed again, and soon enough."""
        health = self.health.snapshot().get(KEY)
        assert health is None or health.retry_in_s is None or health.retry_in_s <= RULES.longest_cooldown_s


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
