"""`collect`, `schema` and what `doctor` says of a log, as a shell sees them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bizq_lab.store import Log, journal_folder
from tests.support.cli import Shell
from tests.support.store_events import make_event, make_story
from tests.support.store_processes import ROOT

SCHEMA = ROOT / "data" / "SCHEMA.md"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of four events that nobody has collected."""
    path = tmp_path / "lab.duckdb"
    with Log.open(path) as log:
        for event in make_story("d1"):
            log.append(event)
    return path


def test_collect_moves_what_waits_and_says_so_in_one_line(shell: Shell, path: Path) -> None:
    said = shell("collect", "--log", str(path))
    assert (said.code, said.out.count("\n")) == (0, 1)
    assert said.out.endswith("  4 events, 1 segments removed\n")
    again = json.loads(shell("collect", "--log", str(path), "--json").out)
    assert (again["events"], again["complete"], again["caveats"]) == (0, True, [])


def test_collect_ends_with_an_alert_when_a_line_was_refused(shell: Shell, path: Path) -> None:
    (segment,) = journal_folder(path).glob("*.jsonl")
    segment.write_bytes(segment.read_bytes() + b"garbage\n")
    said = shell("collect", "--log", str(path))
    assert said.code == 3
    assert "4 events" in said.out
    assert "quarantine_health" in said.out


def test_collect_finds_no_log_where_there_is_none(shell: Shell, tmp_path: Path) -> None:
    said = shell("collect", "--log", str(tmp_path / "none.duckdb"))
    assert (said.code, said.out) == (4, "")
    assert "no log at" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watching_collector_ends_well_when_told_to_and_leaves_nothing_behind(path: Path, number: int) -> None:
    command = [sys.executable, "-m", "bizq_lab", "collect", "--log", str(path), "--watch", "--json", "--interval", "60"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        first = json.loads(program.stdout.readline())
        with Log.open(path) as log:
            log.append(make_event("alert"))
        program.send_signal(number)
        rest, complaints = program.communicate(timeout=60)
    assert (program.returncode, complaints) == (0, "")
    assert [first["events"], *(json.loads(line)["events"] for line in rest.splitlines())] == [4, 1]


def test_schema_prints_the_committed_dictionary(shell: Shell) -> None:
    assert shell("schema").out == SCHEMA.read_text("utf-8")
    told = json.loads(shell("schema", "--json").out)
    assert told["outcome"]["cost_nano_usd"]["type"] == "BIGINT"
    assert told["decision"]["propensity_ppb"]["meaning"].startswith("probability")


def findings(said: str) -> dict[str, tuple[str, str]]:
    return {found["what"]: (found["state"], found["detail"]) for found in json.loads(said)["findings"]}


def test_doctor_tells_what_is_wrong_with_a_log_line_by_line(shell: Shell, path: Path) -> None:
    with Log.open(path) as log:
        log.append(make_event("attempt_started", attempt_id="lost", recorded_at_us=2**52))
        found = findings(shell("doctor", "--log", str(path), "--json").out)
    assert found["log, refused"] == ("ok", "none")
    assert found["log, unknown"][0] == found["log, clocks"][0] == found["log"][0] == "attend"
    assert found["log, unknown"][1].startswith("1 calls without an end")
    assert found["log, waiting"][1].startswith("0 bytes in 1 segments")


def test_doctor_repairs_what_it_safely_can(shell: Shell, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb  # noqa: PLC0415 - to change the log behind its back

    monkeypatch.setattr("bizq_lab.cli.doctor._install", lambda: None)
    shell("collect", "--log", str(path))
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM task_outcome")
    half = path.with_name(f".{path.name}.{2**22 + 1}.unborn")
    half.write_bytes(b"")
    assert findings(shell("doctor", "--log", str(path), "--json").out)["log, outcomes"][0] == "attend"
    said = shell("doctor", "--log", str(path), "--fix", "--json")
    assert findings(said.out)["log, outcomes"] == ("ok", "none")
    assert "1 rows were missing" in said.err
    assert not half.exists()
