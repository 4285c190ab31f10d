from __future__ import annotations

import pickle
from pathlib import Path

import duckdb
import pytest

from bizq_lab.core.events import EVENTS
from bizq_lab.errors import InputError, LogLocked, SchemaMismatch, UnsupportedPlatform
from bizq_lab.store import Log
from bizq_lab.store.columns import event_columns
from bizq_lab.store.migrations import SCHEMA_VERSION, Migration, migrations
from bizq_lab.store.places import refuse_unsupported
from bizq_lab.store.schema import file_version, prepare
from bizq_lab.store.snapshot import snapshot_path
from bizq_lab.store.views import views
from tests.support.store_events import make_event, make_story

HEAD = migrations()
NEXT = (*HEAD, Migration(SCHEMA_VERSION + 1, "next", "ALTER TABLE alert ADD COLUMN colour VARCHAR"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log with some of everything in it."""
    path = tmp_path / "lab.duckdb"
    with Log.open(path) as log:
        for name in ("d1", "d2"):
            for event in make_story(name):
                log.append(event)
        for kind in EVENTS:
            for _ in range(2):
                log.append(make_event(kind))
        log.append(make_event("feedback", decision_id="d1", rating_ppm=4_500_000))
        log.append(make_event("attempt_started", attempt_id="open", worst_case_nano_usd=99))
        log.collect()
    return path


@pytest.mark.parametrize("kind", EVENTS)
def test_each_table_has_exactly_the_fields_of_its_event(path: Path, kind: str) -> None:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(f"DESCRIBE {kind}").fetchall()
    assert {row[0]: row[1] for row in rows} == event_columns(kind)
    assert [row[0] for row in rows] == list(event_columns(kind))


def test_migrations_are_numbered_without_a_gap_and_the_last_is_the_version() -> None:
    assert [step.version for step in HEAD] == list(range(1, SCHEMA_VERSION + 1))


def test_a_log_of_a_newer_release_is_refused_and_left_as_it_is(path: Path) -> None:
    prepare(path, now_us=lambda: 5, patience_s=0, steps=NEXT)
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch, match=f"schema version {SCHEMA_VERSION + 1}.*\n.*upgrade"):
        Log.open(path)
    assert path.read_bytes() == before


def test_an_older_log_is_migrated_with_a_backup_beside_it(path: Path) -> None:
    before = path.read_bytes()
    prepare(path, now_us=lambda: 5, patience_s=0, steps=NEXT)
    assert file_version(path, patience_s=0, steps=NEXT) == SCHEMA_VERSION + 1
    assert path.with_name(f"{path.name}.v{SCHEMA_VERSION}.backup").read_bytes() == before
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT count(colour), count(*) FROM alert").fetchall() == [(0, 2)]
        assert connection.execute("SELECT name, applied_at_us FROM schema_migration ORDER BY version").fetchall()[
            -1
        ] == (
            "next",
            5,
        )


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    broken = (*HEAD, Migration(SCHEMA_VERSION + 1, "broken", "CREATE TABLE half (a INTEGER); SELECT * FROM nowhere"))
    with pytest.raises(InputError, match="nowhere"):
        prepare(path, now_us=lambda: 5, patience_s=0, steps=broken)
    assert file_version(path, patience_s=0) == SCHEMA_VERSION
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'").fetchall() == [(0,)]


def test_the_same_events_give_the_same_views(tmp_path: Path) -> None:
    events = [event for name in ("a", "b", "c") for event in make_story(name)] + [make_event(kind) for kind in EVENTS]
    contents = []
    for name, order in (("one", events), ("two", events[::-1])):
        with Log.open(tmp_path / f"{name}.duckdb") as log:
            for event in order:
                log.append(event)
            log.collect()
        with duckdb.connect(str(tmp_path / f"{name}.duckdb"), read_only=True) as connection:
            contents.append(
                {view.name: connection.execute(f"FROM {view.name} ORDER BY ALL").fetchall() for view in views()}
            )
    assert contents[0] == contents[1]


def test_a_snapshot_answers_while_another_program_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    with Log.open(path, snapshot=True) as log:
        log.append(make_event("alert"))
        log.collect()
        log.append(make_event("alert"))
        holder = duckdb.connect(str(path))
        try:
            assert int(log.sql("SELECT count(*) AS n FROM alert")["n"][0]) == 1
            assert [caveat.code for caveat in log.last_collection.caveats] == ["not_collected"]
            snapshot_path(path).unlink()
            with pytest.raises(LogLocked):
                log.sql("SELECT 1")
        finally:
            holder.close()
        assert int(log.sql("SELECT count(*) AS n FROM alert")["n"][0]) == 2


def test_a_pickled_log_writes_and_asks_on_its_own(path: Path) -> None:
    with Log.open(path) as log:
        copy: Log = pickle.loads(pickle.dumps(log))  # noqa: S301 - our own bytes
        with copy:
            copy.append(make_event("alert"))
            assert int(copy.sql("SELECT count(*) AS n FROM alert")["n"][0]) == 3


def test_native_windows_and_network_file_systems_are_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    with pytest.raises(UnsupportedPlatform, match="nfs4"):
        refuse_unsupported(tmp_path / "lab.duckdb", mounts=mounts)
    with pytest.raises(UnsupportedPlatform, match="WSL"):
        refuse_unsupported(tmp_path / "lab.duckdb", system="win32", mounts=mounts)
    refuse_unsupported(Path("/elsewhere/lab.duckdb"), mounts=mounts)


def test_a_log_of_the_first_release_is_brought_up_to_date_by_opening_it(tmp_path: Path) -> None:
    """A question needs today's tables, even if nothing waits to be collected."""
    path = tmp_path / "lab.duckdb"
    prepare(path, now_us=lambda: 1, patience_s=0, steps=migrations()[:1])
    with Log.open(path) as log:
        log.append(make_event("decision", decision_id="d"))
        assert log.query("alerts_due", channel="mail", since_us=0, rested_us=0) == []
        assert log.sql("SELECT decision_id FROM task_outcome")["decision_id"].tolist() == ["d"]
    assert file_version(path, patience_s=0) == migrations()[-1].version
    assert file_version(tmp_path / "lab.duckdb.v1.backup", patience_s=0, steps=migrations()) == 1


def test_an_older_log_that_may_not_be_written_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    prepare(path, now_us=lambda: 1, patience_s=0, steps=migrations()[:1])
    with pytest.raises(SchemaMismatch, match="schema version 1"):
        Log.open(path, read_only=True)
