"""What a recorded outcome must look like: its columns, their types, and one clear error. Knows no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bizq_lab.errors import InputError

KEY: Final = ("task_type", "task_key", "arm", "model", "repeat")
RECORDED_COLUMNS: Final[Mapping[str, str]] = {
    "task_type": "VARCHAR",
    "task_key": "VARCHAR",
    "arm": "VARCHAR",
    "model": "VARCHAR",
    "repeat": "BIGINT",
    "output": "VARCHAR",
    "finish_reason": "VARCHAR",
    "served_model": "VARCHAR",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "response_time_us": "BIGINT",
    "time_to_first_chunk_us": "BIGINT",
    "core_us": "BIGINT",
    "error_type": "VARCHAR",
    "prompt_version": "VARCHAR",
    "recorded_on": "VARCHAR",
}
_NULLABLE: Final = frozenset({"output", "time_to_first_chunk_us"})
_INT64: Final = 1 << 63
_PYTHON: Final[Mapping[str, type]] = {"VARCHAR": str, "BIGINT": int}
READABLE: Final[Mapping[str, frozenset[str]]] = {
    "VARCHAR": frozenset({"VARCHAR"}),
    "BIGINT": frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}),
}


def checked_rows(rows: Iterable[Mapping[str, Any]], *, where: str) -> list[Mapping[str, Any]]:
    """The rows, when there are any, each is whole and none is there twice.

    Raises:
        InputError: Says where, which row, which column and what is wrong with it.
    """
    checked = list(rows)
    if not checked:
        raise wrong(where, "holds no outcome")
    for number, row in enumerate(checked):
        for name, kind in RECORDED_COLUMNS.items():
            if (problem := _problem(row, name, _PYTHON[kind])) is not None:
                raise wrong(f"{where}, row {number}", problem)
        if row["output"] is None and not row["error_type"]:
            raise wrong(f"{where}, row {number}", "a success without its output; record with payloads='full'")
    again = next((key for key, n in Counter(map(key_of, checked)).items() if n > 1), None)
    if again is not None:
        raise wrong(where, f"{again} is there twice")
    return checked


def _problem(row: Mapping[str, Any], name: str, kind: type) -> str | None:
    value = row.get(name)
    if value is None:
        return None if name in _NULLABLE and name in row else f"{name} is missing"
    if type(value) is not kind:  # a bool is no count
        return f"{name} == {value!r:.80}, must be {kind.__name__}"
    if isinstance(value, int) and not 0 <= value < _INT64:
        return f"{name} == {value!r}, must be in [0, 2^63)"
    if isinstance(value, str) and not value.isascii() and value.encode("utf-8", "ignore").decode() != value:
        return f"{name} holds a lone surrogate, which UTF-8 cannot"
    return None


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What identifies an outcome; also the order of the file."""
    return tuple(row[name] for name in KEY)


def wrong(where: str, problem: str) -> InputError:
    """The error about a file of recorded outcomes."""
    return InputError(f"{where}: {problem}", hint="record outcomes anew with: bizq-lab record")
