"""What an open connection shows of the log: live and archived rows as one, or the log as it once was. Opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.store.archived import TIMES, Place, show_whole, tables_named, whole_tables
from bizq_lab.store.outcomes import KEPT_SAMPLE, SAMPLE
from bizq_lab.store.past import show_past
from bizq_lab.store.statements import statement

if TYPE_CHECKING:
    import duckdb


class Sight:
    """One connection, and which tables already show all their rows on it.

    Attributes:
        connection: To the log's file.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, place: Place | None, before_us: int | None) -> None:
        """See the file alone, as long as nothing is asked.

        Args:
            connection: A fresh connection to the log's file.
            place: The log's archive, None where there is none within reach.
            before_us: UTC microseconds since the epoch; what was recorded at this instant or later is hidden.
        """
        self.connection, self._place, self._before_us = connection, place, before_us
        self._shown: set[str] = set()

    def show(self, text: str) -> None:
        """Let the tables that a text names show all their rows; what shows them already is left alone.

        Where the file holds all rows, the sample is read from where it is kept apart, instead of searched for.
        """
        if self._before_us is not None:
            if not self._shown:
                whole = whole_tables(self.connection, self._place, " ".join(TIMES)) if self._place else {}
                show_past(self.connection, self._before_us, whole)
                self._shown.update(TIMES)
        elif self._place is not None and (new := set(tables_named(text)) - self._shown):
            show_whole(self.connection, whole_tables(self.connection, self._place, " ".join(sorted(new))))
            self._shown |= new
        elif self._place is None and SAMPLE in text and not self._shown:
            self.connection.execute(statement("show", table=SAMPLE, source=KEPT_SAMPLE))
            self._shown.add(SAMPLE)
