"""Processes that name one Redis share one limit; one that is away, or misnamed, costs a warning or a clear error."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing as mp
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bizq_lab.catalog.schema import RateLimits
from bizq_lab.errors import InputError
from bizq_lab.execution import ModelLimits, SystemClock
from bizq_lab.execution.limits import Turn
from bizq_lab.execution.windows import shared_windows

SOL = "openai/sol"
PASSWORD = "hunter2-is-nobodys"  # noqa: S105 - the point is that it never shows
REDIS = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed: apt-get install redis-server")


@contextmanager
def redis_server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A real server on a loopback port, with a password and nothing on disk."""
    command = [REDIS or "", "--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", ""]
    with subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(500):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.01)  # a program of its own starts when it starts
            yield server
        finally:
            server.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def url_of(port: int) -> str:
    return f"redis://:{PASSWORD}@127.0.0.1:{port}/0"


def _send(url: str, tries: int, tokens: int, stated: RateLimits) -> int:
    limits = ModelLimits({SOL: stated}, clock=SystemClock(), redis_url=url)

    async def drive() -> int:
        turns = [await limits.enter(SOL, input_tokens=tokens, max_tokens=0, patience_s=0.0) for _ in range(tries)]
        return sum(isinstance(turn, Turn) for turn in turns)

    return asyncio.run(drive())


@needs_redis
@pytest.mark.parametrize(
    ("stated", "tokens", "allowed"),
    [
        (RateLimits(rpm=25), 0, 25),
        (RateLimits(tpm=1_000), 60, 16),
        (RateLimits(tpm=2_000_000), 100_030, 19),  # counted in bundles of 100 tokens, rounded up
    ],
)
def test_two_processes_share_one_limit(tmp_path: Path, stated: RateLimits, tokens: int, allowed: int) -> None:
    port = free_port()
    with redis_server(tmp_path, port), mp.get_context("spawn").Pool(2) as pool:
        sent = pool.starmap(_send, [(url_of(port), 30, tokens, stated)] * 2)
    assert sum(sent) == allowed


@needs_redis
def test_routing_sees_what_other_processes_took(tmp_path: Path) -> None:
    port, stated = free_port(), RateLimits(rpm=10, tpm=1_000)
    with redis_server(tmp_path, port):
        assert _send(url_of(port), 4, 100, stated) == 4
        other = ModelLimits({SOL: stated}, clock=SystemClock(), redis_url=url_of(port))
        assert other.headroom()[SOL][:2] == (6, 600)


@needs_redis
def test_a_redis_that_goes_away_leaves_each_process_with_its_own_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, stated = free_port(), RateLimits(rpm=5)
    limits = ModelLimits({SOL: stated}, clock=SystemClock(), redis_url=url_of(port))

    async def send(tries: int) -> int:
        turns = [await limits.enter(SOL, input_tokens=0, max_tokens=0, patience_s=0.0) for _ in range(tries)]
        return sum(isinstance(turn, Turn) for turn in turns)

    with redis_server(tmp_path, port) as server:
        assert asyncio.run(send(3)) == 3
        server.terminate()
        server.wait()
        with caplog.at_level(logging.WARNING, "bizq_lab.execution"):
            assert asyncio.run(send(5)) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "Redis is away: for 30 s this process keeps its rate limits alone"
    ]
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"redis://user:{PASSWORD}@127.0.0.1:1/0", "redis://127.0.0.1:1"),
        (f"http://user:{PASSWORD}@127.0.0.1/0", "http://127.0.0.1"),
        (f"redis://user:{PASSWORD}@127.0.0.1:port/0", "something that is not a Redis URL"),
        (PASSWORD, "something that is not a Redis URL"),
    ],
)
def test_a_url_of_no_use_is_one_clear_error_without_its_password(url: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        shared_windows(url)
    assert named in str(caught.value)
    assert "BIZQ_LAB_REDIS_URL" in str(caught.value)
    error: BaseException | None = caught.value
    assert error is not None
    assert PASSWORD not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__, "a traceback must not print what the client said either"
