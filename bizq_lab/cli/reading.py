"""Tasks and contexts as a command line gets them: JSONL, standard input, one JSON object. Knows no command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from bizq_lab.cli.output import problems
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData

Noun = TypeVar("Noun", Task, RoutingContext)
Tasks = Annotated[Path | None, typer.Argument(help="Tasks as JSONL, `-` for standard input.")]
OneType = Annotated[str | None, typer.Option("--type", help="One task of this type, instead of a file.")]
OneInput = Annotated[str, typer.Option("--input", help="Its input, as a JSON object.")]
ContextJson = Annotated[str, typer.Option("--context", help="Routing context, as a JSON object.")]
Config = Annotated[Path | None, typer.Option("--config", help="A published routing.json.")]


def read_tasks(path: Path | None, type_: str | None, input_: str) -> Iterator[Task]:
    """The tasks of a file, of standard input, or the one that was named; each as it is read.

    Raises:
        InputError: Neither or both were named, or some line is no task.
        NotEnoughData: There is no such file.
    """
    if (path is None) == (type_ is None):
        message = "no task was named" if path is None else "both a file and --type were named"
        raise InputError(message, hint="pass TASKS.jsonl, or --type with --input")
    if type_ is not None:
        yield _validated(Task, {"type": type_, "input": _object(input_, "--input")}, "--type and --input")
        return
    if str(path) != "-" and not path.exists():  # type: ignore[union-attr]
        message = f"no tasks at {str(path)!r}"
        raise NotEnoughData(message, hint='one JSON object a line: {"type": …, "input": {…}}')
    lines = sys.stdin if str(path) == "-" else path.open(encoding="utf-8")  # type: ignore[union-attr]
    with lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _validated(Task, _object(line, f"{path}:{number}"), f"{path}:{number}")
        except UnicodeDecodeError as error:
            message = f"{path}: not UTF-8: {error.reason} at byte {error.start}"
            raise InputError(message, hint="save the file as UTF-8") from None


def read_context(text: str) -> RoutingContext:
    """The routing context; workspace `cli` unless it names another.

    Raises:
        InputError: It is not JSON, or no context.
    """
    return _validated(RoutingContext, {"workspace_id": "cli", **_object(text, "--context")}, "--context")


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"{where} == {text.strip()[:80]!r}, is not JSON: {error.msg} at column {error.colno}"
        raise InputError(message) from None
    except (RecursionError, ValueError) as error:  # nested too deep, or a number of thousands of digits
        message = f"{where} == {text.strip()[:80]!r}, is not JSON that can be read: {str(error)[:80]}"
        raise InputError(message) from None
    if not isinstance(value, dict):
        message = f"{where} == {text.strip()[:80]!r}, must be a JSON object"
        raise InputError(message)
    return value


def _validated(kind: type[Noun], data: dict[str, Any], where: str) -> Noun:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        message = f"{where}: {problems(error)}"
        raise InputError(message) from None
