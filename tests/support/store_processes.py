"""Programs that tests of the store start and kill: writers, collectors, a full disk, a stranger who holds the file.

Run as `python -m tests.support.store_processes <program> <log> [...]`; `start` does so from a test.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from bizq_lab.core.events import Event
from bizq_lab.errors import JournalWriteError, LogError
from bizq_lab.store import Log
from tests.support.store_events import make_event

ROOT = Path(__file__).parents[2]
NOBODY = 65534
PACE_S = 0.001  # between tasks, so that a round is about deaths and not about volume
Program = subprocess.Popen[str]


def start(program: str, log: Path, *arguments: object) -> Program:
    """Start a program over a log, with its input and output in pipes; as a context it ends with its input."""
    command = [sys.executable, "-m", __name__, program, str(log), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(program: Program, *, within_s: float = 60) -> str:
    """Its output, once it has ended well."""
    output, _ = program.communicate(timeout=within_s)
    assert program.returncode == 0, output
    return output


def _say(line: str) -> None:
    """One unbuffered line, so that what was said before a kill was said."""
    os.write(1, f"{line}\n".encode())


def _write(log: Log, acknowledged: str) -> None:
    """Append until killed, noting an event's id in a file only after `append` has returned; say once that it began."""
    file = Path(acknowledged)
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number = 0
    while True:
        for event in _story(f"{file.stem}-{number}"):
            log.append(event)
            os.write(fd, f"{event.event_id}\n".encode())
        if number == 0:
            _say("writing")
        number += 1
        time.sleep(PACE_S)


def _story(decision_id: str) -> list[Event]:
    """What one task leaves behind, in the order of life."""
    ids = {"decision_id": decision_id}
    kinds = ("decision", "attempt_started", "attempt", "outcome", "feedback")
    return [make_event(kind, event_id=f"{decision_id}-{kind}", **ids) for kind in kinds]


def _collect(log: Log) -> None:
    """Collect until killed, saying once that it has begun."""
    log.collect()
    _say("collecting")
    while True:
        log.collect()


def _fill(log: Log, name: str, limit_bytes: str) -> None:
    """Append until the disk is full, then make room and append one more; say what was acknowledged."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit_bytes), hard))
    number = 0
    try:
        while True:
            _acknowledge(log, f"{name}-{number}")
            number += 1
    except JournalWriteError as error:
        _say(f"refused {error.message}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    _acknowledge(log, f"{name}-{number + 1}")


def _acknowledge(log: Log, name: str) -> None:
    log.append(make_event("decision", event_id=name, decision_id=name))
    _say(name)


def _collect_full(log: Log, limit_bytes: str) -> None:
    """Collect onto a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit_bytes), hard))
    try:
        log.collect()
    except LogError as error:  # the others of our errors would be the wrong ones
        _say(f"{type(error).__name__}: {error.message}")


def _hold(log: Log) -> None:
    """Keep the DuckDB file open for writing, as a notebook does."""
    import duckdb  # noqa: PLC0415 - writers must not pay for it

    with duckdb.connect(str(log.path)):
        _say("held")
        sys.stdin.readline()


def _visit(log: Log) -> None:
    """As a user who may read everything and write nothing: count the decisions, then try to append."""
    import duckdb  # noqa: F401, PLC0415 - loaded while this user may still read the interpreter's files

    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    _say(str(len(log.query("decisions_of_task", task_id="t"))))
    try:
        log.append(make_event("decision"))
    except JournalWriteError as error:
        _say(f"JournalWriteError: {error.message}")


def _archive(log: Log, before: str, point: str) -> None:
    """Archive, and die when a second file is compared, before the manifest, or before old files go."""
    from bizq_lab.store import archive_files  # noqa: PLC0415 - as above
    from bizq_lab.store.shelf import Shelf  # noqa: PLC0415 - as above

    place: Any = archive_files if point == "write_manifest" else Shelf
    original, passages = getattr(place, point), count(1)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if point != "sha256" or next(passages) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(place, point, dying)
    log.archive(before=date.fromisoformat(before))


def _race(log: Log, n: str) -> None:
    """Append as fast as possible, once told to."""
    events = [make_event("attempt", event_id=f"{os.getpid()}-{number}") for number in range(int(n))]
    _say("ready")
    sys.stdin.readline()
    for event in events:
        log.append(event)


def most_resident_bytes() -> int:
    """The most memory that this process has held; Linux's `ru_maxrss` would count the parent's before `exec`."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _measure(log: Log) -> None:
    """Collect everything; say how many events, seconds, the most memory in bytes, and the longest hold.

    Loading duckdb is not counted: its peer has loaded it too.
    """
    import duckdb  # noqa: F401, PLC0415 - other programs here never need it

    begun = time.perf_counter()
    report = log.collect()
    seconds = time.perf_counter() - begun
    resident = most_resident_bytes()
    _say(f"{report.events} {seconds} {resident} {report.longest_hold_s}")


def _collect_every(log: Log, seconds: str) -> None:
    """Collect again and again until the input ends; say the longest that a collection held the file."""
    longest_s = 0.0
    while not select.select([sys.stdin], [], [], float(seconds))[0]:
        longest_s = max(longest_s, log.collect().longest_hold_s)
    _say(str(longest_s))


def _die(log: Log, module: str, name: str, when: str) -> None:
    """Append and collect, and be killed when this function of the store begins (`before`) or has ended (`after`)."""
    owner: Any = import_module(f"bizq_lab.store.{module}")
    *inner, last = name.split(".")
    for part in inner:
        owner = getattr(owner, part)
    real = getattr(owner, last)

    def dying(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    _acknowledge(log, "first")
    log.close()  # the next event opens a segment
    setattr(owner, last, dying)
    for number in range(5):
        _acknowledge(log, str(number))
    log.close()
    log.collect()


def _ended() -> bool:
    """Whether the test wants this program to end."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _rounds() -> Iterator[int]:
    """Numbers until the test wants this program to end, and one at least, however late it came to start."""
    for number in count():
        yield number
        if _ended():
            return


def _work(log: Log, rest_s: str) -> None:
    """A service: write task after task, with a rest, until the input ends; say how many events were acknowledged."""
    written = 0
    for number in _rounds():
        for event in _story(f"{os.getpid()}-{number}"):
            log.append(event)
            written += 1
        time.sleep(float(rest_s))
    _say(str(written))


def _kernel(log: Log, rest_s: str) -> None:
    """A notebook: rate something, ask, rest, and so on until the input ends; say how much was acknowledged."""
    rated = seen = 0
    for number in _rounds():
        log.append(make_event("feedback", event_id=f"{os.getpid()}-{number}", decision_id=f"nobody-{number}"))
        rated += 1
        ratings = int(log.sql("SELECT count(*) AS n FROM feedback")["n"][0])
        assert ratings >= seen, "a question forgot what an earlier one knew"
        seen = ratings
        time.sleep(float(rest_s))
    _say(str(rated))


def _report(log: Log, rest_s: str) -> None:
    """A scheduled report: decisions never outnumber their rows, whenever one asks; says how often it asked."""
    asked = 0
    for _ in _rounds():
        text = "SELECT (SELECT count(DISTINCT decision_id) FROM decision) = (SELECT count(*) FROM task_outcome) AS same"
        assert bool(log.sql(text)["same"][0])
        asked += 1
        time.sleep(float(rest_s))
    _say(str(asked))


def _nursery(_: Log) -> None:
    """Fork programs on demand (`<program> <log> …`, one a line), which costs no interpreter; say their process ids."""
    import duckdb  # noqa: F401, PLC0415 - once, for all that are born here

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no burial
    for line in sys.stdin:
        program, path, *arguments = line.split()
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            PROGRAMS[program](Log.open(Path(path)), *arguments)
            os._exit(0)
        _say(f"born {child}")


PROGRAMS: dict[str, Callable[..., None]] = {
    "write": _write,
    "collect": _collect,
    "fill": _fill,
    "collect_full": _collect_full,
    "hold": _hold,
    "visit": _visit,
    "archive": _archive,
    "die": _die,
    "work": _work,
    "kernel": _kernel,
    "report": _report,
    "nursery": _nursery,
    "race": _race,
    "measure": _measure,
    "collect_every": _collect_every,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](Log.open(Path(sys.argv[2])), *sys.argv[3:])
