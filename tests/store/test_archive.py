"""Rows that have moved are seen as before, in one place each, whatever dies in between."""

from __future__ import annotations

import signal
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from bizq_lab.analysis import compare, performance
from bizq_lab.core.events import Event
from bizq_lab.errors import InputError
from bizq_lab.store import Log, manifest
from bizq_lab.store.shelf import Shelf
from tests.support.analysis_log import START_US, TASK_TYPE, Stream, pairs
from tests.support.store_events import make_event
from tests.support.store_processes import start

NEXT_DAY = date(2026, 11, 2)
EVERY_OUTCOME = "SELECT * FROM task_outcome ORDER BY decision_id"


def filled(path: Path) -> tuple[Log, Stream, list[str]]:
    log = Log.open(path)
    stream = Stream(log)
    pairs(stream, [True] * 8 + [False] * 4, [True] * 5 + [False] * 7)
    pending = [stream.decide(arm="a", task=f"pending-{number}") for number in range(2)]
    log.collect()
    return log, stream, pending


@pytest.mark.parametrize("url", [None, "folder", "memory://archive-test"])
def test_questions_see_archived_rows_as_before(tmp_path: Path, url: str | None) -> None:
    log, _, _ = filled(tmp_path / "lab.duckdb")
    with log:
        before = str(performance(log)), str(compare(log, task_type=TASK_TYPE))
        place = str(tmp_path / url) if url == "folder" else url
        report = log.archive(before=NEXT_DAY, url=place)
        assert report.moved["decision"] == 26
        assert (str(performance(log)), str(compare(log, task_type=TASK_TYPE))) == before
        if url is not None and "://" in url:
            assert "not part of this answer" in log.sql(EVERY_OUTCOME).attrs["caveats"][0]
            assert len(log.sql(EVERY_OUTCOME)) == 0


def test_questions_asked_together_see_the_archived_rows_of_every_table_they_name(tmp_path: Path) -> None:
    log, _, _ = filled(tmp_path / "lab.duckdb")
    first, second = {"since_us": 0, "run_id": None}, dict.fromkeys(("from_us", "to_us"))
    with log:
        before = log.query("spending", **first), log.query("workspace_volumes", **second), log.query("origins")
        log.archive(before=NEXT_DAY)
        with log.held():
            found = log.query("spending", **first), log.query("workspace_volumes", **second), log.query("origins")
            assert found == before
        with log.as_of(START_US).held() as empty:
            assert empty.query("workspace_volumes", **second) == []
            assert empty.query("origins") == []


def test_late_news_of_an_archived_decision_counts_at_once_and_after_the_next_archiving(tmp_path: Path) -> None:
    log, stream, pending = filled(tmp_path / "lab.duckdb")
    with log:
        log.archive(before=NEXT_DAY)
        stream.finish(pending[0], succeeded=True)
        stream.rate(pending[0], 5)
        found = log.sql(EVERY_OUTCOME)
        row = found[found.decision_id == pending[0]].iloc[0]
        assert (row.status, row.rating_ppm, len(found)) == ("completed", 5_000_000, 26)
        assert log.archive(before=NEXT_DAY).replaced == 2, "the day's outcomes, as events and as rows"
        assert found.equals(log.sql(EVERY_OUTCOME))
        assert len(log.sql("SELECT * FROM late_decision")) == 0


def test_the_file_gives_back_the_room_that_archived_rows_took(tmp_path: Path) -> None:
    log, _, _ = filled(tmp_path / "lab.duckdb")
    with log:
        with duckdb.connect(str(log.path)) as connection:
            connection.execute(
                "INSERT INTO outcome BY NAME SELECT 'big' || range AS event_id, "
                "1793491200000000 + range AS recorded_at_us, 'dec_0' "
                "AS decision_id, md5(range::VARCHAR) AS served_model FROM range(100000)"
            )
        before, events = log.path.stat().st_size, len(log.sql("SELECT event_id FROM outcome"))
        log.archive(before=NEXT_DAY)
        assert log.path.stat().st_size < before / 2
        assert len(log.sql("SELECT event_id FROM outcome")) == events


def test_a_folder_is_the_archive_of_one_log(tmp_path: Path) -> None:
    for name in ("one", "two"):
        log, _, _ = filled(tmp_path / f"{name}.duckdb")
        with log:
            if name == "one":
                log.archive(before=NEXT_DAY, url=str(tmp_path / "shared"))
                continue
            with pytest.raises(InputError, match="archive of another log"):
                log.archive(before=NEXT_DAY, url=str(tmp_path / "shared"))
            assert len(log.sql(EVERY_OUTCOME)) == 26


DAY_US = 86_400_000_000
FIRST_US = 1_793_491_200_000_000  # 2026-11-01
HOUR_US = 3_600_000_000
KNOWN = "SELECT decision_id, status, succeeded, rating_ppm, ratings FROM task_outcome ORDER BY ALL"


def parquet(path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = duckdb.read_parquet(str(path)).df()
    return frame


def at(hour: float, kind: str, **fields: Any) -> Event:
    return make_event(kind, decision_id="first", recorded_at_us=FIRST_US + round(hour * HOUR_US), **fields)


@pytest.mark.parametrize("url", [None, "memory://archive-past"])
def test_a_past_day_is_answered_from_the_archive_as_it_was_from_the_file(tmp_path: Path, url: str | None) -> None:
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(at(0, "decision"))
        log.append(at(1, "outcome", status="completed", succeeded=True))
        log.append(at(2, "feedback", rating_ppm=2_000_000))
        instants = [FIRST_US + round(hour * HOUR_US) for hour in ((0.5, 1.5, 2.5, 60) if url is None else (2.5,))]
        asked = [log.as_of(instant).query("arm_specs") for instant in instants]
        before = [log.as_of(instant).sql(KNOWN) for instant in instants]
        assert [len(frame) for frame in before] == [1] * len(instants)
        assert before[0]["status"][0] == ("pending" if url is None else "completed")
        log.archive(before=date(2026, 11, 2), url=url)
        assert [log.as_of(instant).query("arm_specs") for instant in instants] == asked
        if url is None:
            assert all(map(pd.DataFrame.equals, before, [log.as_of(instant).sql(KNOWN) for instant in instants]))
        log.append(at(50, "feedback", rating_ppm=5_000_000))
        if url is None:
            assert log.as_of(FIRST_US + 49 * HOUR_US).sql(KNOWN).equals(before[2])
            assert log.as_of(FIRST_US + 51 * HOUR_US).sql(KNOWN)["rating_ppm"][0] == 5_000_000


def test_events_that_are_collected_again_after_their_archiving_count_once(tmp_path: Path) -> None:
    story = [at(0, "decision"), at(1, "outcome", status="completed"), at(2, "feedback", rating_ppm=2_000_000)]
    with Log.open(tmp_path / "lab.duckdb") as log:
        for event in story:
            log.append(event)
        log.archive(before=date(2026, 11, 2))
        seen = {kind: log.sql(f"FROM {kind}") for kind in ("decision", "outcome", "feedback", "task_outcome")}
        for event in story:  # such as a segment that a backup brought back
            log.append(event)
        for again in (1, 2):
            assert all(frame.equals(log.sql(f"FROM {kind}")) for kind, frame in seen.items()), again
            log.archive(before=date(2026, 11, 2))


def test_what_came_before_its_decision_waits_for_it(tmp_path: Path) -> None:
    """A clock that stepped back at midnight: the outcome is of the day before its decision."""
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(at(23.9, "outcome", status="completed", succeeded=True))
        log.append(at(24.1, "decision"))
        expected = log.sql(KNOWN)
        assert log.archive(before=date(2026, 11, 2)).moved["outcome"] == 0
        log.append(at(25, "feedback", rating_ppm=3_000_000))
        after = log.sql(KNOWN)
        assert (after["status"][0], after["rating_ppm"][0]) == ("completed", 3_000_000)
        assert expected["status"][0] == "completed"
        log.archive(before=date(2026, 11, 3))
        assert log.sql(KNOWN).equals(after)


@pytest.mark.parametrize("point", ["sha256", "write_manifest", "remove"])
def test_a_kill_leaves_every_row_in_one_place_and_the_next_run_finishes(tmp_path: Path, point: str) -> None:
    log, stream, pending = filled(tmp_path / "lab.duckdb")
    with log:
        log.archive(before=NEXT_DAY)
        stream.finish(pending[0], succeeded=False)
        expected = log.sql(EVERY_OUTCOME)
        killed = start("archive", log.path, NEXT_DAY, point)
        killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        assert expected.equals(log.sql(EVERY_OUTCOME))
        log.archive(before=NEXT_DAY)
        assert expected.equals(log.sql(EVERY_OUTCOME))
        shelf = Shelf(str(tmp_path / "lab.duckdb.archive"))
        found = manifest.read_manifest(shelf)
        assert found is not None
        listed = {file["path"] for files in found["tables"].values() for file in files}
        assert shelf.names() == listed | {manifest.MANIFEST}
        left = [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")]
        assert left == [], "what a dead run wrote beside the log"


def test_a_snapshot_answers_with_archived_rows(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    filled(path)[0].close()
    with Log.open(path, snapshot=True) as log:
        log.append(make_event("human_task"))
        log.archive(before=NEXT_DAY)
        stream = Stream(log)
        stream.finish("nobody", succeeded=True)
        log.collect()
        log.archive(before=NEXT_DAY)
        expected = log.sql(EVERY_OUTCOME)
        with start("hold", path) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "held\n"
            assert log.sql(EVERY_OUTCOME).equals(expected)


def test_an_older_releases_outcomes_are_computed_anew_and_written_anew(tmp_path: Path) -> None:
    log, _, _ = filled(tmp_path / "lab.duckdb")
    with log:
        expected = log.sql(EVERY_OUTCOME)
        log.archive(before=NEXT_DAY)
        with duckdb.connect(str(log.path)) as connection:
            ((name,),) = connection.execute(
                "SELECT path FROM archived_file WHERE table_name = 'task_outcome'"
            ).fetchall()
            file = tmp_path / "lab.duckdb.archive" / name
            connection.read_parquet(str(file)).select(duckdb.StarExpression(exclude=["timed_out"])).write_parquet(
                f"{file}.old"
            )
            Path(f"{file}.old").replace(file)
            connection.execute("UPDATE archived_file SET schema_version = 1 WHERE table_name = 'task_outcome'")
        assert expected.equals(log.sql(EVERY_OUTCOME))
        assert log.archive(before=NEXT_DAY).replaced == 1
        assert expected.equals(log.sql(EVERY_OUTCOME))


def test_hostile_text_survives_the_journal_the_archive_and_an_export(tmp_path: Path) -> None:
    texts = ["a\x00b", "\ud800", "x" * 1_000_000, "\u202eright\u202c", "🦓" * 50, "'; DROP TABLE feedback"]
    asked = "SELECT comment, rater FROM feedback ORDER BY recorded_at_us"
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(at(0, "decision"))
        for number, text in enumerate(texts):
            log.append(at(1 + number, "feedback", comment=text, rater=text[:100]))
        live = log.sql(asked)
        log.archive(before=date(2026, 11, 2))
        assert live.equals(log.sql(asked))
        assert [text for text in live["comment"] if text != "\ufffd"] == [text for text in texts if text != "\ud800"]
        assert log.export(tmp_path / "out", tables=["feedback"]) == {"feedback": len(texts)}
        assert live.equals(parquet(tmp_path / "out" / "feedback.parquet")[["comment", "rater"]])


def test_an_export_holds_live_and_archived_rows_of_every_table(tmp_path: Path) -> None:
    log, stream, _ = filled(tmp_path / "lab.duckdb")
    with log:
        log.archive(before=NEXT_DAY)
        stream.decide(arm="a", task="later", recorded_at_us=FIRST_US + 30 * DAY_US)
        written = log.export(tmp_path / "out")
        assert written["decision"] == written["task_outcome"] == 27
        for table, rows in written.items():
            assert len(parquet(tmp_path / "out" / f"{table}.parquet")) == rows == len(log.sql(f"FROM {table}"))
        assert {entry.suffix for entry in (tmp_path / "out").iterdir()} == {".parquet"}
        with pytest.raises(InputError, match="no table 'decisions'"):
            log.export(tmp_path / "out", tables=["decisions"])


def test_a_purge_takes_text_out_of_archived_rows_too_and_leaves_their_figures(tmp_path: Path) -> None:
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(at(0, "decision"))
        log.append(at(1, "attempt", output="zebra", error_message="zebra"))
        log.append(at(2, "feedback", comment="zebra"))
        log.append(at(26, "feedback", comment="lion"))
        log.archive(before=date(2026, 11, 3))
        figures = "SELECT * EXCLUDE (output, error_message, checks) FROM attempt"
        before, archive = log.sql(figures), tmp_path / "lab.duckdb.archive"
        names = Shelf(str(archive)).names()
        log.purge(before_us=FIRST_US + DAY_US)
        assert before.equals(log.sql(figures))
        assert log.sql("SELECT output, error_message FROM attempt").iloc[0].tolist() == [None, ""]
        assert log.sql("SELECT comment FROM feedback ORDER BY recorded_at_us")["comment"].tolist() == ["", "lion"]
        gone = {name.split("/")[0] for name in names - Shelf(str(archive)).names()}
        assert gone == {"attempt", "decision", "feedback"}, "files without old text stay as they are"
        assert not any("zebra" in parquet(file).to_json() for file in archive.rglob("*.parquet"))
