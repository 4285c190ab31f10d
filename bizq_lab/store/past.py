"""The log as it was known at an instant: later events, late ratings included, are not there. Opens no connection.

What a connection then sees under the log's own names are temporary views of the same names, so that every question
works on the past as on the present. Rows that something later changed are told anew by the text that tells them first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.events import EVENTS
from bizq_lab.store.outcomes import start_touched
from bizq_lab.store.statements import statement
from bizq_lab.store.views import views

if TYPE_CHECKING:
    import duckdb


def show_past(connection: duckdb.DuckDBPyConnection, before_us: int) -> None:
    """Let this connection see only what was recorded before an instant.

    Args:
        connection: A fresh connection to the log; its file is not changed.
        before_us: UTC microseconds since the epoch; events of this instant and later are hidden.
    """
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    quoted = '"{}"'.format(database.replace('"', '""'))
    for kind in EVENTS:
        _run(connection, statement("past_events").replace("__kind__", kind), quoted, before_us)
    start_touched(connection)
    _run(connection, statement("past_touched"), quoted, before_us)
    connection.execute(statement("task_outcome").replace("INSERT INTO task_outcome", "INSERT INTO retold"))
    _run(connection, statement("past_outcome"), quoted, before_us)
    for view in views():
        connection.execute(view.sql.replace("CREATE OR REPLACE VIEW", "CREATE OR REPLACE TEMP VIEW", 1))


def _run(connection: duckdb.DuckDBPyConnection, text: str, database: str, before_us: int) -> None:
    connection.execute(text.replace("__database__", database).replace("__before_us__", str(int(before_us))))
