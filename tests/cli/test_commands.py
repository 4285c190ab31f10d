"""Every command: an example in its help, one JSON document on stdout when asked, everything else on stderr."""

from __future__ import annotations

import io
import json
import pkgutil
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

import bizq_lab.cli
from bizq_lab import __version__
from bizq_lab.config import load_config, parse_config, save_config
from bizq_lab.lab import recording
from tests.support.lab_cli import Cli, Twins, ended, spawn
from tests.support.lab_small import TYPE, rows, start, tasks_of

MODULES = [import_module(f"bizq_lab.cli.{found.name}") for found in pkgutil.iter_modules(bizq_lab.cli.__path__)]
GROUPS = [module.app for module in MODULES if module.__name__ != "bizq_lab.cli.app" and hasattr(module, "app")]
COMMANDS = sorted(
    [command.__name__.strip("_").replace("_", "-") for module in MODULES for command in getattr(module, "COMMANDS", ())]
    + [
        f"{group.info.name} {command.name or command.callback.__name__.replace('_', '-')}"
        for group in GROUPS
        for command in group.registered_commands
    ]
)
INPUT = json.dumps(tasks_of(n=1)[0].input)
SIMULATED = ("--provider", "simulated")


def test_the_commands_are_those_of_the_specification_and_more() -> None:
    named = {"demo", "route", "run", "performance", "compare", "efficiency", "tune", "export", "report daily", "sql"}
    assert named | {"doctor", "verify"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_a_command_by_an_example_of_itself(cli: Cli, command: str) -> None:
    said = cli(*command.split(), "--help")
    assert said.code == 0
    text = re.sub(r"\s+", " ", said.out)
    example = re.search(rf"Example: bizq-lab ({command})\b", text)
    assert example is not None
    assert "--json" in text


@pytest.mark.parametrize(
    "command",
    [
        ("route", "--type", TYPE, "--input", INPUT),
        ("performance",),
        ("compare", "--task-type", TYPE),
        ("efficiency",),
        ("tune",),
        ("tune", "--config", "demo/routing.json"),
        ("sql", "SELECT status, count(*) AS n FROM task_outcome GROUP BY ALL"),
        ("doctor",),
        ("verify", "demo/routing.json"),
        ("export", "demo/routing.json"),
        ("export", "demo/routing.json", "--target", "yaml", "--out", "routing.yaml"),
        ("run", "--type", TYPE, "--input", INPUT, *SIMULATED),
    ],
    ids=lambda command: " ".join(command)[:40],
)
def test_with_json_a_command_prints_one_strict_document_and_nothing_else(
    cli: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BIZQ_LAB_LOG", str(demo / "lab.duckdb"))
    said = cli(*command, "--json")
    assert said.code == 0, said.err
    assert said.document
    assert said.out.isascii()
    assert said.out.endswith("\n")


def test_the_simulated_demo_names_its_files_and_what_it_found(twins: Twins) -> None:
    document = twins.said.document
    assert document["provider"] == "simulated"
    assert document["pairs"] == document["planned_pairs"] > 0
    assert {name: Path(path).name for name, path in document["files"].items()} == {
        "log": "lab.duckdb",
        "config": "routing.json",
        "report": "report.html",
    }
    assert len(document["comparisons"]) == len(document["split"]) == 10
    assert all(Path(path).stat().st_size for path in document["files"].values())
    weights = load_config(twins.first / "routing.json").tasks
    for name, shares in document["split"].items():
        for arm, share in shares.items():
            assert abs(share - weights[name].weights[arm] / 100) < 0.07


def test_recording_says_how_much_it_recorded(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "record_outcomes", lambda *_, **__: 12)
    said = cli("record", "--out", "out.parquet", "--json")
    assert (said.code, said.document) == (0, {"file": "out.parquet", "recorded": 12})
    assert "recorded 12 outcomes" in said.err


def test_running_tasks_logs_them_and_keeps_remarks_out_of_the_data(cli: Cli, tmp_path: Path) -> None:
    lines = "\n".join(task.model_dump_json() for task in tasks_of(n=3))
    (tmp_path / "tasks.jsonl").write_text(f"{lines}\n\n", encoding="utf-8")
    said = cli("run", "tasks.jsonl", *SIMULATED, "--log", "lab.duckdb", "--json")
    assert said.code == 0
    assert [row["task_id"] for row in said.document] == [task.id for task in tasks_of(n=3)]
    assert "logged to lab.duckdb" in said.err
    logged = rows(tmp_path / "lab.duckdb", "SELECT decision_id FROM task_outcome")
    assert {row["decision_id"] for row in logged} == {row["decision_id"] for row in said.document}


def test_tasks_may_come_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(tasks_of(n=1)[0].model_dump_json()))
    said = cli("route", "-", "--json")
    assert said.code == 0
    assert [row["task_type"] for row in said.document] == [TYPE]


def test_a_published_config_routes_on_the_command_line(cli: Cli, tmp_path: Path) -> None:
    save_config(start({"plain": 100}), tmp_path / "routing.json")
    said = cli("route", "--type", TYPE, "--input", INPUT, "--config", "routing.json", "--json")
    assert [(row["arm"], row["propensity"]) for row in said.document] == [("plain", 1.0)]


def test_an_export_is_the_config_byte_for_byte(cli: Cli, simulated: Path, tmp_path: Path) -> None:
    source = simulated / "routing.json"
    assert parse_config(cli("export", source).out.encode()) == load_config(source)
    assert cli("export", source, "--out", "copy.json").code == 0
    assert (tmp_path / "copy.json").read_bytes() == source.read_bytes()


def test_the_limits_of_the_business_are_options(cli: Cli, demo: Path) -> None:
    """What may not leave the machine gets no share on a vendor's model; the rest is as the limits say."""
    limits = ["--local-only", "content.optimize_seo", "--tier-cap", "*=premium", "--volume", "content.optimize_seo=50"]
    limits += ["--exploration-floor", "0.1", "--ramp-limit", "0.5", "--latency-limit", "1000"]
    given = ("tune", "--log", demo / "lab.duckdb", "--config", demo / "routing.json", "--as-of", "2026-11-02", "--json")
    tuned = cli(*given, *limits)
    assert tuned.code == 0, tuned.err
    left_out = [c["message"] for c in tuned.document["caveats"] if c["code"] == "arms_left_out"]
    assert "would take content.optimize_seo off this machine" in " ".join(left_out)
    unknown = cli("tune", "--log", demo / "lab.duckdb", "--config", demo / "routing.json", "--tier-cap", "*=huge")
    assert unknown.code == 2
    assert "tier_caps['*'] == 'huge'" in unknown.err


def test_what_is_tuned_can_be_published_verified_and_routed_by(cli: Cli, demo: Path, tmp_path: Path) -> None:
    log = demo / "lab.duckdb"
    tuned = cli(
        "tune", "--log", log, "--config", demo / "routing.json", "--publish", "next.json", "--as-of", "2026-11-02"
    )
    assert tuned.code == 0, tuned.err
    assert "published next.json" in tuned.err
    config = load_config(tmp_path / "next.json")
    assert config.parent == load_config(demo / "routing.json").hash
    assert cli("verify", "next.json", "--json").document["sha256"] == config.hash
    routed = cli("route", "--type", TYPE, "--input", INPUT, "--config", "next.json", "--json").document
    assert routed[0]["arm"] in config.tasks[TYPE].weights


def test_rows_of_sql_become_whole_json(cli: Cli, demo: Path) -> None:
    said = cli("sql", "SELECT [1, 2] AS l, NULL::TIMESTAMP AS t, {'k': 1.5} AS s, 'nan'::DOUBLE AS x", "--log",
               demo / "lab.duckdb", "--json")  # fmt: skip
    assert said.document == [{"l": [1, 2], "s": {"k": 1.5}, "t": None, "x": None}]


def test_what_a_model_wrote_cannot_steer_the_terminal(cli: Cli, demo: Path) -> None:
    said = cli("sql", "SELECT chr(27) || '[2J' AS hostile", "--log", demo / "lab.duckdb")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert "\N{REPLACEMENT CHARACTER}[2J" in said.out


def test_without_a_command_the_help_is_shown_as_a_usage_error(cli: Cli) -> None:
    said = cli()
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: bizq-lab")


def test_the_module_and_the_script_are_the_same_program(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("bizq-lab")
    save_config(start({"plain": 100}), tmp_path / "routing.json")
    for line, code in (("--version", 0), (f"verify {tmp_path / 'routing.json'} --json", 0), ("verify nothing.json", 4)):
        module = ended(spawn(*shlex.split(line)))
        done = subprocess.run([script, *shlex.split(line)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == module
        assert module.code == code
    assert ended(spawn("--version")).out == f"{__version__}\n"


def test_a_terminal_without_a_character_still_gets_the_answer(tmp_path: Path) -> None:
    said = ended(spawn("doctor", "--log", tmp_path / "none", PYTHONIOENCODING="ascii", PYTHONUTF8="0"))
    assert (said.code, said.err) == (0, "")
    assert "export OPENAI_API_KEY=?" in said.out


def test_doctor_sees_keys_without_showing_them(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobodys-key")
    said = cli("doctor", "--log", "none.duckdb", "--json")
    states = {finding["what"]: finding["state"] for finding in said.document["findings"]}
    assert (states["OPENAI_API_KEY"], states["ANTHROPIC_API_KEY"], states["log"]) == ("ok", "missing", "missing")
    assert "sk-nobodys-key" not in said.out + said.err


def test_verify_alerts_on_an_expired_config(cli: Cli, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    save_config(start({"plain": 100}, expires_on=today - timedelta(days=1)), tmp_path / "old.json")
    save_config(start({"plain": 100}, expires_on=today + timedelta(days=9)), tmp_path / "new.json")
    old = cli("verify", "old.json", "--json")
    assert (old.code, old.document["expired"]) == (3, True)
    assert "expired" in old.err
    assert cli("verify", "new.json").code == 0
