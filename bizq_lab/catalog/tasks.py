"""Where the project's own tasks and recorded outcomes are: in a wheel, or beside the package in a checkout."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from bizq_lab.core.task import Task
from bizq_lab.errors import InputError

_PACKAGE = Path(__file__).parents[1]


def data_folder(name: str) -> Path:
    """The folder `tasks` or `recorded`."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.exists() else _PACKAGE.parent / "data" / name


def bundled_types() -> tuple[str, ...]:
    """Task types for which tasks are bundled."""
    return tuple(sorted(file.stem for file in data_folder("tasks").glob("*.jsonl")))


@cache
def load_tasks(task_type: str) -> tuple[Task, ...]:
    """The bundled tasks of a type, in file order.

    Raises:
        InputError: None are bundled for this type.
    """
    path = data_folder("tasks") / f"{task_type}.jsonl"
    if not path.exists():
        known = bundled_types()
        message = f"task_type == {task_type!r}, no tasks are bundled"
        raise InputError(message, hint=f"known: {', '.join(known)}")
    lines = path.read_text("utf-8").splitlines()
    return tuple(Task.model_validate(json.loads(line)) for line in lines if line.strip())
