"""The side of a log that forgets a workspace: what it has of one, taking it out, and looking for what stayed."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bizq_lab.store.archived import TIMES, archive_of
from bizq_lab.store.forget import forget_workspace
from bizq_lab.store.shelf import Shelf
from bizq_lab.store.statements import statement
from bizq_lab.store.tombstone import is_forgotten
from bizq_lab.store.traces import held_in, pattern_of, pieces_of, spellings_of
from bizq_lab.store.upkeep import Upkeep


class Footprint(NamedTuple):
    """What a log has of one workspace.

    Attributes:
        rows: How many, by table, archived ones included.
        texts: Some of what its tasks and answers say, and of its decisions' ids, to search files for.
        first_us: When its first task was decided, UTC microseconds since the epoch; None where it has none.
        refused: Journal lines that were refused and still hold their bytes, of whomever.
        alerts: How many alerts were sent since then, by channel.
        forgotten: Whether it was forgotten before.
    """

    rows: dict[str, int]
    texts: tuple[str, ...]
    first_us: int | None
    refused: int
    alerts: dict[str, int]
    forgotten: bool


class Forgetting(Upkeep):
    """How a `Log` forgets."""

    def footprint(self, workspace_id: str) -> Footprint:
        """What the log has of a workspace now."""
        texts = [statement(name) for name in ("forgettable", "forgettable_texts", "forgettable_beside")]
        whose = {"workspace_id": workspace_id}
        with self._reading("\n".join(texts)) as connection:
            counted, said, ((first_us, refused),) = (connection.execute(text, whose).fetchall() for text in texts)
            alerts = connection.execute(statement("alerts_sent"), {"since_us": first_us}).fetchall()
            known = is_forgotten(connection, workspace_id)
        return Footprint(dict(counted), tuple(text for (text,) in said), first_us, refused, dict(alerts), known)

    def forget(self, workspace_id: str) -> None:
        """Take out every row of a workspace, wherever it lies, and drop what is collected of it from now on.

        A tombstone is committed first: salted hashes of its name and of its decisions' ids. Then the archive, the
        DuckDB file, its snapshot, what is collected of the journal, and the copies that migrations made are written
        anew. Lines that were refused lose their bytes, whoever's they were. Killed at any moment, a second run
        finishes it.

        Args:
            workspace_id: Whose rows.

        Raises:
            LogLocked: Another program holds the file, or a collection is under way.
            LogError: The log is open read-only, there is no room for the new files, or some rows are still there.
        """
        self._write_anew(lambda: forget_workspace(self.path, self._folder, workspace_id, now_us=self._now_us))

    def files(self) -> list[Path]:
        """Every file of this log on this machine: what lies beside it under its name, and its archive."""
        name = glob.escape(self.path.name)
        beside = [entry for start in ("", ".", "..") for entry in self.path.parent.glob(f"{start}{name}*")]
        with self._reading("") as connection:
            place = archive_of(connection, self.path)
        if place is not None and (shelf := Shelf(place.url)).is_local:
            beside.append(Path(shelf.root))
        found = {file for entry in beside for file in (entry.rglob("*") if entry.is_dir() else [entry])}
        return sorted(file for file in found if file.is_file() and not file.is_symlink())

    def traces(self, workspace_id: str, texts: Iterable[str] = ()) -> list[Path]:
        """Files of this log whose bytes hold a workspace's name or one of these texts, and no row that stays says so.

        Args:
            workspace_id: Whose.
            texts: What a footprint said, before it was forgotten.
        """
        names, pieces = spellings_of(workspace_id), pieces_of(texts)
        held = {file: held_in(file, names, pieces) for file in self.files()}
        found = {file: [*map(pattern_of, named), *(re.escape(piece.decode()) for piece in said)]
                 for file, (named, said) in held.items() if named or said}  # fmt: skip
        innocent = self._said({pattern for patterns in found.values() for pattern in patterns})
        return [file for file, patterns in found.items() if not innocent.issuperset(patterns)]

    def _said(self, patterns: set[str]) -> set[str]:
        """What remaining rows say, or the schema itself."""
        if not patterns:
            return set()
        tables = statement("tables")
        with self._reading(" ".join(TIMES)) as connection:
            names = [table for (table,) in connection.execute(tables).fetchall()]
            sources = ["(SELECT sql FROM duckdb_tables() UNION ALL SELECT sql FROM duckdb_views())", *names]
            asked = {"patterns": sorted(patterns)}
            found = [connection.execute(statement("said", source=source), asked).fetchall() for source in sources]
        return {pattern for rows in found for (pattern,) in rows}
