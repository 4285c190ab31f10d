"""No key in any event, result, error, log line or pickle, whatever the provider echoes."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
from dataclasses import replace

import pytest

from bizq_lab.core.execution import ProviderCall
from bizq_lab.errors import ProviderError
from bizq_lab.execution import make_provider
from tests.support.execution import Bench, config, decision
from tests.support.fault_server import Answer, FaultServer, failure

PRIMARY = {"openai": "openai/sol", "anthropic": "anthropic/sonnet"}
MARK = "Zk9Qw8Er7Ty6Ui5O"
ECHO = (
    f"refused sk-{MARK} sk-proj-{MARK} sk-ant-{MARK} 'Authorization': 'Bearer {MARK}' x-api-key: {MARK} "
    f"https://user:{MARK}@proxy.example https://hooks.slack.example/services/T/B/{MARK}"
)


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def bench(server: FaultServer, request: pytest.FixtureRequest) -> Bench:
    return Bench(server, stream=request.param)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
@pytest.mark.parametrize("model", ["openai/sol", "anthropic/sonnet", "local/small"])
def test_an_error_body_that_echoes_keys_leaves_none_anywhere(
    server: FaultServer, bench: Bench, caplog: pytest.LogCaptureFixture, model: str, status: int
) -> None:
    server.script(model.partition("/")[0], (), then=failure(status, message=ECHO, code=f"sk-{MARK}"))
    with caplog.at_level(logging.DEBUG):
        result = bench.run(decision(model))
    bench.close()
    assert result.status == "escalated"
    own = [os.environ["OPENAI_API_KEY"], os.environ["ANTHROPIC_API_KEY"]]
    for artefact in (repr(bench.sink.events), repr(result), caplog.text, repr(pickle.dumps(bench.sink.events))):
        assert not [key for key in (MARK, *own) if key in artefact]


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_caught_error_can_be_pickled_and_printed_without_its_request(server: FaultServer, wire: str) -> None:
    """The SDK's own exception holds the request, whose headers hold the key."""
    server.script(wire, [failure(401, message=ECHO)])
    provider = make_provider(wire, base_url=server.base_url(wire))
    model = {"openai": "openai/sol", "anthropic": "anthropic/sonnet"}[wire]

    async def once() -> None:
        try:
            await provider.complete(ProviderCall(config=config(model), prompt="hello"))
        finally:
            await provider.aclose()

    with pytest.raises(ProviderError) as caught:
        asyncio.run(once())
    key = os.environ[f"{wire.upper()}_API_KEY"]
    assert key in repr(server.seen[0].headers)  # it was really sent
    assert caught.value.__cause__ is caught.value.__context__ is None
    for artefact in (repr(vars(caught.value)), str(caught.value), repr(pickle.dumps(caught.value))):
        assert key not in artefact
        assert MARK not in artefact


VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@pytest.mark.parametrize(
    "shape", ["sk-proj-Ab3De5Gh7Jk9Mn1Pq", "sk-ant-api03-Zy8Xw6Vu4Ts2Rq0", "0af3bd91c4e758", "gw_key.with-dots"]
)
@pytest.mark.parametrize("wire", sorted(VARIABLES))
def test_the_key_as_the_sdk_sends_it_is_in_no_artefact_although_the_answer_quotes_its_header(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wire: str, shape: str
) -> None:
    """Both SDKs send a bearer by now; a gateway behind them still writes x-api-key. Its keys look like no vendor's."""
    monkeypatch.setenv(VARIABLES[wire], shape)
    server.script(wire, (), then=replace(failure(401), quotes=True))
    bench = Bench(server)  # its clients read the key that is set now
    with caplog.at_level(logging.DEBUG):
        result = bench.run(decision(PRIMARY[wire]))
    bench.close()
    assert server.seen[0].headers["authorization"] == f"Bearer {shape}"
    assert result.status == "escalated"
    (row,) = bench.sink.attempts
    assert row.error_message.startswith("Host: 127.0.0.1"), "what was quoted was read"
    assert row.error_message.count("[redacted]") == 2, "the key was quoted in both styles"
    artefacts = (
        repr(bench.sink.events), repr(result), result.reasoning, caplog.text, repr(vars(bench.executor)),
        repr(pickle.dumps((bench.sink.events, result))),
    )  # fmt: skip
    for artefact in artefacts:
        assert shape not in artefact


def test_html_that_echoes_a_key_is_redacted_too(server: FaultServer, bench: Bench) -> None:
    page = Answer(raw=f"<html>Bearer {MARK}</html>".encode(), content_type="text/html")
    server.script("openai", (), then=page)
    bench.run(decision("openai/sol"))
    bench.close()
    assert MARK not in repr(bench.sink.events)
