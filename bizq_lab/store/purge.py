"""Which text a purge takes out of a log: what tasks said, models answered and people wrote before an instant.

Rows stay, and with them every figure: costs, times, tokens, ratings, hashes, which checks failed. Knows no lock.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bizq_lab.store.archive_rewrite import rewrite_archive
from bizq_lab.store.leftovers import remove_spilled, remove_unborn
from bizq_lab.store.rewrite import backups_of, blank_segments, rewrite_file
from bizq_lab.store.statements import statement

TABLES = ("attempt", "decision", "evaluation", "feedback", "human_task", "quarantine")


def purge_text(path: Path, folder: Path, *, before_us: int, now_us: Callable[[], int]) -> None:
    """Take the text out of the file, its archive, snapshot, segments and backups. The caller holds every lock.

    Args:
        path: The DuckDB file; all that is older than `before_us` has been collected into it.
        folder: The journal folder.
        before_us: What was recorded before this instant goes, UTC microseconds.
        now_us: UTC microseconds since the epoch.
    """
    changed = {table: statement(f"purge_{table}") for table in TABLES}
    rewrite_archive(path, changed, {"before_us": before_us})
    rewrite_file(path, changed, {"before_us": before_us}, now_us=now_us)
    blank_segments(path, folder)
    for backup in backups_of(path):
        backup.unlink()
    remove_unborn(path)
    remove_spilled(path)
