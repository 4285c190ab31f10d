"""The log as everyone else sees it: append events, ask questions. Knows no question's meaning.

Appending touches the journal only. A question collects first if it can, then opens the DuckDB file for its own length;
nothing is held between questions, so any number of processes can share one log.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bizq_lab.core.events import Event
from bizq_lab.core.noun import Noun
from bizq_lab.errors import JournalWriteError
from bizq_lab.store import reading
from bizq_lab.store.access import no_log_at
from bizq_lab.store.forgetting import Forgetting
from bizq_lab.store.health import LogHealth, examine
from bizq_lab.store.journal import Durability
from bizq_lab.store.opening import admit
from bizq_lab.store.places import refuse_unsupported
from bizq_lab.store.queries import named_query
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import pandas as pd

    from bizq_lab.core.protocols import Clock
    from bizq_lab.core.result import Cell


class Log(Noun, Forgetting):
    """One log: a DuckDB file, and the journal folder `<file>.journal` beside it.

    Safe to share between threads. A forked or pickled copy in another process writes its own segment.

    Attributes:
        path: The DuckDB file.
        read_only: Whether `append` is refused and questions never collect.
    """

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        durability: Durability = "process",
        read_only: bool = False,
        clock: Clock | None = None,
        snapshot: bool = False,
    ) -> Self:
        """Open a log. A missing file is made by the first collection.

        Args:
            path: The DuckDB file.
            durability: `process`: an appended event survives the death of this process. `power`: and power loss.
            read_only: Only ask, and never collect.
            clock: Time for the record of migrations; events bring their own.
            snapshot: Keep a copy that answers while another program holds the file; collecting refreshes it.

        Raises:
            ForeignFile: The file is not a bizq_lab log, or is damaged; it is left as it is.
            SchemaMismatch: A newer release wrote it.
            UnsupportedPlatform: Native Windows, or a network file system.
            LogError: `read_only`, and there is no such file.
        """
        file = Path(path).absolute()
        refuse_unsupported(file)
        if file.exists():
            log = cls(file, durability=durability, read_only=read_only, clock=clock, snapshot=snapshot)
            admit(file, log._folder, read_only=read_only, now_us=log._now_us)
            return log
        if read_only:
            raise no_log_at(file)
        return cls(file, durability=durability, read_only=read_only, clock=clock, snapshot=snapshot)

    def facts(self) -> dict[str, Cell]:
        """Where it lies; nothing is opened to say so."""
        return {
            "file": str(self.path),
            "journal": str(self._folder),
            "read only": self.read_only,
            "told as of": "now" if self._before_us is None else f"{self._before_us} microseconds (UTC)",
        }

    # -- writing --------------------------------------------------------------------------------------------------

    def append(self, event: Event) -> None:
        """Write one event; it is safe when this returns.

        Raises:
            JournalWriteError: It could not be written, or the log is open read-only. The caller must not go on.
        """
        if self.read_only or self._before_us is not None:
            message = f"{self.path} is open {'read-only' if self.read_only else 'as of a past instant'}"
            raise JournalWriteError(message, hint="write to the log of today, opened without read_only=True")
        self._journal.append(event)

    # -- asking ---------------------------------------------------------------------------------------------------

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        """Run the named query `store/queries/<name>.sql` with `$named` parameters.

        Returns:
            One dict a row: whole numbers exact, JSON columns decoded.

        Raises:
            InputError: No such query, or not its parameters.
            LogLocked: Another program holds the file, and there is no snapshot.
        """
        with self._reading(named_query(name)) as connection:
            return reading.run_query(connection, name, params)

    def columns(self, name: str, **params: Any) -> reading.Columns:
        """Run a named query whose answer is long, such as a histogram.

        Returns:
            One array a column, all of shape (rows,): numbers as int64 or float64, text as objects. What is missing is
            None, and makes objects of its column.

        Raises:
            InputError: No such query, not its parameters, or columns of other types.
            LogLocked: Another program holds the file, and there is no snapshot.
        """
        with self._reading(named_query(name)) as connection:
            return reading.run_columns(connection, name, params)

    def sql(self, text: str) -> pd.DataFrame:
        """Answer one SELECT or EXPLAIN over the log's tables and views (data/SCHEMA.md) as a DataFrame.

        The connection reads this log, with its archive where that lies on this machine, and nothing else: no other
        file, no network, no setting, no Python variable. Rows of a remote archive are not part of the answer, and
        `frame.attrs["caveats"]` says so.

        Raises:
            InputError: Not one SELECT, not SQL, or it reaches beyond the log.
            LogLocked: Another program holds the file, and there is no snapshot.
        """
        with self._reading(text, locked_down=True) as connection:
            frame = reading.run_select(connection, text)
            frame.attrs["caveats"] = list(map(str, reading.caveats_of(connection, self.path)))
            return frame

    def as_of(self, before_us: int) -> Log:
        """The same log as it was known before an instant; it can be asked, and not written.

        Filtered by recorded time: ratings and outcomes that arrived later are not there, so that the answer of a
        past day does not change.

        Args:
            before_us: UTC microseconds since the epoch; what was recorded at this instant or later is hidden.
        """
        return Log(self.path, **{**self._options, "before_us": before_us})

    def health(self) -> LogHealth:
        """How the log is doing."""
        with self._reading(statement("health")) as connection:
            return examine(connection, self.path, self._folder, now_us=self._now_us())

    # -- ending ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close this process's segment. What was appended is safe with or without it."""
        self._journal.close()

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the same log for itself."""
        return (_reopen, (self.path, self._options))


def _reopen(path: Path, options: dict[str, Any]) -> Log:
    return Log(path, **options)
