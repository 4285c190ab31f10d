"""Puts right what can be put right in a log without losing anything. Knows no question."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from bizq_lab.store.log import Log

_UNBORN = re.compile(r"\.(?P<pid>\d+)\.unborn(\.wal)?$")


def repair(log: Log) -> list[str]:
    """Collect what waits, remove what the dead left half-made, complete `task_outcome`; returns what was done.

    Refused lines, calls without an end and files of others are for a person to judge.

    Raises:
        LogLocked: Another program holds the file.
        LogError: The log is open read-only, or its folder cannot be written.
    """
    report = log.collect()
    done = [f"collected {report.events} events"] if report.events else []
    if report.removed:
        done.append(f"removed {report.removed} segments that are collected and whose writers are gone")
    done += [f"removed {name}, left half-made" for name in _remove_unborn(log.path)]
    missing = log.health().outcomes_missing
    if missing:
        log.rebuild_task_outcome()
        done.append(f"computed task_outcome anew; {missing} rows were missing")
    return done


def _remove_unborn(path: Path) -> list[str]:
    """Remove what processes that are no more left of a file or a copy they were making; returns the names."""
    removed = []
    for file in path.parent.glob(f".{glob.escape(path.name)}*.unborn*"):
        match = _UNBORN.search(file.name)
        if match and not _is_alive(int(match["pid"])):
            file.unlink(missing_ok=True)
            removed.append(file.name)
    return sorted(removed)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's, but alive
    return True
