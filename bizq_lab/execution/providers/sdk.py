"""What both official SDKs share: one client a loop, one call, one error. Knows no vendor, no retry and no price."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic

from bizq_lab.core.execution import Parameters, ProviderCall, ProviderReply
from bizq_lab.errors import MissingKey
from bizq_lab.execution.classify import classify
from bizq_lab.execution.clock import SystemClock
from bizq_lab.execution.providers.clients import ClientT, LoopClients
from bizq_lab.execution.providers.draft import Draft

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock


Sent = Parameters


class SdkProvider(ABC, Generic[ClientT]):
    """A provider whose calls go through an SDK.

    Args:
        module: The SDK, imported before the first client.
        clock: Times the call, and reads dates in `Retry-After`.
    """

    def __init__(self, *, module: str, clock: Clock | None) -> None:
        """Remember how to make a client; nothing is loaded or opened yet."""
        self._clock = clock or SystemClock()
        self._clients: LoopClients[ClientT] = LoopClients(self._client, module=module)

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Make the call once.

        Raises:
            ProviderError: It failed; exactly one error class.
            MissingKey: The environment holds no key; nothing was sent.
        """
        client = await self._clients.get()
        draft, sent, started = Draft(), self._sent(call), self._clock.monotonic()
        if call.idempotency_key:
            sent["idempotency_key"] = call.idempotency_key
        try:
            await self._exchange(client, call, draft, started)
            return draft.reply(call, elapsed_s=self._clock.monotonic() - started, sent=sent)
        except MissingKey:
            raise
        except Exception as error:  # noqa: BLE001 - the classifier is total, and no SDK exception may escape
            failure = classify(error, now_s=self._clock.now_us() / 1e6, partial_text=draft.text)
            failure.sent = sent
        raise failure  # outside the handler, so that the SDK's exception, which holds the key, is not its context

    async def aclose(self) -> None:
        """Close the connections."""
        await self._clients.aclose()

    @abstractmethod
    def _client(self) -> ClientT:
        """A new client."""

    @abstractmethod
    def _sent(self, call: ProviderCall) -> Sent:
        """The parameters that go out, by the API's own names: those that the model accepts."""

    @abstractmethod
    async def _exchange(self, client: ClientT, call: ProviderCall, draft: Draft, started: float) -> None:
        """Send, and read the answer into the draft."""
