"""A bulk run against a server that fails three calls in ten, in a process that a test may kill. Asserts nothing.

Run as `python -m tests.support.storm <folder> <server> <tasks>`; `start` does so from a test.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.execution import Cap, ResilientExecutor, SystemClock, make_provider
from bizq_lab.lab import Lab
from tests.support.fault_server import Answer, Seen, failure

ROOT = Path(__file__).parents[2]
RUN, AT_ONCE, GIVES_UP_S = "storm", 16, 5.0
WHERE = RoutingContext(workspace_id="ws_1")
BUDGETS = {"*": Cap(usd=500, period="total")}
# What would close a model or a whole provider for good is not the weather of a storm.
FAILURES = (
    failure(500), failure(502), failure(503), failure(504), failure(529), failure(429), failure(408), failure(409),
    failure(429, Retry_After="2"), failure(429, Retry_After="3600"), failure(500, retry_after_ms="50"),
    failure(400, message="no"), failure(400, code="context_length_exceeded"), failure(413), failure(422),
    Answer(raw=b"<html>busy</html>", content_type="text/html"), Answer(raw=b'{"choices": [{"mess'), Answer(raw=b"[]"),
    Answer(words=None), Answer(words=("", " ")), Answer(finish="content_filter", words=None),
    Answer(breakage="reset"), Answer(breakage="end"), Answer(breakage="error_event"), Answer(breakage="silence"),
)  # fmt: skip


def tasks_of(n: int) -> list[Task]:
    """Each can be told from the others by what the server is asked."""
    return [Task(type="default", input={"q": f"number {number}."}, id=f"task_{number}") for number in range(n)]


@dataclass
class Weather:
    """What the server answers, and which task was asked for, in order.

    Attributes:
        rng: Decides; the same for the same order of requests.
        at: Called with the number of each request before it is answered.
        asked: Numbers of the tasks, in order of arrival.
    """

    rng: random.Random
    at: Callable[[int], None] = lambda _: None
    asked: list[int] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Answer:
        """Three in ten fail."""
        text = str(seen.body["messages"])
        self.asked.append(int(text.partition("number ")[2].partition(".")[0]))
        self.at(len(self.asked))
        return self.rng.choice(FAILURES) if self.rng.random() < 0.3 else Answer()


class HastyClock(SystemClock):
    """The system's time, but for sleeps: they are over at once, and everybody believes that they took their time."""

    def __init__(self) -> None:
        self._slept_s, self._lock = 0.0, threading.Lock()

    def monotonic(self) -> float:
        """Seconds, the skipped ones included."""
        return super().monotonic() + self._slept_s

    async def sleep(self, seconds: float) -> None:
        """Skip."""
        with self._lock:
            self._slept_s += seconds
        await asyncio.sleep(0)


def open_lab(folder: Path, server: str) -> Lab:
    """A lab whose providers are the server's, through both official SDKs; it does not wait long for silence."""
    os.environ.update(OPENAI_API_KEY="sk-nobodys", ANTHROPIC_API_KEY="sk-ant-nobodys")
    providers = {
        "openai": make_provider("openai", base_url=f"{server}/openai/v1"),
        "anthropic": make_provider("anthropic", base_url=f"{server}/anthropic"),
        "local": make_provider("local", url=f"{server}/local/v1", threads=1),
    }
    clock = HastyClock()
    lab = Lab.open(folder / "lab.duckdb", providers=providers, budgets=BUDGETS, clock=clock)
    lab.executor = ResilientExecutor(
        lab.catalog, providers, lab.log, clock=clock, budget=lab.ledger,
        timeout=lambda seconds: asyncio.timeout(min(seconds, GIVES_UP_S)),
    )  # fmt: skip
    lab.use(None)
    return lab


def start(folder: Path, server: str, n: int) -> subprocess.Popen[bytes]:
    """A process that runs `n` tasks."""
    return subprocess.Popen([sys.executable, "-m", __name__, str(folder), server, str(n)], cwd=ROOT)


def _main(folder: str, server: str, n: str) -> None:
    with open_lab(Path(folder), server) as lab:
        lab.run_many(tasks_of(int(n)), WHERE, run_id=RUN, concurrency=AT_ONCE, progress=False)
        lab.executor.wait(lab.executor.aclose())


if __name__ == "__main__":
    _main(*sys.argv[1:])
