"""The log as it was known at an instant: later events, late ratings included, are not there. Opens no connection.

What a connection then sees under the log's own names are temporary views of the same names, so that every question
works on the past as on the present. Rows that something later changed are told anew by the text that tells them first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bizq_lab.core.events import EVENTS
from bizq_lab.store.archived import OUTCOMES, live_tables
from bizq_lab.store.outcomes import outcome_rows, start_touched
from bizq_lab.store.statements import statement
from bizq_lab.store.views import views

if TYPE_CHECKING:
    import duckdb


def show_past(connection: duckdb.DuckDBPyConnection, before_us: int, whole: Mapping[str, str]) -> None:
    """Let this connection see only what was recorded before an instant.

    Args:
        connection: A fresh connection to the log; its file is not changed.
        before_us: UTC microseconds since the epoch; events of this instant and later are hidden.
        whole: By table, all its rows as a SELECT, where the file does not hold them all.
    """
    sources = {**live_tables(connection), **whole}
    for kind in EVENTS:
        connection.execute(statement("past_events", kind=kind, source=sources[kind], before_us=str(int(before_us))))
    start_touched(connection)
    outcomes = {"source": sources[OUTCOMES], "before_us": str(int(before_us))}
    connection.execute(statement("past_touched", **outcomes))
    connection.execute(outcome_rows("retold"))
    connection.execute(statement("past_outcome", **outcomes))
    for view in views():
        connection.execute(view.sql.replace("CREATE OR REPLACE VIEW", "CREATE OR REPLACE TEMP VIEW", 1))
