"""What stands in for a task type that nobody declared (S1). Knows neither models nor prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bizq_lab.catalog.schema import TaskTypeEntry

DEFAULT_TYPE = "default"
# What a prompt asks for belongs together; the rest of an entry is about the model and may be inherited.
_OF_THE_PROMPT = ("prompts", "checks", "judge", "judge_model", "value_usd", "min_tokens", "quality", "human_minutes")


def prefixes_of(name: str) -> Iterator[str]:
    """Prefixes of a dotted name, longest first: `a.b.c` gives `a.b.*`, `a.*`."""
    stem, dot, _ = name.rpartition(".")
    while dot:
        yield f"{stem}.*"
        stem, dot, _ = stem.rpartition(".")


def prefix_entries(task_types: Mapping[str, TaskTypeEntry]) -> dict[str, TaskTypeEntry]:
    """An entry for every prefix of a declared type: its representative's model, the default's prompt and checks.

    The representative is the type that `stands_for` the prefix, else the first of the prefix in alphabetical order.
    Its side effects are inherited: not repeating what may have acted is the safe side.
    """
    default = task_types[DEFAULT_TYPE]
    kin: dict[str, list[TaskTypeEntry]] = {}
    for kind in sorted(task_types):
        for prefix in prefixes_of(kind):
            kin.setdefault(prefix, []).append(task_types[kind])
    asked = {name: getattr(default, name) for name in _OF_THE_PROMPT}
    return {
        prefix: _representative(prefix, entries).model_copy(update={**asked, "type": prefix, "stands_for": ""})
        for prefix, entries in kin.items()
    }


def _representative(prefix: str, entries: list[TaskTypeEntry]) -> TaskTypeEntry:
    return next((entry for entry in entries if entry.stands_for == prefix), entries[0])
