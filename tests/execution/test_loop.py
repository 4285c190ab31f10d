"""The synchronous front: any thread, any fork, any interrupt."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.errors import InputError
from bizq_lab.execution.loop import BackgroundLoop, background
from tests.support.execution import ListSink, ScriptedProvider, decision, reply, scripted


async def where() -> int:
    return threading.get_ident()


def test_every_thread_runs_on_the_one_loop() -> None:
    with ThreadPoolExecutor(8) as pool:
        threads = set(pool.map(lambda _: background.run(where()), range(40)))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_synchronous_call_on_the_loop_itself_is_refused_instead_of_waiting_for_ever() -> None:
    async def nested() -> int:
        return background.run(where())

    with pytest.raises(InputError, match="await the asynchronous method"):
        background.run(nested())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork_the_child_has_a_loop_of_its_own() -> None:
    parent = background.run(where())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            executor = scripted(providers={"openai": ScriptedProvider(reply())})
            made = decision("openai/sol")
            code = 0 if executor.execute_with_failover(made.task, made, made.context).status == "completed" else 2
        finally:
            os.write(write, b".")
            os._exit(code)
    _, status = os.waitpid(child, 0)
    os.close(read)
    os.close(write)
    assert os.waitstatus_to_exitcode(status) == 0
    assert background.run(where()) == parent


def test_an_interrupted_cell_books_the_call_as_cancelled_before_it_returns() -> None:
    """SIGINT while the main thread waits, as a notebook sends it."""
    sink = ListSink()
    main = threading.main_thread().ident
    assert main is not None

    async def never(_: ProviderCall) -> ProviderReply:
        signal.pthread_kill(main, signal.SIGINT)
        await asyncio.Event().wait()
        raise AssertionError

    provider = ScriptedProvider(never)
    executor = scripted(sink=sink, providers={"openai": provider, "anthropic": ScriptedProvider(reply())})
    made = decision("openai/sol", "anthropic/sonnet")
    with pytest.raises(KeyboardInterrupt):
        executor.execute_with_failover(made.task, made, made.context)
    assert [row.status for row in sink.attempts] == ["cancelled"]
    assert (sink.outcome.status, len(provider.calls)) == ("cancelled", 1)


def test_a_loop_that_was_forgotten_starts_again() -> None:
    loop = BackgroundLoop()
    first = loop.run(where())
    loop.forget()
    assert loop.run(where()) != first
