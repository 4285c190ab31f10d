"""Opening the DuckDB file, and what DuckDB's errors mean here. The only module that connects; knows no table.

duckdb loads when the first connection is opened: a process that only writes never pays for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bizq_lab.errors import BizqLabError, ForeignFile, InputError, LogError, LogLocked
from bizq_lab.store.locks import pause

if TYPE_CHECKING:
    import duckdb

_Opened = TypeVar("_Opened")
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_LEFT_WAL = re.compile(r"File checkpoint iteration: (?P<file>\d+), WAL checkpoint iteration: (?P<wal>\d+)")
_DUCKDB_MAGIC, _MAGIC_AT, _SQLITE_MAGIC = b"DUCK", 8, b"SQLite format 3\x00"
# Extensions would be fetched from the internet; a log needs none.
# Rows go straight into the file: a write-ahead log would only write them twice, for what is closed right after.
_FOR_WRITING: dict[str, str] = {"checkpoint_threshold": "1KB"}
_STAGING_MEMORY = "600MB"
_NO_EXTENSIONS: dict[str, str] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def check_magic(path: Path) -> None:
    """Refuse a file that is not DuckDB's by its first bytes, without opening it in DuckDB.

    Raises:
        ForeignFile: It is empty, SQLite, or something else.
        LogError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_MAGIC_AT + len(_DUCKDB_MAGIC))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise LogError(message, hint="the log is a DuckDB file that this user may read") from None
    if head[_MAGIC_AT:] == _DUCKDB_MAGIC:
        return
    what = "a SQLite database" if _SQLITE_MAGIC.startswith(head) and head else "not a DuckDB file"
    message = f"{path} is {what if head else 'an empty file'}, not a bizq_lab log"
    raise ForeignFile(message, hint="name another file; this one was left as it is")


@contextmanager
def connect(
    path: Path, *, read_only: bool, patience_s: float, config: Mapping[str, str] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the length of the block; DuckDB's errors leave it as ours.

    Args:
        path: The DuckDB file.
        read_only: Many may read at once; one may write, and then nobody reads.
        patience_s: How long to keep trying while another program holds the file.
        config: Further DuckDB settings.

    Raises:
        LogLocked: Another program holds the file.
        ForeignFile: It is damaged, or not DuckDB's.
        LogError: Anything else DuckDB says.
    """
    with translated(path):
        connection = _open(
            path, read_only=read_only, patience_s=patience_s, config={**_NO_EXTENSIONS, **(config or {})}
        )
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def in_memory(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB without a file, for the length of the block.

    Args:
        folder: Where it puts what does not fit into its memory.
    """
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    config: dict[str, Any] = {
        **_NO_EXTENSIONS,
        **_FOR_WRITING,
        "memory_limit": _STAGING_MEMORY,
        "temp_directory": str(folder),
    }
    connection = duckdb.connect(config=config)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def attached(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    read_only: bool = False,
    patience_s: float,
    row_group_rows: int | None = None,
) -> Iterator[None]:
    """A log's file as the place of all tables without a schema, for the length of the block.

    It costs a thirtieth of a DuckDB of its own, which is why whoever has one in memory opens the file this way.

    Args:
        connection: To a DuckDB in memory.
        path: The DuckDB file.
        read_only: Many may read at once; one may write, and then nobody reads.
        patience_s: How long to keep trying while another program holds the file.
        row_group_rows: Of the row groups that are written, a multiple of 2,048; by default DuckDB's 122,880.

    Raises:
        LogLocked: Another program holds the file.
        ForeignFile: It is damaged, or not DuckDB's.
        LogError: Anything else DuckDB says.
    """
    import duckdb  # noqa: PLC0415 - as above

    with translated(path):
        name = str(path).replace("'", "''")
        mode = " (READ_ONLY)" if read_only else f" (ROW_GROUP_SIZE {row_group_rows})" if row_group_rows else ""
        _patiently(lambda: connection.execute(f"ATTACH '{name}' AS log{mode}"), path, patience_s)
        connection.execute("USE log")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):  # what failed is what the caller must hear of
                _detach(connection)
            raise
        _detach(connection)


def _detach(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("USE memory")
    connection.execute("DETACH log")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Every duckdb error inside the block leaves it as one of ours."""
    import duckdb  # noqa: PLC0415 - loads only where a file is opened

    try:
        yield
    except duckdb.Error as error:
        raise as_log_error(error, path) from None


def as_log_error(error: Exception, path: Path) -> BizqLabError:
    """What a duckdb error means to a user of the log."""
    import duckdb  # noqa: PLC0415 - as above

    text = str(error).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    if (holder := _HOLDER.search(text)) is not None:
        return _locked(path, holder["program"], int(holder["pid"]))
    if "different configuration than existing connections" in text or "Unique file handle conflict" in text:
        message = f"{path} is open in this process already, in another mode"
        return LogLocked(message, hint="close that duckdb connection; the log opens the file for each question itself")
    if "Could not write file" in text or "No space left" in text:
        line = next(line for line in text.splitlines() if "Could not write file" in line or "No space left" in line)
        message = f"{path} cannot be written: {line.rpartition(': ')[2]}"
        return LogError(message, hint="make room; events go on waiting in the journal, nothing is lost")
    if "not a valid DuckDB database" in text:
        return ForeignFile(f"{path} is not a DuckDB file", hint="name another file; this one was left as it is")
    meanings: tuple[tuple[tuple[type[Exception], ...], BizqLabError], ...] = (
        (
            (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException),
            InputError(text, hint="see data/SCHEMA.md for the tables and views, or: SHOW TABLES"),
        ),
        (
            (duckdb.PermissionException,),
            InputError(first, hint="questions read this log only: no files, no network, no settings"),
        ),
        (
            (duckdb.SerializationException, duckdb.FatalException, duckdb.InternalException),
            ForeignFile(f"{path} is damaged: {first}", hint="restore it from a backup; it was left as it is"),
        ),
        (
            (duckdb.OutOfMemoryException,),
            LogError(f"{path}: {first}", hint="ask for less at a time: a narrower window, fewer groups"),
        ),
    )
    return next((ours for theirs, ours in meanings if isinstance(error, theirs)), LogError(f"{path}: {text}"))


def _locked(path: Path, program: str, pid: int) -> LogLocked:
    error = LogLocked(
        f"{path} is held by another program: {program} (PID {pid})",
        hint="close its connection and ask again; events go on being written, nothing is lost",
    )
    error.pid = pid
    return error


def _open(path: Path, *, read_only: bool, patience_s: float, config: dict[str, str]) -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - as above

    return _patiently(lambda: duckdb.connect(str(path), read_only=read_only, config=dict(config)), path, patience_s)


def _patiently(opens: Callable[[], _Opened], path: Path, patience_s: float) -> _Opened:
    """Try until nobody else holds the file, or patience ends."""
    import duckdb  # noqa: PLC0415 - as above

    deadline = time.monotonic() + patience_s
    while True:
        try:
            return opens()
        except duckdb.IOException as error:
            if _dropped_wal(path, str(error)):
                continue
            if "Could not set lock" not in str(error) or time.monotonic() >= deadline:
                raise
            pause()


def _dropped_wal(path: Path, said: str) -> bool:
    """Whether the file could not be opened for a write-ahead log that was left over, which is gone now.

    A process that is killed between writing a checkpoint and ending the write-ahead log before it leaves both. The file
    then holds everything, and DuckDB refuses the pair. It has the file's lock when it says so: nobody is writing.
    """
    found = _LEFT_WAL.search(said)
    if found is None or int(found["file"]) != int(found["wal"]) + 1:
        return False
    try:
        path.with_name(f"{path.name}.wal").unlink()
    except OSError:
        return False
    return True
