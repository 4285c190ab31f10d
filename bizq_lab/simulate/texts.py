"""What a simulated model writes: a text that passes a task's checks, or one that does not. Knows no check's code.

The executor judges a simulated answer by the same checks as a real one. So a success must be written from what the
task expects, and a failure must miss it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import JsonValue

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.task import Task

FAILURE = "This one needs a person to look at it. [Your Name]"
_NEEDS = frozenset({"mentions", "answer", "fields", "json_fields", "numbers", "placeholder"})
_FILLER = "good"


def passing(task: Task | None) -> str:
    """A text that holds all that the task expects and nothing else: answer first, then fields, terms and figures."""
    if task is None:
        return "Done."
    expected = task.expected
    lines = [*_first(expected.get("answer")), *_fields(expected)]
    terms = [*(term for item in _items(expected.get("mentions")) for term in _first(item))]
    terms += [_figure(number) for number in _items(expected.get("numbers"))]
    if terms:
        lines.append(", ".join(terms))
    lines += [f"#tag{number}" for number in range(_least(expected, "min_hashtags"))]
    text = "\n".join(lines) or "Done."
    missing = _least(expected, "min_words") - len(text.split())
    return text + f" {_FILLER}" * max(missing, 0)


def failing(entry: TaskTypeEntry, task: Task | None) -> str:
    """A text that misses something the task type insists on; silence where it insists on nothing else."""
    rejecting = {check.name for check in entry.checks if check.severity == "reject"}
    wanted = {"placeholder"} if task is None else {"placeholder", *task.expected}
    return FAILURE if rejecting & _NEEDS & wanted else ""


def _fields(expected: dict[str, JsonValue]) -> list[str]:
    stated = expected.get("fields")
    values = {name: (_first(value) or [""])[0] for name, value in stated.items()} if isinstance(stated, dict) else {}
    names = [str(name) for name in _items(expected.get("json_fields"))]
    if names:
        return [json.dumps({**dict.fromkeys(names, _FILLER), **values})]
    return [f"{name}: {value}" for name, value in values.items()]


def _first(value: JsonValue) -> list[str]:
    """The first of the accepted forms, as text; nothing where nothing is expected."""
    forms = list(_items(value))
    return [str(forms[0])] if forms else []


def _items(value: JsonValue) -> Iterable[JsonValue]:
    return value if isinstance(value, list) else () if value is None else (value,)


def _figure(number: JsonValue) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _least(expected: dict[str, JsonValue], name: str) -> int:
    value = expected.get(name)
    return int(value) if isinstance(value, int | float) else 0
