"""Bulk runs for tests: a provider that can be watched and held, and a process to kill. Asserts nothing.

Run as `python -m tests.support.lab_bulk <folder> <tasks> <calls before it hangs>`; `start` does so from a test.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.core.protocols import Provider
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.lab import Lab
from tests.support.lab_providers import Scripted
from tests.support.lab_small import OTHER, catalog, small_lab

ROOT = Path(__file__).parents[2]
WHERE = RoutingContext(workspace_id="ws_1")
POST = {"news": "We open at 6.", "hashtag": "#Open", "max_characters": 100}


class Watched(Scripted):
    """As `Scripted`, and every call takes a few turns of the loop, so that calls meet.

    Attributes:
        keys: Task key and repeat of each call, in order.
        most: Most calls that were under way at once.
        enough: After so many answers every call hangs.
        reached: Set when the first one does.
    """

    def __init__(
        self, say: Callable[[ProviderCall], str] = lambda _: "We open at 6. #Open", *, live: bool = False
    ) -> None:
        super().__init__(say, live=live)
        self.keys: list[tuple[str, int]] = []
        self.most = self._under_way = 0
        self.enough = 10**9
        self.reached = threading.Event()

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Answer once, after a few turns."""
        self.keys.append((call.task_key, call.repeat))
        if self.calls >= self.enough:
            self.reached.set()
            await asyncio.Event().wait()
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            return await super().complete(call)
        finally:
            self._under_way -= 1


def everywhere(provider: Provider) -> Mapping[str, Provider]:
    return dict.fromkeys(("openai", "anthropic", "local"), provider)


def bulk_lab(folder: Path, provider: Provider, *, seed: int = 0, **options: object) -> Lab:
    """A lab of its own seed, whose time begins after that of a lower seed ended."""
    lab = small_lab(folder, seed=seed, providers=everywhere(provider), config=None, **options)
    lab.clock.advance(3600.0 * seed)  # type: ignore[attr-defined] # it is a SeededClock
    return lab


def bulk_tasks(n: int) -> list[Task]:
    """Tasks whose ids a later process would make again only by chance, as those of a file without ids."""
    return [Task(type=OTHER, input={**POST, "news": f"Item {number}."}) for number in range(n)]


def start(folder: Path, n: int, calls: int) -> subprocess.Popen[str]:
    """A process that runs `n` tasks and hangs inside the call after so many; it says when it does."""
    command = [sys.executable, "-m", __name__, str(folder), str(n), str(calls)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


class Hanging(Watched):
    """Answers so many calls, then says so and never answers again."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._left = calls

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Answer, or hang and say so."""
        self._left -= 1
        if self._left < 0:
            os.write(1, b"hanging\n")
            await asyncio.Event().wait()
        return await super().complete(call)


def _main(folder: str, n: str, calls: str) -> None:
    catalog()
    with bulk_lab(Path(folder), Hanging(int(calls)), seed=1) as lab:
        lab.run_many(bulk_tasks(int(n)), WHERE, concurrency=3)


if __name__ == "__main__":
    _main(*sys.argv[1:])
