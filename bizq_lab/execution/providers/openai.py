"""The OpenAI chat API through the official SDK, streaming or not. Knows no retry, no price and no log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from bizq_lab.core.execution import ProviderCall
from bizq_lab.execution.providers.clients import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, key_from_environment
from bizq_lab.execution.providers.draft import Draft, malformed, text_or_empty
from bizq_lab.execution.providers.sdk import SdkProvider, Sent

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from bizq_lab.core.protocols import Clock

Transport = Literal["aiohttp", "httpx"]
_KEY = "OPENAI_API_KEY"


class OpenAIProvider(SdkProvider["AsyncOpenAI"]):
    """`openai`: one call of `/chat/completions`.

    Args:
        base_url: Defaults to `OPENAI_BASE_URL`, then to the vendor's address.
        transport: `aiohttp` makes the SDK some 20 to 80 % faster than its default.
        clock: Times the call, and reads dates in `Retry-After`.
        limit_field: What the API calls the output limit.
        key_variable: Environment variable that holds the key; None for servers that need none.
        keep_alive: Reuse connections. A small server may close one just as the next call goes out on it.
    """

    name = "openai"
    live = True

    def __init__(
        self,
        *,
        base_url: str | None = None,
        transport: Transport = "aiohttp",
        clock: Clock | None = None,
        limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens",
        key_variable: str | None = _KEY,
        keep_alive: bool = True,
    ) -> None:
        """Remember how to make a client; nothing is loaded or opened yet."""
        self._keep_alive = keep_alive
        self._base_url, self._transport, self._limit_field, self._key_variable = (
            base_url,
            transport,
            limit_field,
            key_variable,
        )
        super().__init__(module="openai", clock=clock)

    async def _exchange(self, client: AsyncOpenAI, call: ProviderCall, draft: Draft, started: float) -> None:
        await (self._stream if call.stream else self._whole)(client, call, self._body(call), draft, started)

    def _client(self) -> AsyncOpenAI:
        import openai  # noqa: PLC0415 - half a second and 50 MB, paid on the first call only

        key = key_from_environment(self._key_variable) if self._key_variable else "none"
        return openai.AsyncOpenAI(
            api_key=key,
            base_url=self._base_url or os.environ.get("OPENAI_BASE_URL") or None,
            max_retries=0,
            default_headers=None if self._keep_alive else {"Connection": "close"},
            timeout=openai.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            http_client=openai.DefaultAioHttpClient() if self._transport == "aiohttp" else None,
        )

    def _sent(self, call: ProviderCall) -> Sent:
        config = call.config
        return {"model": config.api_model, self._limit_field: config.max_tokens, **config.sampling}

    def _body(self, call: ProviderCall) -> dict[str, Any]:
        messages = [{"role": "system", "content": call.system}] if call.system else []
        body: dict[str, Any] = {**self._sent(call), "messages": [*messages, {"role": "user", "content": call.prompt}]}
        if call.json_schema is not None:
            held = {"name": "answer", "schema": dict(call.json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        return body

    async def _whole(
        self, client: AsyncOpenAI, call: ProviderCall, body: dict[str, Any], draft: Draft, _started: float
    ) -> None:
        import httpx2  # noqa: PLC0415 - comes with the SDK, which is loaded by now

        # The SDK's own way to send a body as it is: its typed method spends a fifth of the call on rebuilding it.
        # The whole address, which it need not put together out of two.
        raw = await client.post(
            f"{client.base_url}chat/completions",
            cast_to=httpx2.Response,
            body=body,
            options={"timeout": call.timeout_s or READ_TIMEOUT_S, "headers": _headers(call)},
        )
        draft.request_id = text_or_empty(raw.headers.get("x-request-id"))
        answer = json.loads(raw.content)
        if not isinstance(answer, Mapping):
            raise malformed("the answer is not a JSON object", answer, request_id=draft.request_id)
        _read_answer(answer, draft)
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
            raise malformed("the answer has no choices", request_id=draft.request_id)
        draft.add(message.get("content"))
        refusal = message.get("refusal")
        draft.add(refusal)
        draft.finish_reason = "refusal" if refusal else text_or_empty(choice.get("finish_reason")) or "unknown"

    async def _stream(
        self, client: AsyncOpenAI, call: ProviderCall, body: dict[str, Any], draft: Draft, started: float
    ) -> None:
        stream = await client.chat.completions.create(
            **body,
            stream=True,
            stream_options={"include_usage": True},
            timeout=call.timeout_s or READ_TIMEOUT_S,
            extra_headers=_headers(call),
        )
        if isinstance(stream, str):
            raise malformed("the answer is not an event stream", stream)
        draft.request_id = text_or_empty(stream.response.headers.get("x-request-id"))
        seen = False
        async with stream:
            async for chunk in stream:
                seen = True
                self._read_chunk(chunk, draft, self._clock.monotonic() - started)
        if not seen:
            raise malformed("the answer is not an event stream", request_id=draft.request_id)

    @staticmethod
    def _read_chunk(chunk: Any, draft: Draft, elapsed_s: float) -> None:
        if not hasattr(chunk, "to_dict"):
            raise malformed("an event of the stream is not a JSON object", chunk, request_id=draft.request_id)
        answer = chunk.to_dict(mode="python", exclude_unset=True, warnings=False)
        _read_answer(answer, draft)
        choices = answer.get("choices") or ()
        for choice in choices if isinstance(choices, list | tuple) else [choices]:
            delta = (choice.get("delta") or {}) if isinstance(choice, Mapping) else None
            if not isinstance(choice, Mapping) or not isinstance(delta, Mapping):
                raise malformed("a choice of the stream is not what the API promises", request_id=draft.request_id)
            draft.add(delta.get("content"), elapsed_s)
            refusal = delta.get("refusal")
            draft.add(refusal, elapsed_s)
            finish = "refusal" if refusal else text_or_empty(choice.get("finish_reason"))
            # A refusal keeps its name although the stream then ends with "stop".
            draft.finish_reason = (
                draft.finish_reason if draft.finish_reason == "refusal" else finish or draft.finish_reason
            )


def _read_answer(answer: Mapping[str, Any], draft: Draft) -> None:
    draft.served_model = text_or_empty(answer.get("model")) or draft.served_model
    draft.request_id = draft.request_id or text_or_empty(answer.get("id"))
    usage = answer.get("usage")
    if isinstance(usage, Mapping):
        draft.counts = {
            "input": usage.get("prompt_tokens"),
            "output": usage.get("completion_tokens"),
            "cached": _detail(usage, "prompt_tokens_details", "cached_tokens"),
            "reasoning": _detail(usage, "completion_tokens_details", "reasoning_tokens"),
        }
    timings = answer.get("timings")
    if isinstance(timings, Mapping):  # llama.cpp measures its own compute
        spent = [_milliseconds(timings.get(name)) for name in ("prompt_ms", "predicted_ms")]
        draft.core_seconds = sum(spent) / 1000


def _milliseconds(value: object) -> float:
    """A time that can be true; one that cannot counts as none, and the whole response time is charged instead."""
    possible = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= READ_TIMEOUT_S * 1000
    return float(value) if possible else 0.0  # type: ignore[arg-type]  # it is a number, if it is possible


def _detail(usage: Mapping[str, Any], group: str, name: str) -> object:
    details = usage.get(group)
    return details.get(name) if isinstance(details, Mapping) else None


def _headers(call: ProviderCall) -> dict[str, str]:
    return {"Idempotency-Key": call.idempotency_key} if call.idempotency_key else {}
