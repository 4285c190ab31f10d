"""What is done to a whole log, alone: archiving, exporting, purging, rebuilding. Knows the locks, not the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from bizq_lab.errors import LogError, LogLocked
from bizq_lab.store.access import Access
from bizq_lab.store.archive import ArchiveReport, archive_rows
from bizq_lab.store.archived import TIMES
from bizq_lab.store.connection import connect
from bizq_lab.store.export import export_tables
from bizq_lab.store.outcomes import rebuild_task_outcome
from bizq_lab.store.places import mode_lock
from bizq_lab.store.purge import purge_text

_PATIENCE_S = 5.0
_TRIES = 5  # to collect everything while others collect too


class Upkeep(Access):
    """The side of a `Log` that looks after it."""

    def rebuild_task_outcome(self) -> None:
        """Compute `task_outcome` anew from the events; it gives the table that collecting keeps."""
        with self._alone(), connect(self.path, read_only=False, patience_s=_PATIENCE_S) as connection:
            rebuild_task_outcome(connection)

    def archive(self, *, before: date, url: str | None = None) -> ArchiveReport:
        """Move the rows of all days before one (UTC) to Parquet; questions go on seeing them.

        Nobody else can ask while it runs, unless a snapshot is kept; writers go on writing.

        Args:
            before: The first day that stays.
            url: A folder, or a URL that fsspec opens; `<log>.archive` by default. A log has one archive.

        Raises:
            InputError: The log has its archive elsewhere, or the folder is another log's.
            LogLocked: Another program holds the file.
            LogError: The log is open read-only, or what was written is not what was read back; nothing was removed.
        """
        self.collect()
        with self._alone():
            try:
                return archive_rows(self.path, before=before, url=url, now_us=self._now_us)
            except OSError as error:
                message = f"{self.path}: cannot be archived: {error.strerror or error}"
                hint = "the folder must be writable and have room; nothing is lost, and the next run goes on"
                raise LogError(message, hint=hint) from None

    def export(self, folder: Path, *, tables: Sequence[str] = ()) -> dict[str, int]:
        """Write tables, live and archived rows as one, to `<folder>/<table>.parquet`.

        Args:
            folder: Made if need be; files of the same names are replaced.
            tables: Which; by default every kind of event, and `task_outcome`.

        Returns:
            Rows by table.

        Raises:
            InputError: There is no such table, or the folder cannot be written.
        """
        with self._reading(" ".join(tables or TIMES)) as connection:
            return export_tables(connection, folder, tables)

    def purge(self, *, before_us: int) -> None:
        """Take out what tasks said, models answered and people wrote before an instant; every row and figure stays.

        The DuckDB file is written anew, so that none of the text stays in it, nor in its archive, its snapshot, its
        backups or what is collected of the journal.

        Args:
            before_us: UTC microseconds since the epoch.

        Raises:
            LogLocked: Another program holds the file, or a collection is under way.
            LogError: The log is open read-only, or there is no room for the new file.
        """
        self._write_anew(lambda: purge_text(self.path, self._folder, before_us=before_us, now_us=self._now_us))

    def _write_anew(self, rewrite: Callable[[], None]) -> None:
        """Collect everything, then rewrite alone."""
        if self.read_only:
            raise LogError(f"{self.path} is open read-only", hint="open it without read_only=True to write it anew")
        self._journal.close()
        with mode_lock(self.path):
            if not any(self.collect().complete for _ in range(_TRIES)):
                raise LogLocked(f"{self.path} is busy", hint="try again in a moment")
            with self._alone():
                try:
                    rewrite()
                except OSError as error:
                    message = f"{self.path}: cannot be written anew: {error.strerror or error}"
                    hint = "the folder must be writable and have room for a second copy"
                    raise LogError(message, hint=hint) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No collector, no question of others, for the length of the block.

        The turn comes first: without collectors the questions soon leave a gap.
        """
        with mode_lock(self.path), self._turn() as turn, self._file_lock(exclusive=True) as held:
            if not (turn and held):
                raise LogLocked(f"{self.path} is busy", hint="try again in a moment")
            yield
