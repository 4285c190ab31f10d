"""The archived log on Apache Spark: the same named queries, the same answers to the last bit. Writes nothing.

`SparkLog` reads as `Log` does, so every analysis takes either. It opens the archive's Parquet files as Spark's views
and runs `queries/<name>.sql`, translated by `dialect`; what comes back is a small table of sufficient statistics, from
which the driver computes as it does from DuckDB. An empty DuckDB file beside it says what type each column has.

On a cluster: install `bizq-lab[spark]` where the driver runs, archive to a URL that both fsspec and Spark open
(`s3a://…`, `abfs://…`, `hdfs://…`, with the connector's jar on the session), and open the lab inside the cluster's own
session, which is used when there is one. The executors need nothing of bizq_lab: the queries are SQL alone. Each query
is one scan of the columns that it names, with a shuffle for each grouping; an analysis asks one to three. A local
session takes some seconds to start and a second or two a query, whatever the size: below some tens of millions of rows
DuckDB answers first.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import InputError, LogError
from bizq_lab.store import reading, schema
from bizq_lab.store.archived import OUTCOMES, TIMES, archive_of, archived_files, tables_named
from bizq_lab.store.collect import CollectReport
from bizq_lab.store.connection import connect
from bizq_lab.store.log import Log
from bizq_lab.store.manifest import read_manifest
from bizq_lab.store.queries import fitted, named_query
from bizq_lab.store.shelf import Shelf
from bizq_lab.store.spark_session import new_session, translated
from bizq_lab.store.statements import statement
from bizq_lab.store.views import views

if TYPE_CHECKING:
    import duckdb

_log = logging.getLogger("bizq_lab.store")

_TYPES = {
    "VARCHAR": "string", "JSON": "string", "BIGINT": "bigint", "INTEGER": "int", "DOUBLE": "double",
    "BOOLEAN": "boolean", "VARCHAR[]": "array<string>",
}  # fmt: skip
# They are not archived.
_KEPT = ("quarantine", "collected_segment")
_PATIENCE_S = 5.0

Files = Mapping[str, Sequence[str]]


class SparkLog(Log):
    """A log that is only read, from its archive, by Spark. Made by `SparkLog.at`."""

    def __init__(self, where: str, files: Files, caveats: tuple[Caveat, ...]) -> None:
        """Take a session of our own, whose settings and views are nobody else's."""
        super().__init__(Path(where), durability="process", read_only=True, clock=None, snapshot=False)
        self._files, self._caveats = files, caveats
        for caveat in caveats:
            _log.warning("%s: %s", where, caveat.message)
        self._session = new_session()
        self._known: set[str] = set()
        self._twin = tempfile.TemporaryDirectory(prefix="bizq-lab-")  # an empty log, which knows every type
        self._empty = Path(self._twin.name) / "empty.duckdb"
        schema.prepare(self._empty, now_us=lambda: 0, patience_s=_PATIENCE_S)
        self._columns: dict[str, dict[str, str]] = {}
        with connect(self._empty, read_only=True, patience_s=_PATIENCE_S) as connection:
            for table, column, kind in connection.execute(statement("columns")).fetchall():
                self._columns.setdefault(table, {})[column] = kind

    @classmethod
    def at(cls, where: str | Path) -> SparkLog:
        """Open the archive of a log, or an archive by its folder or URL.

        Args:
            where: The log's DuckDB file, or where its archive's `manifest.json` lies.

        Raises:
            InputError: No archive there, or Spark is not installed.
            LogError: Spark could not start, or the DuckDB file cannot be read.
        """
        place = str(where)
        if "://" not in place and Path(place).is_file():
            return cls(place, *_of_log(Path(place).absolute()))
        shelf = Shelf(place)
        manifest = read_manifest(shelf)
        if manifest is None:
            message = f"{place}: neither a log nor an archive"
            raise InputError(message, hint="name a log that was archived, or the folder of a manifest.json")
        tables = manifest["tables"].items()
        return cls(place, {table: [shelf.address(file["path"]) for file in files] for table, files in tables}, ())

    @property
    def last_collection(self) -> CollectReport:
        """Nothing was collected."""
        return CollectReport()

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of every answer must know."""
        return self._caveats

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        """As `Log.query`, by Spark.

        Raises:
            InputError: No such query, or not its parameters, or it asks for what is not archived.
            LogError: Spark could not answer; a sum beyond 38 digits is such a case.
        """
        return reading.plain_rows(*self._asked(name, params))

    def columns(self, name: str, **params: Any) -> reading.Columns:
        """As `Log.columns`, by Spark.

        Raises:
            InputError: As `query`, or its columns are of other types.
            LogError: As `query`.
        """
        import numpy as np  # noqa: PLC0415 - only where columns are asked for

        shape, rows = self._asked(name, params)
        reading.refuse_untyped(name, shape)
        found = {}
        for at, (column, kind) in enumerate(shape.items()):
            values = [row[at] for row in rows]
            found[column] = np.array(values, dtype=object if None in values else reading.COLUMN_TYPES[kind])
        return found

    def _asked(self, name: str, params: dict[str, Any]) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
        """The type of each column of the answer, and its rows."""
        from bizq_lab.store.dialect import filled_lists, spark_sql  # noqa: PLC0415 - sqlglot is part of the extra

        text, _ = fitted(named_query(name), params)
        if any(table in text for table in _KEPT):
            raise self._refusal()
        with connect(self._empty, read_only=True, patience_s=_PATIENCE_S) as connection:
            shape = reading.ask(connection, name, params)
        with translated():
            self._prepare(text)
            asked, given = filled_lists(spark_sql(text), params)
            found = self._session.sql(asked, args=given).collect()
        return shape, [tuple(map(_whole, row)) for row in found]

    def as_of(self, before_us: int) -> Log:
        """Refused: ask the log itself for its past.

        Raises:
            InputError: Always.
        """
        del before_us
        raise self._refusal()

    def close(self) -> None:
        """Forget the views; the session's engine belongs to the process."""
        self._twin.cleanup()

    def _prepare(self, text: str) -> None:
        """Open the tables and views that a text names, once."""
        from bizq_lab.store.dialect import spark_view  # noqa: PLC0415 - as above

        for table in set(tables_named(text)) - self._known:
            self._open_table(table)
        for view in views():
            if view.name in text and view.name not in self._known:
                self._session.sql(spark_view(view.sql, self._columns)).createOrReplaceTempView(view.name)
                self._known.add(view.name)

    def _open_table(self, table: str) -> None:
        columns = {name: _TYPES[kind] for name, kind in self._columns[table].items()}
        files = self._files.get(table)
        if not files:
            nulls = ", ".join(f"CAST(NULL AS {kind}) AS `{name}`" for name, kind in columns.items())
            frame = self._session.sql(f"SELECT {nulls} WHERE 1 = 0")
        else:
            self._refuse_older(table, files)
            typed = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
            frame = self._session.read.schema(typed).parquet(*files)
        frame.createOrReplaceTempView(table)
        self._known.add(table)

    def _refuse_older(self, table: str, files: Sequence[str]) -> None:
        """Outcomes of an older release lack what that release did not compute."""
        written = set(self._session.read.parquet(files[0]).columns)
        if table == OUTCOMES and written != set(self._columns[OUTCOMES]):
            message = f"{self.path}: an older release wrote the archived outcomes"
            raise LogError(message, hint="write them anew: bizq-lab archive --before DATE")

    @contextmanager
    def held(self) -> Iterator[Self]:
        """The archive stands still by itself."""
        yield self

    @contextmanager
    def _reading(self, text: str, *, locked_down: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        del text, locked_down
        raise self._refusal()
        yield  # type: ignore[unreachable] # makes it a context

    @contextmanager
    def _alone(self) -> Iterator[None]:
        raise self._refusal()
        yield  # type: ignore[unreachable] # makes it a context

    def _refusal(self) -> InputError:
        message = f"{self.path} is read by Spark, which answers named questions over the archive only"
        return InputError(message, hint='open the log without engine="spark" for SQL, the past, health and upkeep')

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens a session of its own."""
        return (SparkLog, (str(self.path), self._files, self._caveats))


def _of_log(path: Path) -> tuple[Files, tuple[Caveat, ...]]:
    """The files of a log's archive, and what of the log they lack."""
    with connect(path, read_only=True, patience_s=_PATIENCE_S) as connection:
        place = archive_of(connection, path)
        if place is None:
            message = f"{path} was never archived, and Spark reads the archive"
            raise InputError(message, hint="archive it first: bizq-lab archive --before DATE")
        shelf = Shelf(place.url)
        files: dict[str, list[str]] = {table: [] for table in TIMES}
        for file in archived_files(connection):
            files[file.table_name].append(shelf.address(file.path))
        left, late = connection.execute(statement("not_archived")).fetchall()[0]
    text = f"{left} decisions are not archived yet, and {late} that are have news since; neither is in this answer"
    return files, (Caveat(code="not_archived", message=text),) if left or late else ()


def _whole(value: Any) -> Any:
    """Spark gives exact sums as Decimal, where DuckDB gives int."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
