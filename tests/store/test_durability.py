"""What `durability` promises, on a disk that counts and fails: acknowledged means written, or written and synced."""

from __future__ import annotations

import errno
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bizq_lab.errors import JournalWriteError
from bizq_lab.store import Log
from bizq_lab.store.journal import Journal
from tests.support.faulty_disk import FaultyDisk
from tests.support.store_events import make_event

WRITERS = 8

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS syncs by fcntl, which the disk does not count")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    return FaultyDisk(monkeypatch)


def collected(path: Path) -> set[str]:
    with Log.open(path) as log:
        return set(log.sql("SELECT event_id FROM alert")["event_id"])


def test_process_durability_never_syncs(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = Journal(tmp_path)
    for _ in range(5):
        journal.append(make_event("alert"))
    journal.close()
    assert disk.syncs == 0
    assert len(disk.writes) == 6, "a header, and one write an event"


def test_one_writer_alone_pays_one_sync_an_event(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = Journal(tmp_path, durability="power")
    for n in range(1, 4):
        journal.append(make_event("alert"))
        assert disk.syncs == n
    journal.close()


def everyone_has_written(disk: FaultyDisk) -> threading.Event:
    """Set once the events of all writers are in the file; the first sync waits for it."""
    there = threading.Event()
    write = disk.write

    def counting(fd: int, data: bytes) -> int:
        written = write(fd, data)
        if len(disk.writes) == 1 + WRITERS:
            there.set()
        return written

    disk.write = counting  # type: ignore[method-assign]
    return there


def test_writers_who_wait_together_share_one_sync(
    tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first syncs what was written by then, and at most one other those who wrote meanwhile."""
    there = everyone_has_written(disk)
    monkeypatch.setattr("os.write", disk.write)
    disk.before_sync(lambda _: None if there.wait(30) else pytest.fail("the others never wrote"))
    journal = Journal(tmp_path, durability="power")
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: journal.append(make_event("alert")), range(WRITERS)))
    assert disk.syncs in {1, 2}
    journal.close()


def test_a_sync_that_fails_is_told_to_all_who_waited_for_it_and_never_tried_again(
    tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure the kernel may have dropped the pages, and would call the next sync a success."""
    there = everyone_has_written(disk)
    monkeypatch.setattr("os.write", disk.write)

    def fail_once(number: int) -> None:
        assert there.wait(30)
        if number == 1:
            disk.fail("sync")
        else:
            disk.heal()

    disk.before_sync(fail_once)
    journal = Journal(tmp_path, durability="power")

    def refused(_: int) -> bool:
        try:
            journal.append(make_event("alert"))
        except JournalWriteError:
            return True
        return False

    with ThreadPoolExecutor(WRITERS) as pool:
        assert all(pool.map(refused, range(WRITERS)))
    assert disk.syncs == 1
    journal.append(make_event("alert"))
    assert disk.syncs == 2
    assert len(list(tmp_path.glob("*.jsonl"))) == 2, "the segment was given up"
    journal.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_an_event_that_the_disk_refuses_is_refused_to_the_caller_and_costs_no_other(
    tmp_path: Path, disk: FaultyDisk, code: int
) -> None:
    path = tmp_path / "lab.duckdb"
    with Log.open(path) as log:
        log.append(make_event("alert", event_id="before"))
        disk.fail("write", code)
        with pytest.raises(JournalWriteError, match="nothing was acknowledged"):
            log.append(make_event("alert", event_id="refused"))
        disk.heal()
        log.append(make_event("alert", event_id="after"))
    assert collected(path) == {"before", "after"}
