"""A log that the first release wrote, schema version 1, opens, migrates and answers; a copy stays beside it.

The file and the segment were written by that release's own code: six tasks and one event of each kind collected, and a
seventh task still in the journal.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from bizq_lab.errors import SchemaMismatch
from bizq_lab.store import Log, journal_folder
from bizq_lab.store.migrations import SCHEMA_VERSION, migrations
from bizq_lab.store.views import views
from tests.support.both_engines import fill

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lab.duckdb"
    path.write_bytes(gzip.decompress((FIXTURES / "schema_1.duckdb.gz").read_bytes()))
    with duckdb.connect(str(path), read_only=True) as connection:
        ((segment,),) = connection.execute("SELECT segment FROM collected_segment").fetchall()
    journal_folder(path).mkdir()
    (journal_folder(path) / segment).write_bytes((FIXTURES / "schema_1.jsonl").read_bytes())
    return path


def test_a_log_of_the_first_release_migrates_collects_and_answers(path: Path) -> None:
    before = path.read_bytes()
    with Log.open(path) as log:
        assert log.collect().quarantined == 0
        rows = log.sql("SELECT decision_id, status, rating_ppm FROM task_outcome ORDER BY decision_id")
        assert [name for name in rows["decision_id"] if name != "text"] == [*(f"d{n}" for n in range(6)), "waiting"]
        assert set(rows["status"]) <= {"completed", "text"}
        assert rows.set_index("decision_id").loc["d1", "rating_ppm"] == 4_500_000
        for view in views():
            log.sql(f"SELECT * FROM {view.name}")  # noqa: S608 - ours
        assert log.health().schema_version == SCHEMA_VERSION
        assert list(journal_folder(path).glob("*.jsonl")) == []
    assert path.with_name("lab.duckdb.v1.backup").read_bytes() == before


def test_where_it_may_not_be_written_an_older_log_says_so_and_stays_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch, match="schema version 1"):
        Log.open(path, read_only=True)
    assert path.read_bytes() == before


def test_what_the_migration_adds_to_an_outcome_is_what_the_events_give(tmp_path: Path) -> None:
    every = "SELECT * FROM task_outcome ORDER BY decision_id"
    path, (step,) = tmp_path / "lab.duckdb", (step for step in migrations() if step.name.endswith("_clusters"))
    with fill(path) as log:
        expected = log.sql(every)
        with duckdb.connect(str(path)) as connection:
            for column in (
                "cluster_bucket",
                "decision_bucket",
                "eligible",
                "prompt",
                "temperature",
                "max_tokens",
                "offer",
            ):
                connection.execute(f"ALTER TABLE task_outcome DROP COLUMN {column}")
            connection.execute(step.sql)
        pd.testing.assert_frame_equal(log.sql(every), expected, check_like=True)
    assert len(set(expected["eligible"])) > 1
    assert len(set(expected["cluster_bucket"])) > 1
