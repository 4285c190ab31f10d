"""Calls a second, routed, executed and logged, beside the bare OpenAI SDK, against a server that answers at once.

Run: python tests/benchmarks/bench_execution.py [--calls 600] [--rounds 3] [--litellm PYTHON]

The server is a process of its own; clients take turns, so that a busy moment hits all of them; the best round counts.
`--litellm` names an interpreter that has LiteLLM, which cannot share an environment with the SDKs used here.
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
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

CONCURRENCY = (1, 16, 64)
Call = Callable[[], Awaitable[object]]
ANSWER = {
    "id": "chat_1", "object": "chat.completion", "created": 1, "model": "gpt-6-luna",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Done, and well."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
}  # fmt: skip
LITELLM = """
import asyncio, json, statistics, sys, time
import litellm
url, calls, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
router = litellm.Router(model_list=[{"model_name": "m", "litellm_params": {
    "model": "openai/gpt-6-luna", "api_base": url, "api_key": "x"}}], num_retries=0)
async def main():
    spent = []
    async def worker(n):
        for _ in range(n):
            begun = time.perf_counter()
            await router.acompletion(model="m", messages=[{"role": "user", "content": "hello"}])
            spent.append(time.perf_counter() - begun)
    await asyncio.gather(*[worker(5) for _ in range(width)])
    spent.clear(); begun = time.perf_counter()
    await asyncio.gather(*[worker(calls // width) for _ in range(width)])
    print(json.dumps([len(spent) / (time.perf_counter() - begun), statistics.median(spent) * 1e3]))
asyncio.run(main())
"""


class Rate(NamedTuple):
    """Calls a second, and the median of one call in milliseconds."""

    per_s: float
    median_ms: float


def serve(pipe: Connection) -> None:
    """A keep-alive HTTP server without a framework: one read, one write."""
    body = json.dumps(ANSWER).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(request.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
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


async def clients(url: str, folder: Path, calls: int, rounds: int) -> dict[tuple[str, int], Rate]:
    """Best of the rounds for each client and width."""
    import openai  # noqa: PLC0415 - not before the server was forked off

    from bizq_lab.catalog import load_catalog  # noqa: PLC0415 - as above
    from bizq_lab.core.task import RoutingContext, Task  # noqa: PLC0415 - as above
    from bizq_lab.execution import ResilientExecutor, make_provider  # noqa: PLC0415 - as above
    from bizq_lab.routing import AITaskRouter  # noqa: PLC0415 - as above
    from bizq_lab.store import Log  # noqa: PLC0415 - as above

    catalog, log = load_catalog(), Log.open(folder / "lab.duckdb")
    executor = ResilientExecutor(catalog, {"openai": make_provider("openai", base_url=url)}, log, stream=False)
    router = AITaskRouter(catalog)
    context = RoutingContext(workspace_id="ws", budget_tier="economy", quality_tier="basic", task_complexity="simple")
    default = openai.AsyncOpenAI(base_url=url, api_key="x")
    aiohttp = openai.AsyncOpenAI(base_url=url, api_key="x", http_client=openai.DefaultAioHttpClient())

    def bare(client: openai.AsyncOpenAI) -> Call:
        return lambda: client.chat.completions.create(
            model="gpt-6-luna", messages=[{"role": "user", "content": "hello"}], max_completion_tokens=64
        )

    config = catalog.model_config("openai/gpt-6-luna", catalog.task_type("default")[0], max_tokens=64)

    async def ours() -> None:
        task = Task(type="default", input={"q": "hello"})
        decision = router.route_task(task, context)
        result = await executor.execute(replace(decision, config=config, fallbacks=()), task, context)
        if not result.attempts or result.attempts[0].reply is None:
            raise AssertionError(result.reasoning)

    best: dict[tuple[str, int], Rate] = {}
    for _ in range(rounds):
        for width in CONCURRENCY:
            for name, call in (
                ("openai default", bare(default)),
                ("openai aiohttp", bare(aiohttp)),
                ("bizq_lab", ours),
            ):
                rate = await measure(call, calls, width)
                best[name, width] = max(best.get((name, width), rate), rate)
    await default.close()
    await aiohttp.close()
    await executor.aclose()
    log.close()
    return best


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--litellm", metavar="PYTHON")
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "sk-nobodys-key")
    ours, theirs = mp.Pipe()
    server = mp.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        rates = asyncio.run(clients(url, Path(folder), options.calls, options.rounds))
    for width in CONCURRENCY if options.litellm else ():
        command = [options.litellm, "-c", LITELLM, url, str(options.calls), str(width)]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rates["litellm router", width] = Rate(*json.loads(shown.splitlines()[-1]))
    server.terminate()
    for width in CONCURRENCY:
        reference = rates["openai default", width].per_s
        for (name, at), rate in rates.items():
            if at == width:
                ratio = f"x default {rate.per_s / reference:5.2f}"
                sys.stdout.write(f"{width:>3}  {name:<16}{rate.per_s:8.0f} /s  {rate.median_ms:8.2f} ms  {ratio}\n")


if __name__ == "__main__":
    main()
