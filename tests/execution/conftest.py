"""Fixtures of execution's tests: one loopback server for the session, and keys that are nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fault_server import FaultServer

OPENAI_KEY = "sk-proj-nobodys0key0for0tests"
ANTHROPIC_KEY = "sk-ant-nobodys0key0for0tests"


@pytest.fixture(scope="session")
def running_server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def server(running_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", ANTHROPIC_KEY)
    monkeypatch.delenv("BIZQ_LAB_LOCAL_URL", raising=False)
    running_server.reset()
    return running_server
