"""How commands speak: data on stdout, everything else on stderr, one exit code a kind of ending. Knows no command."""

from __future__ import annotations

import json
import math
import sys
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from bizq_lab.cli.terminal import is_terminal, show
from bizq_lab.core.display import printable
from bizq_lab.core.result import Result
from bizq_lab.errors import (
    BizqLabError,
    BudgetRefused,
    InputError,
    NotEnoughData,
    PositivityViolation,
    UnknownModel,
    UnknownProvider,
    UnknownTaskType,
)


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    ALERT = 3
    DATA_MISSING = 4
    BUDGET_REFUSED = 5


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
LogPath = Annotated[Path, typer.Option("--log", envvar="BIZQ_LAB_LOG", help="The DuckDB log.")]
Preset = Annotated[
    str,
    typer.Option(
        "--catalog", envvar="BIZQ_LAB_CATALOG", help="current, classic, or a TOML file of your own on top of current."
    ),
]
TaskType = Annotated[str | None, typer.Option("--task-type", "-t", help="Only this task type.")]


def exit_code(error: BizqLabError) -> Exit:
    """Which ending an error is."""
    if isinstance(error, BudgetRefused):
        return Exit.BUDGET_REFUSED
    if isinstance(error, (NotEnoughData, PositivityViolation)):
        return Exit.DATA_MISSING
    if isinstance(error, (InputError, UnknownModel, UnknownTaskType, UnknownProvider)):
        return Exit.USAGE
    return Exit.ERROR


def say(text: str) -> None:
    """A line for the person at the terminal; never mixed into the data."""
    sys.stderr.write(printable(text) + "\n")


def emit(answer: Result | dict[str, Any] | list[Any], *, as_json: bool, text: str | None = None) -> None:
    """The answer on stdout: JSON when asked for, a table as wide as the terminal for a person, else plain text."""
    if as_json:
        data = answer.to_dict() if isinstance(answer, Result) else answer
        sys.stdout.write(to_json(data) + "\n")
    elif text is None and isinstance(answer, Result) and is_terminal():
        show(answer.sheet())
    else:
        sys.stdout.write(printable(str(answer) if text is None else text) + "\n")


def emit_line(row: dict[str, Any]) -> None:
    """One strict JSON object on a line of its own (JSON Lines), for output that may be long."""
    sys.stdout.write(json.dumps(_strict(row), sort_keys=True, allow_nan=False, default=str) + "\n")


def to_json(data: Any) -> str:
    """Strict JSON in ASCII, which every terminal and pipe carries: sorted keys, and null for what is not finite."""
    return json.dumps(_strict(data), sort_keys=True, indent=2, allow_nan=False, default=str)


def problems(error: ValidationError) -> str:
    """What pydantic found, in one line: each field, what is wrong with it, what was given."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}, got {item['input']!r:.80}"
        for item in error.errors(include_url=False)
    )


def agreed(would: str) -> None:
    """Ask a person before something goes for good; elsewhere somebody must have agreed beforehand.

    Args:
        would: What would go, as a sentence.

    Raises:
        InputError: Nobody agreed.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = f"{would}; nobody agreed to that, and this is no terminal to ask on"
        raise InputError(message, hint="pass --yes to remove it, --dry-run to look")
    say(would)
    typer.confirm("It cannot be undone. Go on?", abort=True, err=True)


def existing(path: Path) -> Path:
    """A log that must already be there, if only as a journal that nobody has collected yet.

    Raises:
        NotEnoughData: There is no such log.
    """
    from bizq_lab.store.places import journal_folder

    if not path.exists() and not journal_folder(path).exists():
        message = f"no log at {str(path)!r}"
        raise NotEnoughData(message, hint="name one with --log, or make one: bizq-lab demo --out out/demo")
    return path


def read_key(path: Path) -> bytes:
    """A key file; what it holds is never shown.

    Raises:
        NotEnoughData: There is no such file.
    """
    if not path.is_file():
        message = f"no key at {str(path)!r}"
        raise NotEnoughData(message, hint="make one: openssl genpkey -algorithm ed25519 -out key.pem")
    return path.read_bytes()


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    if isinstance(value, Decimal):
        return _strict(float(value))
    return _strict(value.tolist()) if hasattr(value, "tolist") else value  # numpy's arrays and scalars
