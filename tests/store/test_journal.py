from __future__ import annotations

import os
import pickle
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from bizq_lab.errors import InputError, JournalWriteError
from bizq_lab.store import lines
from bizq_lab.store.journal import Journal
from bizq_lab.store.locks import owner_is_gone
from bizq_lab.store.segments import look
from tests.support.store_events import make_event


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """What a full disk does: a write is cut short, or refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def kinds(folder: Path) -> list[str]:
    """What each line of the folder's segments is; a refused line shows its reason."""
    found = []
    for name in look(folder).sizes:
        for line in (folder / name).read_bytes().split(b"\n")[:-1]:
            seen = lines.examine(line)
            found.append(seen.kind or seen.problem)
    return found


def test_nothing_is_opened_before_the_first_event(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert not journal.folder.exists()
    journal.append(make_event("alert"))
    assert kinds(journal.folder) == ["segment", "alert"]
    journal.close()


def test_each_event_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append(make_event("alert"))
    writes: list[int] = []
    real = os.write

    def counting(fd: int, data: bytes) -> int:
        writes.append(len(data))
        return real(fd, data)

    monkeypatch.setattr(os, "write", counting)
    for _ in range(5):
        journal.append(make_event("decision"))
    assert len(writes) == 5
    journal.close()


@pytest.mark.parametrize("room", [0, 1, 40])
def test_an_event_that_does_not_fit_is_refused_and_the_next_one_is_whole(tmp_path: Path, room: int) -> None:
    journal = Journal(tmp_path)
    journal.append(make_event("alert"))
    (size,) = look(tmp_path).sizes.values()
    with file_size_limit(size + room), pytest.raises(JournalWriteError, match="Hint"):
        journal.append(make_event("decision"))
    journal.append(make_event("outcome"))
    journal.close()
    found = kinds(tmp_path)
    assert found[:2] == ["segment", "alert"]
    assert found[-1] == "outcome"
    assert len(found) == 3 + (room > 0), "a torn line is closed by the next event, and only then"


def test_no_segment_is_left_behind_when_not_even_its_header_fits(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with file_size_limit(5), pytest.raises(JournalWriteError):
        journal.append(make_event("alert"))
    assert list(tmp_path.iterdir()) == []
    journal.append(make_event("alert"))
    assert kinds(tmp_path) == ["segment", "alert"]
    journal.close()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), object(), len])
def test_a_value_that_json_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path, bad: Any) -> None:
    journal = Journal(tmp_path)
    journal.append(make_event("alert"))
    with pytest.raises(JournalWriteError, match="decision event cannot be written"):
        journal.append(make_event("decision", context=bad))
    assert kinds(tmp_path) == ["segment", "alert"]
    journal.close()


def test_a_full_segment_makes_room_for_the_next_and_loses_its_lock(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=3000)
    for _ in range(12):
        journal.append(make_event("decision"))
    assert len(look(tmp_path).sizes) > 2
    assert kinds(tmp_path).count("decision") == 12
    assert sum(not owner_is_gone(tmp_path / name) for name in look(tmp_path).sizes) == 1
    journal.close()
    assert all(owner_is_gone(tmp_path / name) for name in look(tmp_path).sizes)


def test_a_forked_child_writes_its_own_segment_and_leaves_the_parents_locked(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(make_event("alert"))
    (parents,) = look(tmp_path).sizes
    child = os.fork()
    if child == 0:
        code = 1
        try:
            journal.append(make_event("outcome"))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    journal.append(make_event("feedback"))
    assert not owner_is_gone(tmp_path / parents)
    assert sorted(kinds(tmp_path)) == ["alert", "feedback", "outcome", "segment", "segment"]
    assert [lines.examine(line).kind for line in (tmp_path / parents).read_bytes().splitlines()][2:] == ["feedback"]
    journal.close()


def test_a_pickled_journal_opens_its_own_segment(tmp_path: Path) -> None:
    journal = Journal(tmp_path, durability="power")
    journal.append(make_event("alert"))
    copy: Journal = pickle.loads(pickle.dumps(journal))  # noqa: S301 - our own bytes
    copy.append(make_event("alert"))
    assert copy.durability == "power"
    assert len(look(tmp_path).sizes) == 2
    copy.close()
    journal.close()


@pytest.mark.parametrize("durability", ["process", "power"])
def test_threads_share_a_segment_without_tearing_a_line(
    tmp_path: Path, durability: Literal["process", "power"]
) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - used here only

    journal = Journal(tmp_path, durability=durability, segment_bytes=20_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: journal.append(make_event("alert")), range(200)))
    journal.close()
    found = kinds(tmp_path)
    assert found.count("alert") == 200
    assert set(found) == {"segment", "alert"}


def test_power_durability_syncs_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    journal = Journal(tmp_path, durability="power")
    for expected in (1, 2, 3):
        journal.append(make_event("alert"))
        assert len(synced) == expected
    journal.close()


def test_an_unknown_durability_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="durability == 'maybe'"):
        Journal(tmp_path, durability="maybe")  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_made_refuses_the_event(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.write_text("a file where the folder should be")
    with pytest.raises(JournalWriteError, match="nothing was acknowledged"):
        Journal(folder).append(make_event("alert"))
