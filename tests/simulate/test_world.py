"""The world keeps its word: what it draws has the frequencies it states, in any order, for ever."""

from __future__ import annotations

import asyncio
import math
from datetime import date
from statistics import fmean, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.core.task import Task
from bizq_lab.errors import ProviderError, UnknownModel
from bizq_lab.execution.checks import is_acceptable, run_checks
from bizq_lab.simulate import Drift, Outcome, SimulatedProvider, World
from bizq_lab.simulate.draws import mean_clipped_lognormal, mean_sigmoid, sigmoid, uniforms

TYPE = "customer.process_return"
MODEL = "openai/gpt-6-luna"
RIVAL = "anthropic/claude-haiku-5-5"
LOCAL = "local/smollm2-135m"
N = 4_000
CATALOG = load_catalog("current", as_of=date(2026, 11, 1))
WORLD = World(7, CATALOG)


@pytest.fixture(scope="module")
def drawn() -> list[Outcome]:
    return [WORLD.draw(TYPE, f"t{i}", MODEL) for i in range(N)]


def within(observed: float, expected: float, sd: float, n: int = N) -> bool:
    """Four standard errors: a seeded check that a true law passes and a false one does not."""
    return abs(observed - expected) < 4 * sd / math.sqrt(n)


def test_success_has_the_stated_probability(drawn: list[Outcome]) -> None:
    truth = WORLD.truth(TYPE, MODEL)
    rate = fmean(o.succeeded for o in drawn)
    assert within(rate, truth.success, math.sqrt(truth.success * (1 - truth.success)))


def test_quality_of_answers_has_the_stated_mean(drawn: list[Outcome]) -> None:
    qualities = [o.quality for o in drawn if o.quality is not None]
    assert within(fmean(qualities), WORLD.truth(TYPE, MODEL).quality, 0.3)


def test_cost_has_the_stated_mean_and_errors_are_free(drawn: list[Outcome]) -> None:
    costs = [o.cost_nano_usd / 1e9 for o in drawn if o.cost_nano_usd is not None]
    truth = WORLD.truth(TYPE, MODEL).cost_usd
    assert len(costs) == N
    assert truth is not None
    assert abs(fmean(costs) / truth - 1) < 0.03
    assert all(o.cost_nano_usd == 0 for o in drawn if o.error_class)


def test_response_time_has_the_stated_mean_and_tail(drawn: list[Outcome]) -> None:
    seconds = [o.response_time_s for o in drawn if not o.error_class]
    truth = WORLD.truth(TYPE, MODEL)
    assert abs(fmean(seconds) / truth.response_time_s - 1) < 0.04
    assert abs(quantiles(seconds, n=20)[-1] / truth.p95_s - 1) < 0.08


def test_errors_have_the_stated_rate(drawn: list[Outcome]) -> None:
    rate = WORLD.truth(TYPE, MODEL).error_rate
    assert within(fmean(bool(o.error_class) for o in drawn), rate, math.sqrt(rate * (1 - rate)))


def test_a_local_model_costs_its_core_seconds() -> None:
    outcomes = [WORLD.draw(TYPE, f"t{i}", LOCAL) for i in range(500)]
    price = CATALOG.price(LOCAL)
    assert price.core_second_nano_usd is not None
    answered = next(o for o in outcomes if not o.error_class)
    assert answered.cost_nano_usd == price.cost_nano_usd(
        answered.input_tokens, answered.output_tokens, core_seconds=answered.response_time_s
    )
    truth = WORLD.truth(TYPE, LOCAL).cost_usd
    assert truth is not None
    assert abs(fmean(o.cost_nano_usd or 0 for o in outcomes) / 1e9 / truth - 1) < 0.1


def test_models_share_the_difficulty_of_a_task() -> None:
    """The reason to pair: both arms tend to fail on the same tasks."""
    mine = [WORLD.draw(TYPE, f"t{i}", MODEL).succeeded for i in range(N)]
    theirs = [WORLD.draw(TYPE, f"t{i}", RIVAL).succeeded for i in range(N)]
    both = fmean(a and b for a, b in zip(mine, theirs, strict=True))
    assert both > fmean(mine) * fmean(theirs) + 0.005


@given(st.permutations(range(12)))
def test_the_order_of_asking_changes_nothing(order: list[int]) -> None:
    straight = [World(3, CATALOG).draw(TYPE, f"t{i}", MODEL, repeat=i % 3) for i in range(12)]
    shuffled = World(3, CATALOG)
    again = {i: shuffled.draw(TYPE, f"t{i}", MODEL, repeat=i % 3) for i in order}
    assert [again[i] for i in range(12)] == straight


def test_seeds_repeats_attempts_and_prompts_draw_anew() -> None:
    first = WORLD.draw(TYPE, "t0", MODEL)
    others = [
        World(8, CATALOG).draw(TYPE, "t0", MODEL),
        WORLD.draw(TYPE, "t0", MODEL, repeat=1),
        WORLD.draw(TYPE, "t0", MODEL, attempt=1),
        WORLD.draw(TYPE, "t0", MODEL, prompt="example"),
    ]
    assert all(other.response_time_s != first.response_time_s for other in others)


def test_drift_changes_the_truth_of_its_model_alone() -> None:
    later = WORLD.drifted(Drift(model=MODEL, skill=-2.0, latency_factor=1.5, served_suffix="-new"))
    assert later.truth(TYPE, MODEL).success < WORLD.truth(TYPE, MODEL).success - 0.1
    assert later.truth(TYPE, MODEL).p95_s == pytest.approx(1.5 * WORLD.truth(TYPE, MODEL).p95_s)
    assert later.truth(TYPE, RIVAL) == WORLD.truth(TYPE, RIVAL)
    assert later.served_model(TYPE, MODEL) == WORLD.served_model(TYPE, MODEL) + "-new"


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(UnknownModel, match="no-such"):
        WORLD.truth(TYPE, "openai/no-such")


@given(st.floats(-6, 6))
def test_a_mean_without_spread_is_the_value_itself(centre: float) -> None:
    assert mean_sigmoid(centre, 0.0) == sigmoid(centre)
    assert mean_sigmoid(centre, 1e-6) == pytest.approx(sigmoid(centre), abs=1e-6)


def test_a_limit_that_is_never_reached_clips_nothing() -> None:
    assert mean_clipped_lognormal(100.0, 0.3, 1e9) == pytest.approx(100.0 * math.exp(0.045))


def test_uniforms_fill_the_interval_evenly() -> None:
    numbers = [number for i in range(1000) for number in uniforms(6, 1, i)]
    counts = [sum(int(number * 10) == decile for number in numbers) for decile in range(10)]
    assert sum((c - 600) ** 2 / 600 for c in counts) < 33.7  # chi-square, 9 degrees of freedom, 1e-4
    assert 0 < min(numbers) < max(numbers) < 1


# -- the provider ------------------------------------------------------------------------------------------------

EXPECTED = {
    "mentions": ["linen", ["two years", "24 months"]],
    "answer": "approve",
    "fields": {"sku": "A-1", "quantity": 3},
    "numbers": [12, 4.5],
    "min_words": 8,
}


def ask(call: ProviderCall, world: World = WORLD) -> ProviderReply | ProviderError:
    try:
        return asyncio.run(SimulatedProvider(world).complete(call))
    except ProviderError as error:
        return error


def call_of(catalog: Catalog, task_type: str, number: int, **changes: object) -> ProviderCall:
    entry, _ = catalog.task_type(task_type)
    task = Task(type=task_type, key=f"t{number}", expected=EXPECTED)
    fields = {"config": catalog.model_config(MODEL, entry), "prompt": "p", "task_type": task_type, "task": task}
    return ProviderCall(**{**fields, "task_key": task.key, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("task_type", sorted(set(CATALOG.task_types) - {"default"}))
def test_the_checks_accept_exactly_the_answers_that_the_world_calls_successes(task_type: str) -> None:
    """The executor judges a simulated answer like a real one."""
    entry, _ = CATALOG.task_type(task_type)
    seen = set()
    for number in range(60):
        call = call_of(CATALOG, task_type, number)
        reply, drawn = ask(call), WORLD.draw(task_type, f"t{number}", MODEL)
        assert isinstance(reply, ProviderError) == bool(drawn.error_class)
        if isinstance(reply, ProviderReply):
            assert call.task is not None
            assert is_acceptable(run_checks(entry, call.task, reply)) == drawn.succeeded, reply.text
            seen.add(drawn.succeeded)
    assert seen == {True, False}


def test_a_reply_carries_the_worlds_tokens_and_times_without_waiting() -> None:
    call = call_of(CATALOG, TYPE, 0)
    reply, drawn = ask(call), WORLD.draw(TYPE, "t0", MODEL)
    assert isinstance(reply, ProviderReply)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (drawn.input_tokens, drawn.output_tokens)
    assert (reply.response_time_s, reply.first_token_s) == (drawn.response_time_s, drawn.first_token_s)
    assert reply.request_id.startswith("simulated-")


def test_an_answer_later_than_the_timeout_is_a_timeout_of_that_length() -> None:
    error = ask(call_of(CATALOG, TYPE, 0, timeout_s=0.001))
    assert isinstance(error, ProviderError)
    assert error.error_class == "timeout_read"
    assert error.response_time_s == 0.001


def test_an_error_of_the_world_is_an_error_of_the_provider() -> None:
    faulty = next(n for n in range(5_000) if WORLD.draw(TYPE, f"t{n}", MODEL).error_class == "overloaded")
    error = ask(call_of(CATALOG, TYPE, faulty))
    assert isinstance(error, ProviderError)
    assert error.error_class == "overloaded"
