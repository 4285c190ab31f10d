"""Spark over the archived log gives what DuckDB gives over the log, to the last bit: every query, every analysis."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from bizq_lab.analysis import compare, efficiency, evidence, performance
from bizq_lab.errors import InputError, JournalWriteError
from bizq_lab.lab import Lab
from bizq_lab.store import Log
from bizq_lab.store.queries import query_names
from tests.support.analysis_log import TASK_TYPE
from tests.support.both_engines import PARAMS, fill
from tests.support.store_events import make_event

for package in ("pyspark", "sqlglot"):
    pytest.importorskip(package, reason="the extra `spark` is not installed")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs a Java runtime", allow_module_level=True)
pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # py4j's sockets
]

# Compiling a plan costs more here than interpreting it.
QUICK = {
    "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false", "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}  # fmt: skip
# What they ask about is not archived.
OF_THE_FILE = {"purgeable"}
ASKED = [(name, number) for name, sets in PARAMS.items() for number in range(len(sets)) if name not in OF_THE_FILE]
BY_COLUMNS = {"clusters", "durations", "policy_sums"}
AFTER = date(2026, 11, 5)


class Engines(NamedTuple):
    """The same log, asked in two ways."""

    duckdb: Log
    spark: Log


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - optional

    builder: Any = SparkSession.builder
    session = builder.master("local[1]").config(map=QUICK).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    path = tmp_path_factory.mktemp("engines") / "lab.duckdb"
    with fill(path) as log:
        log.archive(before=AFTER)
        with Lab.open(path, engine="spark") as lab:
            yield Engines(log, lab.log)
    session.stop()


def test_every_query_is_asked() -> None:
    assert PARAMS.keys() == set(query_names())


@pytest.mark.parametrize(("name", "number"), ASKED)
def test_a_query_gives_the_same_rows_to_the_last_bit(engines: Engines, name: str, number: int) -> None:
    asked = PARAMS[name][number]
    expected = engines.duckdb.query(name, **asked)
    found = engines.spark.query(name, **asked)
    assert expected, "an empty answer shows nothing"
    assert found == expected
    assert [list(row) for row in found] == [list(row) for row in expected]
    assert [list(map(type, row.values())) for row in found] == [list(map(type, row.values())) for row in expected]


@pytest.mark.parametrize(("name", "number"), [asked for asked in ASKED if asked[0] in BY_COLUMNS])
def test_a_query_gives_the_same_columns(engines: Engines, name: str, number: int) -> None:
    expected, found = (log.columns(name, **PARAMS[name][number]) for log in engines)
    assert list(found) == list(expected)
    for column, values in expected.items():
        np.testing.assert_array_equal(found[column], values)
        assert found[column].dtype == values.dtype
    with pytest.raises(InputError, match="not exact as arrays"):
        engines.spark.columns("cells", **PARAMS["cells"][0])


@pytest.mark.parametrize(
    "ask",
    [
        performance,
        lambda log: performance(log, by_workspace=True, by_day=True, served=True),
        lambda log: compare(log, task_type=TASK_TYPE, experiment="paired-x"),
        lambda log: compare(log, task_type=TASK_TYPE, design="randomised", primary="success"),
        lambda log: efficiency(log, task_type=TASK_TYPE),
        evidence,
    ],
    ids=["performance", "performance by slice", "compare paired", "compare randomised", "efficiency", "evidence"],
)
def test_an_analysis_says_the_same_to_the_last_bit(engines: Engines, ask: Callable[[Log], Any]) -> None:
    expected, found = ask(engines.duckdb), ask(engines.spark)
    assert repr(found) == repr(expected)
    if hasattr(expected, "to_dict"):
        assert found.to_dict() == expected.to_dict()


def test_an_archive_is_enough(engines: Engines) -> None:
    folder = engines.duckdb.path.with_name("lab.duckdb.archive")
    with Lab.open(folder, engine="spark") as lab:
        assert lab.log.query("arm_tokens", **PARAMS["arm_tokens"][0]) == engines.duckdb.query(
            "arm_tokens", **PARAMS["arm_tokens"][0]
        )


def test_what_is_not_archived_is_said(engines: Engines, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "lab.duckdb"
    with Log.open(path) as log:
        log.append(make_event("decision", recorded_at_us=1))
        log.archive(before=date(2000, 1, 1))
        log.append(make_event("decision"))
        log.collect()
    del engines  # whose session is used
    with Lab.open(path, engine="spark"):
        assert "1 decisions are not archived yet" in caplog.text


@pytest.mark.parametrize(
    "ask",
    [
        lambda log: log.query("purgeable", before_us=1),
        lambda log: log.sql("SELECT 1"),
        lambda log: log.as_of(1),
        lambda log: log.health(),
        lambda log: log.export(log.path),
        lambda log: log.rebuild_task_outcome(),
    ],
)
def test_what_only_the_file_knows_is_refused(engines: Engines, ask: Callable[[Log], Any]) -> None:
    with pytest.raises(InputError, match="answers named questions over the archive only"):
        ask(engines.spark)


def test_nothing_is_written(engines: Engines) -> None:
    with pytest.raises(JournalWriteError, match="read-only"):
        engines.spark.append(make_event("feedback"))


def test_parameters_are_checked_as_ever(engines: Engines) -> None:
    with pytest.raises(InputError, match=r"missing \['channel'\]"):
        engines.spark.query("alerts_due", since_us=0, rested_us=0)


def test_a_log_without_an_archive_says_how_to_make_one(engines: Engines, tmp_path: Path) -> None:
    del engines
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(make_event("decision"))
        log.collect()
    with pytest.raises(InputError, match="was never archived"):
        Lab.open(tmp_path / "lab.duckdb", engine="spark")
    with pytest.raises(InputError, match="neither a log nor an archive"):
        Lab.open(tmp_path / "nothing", engine="spark")


def test_without_the_extra_the_command_to_install_it_is_named(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(InputError, match=r"bizq-lab\[spark\]"):
        Lab.open(engines.duckdb.path, engine="spark")
