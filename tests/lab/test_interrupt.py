"""An interrupt with several calls in flight: each is booked as `cancelled`, nothing more is sent (S20)."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.lab import Lab
from tests.support.interrupted import AT_ONCE, ROOT, start


def check(folder: Path, sent: int) -> None:
    with Lab.open(folder / "lab.duckdb", providers={}) as lab:
        began = lab.log.sql("SELECT count(*) AS n FROM attempt_started")["n"][0]
        ended = Counter(lab.log.sql("SELECT status FROM attempt")["status"])
        outcomes = Counter(lab.log.sql("SELECT status FROM outcome")["status"])
        pending = lab.log.sql("SELECT count(*) AS n FROM task_outcome WHERE status = 'pending'")["n"][0]
    assert sent == began == AT_ONCE
    assert ended == outcomes == {"cancelled": AT_ONCE}
    assert pending == 0


@pytest.mark.parametrize("kind", ["bulk", "daemons", "gathered", "submitted", "threads"])
def test_a_script_that_is_interrupted_books_every_call_and_sends_no_more(tmp_path: Path, kind: str) -> None:
    """One SIGINT, as Ctrl-C sends it; the process ends by itself, without a second one."""
    with start(kind, tmp_path) as process:
        assert process.stdout is not None
        lines = [line.strip() for line in iter(process.stdout.readline, "hanging\n")]
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=60)
        assert process.returncode != 0
    assert "KeyboardInterrupt" in said
    lines += rest.splitlines()
    check(tmp_path, sum(line.startswith("called") for line in lines))


SETUP = "import asyncio\nfrom tests.support import interrupted as program\n"
ALL = "program.tasks()[:program.AT_ONCE]"
CELLS = {
    "threads": "program.pooled(lab)",
    "awaited": f"await asyncio.gather(*(lab.service.run(task, program.WHERE) for task in {ALL}))",
}


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_an_interrupted_cell_books_every_call_and_the_kernel_goes_on(tmp_path: Path, kind: str) -> None:
    """A real kernel, interrupted as a notebook's stop button does."""
    manager = pytest.importorskip("jupyter_client", reason="needs the extra: pip install 'bizq-lab[notebooks]'")
    pytest.importorskip("ipykernel", reason="needs the extra: pip install 'bizq-lab[notebooks]'")
    asyncio.run(_in_a_kernel(manager.AsyncKernelManager(), CELLS[kind], tmp_path))
    check(tmp_path, AT_ONCE)


async def _in_a_kernel(kernel: Any, cell: str, folder: Path) -> None:
    """Run a cell until all its calls hang, interrupt it, and see that the next cell runs."""
    await kernel.start_kernel(cwd=str(ROOT))
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        client.execute(f"{SETUP}lab = program.open_lab({str(folder)!r})")
        asked = client.execute(cell)
        interrupted = False
        while True:
            message = await client.get_iopub_msg(timeout=60)
            if "hanging" in message["content"].get("text", ""):
                await kernel.interrupt_kernel()
                client.kernel_info()  # a kernel that sleeps in `await` learns of it with the next message it gets
                interrupted = True
            mine = message["parent_header"].get("msg_id") == asked
            if mine and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        assert interrupted
        answer = await client.execute_interactive("1 + 1", timeout=60, output_hook=lambda _: None)
        assert answer["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        await kernel.shutdown_kernel(now=True)
