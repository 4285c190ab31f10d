"""The main job: the same seed gives the same bytes; on the real model it is really local; without it, it says so."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from bizq_lab.catalog.tasks import data_folder
from bizq_lab.config import load_config
from bizq_lab.lab import demo as lab_demo
from tests.support.lab_cli import Cli, Said, Twins, ended, spawn
from tests.support.lab_small import contents, rows

RECORDED = data_folder("recorded") / "smollm2.parquet"
NO_ENGINE = "import sys\nsys.modules['xllamacpp'] = None\n"
TWO_TASKS_A_TYPE = "import bizq_lab.lab.demo\nbizq_lab.lab.demo._most = lambda _: 2\n"
BROKEN_ENGINE = "raise ImportError('libgomp.so.1: cannot open shared object file')\n"


@pytest.mark.parametrize("name", ["routing.json", "report.html"])
def test_the_same_seed_gives_the_same_bytes_in_two_processes(twins: Twins, name: str) -> None:
    first, second = ((folder / name).read_bytes() for folder in (twins.first, twins.second))
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()


def test_the_same_seed_gives_equal_contents_of_the_log(twins: Twins) -> None:
    """But for the journal segment, which is named after the process that wrote it."""
    first, second = (contents(folder / "lab.duckdb") for folder in (twins.first, twins.second))
    assert first.keys() == second.keys()
    different = {name for name in first if first[name] != second[name]}
    assert different <= {"collected_segment"}
    assert len(first["decision"]) > 1000


def test_the_log_of_a_demo_keeps_its_laws(simulated: Path) -> None:
    keeps_the_laws(simulated / "lab.duckdb")


def keeps_the_laws(log: Path) -> None:
    """Issue 2: probability, candidates and config of each decision; unit prices of each attempt."""
    faulty = """
        FROM decision WHERE propensity_ppb NOT BETWEEN 1 AND 1000000000 OR length(config_hash) <> 64
        OR json_array_length(candidates) < 1
    """
    assert rows(log, faulty) == []
    unpriced = """
        FROM attempt WHERE price_version = '' OR (core_second_nano_usd IS NULL
        AND (input_nano_usd_per_mtok IS NULL OR output_nano_usd_per_mtok IS NULL))
    """
    assert rows(log, unpriced) == []
    unlogged = """
        SELECT * FROM attempt_started AS s JOIN decision AS d USING (decision_id)
        WHERE s.recorded_at_us < d.recorded_at_us
    """
    assert rows(log, unlogged) == []
    assert rows(log, "FROM attempt_started ANTI JOIN decision USING (decision_id)") == []


def test_a_second_demo_starts_afresh_and_says_what_it_found_and_where_it_is(
    cli: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In ten lines: which arm is ahead, by how much, at what cost."""
    monkeypatch.setattr(lab_demo, "_most", lambda _: 2)
    before = rows(demo / "lab.duckdb", "SELECT count(*) AS n FROM decision")[0]["n"]
    said = cli("demo", "--provider", "simulated", "--out", demo, "--seed", "3")
    assert (said.code, said.err) == (0, "")
    assert 0 < rows(demo / "lab.duckdb", "SELECT count(*) AS n FROM decision")[0]["n"] < before
    assert all(str(demo / name) in said.out for name in ("lab.duckdb", "routing.json", "report.html"))
    for task_type in load_config(demo / "routing.json").tasks:
        [line] = [line for line in said.out.splitlines() if line.startswith(task_type)]
        assert " minus " in line
        assert "cost" in line
        assert "n = 2 tasks" in line
    keeps_the_laws(demo / "lab.duckdb")


@pytest.mark.local_model
def test_the_demo_really_runs_on_the_local_model(local: tuple[Path, Said]) -> None:
    folder, said = local
    assert said.code == 0, said.err
    document = said.document
    assert document["provider"] == "local"
    assert 0 < document["pairs"] <= document["planned_pairs"]
    assert {Path(path).parent for path in document["files"].values()} == {folder}
    assert all(Path(path).stat().st_size > 0 for path in document["files"].values())
    served = rows(
        folder / "lab.duckdb", "SELECT DISTINCT provider, response_model FROM attempt WHERE status <> 'failed'"
    )
    assert {row["provider"] for row in served} == {"local"}


@pytest.mark.local_model
def test_the_log_of_the_local_demo_opens_with_plain_duckdb_and_its_views_answer(local: tuple[Path, Said]) -> None:
    log = local[0] / "lab.duckdb"
    with duckdb.connect(str(log), read_only=True) as connection:
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        for (name,) in views:
            connection.execute(f'FROM "{name}"').fetchall()
        assert len(views) >= 8
        assert connection.execute("SELECT count(*) FROM performance_daily").fetchone() != (0,)
    keeps_the_laws(log)


@pytest.mark.local_model
def test_every_pair_of_the_local_demo_is_whole(local: tuple[Path, Said]) -> None:
    """However early time ran out."""
    pairs = rows(
        local[0] / "lab.duckdb",
        "SELECT task_key, count(DISTINCT arm) AS arms FROM task_outcome WHERE design = 'paired' GROUP BY ALL",
    )
    assert {row["arms"] for row in pairs} == {2}
    assert len(pairs) == local[1].document["pairs"]
    assert load_config(local[0] / "routing.json").purpose == "live"


def shim(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """An environment in which these modules come first."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return {"PYTHONPATH": str(folder), "BIZQ_LAB_LOCAL_URL": ""}


@pytest.mark.parametrize(
    "files",
    [{"sitecustomize.py": NO_ENGINE}, {"xllamacpp.py": BROKEN_ENGINE}],
    ids=["not-installed", "does-not-load"],
)
def test_a_local_demo_without_an_engine_exits_1_and_leaves_no_log(tmp_path: Path, files: dict[str, str]) -> None:
    said = ended(spawn("demo", "--provider", "local", "--out", tmp_path / "out", **shim(tmp_path / "shim", files)))
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("EngineMissing:")
    assert "Hint: " in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "out" / "lab.duckdb").exists()


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded outcomes in this checkout")
def test_without_an_engine_a_demo_replays_says_so_and_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    environments = [
        shim(tmp_path / "absent", {"sitecustomize.py": NO_ENGINE + TWO_TASKS_A_TYPE}),
        shim(tmp_path / "broken", {"xllamacpp.py": BROKEN_ENGINE, "sitecustomize.py": TWO_TASKS_A_TYPE}),
    ]
    folders = [tmp_path / name for name in ("first", "second")]
    running = [
        spawn("demo", "--json", "--out", folder, **environment)
        for folder, environment in zip(folders, environments, strict=True)
    ]
    for said in map(ended, running):
        assert said.code == 0, said.err
        assert said.document["provider"] == "replay"
        assert "replaying recorded outcomes instead" in said.err
        assert "xllamacpp" in said.err
    first, second = folders
    for name in ("routing.json", "report.html"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    mine, again = contents(first / "lab.duckdb"), contents(second / "lab.duckdb")
    assert {name for name in mine if mine[name] != again[name]} <= {"collected_segment"}
    keeps_the_laws(first / "lab.duckdb")
