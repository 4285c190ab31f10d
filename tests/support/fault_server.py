"""A loopback server that speaks the OpenAI and Anthropic chat APIs and does whatever a script says.

Knows nothing of the package under test. Three prefixes have a script each, `/openai`, `/anthropic` and `/local`, so
one server plays every provider of a chain. It runs on a thread of its own, and answers at once.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from aiohttp import web

Breakage = Literal["", "reset", "silence", "drip", "hang", "error_event", "end"]
WORDS = ("All ", "of ", "it ", "is ", "done ", "and ", "well.")
ANSWER = "".join(WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One scripted answer.

    Attributes:
        status: HTTP status.
        headers: Response headers.
        error: Body of an error answer, in the API's own shape.
        raw: Bytes sent instead of any body; `content_type` goes with them.
        content_type: Of `raw`.
        words: The text, one stream chunk a word; None sends null content.
        finish: Finish reason in OpenAI's words.
        model: Served model; None echoes the requested one.
        usage: Input and output tokens as sent; None leaves usage out.
        cached: Cached input tokens.
        reasoning: Output tokens spent on reasoning; 0 leaves them out.
        quotes: Whether an error quotes every header that came with the request, as a careless gateway does, and the key
            as `x-api-key` too, as one that passes it on.
        breakage: What goes wrong on the way.
        break_after: Words sent before it does.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    raw: bytes | None = None
    content_type: str = "application/json"
    words: tuple[str, ...] | None = WORDS
    finish: str = "stop"
    model: str | None = None
    usage: tuple[Any, Any] | None = (40, 7)
    cached: int = 0
    reasoning: int = 0
    quotes: bool = False
    breakage: Breakage = ""
    break_after: int = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that arrived."""

    prefix: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def failure(status: int, *, code: str = "", kind: str = "", message: str = "it failed", **headers: str) -> Answer:
    """An error answer; header names are written with underscores."""
    error = {"message": message, "type": kind or "error", "code": code or None}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, error={"type": "error", "error": error}, headers=named)


class FaultServer:
    """The server; use as a context manager.

    Attributes:
        url: Address, such as `http://127.0.0.1:40000`.
        seen: Requests in order of arrival.
        on_hold: Called when an answer has gone silent, so that a fake clock can move on.
        on_drip: Called before each byte of an answer that dribbles in; False stops the drip.
        dripped: Bytes that dribbled in.
        weather: Answers every request, instead of any script.
    """

    url: str

    def __init__(self) -> None:
        """Prepare; nothing listens yet."""
        self.seen: list[Seen] = []
        self.on_hold: Callable[[], None] = lambda: None
        self.on_drip: Callable[[], bool] = lambda: False
        self.dripped = 0
        self.weather: Callable[[Seen], Answer] | None = None
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._default: dict[str, Answer] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-server", daemon=True)
        self._held: set[asyncio.Event] = set()
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        """Release whoever waits, and stop."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def base_url(self, prefix: str) -> str:
        """What to give an SDK as its base URL; the Anthropic SDK adds `/v1` itself."""
        return f"{self.url}/{prefix}" if prefix == "anthropic" else f"{self.url}/{prefix}/v1"

    def script(self, prefix: str, answers: Iterable[Answer], *, then: Answer | None = None) -> None:
        """Answer the next requests so, and all after them like `then`, by default well."""
        self._scripts[prefix] = deque(answers)
        self._default[prefix] = then or Answer()

    def reset(self) -> None:
        """Forget scripts and requests."""
        self.seen.clear()
        self._scripts.clear()
        self._default.clear()
        self.on_hold = lambda: None
        self.on_drip = lambda: False
        self.dripped = 0
        self.weather = None

    def calls(self, prefix: str) -> int:
        """Requests that arrived for one provider."""
        return sum(seen.prefix == prefix for seen in self.seen)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/{prefix}/v1/chat/completions", self._handle)
        app.router.add_post("/{prefix}/v1/messages", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _stop(self) -> None:
        for event in self._held:
            event.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        prefix = request.match_info["prefix"]
        body = await request.json()
        self.seen.append(Seen(prefix, body, {name.lower(): value for name, value in request.headers.items()}))
        script = self._scripts[prefix]
        if self.weather is not None:
            answer = self.weather(self.seen[-1])
        else:
            answer = script.popleft() if script else self._default.get(prefix, Answer())
        wire = _Anthropic if request.path.endswith("/messages") else _OpenAI
        answer = replace(answer, model=answer.model or str(body.get("model")))
        if answer.breakage == "hang":
            await self._hold()
        if answer.raw is not None:
            return web.Response(
                status=answer.status, body=answer.raw, content_type=answer.content_type, headers=answer.headers
            )
        if answer.error is not None and answer.quotes:
            key = request.headers.get("Authorization", "").removeprefix("Bearer ")
            given = [*request.headers.items(), ("x-api-key", key)]
            said = "; ".join(f"{name}: {value}" for name, value in given if not name.lower().startswith("x-stainless"))
            quoted = {**answer.error, "error": {**answer.error["error"], "message": said, "code": said}}
            return web.json_response(quoted, status=answer.status, headers=answer.headers)
        if answer.error is not None:
            return web.json_response(answer.error, status=answer.status, headers=answer.headers)
        return await self._answer(request, answer, wire(answer), streaming=bool(body.get("stream")))

    async def _answer(
        self, request: web.Request, answer: Answer, wire: _Wire, *, streaming: bool
    ) -> web.StreamResponse:
        kind = "text/event-stream" if streaming else "application/json"
        response = web.StreamResponse(headers={"Content-Type": kind, wire.id_header: "req_1", **answer.headers})
        response.enable_chunked_encoding()
        await response.prepare(request)
        async for count, piece in _counted(wire.events() if streaming else wire.whole()):
            if answer.breakage == "drip" and count > answer.break_after:
                await self._drip(response, piece, b": on its way\n" if streaming else b" ")
                return response
            if answer.breakage and count > answer.break_after:
                await self._break(request, response, answer, wire)
                return response
            await response.write(piece)
        await response.write_eof()
        return response

    async def _break(self, request: web.Request, response: web.StreamResponse, answer: Answer, wire: _Wire) -> None:
        if answer.breakage == "silence":
            await self._hold()
        elif answer.breakage == "error_event":
            await response.write(wire.error_event())
            await response.write_eof()
        elif answer.breakage == "reset" and request.transport is not None:
            request.transport.abort()
        else:
            await response.write_eof()

    async def _drip(self, response: web.StreamResponse, piece: bytes, forever: bytes) -> None:
        """One byte at a time, and without end: what follows the answer's own bytes is no fault of any wire."""
        rest = iter(piece)
        while self.on_drip():
            byte = next(rest, None)
            await response.write(forever if byte is None else bytes([byte]))
            self.dripped += 1
            await asyncio.sleep(0)
        await self._hold(quietly=True)

    async def _hold(self, *, quietly: bool = False) -> None:
        event = asyncio.Event()
        self._held.add(event)
        if not quietly:
            self.on_hold()
        await event.wait()


class _Wire:
    """One API's way of writing an answer."""

    id_header = ""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def events(self) -> list[bytes]:
        raise NotImplementedError

    def document(self) -> dict[str, Any]:
        raise NotImplementedError

    def error_event(self) -> bytes:
        raise NotImplementedError

    def whole(self) -> list[bytes]:
        """The document in as many pieces as the stream has words, so that it too can break on the way."""
        data = json.dumps(self.document()).encode()
        step = -(-len(data) // 8)
        return [data[start : start + step] for start in range(0, len(data), step)]


class _OpenAI(_Wire):
    id_header = "x-request-id"

    def events(self) -> list[bytes]:
        words = self.answer.words or ()
        chunks = [self._chunk([{"index": 0, "delta": {"content": word}, "finish_reason": None}]) for word in words]
        end = self._chunk([{"index": 0, "delta": {}, "finish_reason": self.answer.finish}])
        usage = [{**self._chunk([]), "usage": self._usage()}] if self.answer.usage is not None else []
        return [*map(_data, [*chunks, end, *usage]), b"data: [DONE]\n\n"]

    def document(self) -> dict[str, Any]:
        text = None if self.answer.words is None else "".join(self.answer.words)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": self.answer.finish}
        whole = {"id": "chat_1", "object": "chat.completion", "model": self.answer.model, "choices": [choice]}
        return whole if self.answer.usage is None else {**whole, "usage": self._usage()}

    def error_event(self) -> bytes:
        return _data({"error": {"message": "the model broke", "type": "server_error", "code": None}})

    def _chunk(self, choices: list[Any]) -> dict[str, Any]:
        return {"id": "chat_1", "object": "chat.completion.chunk", "model": self.answer.model, "choices": choices}

    def _usage(self) -> dict[str, Any]:
        given, made = self.answer.usage or (None, None)
        details = {"cached_tokens": self.answer.cached}
        usage = {"prompt_tokens": given, "completion_tokens": made, "prompt_tokens_details": details}
        thought = {"completion_tokens_details": {"reasoning_tokens": self.answer.reasoning}}
        return {**usage, **thought} if self.answer.reasoning else usage


class _Anthropic(_Wire):
    id_header = "request-id"
    _STOP: Mapping[str, str] = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}

    def events(self) -> list[bytes]:
        words = self.answer.words or ()
        given, made = self._usage()
        start = {**self.document(), "content": [], "stop_reason": None, **({"usage": given} if given else {})}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        deltas = [
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in words
        ]
        stop = {"type": "message_delta", "delta": {"stop_reason": self._stop()}, **({"usage": made} if made else {})}
        # Start and block share a piece, so that `break_after` counts words here as it does for OpenAI.
        head = _named({"type": "message_start", "message": start}) + _named(block)
        rest: list[Mapping[str, Any]] = [
            *deltas,
            {"type": "content_block_stop", "index": 0},
            stop,
            {"type": "message_stop"},
        ]
        first, *others = map(_named, rest)
        return [head + first, *others]

    def document(self) -> dict[str, Any]:
        words = self.answer.words
        content = [] if words is None else [{"type": "text", "text": "".join(words)}]
        whole = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": self.answer.model, "content": content,
            "stop_reason": self._stop(), "stop_sequence": None,
        }  # fmt: skip
        given, made = self._usage()
        return {**whole, "usage": {**given, **made}} if given else whole

    def error_event(self) -> bytes:
        return _named({"type": "error", "error": {"type": "api_error", "message": "the model broke"}})

    def _stop(self) -> str:
        return self._STOP.get(self.answer.finish, self.answer.finish)

    def _usage(self) -> tuple[dict[str, Any], dict[str, Any]]:
        if self.answer.usage is None:
            return {}, {}
        given, made = self.answer.usage
        fresh = given - self.answer.cached if isinstance(given, int) else given
        thought = {"output_tokens_details": {"thinking_tokens": self.answer.reasoning}} if self.answer.reasoning else {}
        return {"input_tokens": fresh, "cache_read_input_tokens": self.answer.cached}, {
            "output_tokens": made,
            **thought,
        }


def _data(event: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _named(event: Mapping[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _data(event)


async def _counted(pieces: Iterable[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    for count, piece in enumerate(pieces, start=1):
        await asyncio.sleep(0)
        yield count, piece
