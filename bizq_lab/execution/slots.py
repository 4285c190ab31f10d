"""A counting semaphore over all threads and event loops of one process. Knows nothing of what it admits."""

from __future__ import annotations

import asyncio
import threading
from collections import deque


class Slots:
    """At most so many at a time, first come first served.

    `asyncio.Semaphore` belongs to one loop and `threading.Semaphore` blocks one; calls come from several loops here.
    A slot that becomes free is handed to whoever waits longest, so that no newcomer overtakes.

    Args:
        total: Slots there are.
    """

    def __init__(self, total: int) -> None:
        """All slots are free."""
        self._lock = threading.Lock()
        self._free = total
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    @property
    def left(self) -> int:
        """Free slots."""
        return self._free

    async def acquire(self) -> None:
        """Take a slot, waiting for it if need be. Every acquired slot must be released."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            place = (loop, loop.create_future())
            self._waiting.append(place)
        try:
            await place[1]
        except asyncio.CancelledError:
            with self._lock:
                waited = place in self._waiting
                if waited:
                    self._waiting.remove(place)
            if not waited:
                self.release()  # it was handed over in the same instant: pass it on
            raise

    def release(self) -> None:
        """Give a slot back; safe from any thread."""
        with self._lock:
            while self._waiting:
                loop, turn = self._waiting.popleft()
                try:
                    loop.call_soon_threadsafe(_wake, turn)
                except RuntimeError:  # that loop was closed with a waiter on it, who will never come
                    continue
                return
            self._free += 1


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
