"""One background event loop for synchronous callers. Knows no task: it runs coroutines, anywhere, and cancels them."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

from bizq_lab.errors import InputError

T = TypeVar("T")
_GLANCE_S = 0.05  # how often a thread that waits looks whether the main thread was interrupted
_LAST_S = 10.0  # how long the interpreter waits at its end for books to be closed


class BackgroundLoop:
    """A daemon thread with an event loop, started on first use, renewed after a fork.

    It makes the same synchronous call work in a script, in a thread, and in Jupyter, where a loop already runs.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[_Work[Any]] = set()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to the end and return the result. Interrupting the wait cancels the work, and waits for its books.

        An interrupt only ever reaches the main thread. While that one unwinds from it, such as out of a pool of threads
        that it waits for, the work of every other thread is cancelled too, and no new one begins: nothing more is sent.

        Raises:
            InputError: Called on the background loop itself, which would wait for ever.
            KeyboardInterrupt: The main thread was interrupted.
        """
        loop = self._running_loop()
        if _current_loop() is loop:
            coroutine.close()
            message = "the synchronous call was made on the background loop itself"
            raise InputError(message, hint="await the asynchronous method instead")
        if _main_was_interrupted():
            coroutine.close()
            raise KeyboardInterrupt
        work = _Work(coroutine)
        self._under_way.add(work)
        try:
            return _wait_for(asyncio.run_coroutine_threadsafe(work.run(), loop))
        except KeyboardInterrupt:
            asyncio.run_coroutine_threadsafe(work.stop(), loop).result()
            raise
        finally:
            self._under_way.discard(work)

    def finish(self) -> None:
        """At the interpreter's end: cancel what is still under way, and wait for its books.

        Nobody else waits for daemon threads, and Python 3.11 not for a thread whose `join` an interrupt broke off.
        """
        if self._loop is not None:
            stops = [asyncio.run_coroutine_threadsafe(work.stop(), self._loop) for work in list(self._under_way)]
            wait(stops, _LAST_S)

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
        self._under_way = set()


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
        """Cancel, once, and wait until whatever was under way has booked that it was cancelled."""
        before, self._stopped = self._stopped, True
        if self._task is None:
            self._coroutine.close()
            return
        if not before:  # a second time would break off the books
            self._task.cancel()
        await asyncio.wait([self._task])


def _wait_for(future: Future[T]) -> T:
    """The result of work on the loop; another thread than the main one looks up now and then.

    Raises:
        KeyboardInterrupt: The main thread was interrupted, here or elsewhere.
    """
    if threading.current_thread() is threading.main_thread():
        return future.result()
    while True:
        try:
            return future.result(_GLANCE_S)
        except TimeoutError:
            if future.done():
                raise  # the work's own
            if _main_was_interrupted():
                raise KeyboardInterrupt from None


def _main_was_interrupted() -> bool:
    """Whether, seen from another thread, the main one is on its way out of an interrupt, or ended by one."""
    main = threading.main_thread()
    if threading.current_thread() is main:
        return False
    if not main.is_alive():  # the interpreter waits for its other threads
        return getattr(sys, "last_type", None) is KeyboardInterrupt
    handled: Any = sys._current_exceptions().get(main.ident or 0)  # noqa: SLF001 - documented, for purposes like this
    return isinstance(handled[1] if isinstance(handled, tuple) else handled, KeyboardInterrupt)  # a tuple in 3.11


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


background = BackgroundLoop()
os.register_at_fork(after_in_child=background.forget)
atexit.register(background.finish)
