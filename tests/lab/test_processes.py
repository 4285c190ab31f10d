"""Every process writes a segment of its own, however it came to be: forked, spawned, by joblib, or by a server."""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing as mp
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.errors import ProviderError
from bizq_lab.execution import Cap
from bizq_lab.execution.chain import undecided
from bizq_lab.execution.pricing import worst_case_nano_usd
from bizq_lab.lab import Lab
from bizq_lab.store import journal_folder
from tests.support.execution import ScriptedProvider, reply

CONTEXT = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(preferred_provider="openai"))
ROOT = Path(__file__).parents[2]
CALLS, WORKERS, MODEL = 37, 100, "openai/gpt-6-luna"


def open_lab(path: Path | str) -> Lab:
    return Lab.open(path, providers={"openai": ScriptedProvider(reply())})


def execute(lab: Lab, name: str) -> int:
    """Execute one task, and say which process did."""
    result = lab.run(Task(type="default", input={"q": "x"}, id=name), CONTEXT)
    if result.status != "completed":
        raise AssertionError(result.reasoning)
    return os.getpid()


def in_new_process(path: str, name: str) -> int:
    """For processes that inherit nothing."""
    with open_lab(path) as lab:
        return execute(lab, name)


def forked(lab: Lab, names: list[str]) -> list[int]:
    """As a prefork server does: the parent has everything open already, and so have its children."""
    children = []
    for name in names:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                execute(lab, name)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * len(names)
    return children


def segments(path: Path) -> set[int]:
    """Process ids in the names of the segments that are there."""
    return {int(entry.name.split("-")[-2]) for entry in journal_folder(path).glob("*.jsonl")}


def check(path: Path, pids: set[int], names: set[str]) -> None:
    assert segments(path) == pids
    with open_lab(path) as lab:
        assert set(lab.log.sql("SELECT task_id FROM decision")["task_id"]) == names
        ended = lab.log.sql("SELECT count(*) AS n, count(DISTINCT decision_id) AS d FROM outcome").iloc[0]
        assert (ended["n"], ended["d"]) == (len(names), len(names))


def test_workers_of_a_prefork_server_write_their_own(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    with open_lab(path) as lab:
        parent = execute(lab, "before")
        pids = {parent, *forked(lab, ["one", "two", "three"])}
        execute(lab, "after")
        check(path, pids, {"before", "one", "two", "three", "after"})


class Unix(http.client.HTTPConnection):
    """HTTP over a socket in a folder, so that no port has to be free."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        """To the file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def ask(path: Path, name: str) -> tuple[int, str]:
    """One request: who served it, and how the task ended."""
    connection = Unix(path)
    connection.request("GET", f"/{name}")
    pid, status = connection.getresponse().read().decode().split()
    connection.close()
    return int(pid), status


@pytest.mark.parametrize("preload", [True, False], ids=["opened before the fork", "opened by each worker"])
def test_workers_of_gunicorn_write_their_own(tmp_path: Path, *, preload: bool) -> None:
    """A real prefork server with two workers; whatever they served before they ended is in the log, once."""
    pytest.importorskip("gunicorn", reason="needs the development extra: pip install 'bizq-lab[dev]'")
    log, at = tmp_path / "lab.duckdb", tmp_path / "s"
    command = [sys.executable, "-m", "gunicorn", "tests.support.wsgi_app:app", "--workers", "2", "--bind", f"unix:{at}"]
    options = ["--no-control-socket", *(["--preload"] if preload else [])]
    environment = {**os.environ, "BIZQ_LAB_TEST_LOG": str(log)}
    with subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            served = serve(at, server)
        finally:
            server.terminate()
            assert server.wait(timeout=60) == 0
    workers = {pid for pid, _ in served.values()}
    loaders = {server.pid} if preload else workers
    assert len(workers) == 2
    assert {status for _, status in served.values()} == {"completed"}
    check(log, workers | loaders, {*served, *(f"loaded_by_{pid}" for pid in loaders)})


def serve(at: Path, server: subprocess.Popen[str]) -> dict[str, tuple[int, str]]:
    """Ask, several at a time, until both workers have served something."""
    assert server.stderr is not None
    born = (line for line in server.stderr if "Booting worker" in line)
    assert [next(born, "") for _ in range(2)].count("") == 0, "the server did not start"
    served: dict[str, tuple[int, str]] = {}
    with ThreadPoolExecutor(4) as pool:
        while len({pid for pid, _ in served.values()}) < 2:
            assert len(served) < 400, "one worker serves everything"
            names = [f"task_{len(served) + number}" for number in range(8)]
            served |= dict(zip(names, pool.map(lambda name: ask(at, name), names), strict=True))
    return served


def test_spawned_processes_write_their_own(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    with mp.get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
        pids = set(pool.starmap(in_new_process, [(str(path), "one"), (str(path), "two")], chunksize=1))
    assert len(pids) == 2
    check(path, pids, {"one", "two"})


def test_workers_of_joblib_write_their_own(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib", reason="needs the development extra: pip install 'bizq-lab[dev]'")
    path = tmp_path / "lab.duckdb"
    names = {f"task_{number}" for number in range(6)}
    run = joblib.delayed(in_new_process)
    pids = set(joblib.Parallel(n_jobs=2, batch_size=1)(run(str(path), name) for name in sorted(names)))
    check(path, pids, names)


def _race(path: str, cap_usd: float, first: int, workers: int) -> int:
    """So many workers at once in one process, a call each; say how many calls left."""
    provider = ScriptedProvider(ProviderError("no", error_class="content_filter"))  # it may be billed: booked at worst
    with Lab.open(path, providers={"openai": provider}, budgets={"*": Cap(usd=cap_usd, period="total")}) as lab:
        config = lab.catalog.model_config(MODEL, lab.catalog.task_type("default")[0])

        async def everyone() -> None:
            tasks = [Task(type="default", input={"q": "x"}, id=f"task_{first + number}") for number in range(workers)]
            made = [undecided(task, config, CONTEXT, lab.catalog, decision_id=f"dec_{task.id}") for task in tasks]
            await asyncio.gather(*(lab.executor.execute(one, one.task, CONTEXT) for one in made))

        lab.executor.wait(everyone())
        return len(provider.calls)


def test_a_hundred_workers_in_four_processes_send_exactly_what_the_cap_allows(tmp_path: Path) -> None:
    """A cap of 37 calls that stay booked at their worst: 37 leave, whoever comes first, and 63 are refused."""
    path = tmp_path / "lab.duckdb"
    with open_lab(path) as lab:
        config = lab.catalog.model_config(MODEL, lab.catalog.task_type("default")[0])
        prompt = lab.catalog.render(Task(type="default", input={"q": "x"}))
    worst = worst_case_nano_usd(
        config.price, prompt=prompt.user, system=prompt.system, max_tokens=config.max_tokens, core_seconds=0.0
    )
    assert worst is not None
    share = WORKERS // 4
    with mp.get_context("spawn").Pool(4) as pool:
        sent = pool.starmap(
            _race, [(str(path), worst * CALLS / 1e9, start, share) for start in range(0, WORKERS, share)]
        )
    assert sum(sent) == CALLS
    with Lab.open(path, budgets={"*": Cap(usd=1_000, period="total")}) as lab:
        assert lab.ledger is not None
        booked = lab.log.sql("SELECT sum(booked_nano_usd)::BIGINT AS nano FROM attempt_state")["nano"][0]
        assert lab.ledger.booked().nano_usd == booked == worst * CALLS
