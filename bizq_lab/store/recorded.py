"""Recorded real outcomes as one Parquet file: what `replay` answers from. Knows no log.

The file holds one row per (task_type, task_key, arm, model, repeat), sorted, so that the same rows give the same bytes.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bizq_lab.core.protocols import RecordedOutcome
from bizq_lab.errors import InputError
from bizq_lab.store.recorded_rows import READABLE, RECORDED_COLUMNS, checked_rows, key_of, wrong

__all__ = ["RECORDED_COLUMNS", "RecordedOutcomes", "read_recorded", "write_recorded"]

_US_PER_S: Final = 1_000_000


class RecordedOutcomes:
    """Recorded outcomes by (task type, task key, arm, model, repeat), read whole when made.

    Args:
        path: A Parquet file that `write_recorded` wrote, or one with its columns.

    Attributes:
        repeats: The repeats that every recorded (task, arm) has; replaying more would count an outcome twice.

    Raises:
        InputError: There is no such file, it is not Parquet, a column is missing or of another type, or a row is
            incomplete, negative or there twice.
    """

    def __init__(self, path: str | Path) -> None:
        """Read and check the file."""
        self.path = Path(path)
        rows = read_recorded(self.path)
        self._outcomes: dict[tuple[str, ...], list[RecordedOutcome]] = {}
        for row in sorted(rows, key=key_of):
            self._outcomes.setdefault(key_of(row)[:-1], []).append(_outcome(row))
        self.repeats = min(map(len, self._outcomes.values()))

    def __len__(self) -> int:
        """How many outcomes there are."""
        return sum(map(len, self._outcomes.values()))

    def lookup(self, *, task_type: str, task_key: str, arm: str, model: str, repeat: int) -> RecordedOutcome | None:
        """The outcome, or None when it was never recorded. A repeat beyond the last wraps around."""
        repeats = self._outcomes.get((task_type, task_key, arm, model))
        return repeats[repeat % len(repeats)] if repeats else None


def read_recorded(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a recording, as `write_recorded` takes them.

    Raises:
        InputError: As `RecordedOutcomes`.
    """
    return [dict(row) for row in checked_rows(_read(Path(path)), where=str(path))]


def write_recorded(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write outcomes as Parquet; the file appears whole or not at all.

    Args:
        path: Where; the folder is made, an older file is replaced.
        rows: One mapping an outcome, with the keys of `RECORDED_COLUMNS`, in any order: times in microseconds,
            `recorded_on` a day in ISO form, `error_type` empty for a success.

    Returns:
        How many outcomes were written.

    Raises:
        InputError: There is no row, or one lacks a column, has a value of another type or below 0, or is there twice.
    """
    target = Path(path)
    checked = sorted(checked_rows(rows, where="recorded outcomes"), key=key_of)
    unborn = target.with_name(f".{target.name}.{os.getpid()}.unborn")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(unborn, {name: [row[name] for row in checked] for name in RECORDED_COLUMNS})
        unborn.replace(target)
    except OSError as error:
        message = f"{target}: cannot be written: {error.strerror}"
        raise InputError(message, hint="name a file in a folder that this user may write to") from None
    finally:
        with suppress(OSError):
            unborn.unlink(missing_ok=True)
    return len(checked)


def _outcome(row: Mapping[str, Any]) -> RecordedOutcome:
    first = row["time_to_first_chunk_us"]
    return RecordedOutcome(
        text=row["output"] or "",
        finish_reason=row["finish_reason"],
        served_model=row["served_model"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        response_time_s=row["response_time_us"] / _US_PER_S,
        first_token_s=None if first is None else first / _US_PER_S,
        core_seconds=row["core_us"] / _US_PER_S,
        error_class=row["error_type"],
    )


def _read(path: Path) -> list[dict[str, Any]]:
    import duckdb  # noqa: PLC0415 - loads only where a file is read

    if not path.is_file():
        raise wrong(str(path), "no such file")
    source = "read_parquet($path, hive_partitioning = false)"
    bound = {"path": glob.escape(str(path))}
    try:
        with duckdb.connect(":memory:") as connection:
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}", bound).fetchall()  # noqa: S608 - constant
            _check_types(path, {str(row[0]): str(row[1]) for row in described})
            found = connection.execute(f"SELECT {', '.join(RECORDED_COLUMNS)} FROM {source}", bound).fetchall()  # noqa: S608 - constant
    except duckdb.Error as error:
        raise wrong(str(path), f"not a Parquet file that can be read: {str(error).splitlines()[0]}") from None
    return [dict(zip(RECORDED_COLUMNS, row, strict=True)) for row in found]


def _check_types(path: Path, found: Mapping[str, str]) -> None:
    for name, kind in RECORDED_COLUMNS.items():
        if name not in found:
            raise wrong(str(path), f"column {name!r} is missing")
        if found[name] not in READABLE[kind]:
            raise wrong(str(path), f"column {name!r} is {found[name]}, must be {kind}")


def _copy(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    import duckdb  # noqa: PLC0415 - loads only where a file is written

    lists = ", ".join(f"unnest(${name}::{kind}[]) AS {name}" for name, kind in RECORDED_COLUMNS.items())
    try:
        # One thread, rows already sorted: the same rows give the same bytes.
        with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
            connection.execute(f"CREATE TABLE outcomes AS SELECT {lists}", dict(columns))
            connection.execute("COPY outcomes TO $path (FORMAT parquet, COMPRESSION zstd)", {"path": str(path)})
    except duckdb.Error as error:
        message = f"{path.parent}: cannot be written: {str(error).splitlines()[0]}"
        raise InputError(message, hint="name a file in a folder that has room") from None
