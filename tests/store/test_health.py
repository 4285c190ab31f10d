"""Health: what a person should look at, in one line, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.store import Log, journal_folder
from tests.support.store_events import make_event, make_story


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.duckdb"


def test_a_sound_log_needs_nobody_and_says_so_in_one_line(path: Path) -> None:
    with Log.open(path) as log:
        for event in make_story("d"):
            log.append(event)
        health = log.health()
    assert not health.needs_attention
    assert (health.decisions, health.pending, health.waiting_bytes, health.orphans) == (1, 0, 0, 0)
    assert "\n" not in str(health)
    assert str(health).startswith("1 decisions (0 pending); ")


def test_a_decision_without_an_outcome_is_pending_and_no_alarm(path: Path) -> None:
    """It may still be running."""
    with Log.open(path) as log:
        log.append(make_event("decision"))
        health = log.health()
    assert health.pending == 1
    assert not health.needs_attention


def test_a_call_without_an_end_needs_attention(path: Path) -> None:
    """Money may have been spent on it."""
    with Log.open(path) as log:
        log.append(make_event("attempt_started", attempt_id="lost"))
        health = log.health()
    assert health.unknown_attempts == 1
    assert health.needs_attention


def test_a_line_that_was_refused_needs_attention(path: Path) -> None:
    with Log.open(path) as log:
        log.append(make_event("alert"))
    (segment,) = journal_folder(path).glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"metric":"text"', b'"metric":"TEXT"'))
    with Log.open(path) as log:
        health = log.health()
    assert health.quarantined == 1
    assert health.needs_attention
    assert "1 lines quarantined" in str(health)


def test_a_stranger_in_the_journal_folder_needs_attention_and_is_named(path: Path) -> None:
    with Log.open(path) as log:
        log.append(make_event("alert"))
        (journal_folder(path) / "notes.txt").write_text("mine")
        health = log.health()
    assert health.foreign == ("notes.txt",)
    assert health.needs_attention
    assert "notes.txt" in str(health)


def test_a_reader_sees_what_waits_and_whose_writer_is_gone(path: Path) -> None:
    with Log.open(path) as log:
        log.collect()
        log.append(make_event("alert"))
    with Log.open(path, read_only=True) as log:
        health = log.health()
    assert (health.segments, health.orphans) == (1, 1)
    assert health.waiting_bytes > 0
