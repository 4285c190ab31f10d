"""Calls a second, routed, executed and logged, beside the bare OpenAI SDK, against a server that answers at once.

Run: python tests/benchmarks/bench_execution.py [--calls 256] [--rounds 8] [--crowd 1000] [--litellm PYTHON]

The server is a process of its own; clients take turns, so that a busy moment hits all of them; the best round counts.
`bizq_lab` is the whole path of a service: `BizQAIRouter.run` routes among the catalog's models, writes the decision,
the start, the end and the outcome of each call to the log, with circuit breakers, failover and health in force.
The last two tables: the median of one call at a time, the least of many short rounds; and 1,000 calls of 50 ms at once.

`--litellm` names an interpreter that has LiteLLM, which cannot share an environment with the SDKs used here:
python -m venv V && V/bin/pip install 'litellm<1.109.1' && V/bin/pip install --no-deps litellm==1.109.1 openai==3.54.0
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing as mp
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

CONCURRENCY = (1, 16, 64)
SLOW_S = 0.05
SHORT = 8  # rounds of one call at a time are as much shorter, and as many more
NAMES = ("openai default", "openai aiohttp", "bizq_lab")
Call = Callable[[], Awaitable[object]]
ANSWER = {
    "id": "chat_1", "object": "chat.completion", "created": 1, "model": "gpt-6.1-terra",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Done, and well."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
}  # fmt: skip
LITELLM = """
import asyncio, json, statistics, sys, time
import litellm
url, calls, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
router = litellm.Router(model_list=[{"model_name": "m", "litellm_params": {
    "model": "openai/gpt-6.1-terra", "api_base": url, "api_key": "x"}}], num_retries=0)
async def main():
    spent = []
    async def worker(n):
        for _ in range(n):
            begun = time.perf_counter()
            await router.acompletion(model="m", messages=[{"role": "user", "content": "hello"}])
            spent.append(time.perf_counter() - begun)
    await asyncio.gather(*[worker(5) for _ in range(width)])
    best = 0
    for _ in range(int(sys.argv[4])):
        spent.clear(); begun = time.perf_counter()
        await asyncio.gather(*[worker(calls // width) for _ in range(width)])
        best = max(best, len(spent) / (time.perf_counter() - begun))
    print(json.dumps([best, statistics.median(spent) * 1e3]))
asyncio.run(main())
"""


class Rate(NamedTuple):
    """Calls a second, and the median of one call in milliseconds."""

    per_s: float
    median_ms: float


def serve(pipe: Connection) -> None:
    """A keep-alive HTTP server without a framework: one read, one write; under `/slow` after 50 ms."""
    body = json.dumps(ANSWER).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(request.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                if request.startswith(b"post /slow"):
                    await asyncio.sleep(SLOW_S)
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=4_096)
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    asyncio.run(main())


async def measure(call: Call, calls: int, width: int) -> Rate:
    """So many calls, so many at a time, after a few to warm connections."""
    spent: list[float] = []

    async def worker(count: int) -> None:
        for _ in range(count):
            begun = time.perf_counter()
            await call()
            spent.append(time.perf_counter() - begun)

    await asyncio.gather(*(worker(5) for _ in range(width)))
    spent.clear()
    begun = time.perf_counter()
    await asyncio.gather(*(worker(max(1, calls // width)) for _ in range(width)))
    return Rate(len(spent) / (time.perf_counter() - begun), statistics.median(spent) * 1e3)


async def crowd(call: Call, size: int) -> float:
    """Seconds until so many calls, all begun at once, have ended; connections are open already."""
    await asyncio.gather(*(call() for _ in range(size)))
    begun = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(size)))
    return time.perf_counter() - begun


class Clients:
    """One client of each kind at one address."""

    def __init__(self, url: str, folder: Path) -> None:
        import openai  # noqa: PLC0415 - not before the server was started

        from bizq_lab.core.task import RoutingContext, WorkspacePreferences  # noqa: PLC0415 - as above
        from bizq_lab.execution import ResilientExecutor, make_provider  # noqa: PLC0415 - as above
        from bizq_lab.lab import Lab  # noqa: PLC0415 - as above

        providers = {"openai": make_provider("openai", base_url=url), "anthropic": make_provider("anthropic")}
        self._lab = Lab.open(folder / "lab.duckdb", providers=providers)
        # What the bare SDK does: whole answers; a stream of one word would measure the parser of streams.
        self._lab.executor = ResilientExecutor(self._lab.catalog, providers, self._lab.log, stream=False)
        self._lab.use(None)
        preferences = WorkspacePreferences(preferred_provider="openai")
        self._context = RoutingContext(workspace_id="ws", workspace_preferences=preferences)
        self._default = openai.AsyncOpenAI(base_url=url, api_key="x")
        self._aiohttp = openai.AsyncOpenAI(base_url=url, api_key="x", http_client=openai.DefaultAioHttpClient())
        self.calls: dict[str, Call] = dict(
            zip(NAMES, (self._bare(self._default), self._bare(self._aiohttp), self._ours), strict=True)
        )

    @staticmethod
    def _bare(client: object) -> Call:
        create = client.chat.completions.create  # type: ignore[attr-defined]
        message = {"role": "user", "content": "hello"}
        return lambda: create(model="gpt-6.1-terra", messages=[message], max_completion_tokens=64)

    async def _ours(self) -> None:
        from bizq_lab.core.task import Task  # noqa: PLC0415 - as above

        _, result = await self._lab.service.run(Task(type="default", input={"q": "hello"}), self._context)
        if not result.attempts or result.attempts[0].reply is None:
            raise AssertionError(result.reasoning)

    async def close(self) -> None:
        """Close the connections."""
        await self._default.close()
        await self._aiohttp.close()
        await self._lab.executor.aclose()
        self._lab.log.close()


async def rates(
    url: str, folder: Path, calls: int, rounds: int
) -> tuple[dict[tuple[str, int], Rate], dict[str, float]]:
    """Best of the rounds for each client and width; the least median of one call at a time, of many short rounds."""
    clients = Clients(url, folder)
    best: dict[tuple[str, int], Rate] = {}
    median: dict[str, float] = {}
    for _ in range(rounds):
        for width in CONCURRENCY:
            for name, call in clients.calls.items():
                rate = await measure(call, calls, width)
                best[name, width] = max(best.get((name, width), rate), rate)
    for _ in range(rounds * SHORT):  # a difference of a tenth needs a moment of calm for each of both
        for name, call in clients.calls.items():
            rate = await measure(call, calls // SHORT, 1)
            median[name] = min(median.get(name, rate.median_ms), rate.median_ms)
    await clients.close()
    return best, median


async def crowds(url: str, folder: Path, size: int, rounds: int) -> dict[str, float]:
    """Least seconds of each client for so many slow calls at once."""
    clients = Clients(url, folder)
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, call in clients.calls.items():
            best[name] = min(best.get(name, 1e9), await crowd(call, size))
    await clients.close()
    return best


def main() -> None:
    """Print three small tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--crowd", type=int, default=1_000, help="calls of 50 ms at once")
    parser.add_argument("--litellm", metavar="PYTHON")
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "sk-nobodys-key")
    ours, theirs = mp.Pipe()
    server = mp.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        found, median = asyncio.run(rates(f"{url}/v1", Path(folder) / "rates", options.calls, options.rounds))
        slow = asyncio.run(crowds(f"{url}/slow/v1", Path(folder) / "crowds", options.crowd, min(3, options.rounds)))
    for width in CONCURRENCY if options.litellm else ():
        arguments = [f"{url}/v1", str(options.calls), str(width), str(options.rounds)]
        quiet = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it asks the network for prices
        command = [options.litellm, "-c", LITELLM, *arguments]
        shown = subprocess.run(command, check=True, capture_output=True, text=True, env=quiet).stdout
        found["litellm router", width] = Rate(*json.loads(shown.splitlines()[-1]))
    server.terminate()
    show(found, median, slow, options.crowd)


def show(found: dict[tuple[str, int], Rate], median: dict[str, float], slow: dict[str, float], size: int) -> None:
    """Figures beside the goals."""
    say = sys.stdout.write
    for width in CONCURRENCY:
        reference = found["openai default", width].per_s
        theirs = found.get(("litellm router", width))
        for (name, at), rate in found.items():
            if at != width:
                continue
            line = f"{width:>3}  {name:<16}{rate.per_s:8.0f} /s  x default {rate.per_s / reference:5.2f}"
            say(line + (f"  x litellm {rate.per_s / theirs.per_s:5.2f}\n" if theirs else "\n"))
    added = median["bizq_lab"] - median["openai aiohttp"]
    say(f"\none at a time, median: SDK on aiohttp {median['openai aiohttp']:.3f} ms, ours {median['bizq_lab']:.3f} ms")
    say(f", added {added:+.3f} ms (goal: below 0.3)\n\n")
    for name, seconds in slow.items():
        ratio = seconds / slow["openai default"]
        say(f"{size} calls of {SLOW_S * 1e3:.0f} ms at once  {name:<16}{seconds:6.2f} s  x default {ratio:5.2f}\n")


if __name__ == "__main__":
    main()
