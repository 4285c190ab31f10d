"""One background event loop for synchronous callers. Knows no task: it runs coroutines, anywhere, and cancels them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError as FutureCancelled
from typing import Any, TypeVar

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
        future = asyncio.run_coroutine_threadsafe(_finish(coroutine), loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            self._cancel(future, loop)
            raise

    @staticmethod
    def _cancel(future: Any, loop: asyncio.AbstractEventLoop) -> None:
        # Cancelling the thread-side future cancels the task, but returns before the task has booked anything:
        # wait until every task that was cancelling has ended.
        future.cancel()
        try:
            asyncio.run_coroutine_threadsafe(_settle(), loop).result()
        except FutureCancelled:
            return

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


async def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    return await coroutine


async def _settle() -> None:
    here = asyncio.current_task()
    cancelling = [task for task in asyncio.all_tasks() if task is not here and task.cancelling()]
    await asyncio.gather(*cancelling, return_exceptions=True)


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


background = BackgroundLoop()
os.register_at_fork(after_in_child=background.forget)
