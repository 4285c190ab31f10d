"""Local models: the embedded engine, or any OpenAI-compatible URL. Knows compute, in core-seconds, but no price."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.execution.providers.engine import EngineSpec, default_threads, engine_address
from bizq_lab.execution.providers.openai import OpenAIProvider, Transport

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock


class LocalProvider:
    """`local`: one call of a model that runs on this machine, or at a URL that the user named.

    Compute is what llama.cpp itself measured (prompt and prediction) times the threads it used; a server that
    measures nothing is charged its whole response time times the threads.

    Args:
        url: OpenAI-compatible base URL; defaults to `BIZQ_LAB_LOCAL_URL`, then to the embedded engine.
        threads: Cores that decode; defaults to `BIZQ_LAB_LOCAL_THREADS`, then 1.
        slots: Requests the embedded engine runs at once.
        transport: As for `openai`.
        clock: As for `openai`.
    """

    name = "local"
    live = True

    def __init__(
        self,
        *,
        url: str | None = None,
        threads: int | None = None,
        slots: int = 1,
        transport: Transport = "aiohttp",
        clock: Clock | None = None,
    ) -> None:
        """Remember the settings; no engine starts yet."""
        self._url = url or os.environ.get("BIZQ_LAB_LOCAL_URL") or None
        self.cores = threads or default_threads()
        self._slots, self._transport, self._clock = slots, transport, clock
        self._servers: dict[str, OpenAIProvider] = {}

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Make the call once.

        Raises:
            ProviderError: It failed; exactly one error class.
            EngineMissing: The engine or its weights are not installed; nothing was sent.
        """
        server = await self._server(call.config.model)
        reply = await server.complete(call)
        measured = reply.core_seconds or reply.response_time_s
        return replace(reply, core_seconds=measured * self.cores)

    async def aclose(self) -> None:
        """Close the connections. The engine is shared by the process and stops with it."""
        for server in self._servers.values():
            await server.aclose()

    async def _server(self, model: str) -> OpenAIProvider:
        found = self._servers.get("" if self._url else model)
        if found is not None:
            return found
        if self._url:
            address = self._url
        else:
            spec = EngineSpec(model, self.cores, self._slots)
            address = await asyncio.to_thread(engine_address, spec) + "/v1"
        return self._servers.setdefault(
            "" if self._url else model,
            OpenAIProvider(
                base_url=address,
                transport=self._transport,
                clock=self._clock,
                limit_field="max_tokens",  # what every OpenAI-compatible server understands
                key_variable=None,
                keep_alive=False,  # llama.cpp drops connections without a word; a new one costs next to nothing
            ),
        )
