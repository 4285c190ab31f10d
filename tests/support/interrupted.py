"""Programs with several calls in flight, for a test to interrupt: pools, plain threads, a bulk run, gathered tasks.

Run as `python -m tests.support.interrupted <kind> <folder>`; `start` does so from a test. It says when all calls hang.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.lab import Lab

ROOT = Path(__file__).parents[2]
WHERE = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(preferred_provider="openai"))
AT_ONCE, TASKS = 4, 12


class Silent:
    """Never answers, and says so once so many calls wait."""

    name, live = "openai", False

    def __init__(self) -> None:
        self._calls = 0

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Hang."""
        self._calls += 1
        print(f"called {call.task_key}", flush=True)  # noqa: T201 - the test reads it
        if self._calls == AT_ONCE:
            print("hanging", flush=True)  # noqa: T201 - as above
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        """Nothing to close."""


def tasks() -> list[Task]:
    return [Task(type="default", input={"q": "x"}, id=f"task_{number}") for number in range(TASKS)]


def open_lab(folder: str) -> Lab:
    return Lab.open(Path(folder) / "lab.duckdb", providers=dict.fromkeys(("openai", "anthropic", "local"), Silent()))


def pooled(lab: Lab) -> None:
    """The usual pool, whose exit waits for its threads, with more tasks than threads."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda task: lab.run(task, WHERE), tasks()))


def submitted(lab: Lab) -> None:
    """The same by `submit`, which cancels nothing that waits in the queue."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(lab.run, task, WHERE) for task in tasks()]:
            future.result()


def threads(lab: Lab) -> None:
    """Plain threads that the interpreter waits for at its end."""
    made = [threading.Thread(target=lab.run, args=(task, WHERE)) for task in tasks()[:AT_ONCE]]
    for thread in made:
        thread.start()
    for thread in made:
        thread.join()


def daemons(lab: Lab) -> None:
    """Threads that the interpreter does not wait for."""
    made = [threading.Thread(target=lab.run, args=(task, WHERE), daemon=True) for task in tasks()[:AT_ONCE]]
    for thread in made:
        thread.start()
    for thread in made:
        thread.join()


def bulk(lab: Lab) -> None:
    """A bulk run."""
    lab.run_many(tasks(), WHERE, concurrency=AT_ONCE)


def gathered(lab: Lab) -> None:
    """Asynchronous, on a loop of the caller's own."""

    async def all_of_them() -> None:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(task: Task) -> None:
            async with turns:
                await lab.service.run(task, WHERE)

        await asyncio.gather(*map(one, tasks()))

    asyncio.run(all_of_them())


KINDS = {
    "pooled": pooled, "submitted": submitted, "threads": threads, "daemons": daemons, "bulk": bulk,
    "gathered": gathered,
}  # fmt: skip


def start(kind: str, folder: Path) -> subprocess.Popen[str]:
    """A process that hangs in several calls."""
    command = [sys.executable, "-m", __name__, kind, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    KINDS[sys.argv[1]](open_lab(sys.argv[2]))
