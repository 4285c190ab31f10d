"""A program that works, collects, publishes and reports until it is killed at a named point; tests start it.

`Nursery` keeps one process that has everything loaded and forks a child for each job, so that twenty deaths take a few
seconds. A child kills itself with SIGKILL, which nothing catches: no handler, no `finally`, no flush of a buffer.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from bizq_lab.catalog import load_catalog
from bizq_lab.config import RoutingConfig, save_config
from bizq_lab.core.events import Event
from bizq_lab.core.execution import ProviderCall, ProviderReply, Usage
from bizq_lab.core.task import RoutingContext, Task, UserFeedback, WorkspacePreferences
from bizq_lab.execution import Cap
from bizq_lab.lab import Lab
from bizq_lab.reports.files import write_report

ROOT = Path(__file__).parents[2]
CAP_USD = 5.0
CONTEXT = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(preferred_provider="openai"))


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does: its program, where, at which point it dies, and at which passage of that point."""

    program: str
    folder: str
    point: str
    passage: int


class Killer:
    """Dies at the given passage of its point."""

    def __init__(self, point: str, passage: int) -> None:
        self._point, self._left = point, passage

    def at(self, point: str) -> None:
        """Pass a point, or die there."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Wire:
    """A provider that notes each request the moment it would leave, before it answers."""

    name, live = "openai", False

    def __init__(self, noted: Path, killer: Killer) -> None:
        self._fd = os.open(noted, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._killer = killer

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Answer at once; every fourth task twice over, because the first answer is empty."""
        os.write(self._fd, f"{call.task_key} {call.ordinal} {call.config.key}\n".encode())
        self._killer.at("during send")
        text = "" if call.ordinal == 1 and int(call.task_key.rpartition("-")[2]) % 4 == 3 else f"Done: {call.task_key}"
        self._killer.at("after response")
        return ProviderReply(
            text=text, finish_reason="stop", served_model=call.config.api_model, usage=Usage(40, 7), response_time_s=0.1
        )

    async def aclose(self) -> None:
        """Nothing to close."""


def _work(job: Job) -> None:
    """Execute and rate tasks, one after the other, noting each result that came back."""
    folder, killer = Path(job.folder), Killer(job.point, job.passage)
    lab = open_lab(folder, Wire(folder / "wire", killer))
    append, reserve = lab.log.append, cast("Any", lab.ledger).reserve

    def appending(event: Event) -> None:
        append(event)
        if event.kind == "attempt_started":
            killer.at("after the start is written")
        if event.kind == "attempt":
            killer.at("after the end is written")
        if event.kind == "outcome":
            killer.at("before return")

    def reserving(**booking: Any) -> None:
        killer.at("before reserve")
        reserve(**booking)
        killer.at("after reserve")

    setattr(lab.log, "append", appending)  # noqa: B010 - mypy would rather not
    setattr(lab.ledger, "reserve", reserving)  # noqa: B010 - as above
    fd = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(8):
        result = lab.run(Task(type="default", input={"q": "x"}, id=f"{os.getpid()}-{number}"), CONTEXT)
        said = {
            "decision_id": result.decision_id,
            "sha256": hashlib.sha256(result.output.encode()).hexdigest(),
            "cost": sum(attempt.cost.nano_usd for attempt in result.attempts if attempt.cost),
            "tokens": result.metrics.total_tokens,
        }
        os.write(fd, f"{json.dumps(said)}\n".encode())
        lab.give_feedback(result, UserFeedback(rating=4.0, feedback=result.task_id))


def _collect(job: Job) -> None:
    """Collect what lies there, and die somewhere in the middle: SQL statements are the passages."""
    from bizq_lab.store import collect  # noqa: PLC0415 - only this program reaches into it

    killer = Killer(job.point, job.passage)
    commit_batch = vars(collect)["commit_batch"]

    class Passing:
        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def execute(self, *arguments: Any) -> Any:
            killer.at("mid-collect")
            return self._connection.execute(*arguments)

    def committing(batch: Any, **settings: Any) -> Any:
        connection = batch.staging.connection
        batch.staging.connection = Passing(connection)
        try:
            return commit_batch(batch, **settings)
        finally:
            batch.staging.connection = connection

    setattr(collect, "commit_batch", committing)  # noqa: B010 - mypy would rather not
    lab = open_lab(Path(job.folder), None)
    lab.log.collect()


def _publish(job: Job) -> None:
    """Write a config over an older one, and die at one of the steps."""
    killer = Killer(job.point, job.passage)
    _passing_files(killer, "mid-export")
    catalog = load_catalog("current")
    config = RoutingConfig.start(catalog, arms={}, tasks={}, as_of=catalog.as_of, produced_by=f"child {os.getpid()}")
    save_config(config, Path(job.folder) / "routing.json")


def _report(job: Job) -> None:
    """Write a report over an older one, and die at one of the steps."""
    _passing_files(Killer(job.point, job.passage), "mid-report")
    body = f"<html>{os.getpid()}{'.' * 200_000}</html>"
    write_report(Path(job.folder) / "report.html", body.encode())


def _forget(job: Job) -> None:
    """Forget a workspace, and die before or after a function of ours, or before the n-th file takes another's name."""
    point, when = job.point.rsplit(" ", 1)
    passages = job.passage
    if point.startswith("swap "):
        point, passages = "pathlib.Path.replace", int(point.removeprefix("swap "))
        module, names = importlib.import_module("pathlib"), ["Path", "replace"]
    else:
        package, name, *names = point.split(".")
        module = importlib.import_module(f"bizq_lab.{package}.{name}")
    owner: Any = module
    for inner in names[:-1]:
        owner = getattr(owner, inner)
    real, killer = getattr(owner, names[-1]), Killer(point, passages)

    def dying(*arguments: Any, **settings: Any) -> Any:
        if when == "before":
            killer.at(point)
        done = real(*arguments, **settings)
        if when == "after":
            killer.at(point)
        return done

    lab = open_lab(Path(job.folder), None)
    setattr(owner, names[-1], dying)
    lab.forget("zebra_inc")


def _passing_files(killer: Killer, point: str) -> None:
    """Every step by which a file comes to be is a passage."""
    for module, name in ((os, "fsync"), (os, "fdopen"), (Path, "chmod"), (Path, "replace")):
        step = getattr(module, name)

        def passing(*arguments: Any, _step: Callable[..., Any] = step, **settings: Any) -> Any:
            killer.at(point)
            done = _step(*arguments, **settings)
            killer.at(point)
            return done

        setattr(module, name, passing)


def open_lab(folder: Path, provider: Wire | None) -> Lab:
    """The lab of these tests: a budget of everyone, and one provider."""
    providers = {} if provider is None else {"openai": provider}
    return Lab.open(folder / "lab.duckdb", providers=providers, budgets={"*": Cap(usd=CAP_USD, period="total")})


PROGRAMS: dict[str, Callable[[Job], None]] = {
    "work": _work, "collect": _collect, "publish": _publish, "report": _report,
    "forget": _forget,
}  # fmt: skip


class Nursery:
    """Forks children that do jobs; use as a context manager."""

    def __enter__(self) -> Self:
        """Start it."""
        command = [sys.executable, "-m", "tests.support.crash_processes"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        """It ends with its input."""
        self._process.communicate(timeout=30)

    def run(self, job: Job) -> int:
        """Do a job in a new process, and say how it ended: minus the signal, or its exit code."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError
        stdin.write(json.dumps([job.program, job.folder, job.point, job.passage]) + "\n")
        stdin.flush()
        return int(stdout.readline())


def _nurse() -> None:
    # What a first task would load is loaded before the first child is born; nothing here starts a thread.
    import duckdb  # noqa: F401, PLC0415 - as above

    import bizq_lab.execution.windows  # noqa: F401, PLC0415 - as above

    for line in sys.stdin:
        job = Job(*json.loads(line))
        child = os.fork()
        if child == 0:
            PROGRAMS[job.program](job)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _nurse()
