from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bizq_lab.errors import InputError, JournalWriteError, LogError
from bizq_lab.store import Log, reading
from bizq_lab.store.queries import named_query, query_names
from tests.support.both_engines import PARAMS
from tests.support.store_events import make_event, make_story


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with Log.open(tmp_path_factory.mktemp("log") / "lab.duckdb") as log:
        for event in make_story("d1", task_id="t1"):
            log.append(event)
        log.append(make_event("experiment", arms=["a", "b"], task_type="type", experiment="e"))
        yield log


@pytest.mark.parametrize(
    "text",
    [
        "COPY task_outcome TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "SET threads = 1",
        "RESET lock_configuration",
        "INSERT INTO task_outcome SELECT * FROM task_outcome",
        "DELETE FROM decision",
        "DROP TABLE decision",
        "CREATE TEMP TABLE t AS SELECT 1",
        "CHECKPOINT",
        "CALL pragma_version()",
        "EXPORT DATABASE '{folder}'",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE decision",
        "",
        "-- only a comment",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('https://example.invalid/x.parquet')",
        "EXPLAIN ANALYZE COPY decision TO '{folder}/out.csv'",
        "SELECT * FROM query('DROP TABLE decision')",
        "SELECT * FROM frame",
    ],
)
def test_an_analyst_can_only_read_this_log(log: Log, tmp_path: Path, text: str) -> None:
    frame = pd.DataFrame({"x": [1]})  # a Python variable that SQL must not see
    with pytest.raises((InputError, LogError)) as caught:
        log.sql(text.format(folder=tmp_path))
    assert type(caught.value).__module__ == "bizq_lab.errors"
    assert list(tmp_path.iterdir()) == []
    assert len(frame) == len(log.sql("FROM decision")) == 1


@pytest.mark.parametrize(
    "text",
    ["SELECT 1 AS n", "FROM task_outcomes_human", "WITH a AS (SELECT 1) FROM a", "EXPLAIN SELECT 1", "SHOW TABLES"],
)
def test_an_analyst_may_ask_any_select(log: Log, text: str) -> None:
    assert len(log.sql(text)) > 0


def test_a_question_sees_what_was_appended_before_it(log: Log) -> None:
    before = int(log.sql("SELECT count(*) AS n FROM alert")["n"][0])
    log.append(make_event("alert"))
    assert int(log.sql("SELECT count(*) AS n FROM alert")["n"][0]) == before + 1


def test_questions_asked_together_are_of_one_state_of_the_log(tmp_path: Path) -> None:
    decisions = "decisions_of_task"
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(make_event("decision", task_id="t"))
        with log.held(), log.held():
            first = log.query(decisions, task_id="t")
            log.append(make_event("decision", task_id="t"))
            assert log.query(decisions, task_id="t") == first, "collected once"
            with pytest.raises(InputError, match=r"inside held\(\)"):
                log.sql("SELECT 1")
        assert len(log.query(decisions, task_id="t")) == 2


def test_a_question_too_large_for_its_memory_is_answered_all_the_same(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = log.query("log_span")
    monkeypatch.setattr(reading, "MEMORY", "1KB")
    assert log.query("log_span") == expected


def test_a_named_query_binds_its_parameters_and_decodes_json(log: Log) -> None:
    assert log.query("decisions_of_task", task_id="t1") == [{"decision_id": "d1"}]
    assert log.query("decisions_of_task", task_id="x' OR 1 = 1; --") == []
    (plan,) = log.query("experiment_plans", task_type="type", experiment=None, to_us=None)
    assert plan["arms"] == ["a", "b"]


def test_columns_are_the_rows_of_the_same_question(log: Log) -> None:
    asked = PARAMS["clusters"][0] | {"task_type": None, "experiment": None, "design": "text"}
    rows, columns = log.query("clusters", **asked), log.columns("clusters", **asked)
    assert {name: values.tolist() for name, values in columns.items()} == {
        name: [row[name] for row in rows] for name in rows[0]
    }
    assert {str(values.dtype) for values in columns.values()} == {"int64", "object"}


def test_columns_are_exact_or_refused(log: Log, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"'cells' has columns of .*HUGEINT.*not exact as arrays\nHint: ask it by rows"
    ):
        log.columns("cells", **PARAMS["cells"][0])
    with Log.open(tmp_path / "empty.duckdb") as empty:
        empty.collect()
        found = empty.columns("log_span")
        assert {name: values.tolist() for name, values in found.items()} == {"first_us": [None], "last_us": [None]}


def test_a_query_that_is_not_there_or_lacks_a_parameter_is_refused(log: Log) -> None:
    with pytest.raises(InputError, match="unknown query 'decision_of_task'\nHint: known: decisions_of_task"):
        log.query("decision_of_task")
    with pytest.raises(InputError, match=r"missing \['task_id'\], unknown \['task'\]"):
        log.query("decisions_of_task", task="t1")


@pytest.mark.parametrize("name", query_names())
def test_every_query_file_says_what_it_answers(name: str) -> None:
    head = named_query(name)
    assert head.startswith(f"-- {name}: ")
    assert "-- grain:" in head
    assert "-- reads:" in head


def test_a_read_only_log_answers_without_collecting_and_refuses_events(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    with pytest.raises(LogError, match="no log there"):
        Log.open(path, read_only=True)
    with Log.open(path) as log:
        log.append(make_event("alert"))
        log.collect()
        log.append(make_event("alert"))
    with Log.open(path, read_only=True) as reader:
        assert int(reader.sql("SELECT count(*) AS n FROM alert")["n"][0]) == 1
        assert reader.health().waiting_bytes > 0
        with pytest.raises(JournalWriteError):
            reader.append(make_event("alert"))
        with pytest.raises(LogError, match="read-only"):
            reader.collect()


def test_a_question_to_a_new_log_finds_it_empty(tmp_path: Path) -> None:
    with Log.open(tmp_path / "new.duckdb") as log:
        assert log.query("decisions_of_task", task_id="t") == []
        assert not log.health().needs_attention
