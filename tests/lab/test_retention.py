"""What is purged is gone from every byte, and nothing else changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.task import Task, UserFeedback
from bizq_lab.errors import InputError, ProviderError
from bizq_lab.lab import Lab
from bizq_lab.store import Log, journal_folder
from tests.support.lab_bulk import WHERE, Watched, bulk_lab
from tests.support.lab_small import OTHER, TYPE, rows, tasks_of

# Each word lies in another place: input, output, error, check, comment, conclusion.
OLD = [b"zebrainput", b"zebraoutput", b"zebraerror", b"zebracheck", b"zebracomment", b"zebradone", b"zebratorn"]


def speak(call: ProviderCall) -> str:
    if "zebrainput" in call.prompt and "broken" in call.prompt:
        raise ProviderError("zebraerror", error_class="bad_request", status=400)
    return "zebraoutput" if "zebrainput" in call.prompt else "lionoutput"


def post(news: str, **expected: Any) -> Task:
    return Task(type=OTHER, input={"news": news, "hashtag": "#x", "max_characters": 90}, expected=expected)


def days_pass(lab: Lab, days: int) -> None:
    lab.clock.advance(86_400.0 * days)  # type: ignore[attr-defined] # it is a SeededClock


def lived(lab: Lab) -> None:
    """A day with a word in every place, and another day, a hundred days later."""
    result = lab.run(post("zebrainput"), WHERE)
    lab.give_feedback(result, UserFeedback(rating=4.0, feedback="zebracomment"))
    lab.run(post("zebrainput zebracheck", mentions=["zebracheck"]), WHERE)
    lab.run(post("zebrainput broken"), WHERE)
    task = lab.humans().rows[0].human_task_id
    lab.resolve_task(task, minutes_spent=3, succeeded=True, resolution="zebradone")
    days_pass(lab, 100)
    lab.run(post("lioninput"), WHERE)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def figures(folder: Path) -> list[list[dict[str, Any]]]:
    """All that must stay: every table without its text."""
    texts = {"output", "error_message", "checks", "task_input", "comment", "reason", "resolution"}
    tables = ("decision", "attempt", "attempt_started", "outcome", "feedback", "human_task", "task_outcome")
    return [
        [
            {name: value for name, value in row.items() if name not in texts}
            for row in rows(folder / "lab.duckdb", f"FROM {table}")
        ]
        for table in tables
    ]


def test_no_byte_of_what_was_purged_stays_and_every_figure_does(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(speak), cache=True) as lab:
        lived(lab)
        # A segment whose owner lives, a snapshot, a copy that a migration made.
        with Log.open(lab.log.path, snapshot=True) as other:
            other.collect()
        (tmp_path / "lab.duckdb.v1.backup").write_bytes((tmp_path / "lab.duckdb").read_bytes())
        before, performance = figures(tmp_path), lab.performance().to_dict()
        assert [word for word in OLD[:6] if word not in everything(tmp_path)] == []
        planned = lab.purge(older_than=timedelta(days=90), dry_run=True)
        told = "SELECT attempt_id FROM attempt SEMI JOIN decision USING (decision_id) WHERE decision_id IN "
        told += "(SELECT decision_id FROM decision WHERE task_input->>'news' LIKE 'zebra%')"
        answered = len(rows(tmp_path / "lab.duckdb", told))
        assert dict(planned.rows) == {
            "task inputs": 3, "model outputs": answered, "comments": 1, "human tasks": 3, "quarantined lines": 0,
            "verdicts": 0, "cached answers": 1,
        }  # fmt: skip
        assert b"zebraoutput" in everything(tmp_path), "a dry run only counts"
        done = lab.purge(older_than=timedelta(days=90))
        assert done.rows == planned.rows
        assert [word for word in OLD if word in everything(tmp_path)] == []
        kept = everything(tmp_path)
        assert b"lioninput" in kept
        assert b"lionoutput" in kept
        assert figures(tmp_path) == before
        assert lab.performance().to_dict() == performance
        assert lab.purge(older_than=timedelta(days=90), dry_run=True).texts == 0
        lab.run(post("lioninput again"), WHERE)
        lab.log.collect()
    assert rows(tmp_path / "lab.duckdb", "SELECT count(*) AS n FROM decision") == [{"n": 5}]
    assert rows(tmp_path / "lab.duckdb", "SELECT count(*) AS n FROM quarantine") == [{"n": 0}]


def test_the_segment_of_a_process_that_still_writes_loses_its_collected_text_and_nothing_else(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(speak)) as writer:
        writer.run(post("zebrainput"), WHERE)
        with bulk_lab(tmp_path, Watched(speak), seed=2) as lab:
            days_pass(lab, 100)
            lab.purge(older_than=timedelta(days=90))
        (segment,) = journal_folder(tmp_path / "lab.duckdb").glob("*.jsonl")
        assert b"zebra" not in everything(tmp_path)
        assert segment.read_bytes().startswith(b'{"crc"'), "its header stays"
        writer.run(post("lioninput"), WHERE)
        writer.log.collect()
    assert rows(
        tmp_path / "lab.duckdb", "SELECT task_input->>'news' AS news FROM decision ORDER BY recorded_at_us"
    ) == [
        {"news": None},
        {"news": "lioninput"},
    ]
    assert rows(tmp_path / "lab.duckdb", "FROM quarantine") == []


def test_a_line_that_was_torn_is_kept_as_a_count_only(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(speak)) as lab:
        lab.run(post("lioninput"), WHERE)
        (segment,) = journal_folder(tmp_path / "lab.duckdb").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"zebratorn": "half a li')
    with bulk_lab(tmp_path, Watched(speak), seed=2) as lab:
        lab.log.collect()
        assert b"zebratorn" in everything(tmp_path)
        lab.purge(older_than=timedelta(days=90))
        assert b"zebratorn" not in everything(tmp_path)
        lab.log.collect()
    assert rows(tmp_path / "lab.duckdb", "SELECT count(*) AS n FROM quarantine") == [{"n": 1}]


def test_a_purge_that_fails_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bulk_lab(tmp_path, Watched(speak)) as lab:
        lived(lab)
        lab.log.collect()
        before = figures(tmp_path)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(Exception, match="No space left"):
            lab.purge(older_than=timedelta(days=90))
        monkeypatch.undo()
        assert figures(tmp_path) == before
        assert not list(tmp_path.glob(".*unborn*"))
        assert lab.purge(older_than=timedelta(days=90)).texts > 0


def test_an_age_before_now_is_refused(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched()) as lab:
        lab.run(tasks_of(TYPE, 1)[0], WHERE)
        with pytest.raises(InputError, match="must not be negative"):
            lab.purge(older_than=timedelta(days=-1))
