"""Recorded real outcomes as Parquet: the form that `replay` reads. Knows no provider and no log.

One row is one call that was really made. Sorted by the first five columns, so that the same rows give the same bytes.

    task_type, task_key, arm, model  VARCHAR  which task, put to which arm (its id) and model (catalog key)
    repeat                           BIGINT   which repetition of that task by that arm, from 0
    output                           VARCHAR  what the model answered
    finish_reason, served_model      VARCHAR  as the provider said
    input_tokens, output_tokens      BIGINT
    response_time_us                 BIGINT   send to last byte, microseconds
    time_to_first_chunk_us           BIGINT   microseconds; NULL when not streamed
    core_us                          BIGINT   local compute, core-microseconds; 0 for a hosted model
    error_type                       VARCHAR  error class; empty when the call succeeded
    prompt_version, recorded_on      VARCHAR  what was asked, and the day (ISO)
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.core.protocols import RecordedOutcome
from bizq_lab.errors import InputError
from bizq_lab.store.connection import translated
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb

RECORDED_COLUMNS: dict[str, str] = {
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
_OPTIONAL = frozenset({"time_to_first_chunk_us"})
_US_PER_S = 1e6
_Cell = tuple[str, str, str, str]


class RecordedOutcomes:
    """An OutcomeSource over one Parquet file, or a glob of them; read once.

    Args:
        path: Parquet in the form of this module's docstring; further columns are ignored.

    Raises:
        InputError: The file is missing, is not Parquet, lacks a column, or a value is out of its domain.
    """

    def __init__(self, path: str | Path) -> None:
        """Read and validate the whole file."""
        self.path = Path(path)
        self._cells: dict[_Cell, list[RecordedOutcome]] = {}
        for task_type, task_key, arm, model, _, *rest in _read(self.path):
            text, finish, served, n_in, n_out, time_us, first_us, core_us, error = rest
            outcome = RecordedOutcome(
                text=text,
                finish_reason=finish,
                served_model=served,
                input_tokens=n_in,
                output_tokens=n_out,
                response_time_s=time_us / _US_PER_S,
                first_token_s=None if first_us is None else first_us / _US_PER_S,
                core_seconds=core_us / _US_PER_S,
                error_class=error,
            )
            self._cells.setdefault((task_type, task_key, arm, model), []).append(outcome)

    def lookup(self, *, task_type: str, task_key: str, arm: str, model: str, repeat: int) -> RecordedOutcome | None:
        """The outcome, or None when it was never recorded. A repeat beyond the last wraps around."""
        found = self._cells.get((task_type, task_key, arm, model))
        return found[repeat % len(found)] if found else None

    @property
    def repeats(self) -> int:
        """The repetitions that every (task, arm, model) has: the smallest number among them; 0 of nothing."""
        return min(map(len, self._cells.values()), default=0)

    def __len__(self) -> int:
        """How many outcomes were recorded."""
        return sum(map(len, self._cells.values()))


def write_recorded(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write recorded outcomes as Parquet, sorted; the same rows give the same bytes. Returns how many.

    Raises:
        InputError: A row lacks a column or has one too many, or a value is out of its domain.
    """
    target = Path(path)
    documents = [_document(number, row) for number, row in enumerate(rows)]
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in RECORDED_COLUMNS.items())
    target.parent.mkdir(parents=True, exist_ok=True)
    unborn = target.with_name(f".{target.name}.unborn")
    try:
        with tempfile.TemporaryDirectory(prefix="bizq-lab-") as folder, translated(target), _memory() as connection:
            lines = Path(folder) / "rows.jsonl"
            lines.write_text("".join(f"{document}\n" for document in documents), encoding="utf-8")
            text = statement("recorded_from_json").replace("__columns__", columns).replace("__file__", _quoted(lines))
            connection.execute(text)
            _refuse_bad_rows(connection, target)
            connection.execute(statement("recorded_write").replace("__file__", _quoted(unborn)))
        unborn.replace(target)
    finally:
        unborn.unlink(missing_ok=True)
    return len(documents)


def _read(path: Path) -> list[tuple[Any, ...]]:
    if "*" not in path.name and not path.exists():
        raise InputError(f"{path}: no such file", hint="record outcomes with: bizq-lab record")
    with translated(path), _memory() as connection:
        import duckdb  # noqa: PLC0415 - loads only where a file is opened

        try:
            connection.execute(statement("recorded_describe").replace("__file__", _quoted(path)))
            present = {row[0] for row in connection.fetchall()}
            if missing := [name for name in RECORDED_COLUMNS if name not in present and name not in _OPTIONAL]:
                hint = f"columns: {', '.join(RECORDED_COLUMNS)}"
                raise InputError(f"{path}: recorded outcomes lack the columns {missing}", hint=hint)
            casts = ", ".join(
                f"CAST({name if name in present else 'NULL'} AS {kind}) AS {name}"
                for name, kind in RECORDED_COLUMNS.items()
            )
            text = statement("recorded_from_parquet").replace("__columns__", casts).replace("__file__", _quoted(path))
            connection.execute(text)
        except (duckdb.IOException, duckdb.DataError, duckdb.InvalidInputException) as error:
            message = f"{path}: not recorded outcomes in Parquet: {str(error).splitlines()[0]}"
            raise InputError(message, hint=f"columns: {', '.join(RECORDED_COLUMNS)}") from None
        _refuse_bad_rows(connection, path)
        return connection.execute(statement("recorded_read")).fetchall()


def _refuse_bad_rows(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    bad = connection.execute(statement("recorded_refused")).fetchall()
    if bad:
        task_type, task_key, arm, repeat, reason = bad[0]
        message = f"{path}: {len(bad)} bad rows; first: {task_type} {task_key} {arm} repeat {repeat}: {reason}"
        raise InputError(message, hint="a row is one call that was made; see bizq_lab/store/recorded.py")


def _document(number: int, row: Mapping[str, Any]) -> str:
    if row.keys() != RECORDED_COLUMNS.keys():
        missing, extra = RECORDED_COLUMNS.keys() - row.keys(), row.keys() - RECORDED_COLUMNS.keys()
        message = f"row {number}: missing {sorted(missing)}, unknown {sorted(extra)}"
        raise InputError(message, hint=f"columns: {', '.join(RECORDED_COLUMNS)}")
    values = {name: _scalar_text(value) if isinstance(value, str) else value for name, value in row.items()}
    try:
        return json.dumps(values, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"row {number}: {error}", hint="values are text and whole numbers") from None


def _scalar_text(text: str) -> str:
    """Text without lone surrogates, as the journal writes it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _memory() -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - as above

    # One thread: the order of rows, and with it the file's bytes, must not depend on the machine.
    return duckdb.connect(":memory:", config={"threads": "1", "autoinstall_known_extensions": "false"})


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
