"""What goes wrong ends in one clear message and the right exit code, without a traceback, and changes no file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from bizq_lab.cli.output import Exit, exit_code
from bizq_lab.config import ArmSpec, RoutingConfig, save_config
from bizq_lab.errors import BizqLabError, BudgetRefused, LogLocked, NotEnoughData, UnknownTaskType
from bizq_lab.store import access
from tests.support.lab_cli import Cli, Said
from tests.support.lab_small import DAY, TYPE, catalog, rows, start, tasks_of
from tests.support.store_processes import start as start_program

TASK = ("--type", TYPE, "--input", json.dumps(tasks_of(n=1)[0].input))
SIMULATED = ("--provider", "simulated")


def fails(said: Said, code: int, *words: str) -> None:
    """One message on stderr that says the words, nothing on stdout, no traceback."""
    assert said.code == code, said
    assert said.out == ""
    assert "Traceback" not in said.err
    assert all(word in said.err for word in words), said.err


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nonsense",), ("No such command 'nonsense'",)),
        (("demo", "--provider", "nobody"), ("'nobody'",)),
        (("route",), ("no task was named", "--type")),
        (("route", "tasks.jsonl", *TASK), ("both a file and --type",)),
        (("compare",), ("--task-type",)),
        (("tune", "--quality-floor", "2"), ("--quality-floor",)),
        (("tune", "--budget", "nan"), ("--budget",)),
        (("tune", "--volume", "content.optimize_seo=many"), ("--volume", "many")),
        (("tune", "--tier-cap", "premium"), ("--tier-cap", "TYPE=VALUE")),
        (("tune", "--as-of", "yesterday"), ("yesterday",)),
        (("route", *TASK, "--context", '{"max_cost": NaN}'), ("--context", "max_cost", "finite", "nan")),
        (("route", *TASK, "--context", '{"max_cost": -0.5}'), ("--context", "max_cost", "-0.5")),
        (("route", *TASK, "--context", '{"max_price": 1}'), ("--context", "max_price")),
        (("route", *TASK, "--context", "[]"), ("--context", "JSON object")),
        (("route", *TASK, "--context", "{"), ("--context", "is not JSON")),
        (("route", *TASK, "--context", '{"workspace_preferences": {"preferred_provider": "opnai"}}'), ("'openai'",)),
        (("route", "--type", TYPE, "--input", "3"), ("--input", "JSON object")),
        (("run", "--type", TYPE, *SIMULATED), ("lacks the field",)),
    ],
)
def test_a_usage_error_names_the_value_and_exits_2(
    cli: Cli, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    fails(cli(*arguments), 2, *words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"type": }', ("is not JSON",)),
        (b'["type"]', ("JSON object",)),
        (b'{"typ": "x"}', ("type: Field required", "typ: Extra inputs")),
        (b'{"type": "x", "input": {"a": NaN}}', ("input.a", "nan")),
        (b'{"type": "caf\xe9"}', ("not UTF-8",)),
        (b'{"type": "x", "input": {"a": ' + b"1" * 5000 + b"}}", ("cannot", "digits")),
        (b"[" * 100_000, ("recursion",)),
    ],
    ids=["syntax", "no-object", "fields", "nan", "latin-1", "digits", "depth"],
)
def test_a_malformed_line_is_named_before_anything_is_executed(
    cli: Cli, tmp_path: Path, line: bytes, words: tuple[str, ...]
) -> None:
    good = tasks_of(n=1)[0].model_dump_json().encode()
    (tmp_path / "tasks.jsonl").write_bytes(good + b"\n" + line + b"\n" + good)
    before = fingerprint(tmp_path)
    said = cli("run", "tasks.jsonl", *SIMULATED, "--log", "lab.duckdb")
    if words[0] == "cannot":
        words = words[1:]
    fails(said, 2, "tasks.jsonl", *words)
    assert "not UTF-8" in said.err or "tasks.jsonl:2" in said.err
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("performance",),
        ("sql", "SELECT 1"),
        ("tune",),
        ("report", "daily"),
        ("route", "tasks.jsonl"),
        ("verify", "routing.json"),
        ("export", "routing.json"),
    ],
)
def test_what_is_not_there_exits_4_and_is_not_made(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    fails(cli(*arguments), 4, "NotEnoughData", "Hint:")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["performance", "efficiency", "compare"])
def test_a_task_type_without_outcomes_exits_4(cli: Cli, simulated: Path, command: str) -> None:
    fails(
        cli(command, "--log", simulated / "lab.duckdb", "-t", "customer.process_retrun"), 4, "customer.process_retrun"
    )


def test_a_metric_that_does_not_exist_exits_2(cli: Cli, simulated: Path) -> None:
    said = cli("compare", "--log", simulated / "lab.duckdb", "-t", TYPE, "--primary", "happiness")
    fails(said, 2, "'happiness'", "success")


@pytest.mark.parametrize("statement", ["DROP TABLE decision", "SELECT 1; SELECT 2", "SELEC", "FROM 'tasks.jsonl'"])
def test_sql_only_reads_this_log(cli: Cli, demo: Path, statement: str) -> None:
    before = rows(demo / "lab.duckdb", "SELECT count(*) AS n FROM decision")
    fails(cli("sql", statement, "--log", demo / "lab.duckdb"), 2, "InputError")
    assert rows(demo / "lab.duckdb", "SELECT count(*) AS n FROM decision") == before


def test_an_unknown_model_exits_2_and_names_its_neighbours(cli: Cli, tmp_path: Path) -> None:
    arms = {"typo": ArmSpec(model="openai/gpt-6-lunna")}
    save_config(RoutingConfig.start(catalog(), arms=arms, tasks={TYPE: {"typo": 100}}, as_of=DAY), tmp_path / "r.json")
    fails(cli("route", *TASK, "--config", "r.json"), 2, "UnknownModel", "'openai/gpt-6-luna'")
    fails(cli("verify", "r.json"), 2, "UnknownModel")


def test_an_unknown_catalog_exits_1(cli: Cli) -> None:
    fails(cli("route", *TASK, "--catalog", "modern"), 1, "'modern'", "current")


def test_nothing_feasible_exits_1_with_a_line_a_model(cli: Cli) -> None:
    said = cli("route", *TASK, "--context", '{"max_cost": 0}')
    fails(said, 1, "NoFeasibleModel")
    assert all(key in said.err for key in ("openai/gpt-6-luna", "anthropic/claude-haiku-5-5"))


@pytest.mark.parametrize("command", ["verify", "export", "route", "tune"])
def test_one_flipped_byte_breaks_a_config_everywhere(cli: Cli, demo: Path, command: str) -> None:
    file = demo / "routing.json"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    before = fingerprint(demo)
    arguments = {
        "route": (*TASK, "--config", file),
        "tune": ("--log", demo / "lab.duckdb", "--config", file),
    }.get(command, (file,))
    fails(cli(command, *arguments), 1, "InvalidRoutingConfig", "routing.json")
    assert fingerprint(demo) == before


def test_a_folder_that_cannot_be_written_exits_without_a_traceback(cli: Cli, simulated: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    source = simulated / "routing.json"
    fails(cli("export", source, "--out", "file/routing.json"), 1, "file/routing.json")
    fails(cli("route", tmp_path), 1, "Is a directory")
    fails(cli("demo", *SIMULATED, "--out", "file/demo"), 1, "file/demo")


def database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")


FOREIGN = {
    "text": lambda path: path.write_text("Dear diary, today I routed nothing.\n" * 100),
    "empty": lambda path: path.write_bytes(b""),
    "sqlite": lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 4096),
    "duckdb": database,
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("command", ["performance", "doctor", "run", "demo", "tune"])
def test_a_file_that_is_no_log_of_ours_is_left_as_it_is(cli: Cli, tmp_path: Path, kind: str, command: str) -> None:
    FOREIGN[kind](tmp_path / "lab.duckdb")
    before = (tmp_path / "lab.duckdb").read_bytes()
    arguments = {"run": (*TASK, *SIMULATED), "demo": (*SIMULATED, "--out", tmp_path)}.get(command, ())
    fails(cli(command, *arguments), 1, "ForeignFile", "lab.duckdb")
    assert (tmp_path / "lab.duckdb").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["lab.duckdb"]


def test_a_locked_log_names_its_holder_and_answers_when_it_is_gone(
    cli: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("_READ_PATIENCE_S", "_COLLECT_PATIENCE_S", "_QUESTION_PATIENCE_S"):
        monkeypatch.setattr(access, patience, 0.05)
    log = demo / "lab.duckdb"
    before = log.read_bytes()
    with start_program("hold", log) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for command in (("performance",), ("doctor",), ("sql", "SELECT 1")):
            fails(cli(*command, "--log", log), 1, "LogLocked", f"(PID {holder.pid})")
        assert log.read_bytes() == before
    assert cli("performance", "--log", log).code == 0


def test_a_locked_log_costs_no_answer_of_a_run(cli: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was paid for is printed, and waits in the journal."""
    for patience in ("_READ_PATIENCE_S", "_COLLECT_PATIENCE_S", "_QUESTION_PATIENCE_S"):
        monkeypatch.setattr(access, patience, 0.05)
    log = demo / "lab.duckdb"
    with start_program("hold", log) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        said = cli("run", *TASK, *SIMULATED, "--log", log, "--json")
        assert (said.code, len(said.document)) == (0, 1)
        assert f"(PID {holder.pid})" in said.err
    found = cli("sql", "SELECT decision_id FROM task_outcome WHERE origin = 'lab'", "--log", log, "--json")
    assert said.document[0]["decision_id"] in {row["decision_id"] for row in found.document}


def test_a_missing_key_is_named(cli: Cli, tmp_path: Path) -> None:
    luna = ("openai/gpt-6-luna",)
    config = start({"luna": 100})
    only = config.evolve(tasks={TYPE: {**dict(config.tasks[TYPE]), "models": luna}})
    save_config(only, tmp_path / "routing.json")
    said = cli("run", *TASK, "--config", "routing.json", "--log", "lab.duckdb", "--yes")
    fails(said, 1, "MissingKey", "OPENAI_API_KEY")


def test_a_budget_that_refuses_exits_5_and_prints_what_was_done_before(cli: Cli, tmp_path: Path) -> None:
    lines = "\n".join(task.model_dump_json() for task in tasks_of(n=12))
    (tmp_path / "tasks.jsonl").write_text(lines, encoding="utf-8")
    said = cli("run", "tasks.jsonl", *SIMULATED, "--max-cost", "0.004", "--log", "lab.duckdb", "--json")
    assert said.code == 5, said
    assert sum(row["status"] == "completed" for row in said.document) < 12 == len(said.document)
    assert "cap" in said.err
    assert "Traceback" not in said.err
    [spent] = rows(tmp_path / "lab.duckdb", "SELECT sum(cost_nano_usd) AS nano FROM attempt")
    assert (spent["nano"] or 0) <= 4_000_000


def test_the_classic_catalog_is_refused_by_live_providers(cli: Cli) -> None:
    fails(cli("run", *TASK, "--catalog", "classic", "--yes"), 1, "OfflineConfig", "current")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BudgetRefused("cap"), Exit.BUDGET_REFUSED),
        (NotEnoughData("none"), Exit.DATA_MISSING),
        (UnknownTaskType("no"), Exit.USAGE),
        (LogLocked("held"), Exit.ERROR),
    ],
)
def test_each_kind_of_ending_has_its_code(error: BizqLabError, code: Exit) -> None:
    assert exit_code(error) is code
