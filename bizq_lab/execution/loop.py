"""One background event loop for synchronous callers. Knows no task: it runs coroutines, anywhere, and cancels them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from bizq_lab.errors import InputError

T = TypeVar("T")


class BackgroundLoop:
    """A daemon thread with an event loop, started on first use, renewed after a fork.

    It makes the same synchronous call work in a script, in a thread, and in Jupyter, where a loop already runs.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to the end and return the result. Interrupting the wait cancels the work, and waits for its books.

        Raises:
            InputError: Called on the background loop itself, which would wait for ever.
        """
        loop = self._running_loop()
        if _current_loop() is loop:
            coroutine.close()
            message = "the synchronous call was made on the background loop itself"
            raise InputError(message, hint="await the asynchronous method instead")
        work = _Work(coroutine)
        try:
            return asyncio.run_coroutine_threadsafe(work.run(), loop).result()
        except KeyboardInterrupt:
            asyncio.run_coroutine_threadsafe(work.stop(), loop).result()
            raise

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._loop.is_closed():
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="bizq-lab-loop", daemon=True).start()
            return self._loop

    def forget(self) -> None:
        """In a forked child: the parent's thread does not exist here, so a fresh loop must start on next use."""
        self._lock = threading.Lock()
        self._loop = None


class _Work(Generic[T]):
    """A coroutine that can be stopped from another thread at any instant, even before it began."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None
        self._stopped = False

    async def run(self) -> T:
        """Run to the end, unless stopped before."""
        if self._stopped:
            raise asyncio.CancelledError
        self._task = asyncio.ensure_future(self._coroutine)
        return await self._task

    async def stop(self) -> None:
        """Cancel, and wait until whatever was under way has booked that it was cancelled."""
        self._stopped = True
        if self._task is None:
            self._coroutine.close()
            return
        self._task.cancel()
        await asyncio.wait([self._task])


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


background = BackgroundLoop()
os.register_at_fork(after_in_child=background.forget)
