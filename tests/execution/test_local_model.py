"""Real inference, through both official SDKs, on the embedded engine. No latency is asserted: machines differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.core.model import ModelConfig
from bizq_lab.core.protocols import Provider
from bizq_lab.errors import ProviderError
from bizq_lab.execution import local_engine_problem, make_provider
from bizq_lab.execution.providers.engine import EngineSpec, engine_address
from tests.support.execution import LOCAL_PRICE, ListSink, config, decision, scripted

PROBLEM = local_engine_problem()
pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(PROBLEM is not None, reason=f"no embedded engine: {PROBLEM.message if PROBLEM else ''}"),
]
MODEL = "smollm2-135m"
SPEC = EngineSpec(MODEL, threads=1)


def small(provider: str, **changes: object) -> ModelConfig:
    made = config("local/small", provider=provider, model=MODEL, api_model=MODEL, temperature=0.0, max_tokens=8)
    return replace(made, **changes)  # type: ignore[arg-type]


def ask(
    provider: Provider, made: ModelConfig, *, stream: bool = True, prompt: str = "Say hello to Bob."
) -> ProviderReply:
    async def once() -> ProviderReply:
        try:
            return await provider.complete(ProviderCall(config=made, prompt=prompt, stream=stream, timeout_s=300.0))
        finally:
            await provider.aclose()

    return asyncio.run(once())


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = engine_address(SPEC)
    monkeypatch.delenv("BIZQ_LAB_LOCAL_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobodys-key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-nobodys-key")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
    return iter([address])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_official_sdk_really_executes(provider: str, *, stream: bool) -> None:
    answer = ask(make_provider(provider), small(provider), stream=stream)
    assert answer.text.strip()
    assert answer.served_model == MODEL
    assert (answer.finish_reason, answer.usage.output_tokens) == ("length", 8)
    assert answer.usage.input_tokens > 0
    assert not answer.usage.estimated
    assert (answer.first_token_s is not None) is stream


def test_the_local_provider_measures_its_compute_and_its_first_token() -> None:
    answer = ask(make_provider("local", threads=1), small("local"))
    assert answer.text.strip()
    assert 0 < answer.core_seconds <= answer.response_time_s * 1.05 + 0.05
    assert 0 < (answer.first_token_s or 0.0) <= answer.response_time_s


def test_temperature_zero_repeats_itself() -> None:
    first, second = (ask(make_provider("local", threads=1), small("local")).text for _ in range(2))
    assert first == second


def test_a_real_model_stops_where_it_is_told_to() -> None:
    whole = ask(make_provider("local", threads=1), small("local")).text
    end = whole[len(whole) // 2 :][:3]
    told = small("local", stop=(end,), top_p=0.9, accepts=frozenset({"temperature", "stop", "top_p"}))
    answer = ask(make_provider("local", threads=1), told)
    assert answer.text == whole[: whole.index(end)]
    assert (answer.finish_reason, answer.sent["stop"], answer.sent["top_p"]) == ("stop", [end], 0.9)


def test_a_prompt_beyond_the_window_has_the_class_of_its_own() -> None:
    with pytest.raises(ProviderError) as caught:
        ask(make_provider("local", threads=1), small("local"), prompt="hello " * 6000)
    assert caught.value.error_class == "context_length"


def test_the_executor_books_a_real_call_by_its_core_seconds() -> None:
    sink = ListSink()
    executor = scripted(sink=sink, providers={"local": make_provider("local", threads=1)})
    made = replace(decision("local/small"), config=small("local", price=LOCAL_PRICE))
    result = executor.execute_with_failover(made.task, made, made.context)
    executor.wait(executor.aclose())
    (row,) = sink.attempts
    assert result.status == "completed"
    assert row.cost_nano_usd is not None
    assert abs(row.cost_nano_usd - row.core_us * LOCAL_PRICE.core_second_nano_usd / 1e6) <= 1  # type: ignore[operator]
