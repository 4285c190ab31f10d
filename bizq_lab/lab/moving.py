"""How a lab's log moves: old days to an archive, whole tables to files. Says what moved; the store moves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.result import Result
from bizq_lab.errors import InputError
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

US_PER_S = 1_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class Archived(Result):
    """What an archiving moved out of the DuckDB file.

    Attributes:
        rows: How many, by table.
        place: Folder or URL of the archive.
        before: The first day that stayed.
        files: Files that the archive holds now.
        written: Files that this run wrote.
        replaced: Files whose day was written anew, because something of it arrived late.
    """

    title: ClassVar[str] = "Archive"
    columns: ClassVar[tuple[str, ...]] = ("table", "rows")
    rows: tuple[tuple[str, int], ...]
    place: str
    before: date
    files: int
    written: int
    replaced: int

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a table."""
        return [{"table": table, "rows": rows} for table, rows in self.rows]

    def summary(self) -> str:
        """How many rows went where."""
        total = sum(rows for _, rows in self.rows)
        return (
            f"{total:,} rows from before {self.before} moved to {self.place} ({self.written} files written, "
            f"{self.replaced} of them anew; {self.files} in all); questions go on seeing them"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class Exported(Result):
    """What an export wrote: `<place>/<table>.parquet` each."""

    title: ClassVar[str] = "Export of the log"
    columns: ClassVar[tuple[str, ...]] = ("table", "rows")
    rows: tuple[tuple[str, int], ...]
    place: str

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a table."""
        return [{"table": table, "rows": rows} for table, rows in self.rows]

    def summary(self) -> str:
        """How many rows are where."""
        total = sum(rows for _, rows in self.rows)
        return f"{total:,} rows of {len(self.rows)} tables are in {self.place}, one Parquet file each"


class Moving(Parts):
    """How a `Lab` moves its log."""

    def archive(self, *, before: date, to: str | Path | None = None) -> Archived:
        """Move all days before one (UTC) to Parquet; every question goes on seeing them.

        The files lie at `<table>/day=YYYY-MM-DD/*.parquet` with a `manifest.json` beside them. Nothing leaves the log
        before its rows were read back from there and compared.

        Args:
            before: The first day that stays in the DuckDB file.
            to: A folder, or any URL that fsspec opens; `<log>.archive` by default. A log has one archive.

        Raises:
            InputError: The day is in the future, the log has its archive elsewhere, or the place is another log's.
            LogLocked: Another program holds the file.
            LogError: The place cannot be written, or what was read back differs; nothing was removed.
        """
        today = datetime.fromtimestamp(self.clock.now_us() / US_PER_S, UTC).date()
        if before > today:
            message = f"before == {before}, must not be later than today, {today}"
            raise InputError(message, hint="only whole days that are over can move")
        report = self.log.archive(before=before, url=None if to is None else str(to))
        rows = tuple((table, count) for table, count in report.moved.items() if count)
        return Archived(
            rows=rows, place=report.url, before=report.before,
            files=report.files, written=report.written, replaced=report.replaced,
        )  # fmt: skip

    def export_log(self, out: str | Path, *, tables: Sequence[str] = ()) -> Exported:
        """Write tables whole, archived rows included, to `<out>/<table>.parquet` for other tools.

        Args:
            out: A folder, made if need be; files of the same names are replaced.
            tables: Which; by default every kind of event, and `task_outcome`.

        Raises:
            InputError: There is no such table, or the folder cannot be written.
            LogLocked: Another program holds the file.
        """
        rows = self.log.export(Path(out), tables=tables)
        return Exported(rows=tuple(rows.items()), place=str(out))
