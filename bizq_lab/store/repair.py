"""Puts right what can be put right in a log without losing anything. Knows no question."""

from __future__ import annotations

from bizq_lab.store.leftovers import remove_unborn
from bizq_lab.store.log import Log


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
    done += [f"removed {name}, left half-made" for name in remove_unborn(log.path)]
    missing = log.health().outcomes_missing
    if missing:
        log.rebuild_task_outcome()
        done.append(f"computed task_outcome anew; {missing} rows were missing")
    return done
