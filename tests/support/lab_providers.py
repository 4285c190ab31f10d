"""Providers that tests of the lab script: they say what they are told to, and count what reached them."""

from __future__ import annotations

from collections.abc import Callable

from bizq_lab.core.execution import ProviderCall, ProviderReply, Usage
from bizq_lab.errors import ProviderError


class Scripted:
    """Answers with what `say` makes of the call; counts the calls.

    Args:
        say: The answer's text; may raise a `ProviderError`.
        live: Whether it claims to spend real money.
    """

    name = "scripted"

    def __init__(self, say: Callable[[ProviderCall], str], *, live: bool = False) -> None:
        """Nothing was called yet."""
        self.say, self.live, self.calls = say, live, 0
        self.closed = False

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Answer once."""
        self.calls += 1
        return ProviderReply(
            text=self.say(call),
            finish_reason="stop",
            served_model=call.config.api_model,
            usage=Usage(100, 20),
            response_time_s=1.0,
            request_id=f"req-{self.calls}",
            core_seconds=1.0,
        )

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def refuse(call: ProviderCall) -> str:
    """A provider that quotes what it was sent when it refuses."""
    raise ProviderError(f"cannot serve {call.prompt}", error_class="content_filter", status=400)
