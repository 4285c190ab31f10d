"""`bizq-lab collect|schema`: moving events into the log, and what its tables mean. Thin: the store does both."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit_line, existing, say, to_json
from bizq_lab.errors import LogError

if TYPE_CHECKING:
    from bizq_lab.store import CollectReport, Log


def collect(
    log: LogPath = Path("lab.duckdb"),
    watch: Annotated[bool, typer.Option("--watch", help="Go on until interrupted (Ctrl-C, or SIGTERM).")] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.01, help="With --watch: seconds in between.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Move what the journals hold into the DuckDB file; prints one line a collection.

    Questions collect by themselves; a watching collector only keeps them from having much to do. Any number may run.
    Exits 3 when lines were quarantined, 1 when the log was too busy to collect everything.

    Example: bizq-lab collect --log lab.duckdb --watch --interval 5
    """
    from bizq_lab.store import Log, journal_folder

    if not watch and not journal_folder(log).is_dir():
        existing(log)
    with Log.open(log) as opened:
        if watch:
            quarantined, complete = _watch(opened, interval, as_json=as_json)
        else:
            report = _once(opened, as_json=as_json)
            quarantined, complete = report.quarantined, report.complete
    if quarantined or not complete:
        raise typer.Exit(Exit.ALERT if quarantined else Exit.ERROR)


def _watch(log: Log, interval_s: float, *, as_json: bool) -> tuple[int, bool]:
    """Collect until told to stop, and once more then; a log that others hold, or without room, is tried again."""
    quarantined, complete = 0, True
    with _told_to_stop() as stop:
        while True:
            last = stop.is_set()
            try:
                report = _once(log, as_json=as_json)
                quarantined, complete = quarantined + report.quarantined, report.complete
            except LogError as error:
                complete = False
                say(f"{type(error).__name__}: {error.message}")
            if last:
                return quarantined, complete
            stop.wait(interval_s)


def _once(log: Log, *, as_json: bool) -> CollectReport:
    report = log.collect()
    row = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "events": report.events,
        "quarantined": report.quarantined,
        "segments_removed": report.removed,
        "longest_hold_s": round(report.longest_hold_s, 4),
        "complete": report.complete,
        "caveats": [caveat.code for caveat in report.caveats],
    }
    if as_json:
        emit_line(row)
    else:
        notes = "".join(f"; {caveat.message}" for caveat in report.caveats)
        sys.stdout.write(f"{row['at']}  {report.events} events, {report.removed} segments removed{notes}\n")
    sys.stdout.flush()
    return report


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a collection that is under way ends well."""
    stop = threading.Event()
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def schema(as_json: AsJson = False) -> None:
    """What every table, view and column of the log means, as Markdown; the same text as data/SCHEMA.md.

    Example: bizq-lab schema > data/SCHEMA.md
    """
    from bizq_lab.store.dictionary import data_dictionary, dictionary_tables

    sys.stdout.write(to_json(dictionary_tables()) + "\n" if as_json else data_dictionary())


COMMANDS = (collect, schema)
