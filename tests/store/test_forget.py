"""What was forgotten stays forgotten: whatever comes first, whoever else is at work, in copies of any age."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest

from bizq_lab.store import Log, journal_folder, repair
from bizq_lab.store.leftovers import OWNER_NAME, STAGING_PREFIX
from bizq_lab.store.shelf import Shelf
from bizq_lab.store.staging import staging
from tests.support.store_events import make_event, make_story
from tests.support.store_processes import finish, start

FIXTURE = Path(__file__).parent / "fixtures" / "schema_1.duckdb.gz"
NOBODY = 2**22 + 1  # more than any process id


def counted(log: Log) -> dict[str, int]:
    tables = ("decision", "attempt_started", "attempt", "outcome", "feedback", "task_outcome")
    return {table: len(log.sql(f"FROM {table}")) for table in tables}


def filled(path: Path) -> Log:
    log = Log.open(path)
    for event in [*make_story("gone", workspace_id="zebra"), *make_story("stays", workspace_id="lion")]:
        log.append(event)
    return log


def test_what_came_before_its_decision_goes_when_the_decision_comes(tmp_path: Path) -> None:
    with filled(tmp_path / "lab.duckdb") as log:
        log.forget("zebra")
        decision, *early = make_story("later", workspace_id="zebra")
        for event in early:
            log.append(event)
        log.append(make_event("feedback", decision_id="later"))
        assert log.collect().events == 4, "nobody can know yet whose they are"
        log.append(decision)
        assert log.collect().forgotten == 1
        assert counted(log) == dict.fromkeys(counted(log), 1) | {"feedback": 0}
        log.append(make_event("outcome", decision_id="later"))
        assert log.collect().forgotten == 1
        assert len(log.sql("FROM late_decision")) == 0


def test_what_was_archived_before_its_decision_came_goes_with_the_next_run(tmp_path: Path) -> None:
    with filled(tmp_path / "lab.duckdb") as log:
        log.forget("zebra")
        decision, started, attempt, _ = make_story("later", workspace_id="zebra")
        for event in (started, attempt):
            log.append(event)
        log.collect()
        with duckdb.connect() as connection:
            ((day,),) = connection.execute("SELECT make_timestamp(1790000000000000)::DATE + 1").fetchall()
        log.archive(before=day)
        log.append(decision)
        log.collect()
        assert counted(log)["attempt"] == 2
        log.forget("zebra")
        assert counted(log)["attempt"] == 1


def test_an_archive_that_lies_elsewhere_is_written_anew_there(tmp_path: Path) -> None:
    url = "memory://forget-in-the-store"
    with filled(tmp_path / "lab.duckdb") as log:
        log.archive(before=date(2026, 9, 25), url=url)
        shelf = Shelf(url)
        before = shelf.names()
        log.forget("zebra")
        assert log.export(tmp_path / "out", tables=["decision", "task_outcome"]) == {"decision": 1, "task_outcome": 1}
    kept = [name for name in shelf.names() if name.endswith(".parquet")]
    assert kept
    assert not before & set(kept), "files that held a row of it are gone"
    for name in kept:
        shelf.get(name, tmp_path / "kept.parquet")
        rows = str(duckdb.read_parquet(str(tmp_path / "kept.parquet")).fetchall())
        assert "stays" in rows
        assert "gone" not in rows
        assert "zebra" not in rows


def test_a_lines_owner_is_unknown_once_it_is_torn_so_that_its_bytes_go(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    filled(path).close()
    (segment,) = journal_folder(path).glob("*.jsonl")
    with Log.open(path) as log:
        log.forget("zebra")
    filled(path).close()
    (segment,) = journal_folder(path).glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"task_input": "zebratorn')
    with Log.open(path) as log:
        log.collect()
        frame = log.sql("SELECT reason, octet_length(line) AS n FROM quarantine")
        assert list(frame["n"]) == [0] * len(frame)
        assert "its writer died before the line was whole" in set(frame["reason"])
    assert not any(b"zebratorn" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_copy_of_the_first_release_is_written_anew_in_its_own_schema(tmp_path: Path) -> None:
    path, backup = tmp_path / "lab.duckdb", tmp_path / "lab.duckdb.v1.backup"
    path.write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    with Log.open(path) as log:
        log.collect()
        theirs = log.sql("SELECT workspace_id, decision_id FROM decision ORDER BY decision_id")
        of_two = "WHERE decision_id IN ('d1', 'd2')"
        for file in (path, backup):  # two tasks of the fixture are somebody else's
            with duckdb.connect(str(file)) as connection:
                for table in ("decision", "task_outcome"):
                    connection.execute(f"UPDATE {table} SET workspace_id = 'zebra' {of_two}")  # noqa: S608 - ours
                before = everything(connection)
        log.forget("zebra")
        assert len(log.sql("FROM decision")) == len(theirs) - 2
    with duckdb.connect(str(backup), read_only=True) as connection:
        after = everything(connection)
    assert after.keys() == before.keys()
    for table, rows in before.items():
        assert after[table] == [row for row in rows if "zebra" not in row and not {"d1", "d2"} & set(map(str, row))], (
            table
        )
    assert len(after["decision"]) == len(before["decision"]) - 2
    path.unlink()
    shutil.move(backup, path)
    with Log.open(path) as log:  # it is still a log
        assert not {"d1", "d2"} & set(log.sql("FROM task_outcome")["decision_id"])


def everything(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    names = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    return {name: connection.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for (name,) in names}


def test_a_copy_that_is_no_log_goes_and_so_does_what_the_dead_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, elsewhere = tmp_path / "lab.duckdb", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    left = [tmp_path / "lab.duckdb.v1.backup", elsewhere / f"{STAGING_PREFIX}dead" / "lines.jsonl"]
    left += [tmp_path / f"{dots}lab.duckdb.{NOBODY}.unborn{end}" for dots in (".", "..") for end in ("", ".wal")]
    left += [tmp_path / "lab.duckdb.tmp" / "spilled", tmp_path / f".lab.duckdb.{NOBODY}.unborn.tmp" / "spilled"]
    for file in left:
        file.parent.mkdir(exist_ok=True)
        file.write_text("zebra")
    (elsewhere / f"{STAGING_PREFIX}dead" / OWNER_NAME).touch()
    alive = tmp_path / f".lab.duckdb.{os.getpid()}.unborn"
    alive.write_text("somebody is at work")
    with filled(path) as log:
        log.collect()
        log.forget("zebra")
        assert [file for file in left if file.exists()] == []
        assert not any(elsewhere.iterdir())
        assert log.traces("zebra") == []
    alive.unlink(missing_ok=True)


def test_repair_leaves_alone_what_somebody_is_still_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    with filled(tmp_path / "lab.duckdb") as log, staging():
        assert repair(log) == ["collected 8 events"]
        assert len(list(elsewhere.iterdir())) == 1


def test_writers_and_readers_go_on_while_a_workspace_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    with filled(path) as log:
        log.collect()
        programs = [start(program, path, 0.001) for program in ("work", "work", "kernel", "report")]
        for _ in range(2):
            log.forget("zebra")
        written, more, rated, asked = (int(finish(program)) for program in programs)
        assert min(written, rated, asked) > 0
        assert log.collect().complete
        kinds = ("decision", "attempt_started", "attempt", "outcome", "feedback")
        events = sum(len(log.sql(f"FROM {kind}")) for kind in kinds)
        assert events == written + more + rated + len(make_story("stays")), "every acknowledged event, once"
        assert len(log.sql("FROM quarantine")) == 0
        assert set(log.sql("FROM decision")["workspace_id"]) == {"lion", "text"}


def test_an_archive_that_an_older_release_wrote_keeps_its_columns(tmp_path: Path) -> None:
    every, day = "SELECT * FROM task_outcome", date(2026, 9, 25)
    with filled(tmp_path / "lab.duckdb") as log:
        log.archive(before=day)
        stays = log.sql(f"{every} WHERE workspace_id = 'lion'")
        with duckdb.connect(str(log.path)) as connection:
            outcomes = "table_name = 'task_outcome'"
            ((name,),) = connection.execute(f"SELECT path FROM archived_file WHERE {outcomes}").fetchall()  # noqa: S608 - ours
            connection.execute(f"UPDATE archived_file SET schema_version = 1 WHERE {outcomes}")  # noqa: S608 - ours
        file = tmp_path / "lab.duckdb.archive" / name
        duckdb.read_parquet(str(file)).select(duckdb.StarExpression(exclude=["timed_out"])).write_parquet(f"{file}.old")
        Path(f"{file}.old").replace(file)
        log.forget("zebra")
        assert log.sql(every).equals(stays)
