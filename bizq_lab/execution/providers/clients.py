"""SDK clients: one for each event loop, made late, closed together. Knows keys only as names of variables."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from bizq_lab.errors import MissingKey

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 600.0


_AT_EXIT_S = 2.0
_ALL: WeakSet[LoopClients[Any]] = WeakSet()


class Closable(Protocol):
    """What both SDK clients have in common here."""

    async def close(self) -> None:
        """Release connections."""


ClientT = TypeVar("ClientT", bound=Closable)


class LoopClients(Generic[ClientT]):
    """A client belongs to the loop that opened its connections; this keeps one for each.

    Args:
        make: Builds a client; called once a loop, on its first call.
        module: The SDK, imported before the first client.
    """

    def __init__(self, make: Callable[[], ClientT], *, module: str) -> None:
        """Start empty."""
        self._make, self._module = make, module
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientT] = WeakKeyDictionary()
        _ALL.add(self)

    async def get(self) -> ClientT:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        client = self._by_loop.get(loop)
        if client is None:
            await asyncio.to_thread(import_module, self._module)  # up to a second, which must not stop the loop
            client = self._by_loop.get(loop)  # another call may have been faster
        if client is None:
            client = self._by_loop[loop] = self._make()
        return client

    async def aclose(self) -> None:
        """Close every client, each on its own loop; those of loops that ended are gone with them."""
        here = asyncio.get_running_loop()
        clients = list(self._by_loop.items())
        self._by_loop.clear()
        for loop, client in clients:
            if loop is here:
                await client.close()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(client.close(), loop))

    def close_from_outside(self) -> None:
        """Close what running loops of other threads hold, at the end of the process."""
        for loop, client in list(self._by_loop.items()):
            if loop.is_running():
                with suppress(TimeoutError):
                    asyncio.run_coroutine_threadsafe(client.close(), loop).result(timeout=_AT_EXIT_S)
        self._by_loop.clear()


def key_from_environment(variable: str) -> str:
    """The key, which comes from nowhere else.

    Raises:
        MissingKey: The variable is unset or blank; names the variable, never a key.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        message = f"no key in the environment: {variable} is not set"
        raise MissingKey(message, hint=f"export {variable}=…, or use the local, replay or simulated provider")
    return key


@atexit.register
def _close_all() -> None:
    # A script or notebook that just ends would else be told of unclosed sessions.
    for clients in list(_ALL):
        clients.close_from_outside()
