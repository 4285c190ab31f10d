"""Any answer with status 200, however broken, is an answer or one error of one class: through both official SDKs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.protocols import Provider
from bizq_lab.errors import ProviderError
from bizq_lab.execution import make_provider
from bizq_lab.execution.error_table import ERROR_TABLE
from tests.execution.conftest import ANTHROPIC_KEY, OPENAI_KEY
from tests.support.execution import config
from tests.support.fault_server import Answer, FaultServer

MODEL = {"openai": "openai/sol", "anthropic": "anthropic/sonnet", "local": "local/small"}
WHOLE: dict[str, dict[str, Any]] = {
    "openai": {
        "id": "chat_1", "object": "chat.completion", "model": "sol",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 40, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    },
    "anthropic": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "sonnet",
        "content": [{"type": "text", "text": "Fine."}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 32, "cache_read_input_tokens": 8, "output_tokens": 7},
    },
}  # fmt: skip
WHOLE["local"] = {**WHOLE["openai"], "timings": {"prompt_ms": 10.0, "predicted_ms": 20.0}}
CHUNKS: dict[str, list[dict[str, Any]]] = {
    "openai": [
        {"id": "chat_1", "model": "sol", "choices": [{"index": 0, "delta": {"content": "Fine."}}]},
        {"id": "chat_1", "model": "sol", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "chat_1", "model": "sol", "choices": [], "usage": WHOLE["openai"]["usage"]},
    ],
    "anthropic": [
        {"type": "message_start", "message": WHOLE["anthropic"]},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Fine."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ],
}
CHUNKS["local"] = CHUNKS["openai"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def asked(running_server: FaultServer) -> Iterator[Any]:
    """Sends one call over the one loop of this module."""
    patched = pytest.MonkeyPatch()
    patched.setenv("OPENAI_API_KEY", OPENAI_KEY)
    patched.setenv("ANTHROPIC_API_KEY", ANTHROPIC_KEY)
    made: dict[str, Provider] = {
        wire: make_provider(wire, base_url=running_server.base_url(wire)) for wire in ("openai", "anthropic")
    }
    made["local"] = make_provider("local", url=running_server.base_url("local"), threads=1)
    with asyncio.Runner() as runner:

        def ask(wire: str, answer: Answer, *, stream: bool) -> Any:
            running_server.reset()
            running_server.script(wire, [answer])
            call = ProviderCall(config=config(MODEL[wire]), prompt="hello", stream=stream, timeout_s=20.0)
            return runner.run(made[wire].complete(call))

        yield ask
        for provider in made.values():
            runner.run(provider.aclose())
    patched.undo()


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something could be wrong."""
    keys = document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    return [path, *(place for key in keys for place in places(document[key], (*path, key)))]


def broken(document: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """The document with junk at one place."""
    if not path:
        return junk
    changed = deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return changed


def check(ask: Any, wire: str, answer: Answer, *, stream: bool) -> None:
    failure: ProviderError | None = None
    reply: Any = None
    try:
        reply = ask(wire, answer, stream=stream)
    except ProviderError as error:
        failure = error
    if failure is not None:
        assert failure.error_class in ERROR_TABLE
        assert failure.error_class != "unexpected", failure.message
        assert failure.__cause__ is failure.__context__ is None
        return
    assert isinstance(reply.text, str)
    assert reply.finish_reason
    assert min(reply.usage) >= 0
    assert reply.core_seconds >= 0.0


@pytest.mark.parametrize("wire", MODEL)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_wrong_value_anywhere_in_a_whole_answer(asked: Any, wire: str, data: st.DataObject) -> None:
    document = WHOLE[wire]
    path = data.draw(st.sampled_from(places(document)))
    body = json.dumps(broken(document, path, data.draw(JUNK))).encode()
    check(asked, wire, Answer(raw=body), stream=False)


@pytest.mark.parametrize("wire", MODEL)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_wrong_value_anywhere_in_a_stream(asked: Any, wire: str, data: st.DataObject) -> None:
    chunks = CHUNKS[wire]
    number = data.draw(st.integers(0, len(chunks) - 1))
    path = data.draw(st.sampled_from(places(chunks[number])))
    events = [*chunks[:number], broken(chunks[number], path, data.draw(JUNK)), *chunks[number + 1 :]]
    named = [(event.get("type") if isinstance(event, dict) else None, event) for event in events]
    lines = "".join(f"event: {kind or 'x'}\ndata: {json.dumps(event)}\n\n" for kind, event in named)
    check(asked, wire, Answer(raw=lines.encode(), content_type="text/event-stream"), stream=True)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("wire", MODEL)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60), kind=st.sampled_from(["application/json", "text/html", "text/event-stream"]))
def test_any_bytes_under_any_name(asked: Any, wire: str, raw: bytes, kind: str, *, stream: bool) -> None:
    check(asked, wire, Answer(raw=raw, content_type=kind), stream=stream)
