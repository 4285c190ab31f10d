"""The Anthropic messages API through the official SDK, streaming or not. Knows no retry, no price and no log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bizq_lab.core.execution import ProviderCall
from bizq_lab.errors import ProviderError
from bizq_lab.execution.providers.clients import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, key_from_environment
from bizq_lab.execution.providers.draft import Draft, malformed, text_or_empty
from bizq_lab.execution.providers.sdk import SdkProvider, Sent

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

    from bizq_lab.core.protocols import Clock
    from bizq_lab.execution.providers.openai import Transport

_NAMES = {"stop": "stop_sequences"}
_FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}


class AnthropicProvider(SdkProvider["AsyncAnthropic"]):
    """`anthropic`: one call of `/v1/messages`.

    Args:
        base_url: Defaults to `ANTHROPIC_BASE_URL`, then to the vendor's address.
        transport: `aiohttp` makes the SDK faster than its default.
        clock: Times the call, and reads dates in `Retry-After`.
    """

    name = "anthropic"
    live = True

    def __init__(
        self, *, base_url: str | None = None, transport: Transport = "aiohttp", clock: Clock | None = None
    ) -> None:
        """Remember how to make a client; nothing is loaded or opened yet."""
        self._base_url, self._transport = base_url, transport
        super().__init__(module="anthropic", clock=clock)

    def _sent(self, call: ProviderCall) -> Sent:
        config = call.config
        named = {_NAMES.get(name, name): value for name, value in config.sampling.items() if name != "seed"}
        return {"model": config.api_model, "max_tokens": config.max_tokens, **named}

    async def _exchange(self, client: AsyncAnthropic, call: ProviderCall, draft: Draft, started: float) -> None:
        await (self._stream if call.stream else self._whole)(client, call, draft, started)

    def _client(self) -> AsyncAnthropic:
        key = key_from_environment("ANTHROPIC_API_KEY")
        import anthropic  # noqa: PLC0415 - more than a second and 80 MB, paid on the first call only

        return anthropic.AsyncAnthropic(
            api_key=key,
            auth_token=None,
            base_url=self._base_url or os.environ.get("ANTHROPIC_BASE_URL") or None,
            max_retries=0,
            timeout=anthropic.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            http_client=anthropic.DefaultAioHttpClient() if self._transport == "aiohttp" else None,
        )

    def _body(self, call: ProviderCall) -> dict[str, Any]:
        sent = self._sent(call)
        body: dict[str, Any] = {
            "model": sent.pop("model"),
            "max_tokens": sent.pop("max_tokens"),
            "messages": [{"role": "user", "content": call.prompt}],
            "timeout": call.timeout_s or READ_TIMEOUT_S,
        }
        if call.system:
            body["system"] = call.system
        if sent:
            body["extra_body"] = sent  # sampling parameters are no longer in the SDK's signature
        if call.idempotency_key:
            body["extra_headers"] = {"Idempotency-Key": call.idempotency_key}
        return body

    async def _whole(self, client: AsyncAnthropic, call: ProviderCall, draft: Draft, _started: float) -> None:
        raw = await client.messages.with_raw_response.create(**self._body(call))
        answer = json.loads(await raw.read())
        draft.request_id = text_or_empty(raw.headers.get("request-id"))
        if not isinstance(answer, Mapping) or not isinstance(answer.get("content"), list):
            raise malformed("the answer has no content", request_id=draft.request_id)
        _read_message(answer, draft)
        for block in answer["content"]:
            if isinstance(block, Mapping) and block.get("type") == "text":
                draft.add(block.get("text"))
        _finish(answer.get("stop_reason") or "unknown", draft)

    async def _stream(self, client: AsyncAnthropic, call: ProviderCall, draft: Draft, started: float) -> None:
        stream = await client.messages.create(**self._body(call), stream=True)
        if isinstance(stream, str):
            raise malformed("the answer is not an event stream", stream)
        draft.request_id = text_or_empty(stream.response.headers.get("request-id"))
        seen = False
        async with stream:
            async for event in stream:
                if not hasattr(event, "to_dict"):
                    raise malformed("an event of the stream is not a JSON object", event, request_id=draft.request_id)
                seen = True
                _read_event(
                    event.to_dict(mode="python", exclude_unset=True, warnings=False),
                    draft,
                    self._clock.monotonic() - started,
                )
        if not seen:
            raise malformed("the answer is not an event stream", request_id=draft.request_id)


def _read_event(event: Mapping[str, Any], draft: Draft, elapsed_s: float) -> None:
    match event.get("type"):
        case "message_start" if isinstance(event.get("message"), Mapping):
            _read_message(event["message"], draft)
        case "content_block_delta" if isinstance(event.get("delta"), Mapping):
            draft.add(event["delta"].get("text"), elapsed_s)
        case "message_delta":
            _read_usage(event.get("usage"), draft)
            delta = event.get("delta")
            stop = delta.get("stop_reason") if isinstance(delta, Mapping) else None
            if stop:
                _finish(stop, draft)


def _read_message(message: Mapping[str, Any], draft: Draft) -> None:
    draft.served_model = text_or_empty(message.get("model"))
    draft.request_id = draft.request_id or text_or_empty(message.get("id"))
    _read_usage(message.get("usage"), draft)


def _read_usage(usage: object, draft: Draft) -> None:
    """Merge counts: a stream gives the input first and the output last. Cached tokens are not in `input_tokens`."""
    if not isinstance(usage, Mapping):
        return
    read, written, fresh = (usage.get(f"{name}input_tokens") for name in ("cache_read_", "cache_creation_", ""))
    if fresh is not None:
        parts = [fresh, read or 0, written or 0]
        draft.counts["input"] = sum(parts) if all(type(part) is int for part in parts) else None
        draft.counts["cached"] = read
    if usage.get("output_tokens") is not None:
        draft.counts["output"] = usage["output_tokens"]
        details = usage.get("output_tokens_details")
        draft.counts["reasoning"] = details.get("thinking_tokens") if isinstance(details, Mapping) else None


def _finish(stop_reason: object, draft: Draft) -> None:
    if stop_reason == "model_context_window_exceeded":
        message = "the answer ran into the model's context window"
        raise ProviderError(
            message, error_class="context_length", request_id=draft.request_id or None, partial_text=draft.text
        )
    draft.finish_reason = _FINISH.get(str(stop_reason), str(stop_reason))
