"""How a lab forgets a workspace, everywhere it lies. Knows the places; each takes out its own."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from bizq_lab.core.result import Result
from bizq_lab.errors import InputError
from bizq_lab.execution import BudgetLedger, ResponseCache
from bizq_lab.lab.budgets import cache_path, ledger_path
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

US_PER_S = 1_000_000
EVERYONE = "*"


class Place(NamedTuple):
    """One place, how much of the workspace is or was there, and what became of it."""

    place: str
    found: int
    fate: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Forgotten(Result):
    """What a log had of a workspace, and what became of it.

    Attributes:
        rows: By place: what was removed, what a search of the bytes still finds, and what nobody here can reach.
        workspace_id: Whose.
        since: UTC day of its first task; None where nobody knows any more.
        files: How many files were searched byte by byte.
        traces: Files that still hold its name or its texts.
        done: Whether anything was removed, or only counted.
    """

    title: ClassVar[str] = "Workspace forgotten"
    columns: ClassVar[tuple[str, ...]] = Place._fields
    rows: tuple[Place, ...]
    workspace_id: str
    since: date | None
    files: int
    traces: tuple[str, ...]
    done: bool

    @property
    def removed(self) -> int:
        """How many rows there were."""
        return sum(row.found for row in self.rows if "removed" in row.fate)

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a place."""
        return [row._asdict() for row in self.rows]

    def summary(self) -> str:
        """How much went, or would go, and what a search of the bytes found."""
        what = f"{self.removed:,} rows of workspace {self.workspace_id!r}"
        if not self.done:
            return f"{what} would be removed for good, and nothing of it would be collected again"
        found = f"still found in {', '.join(self.traces)}" if self.traces else "found in none of them"
        return (
            f"{what} were removed, and nothing of it will be collected again; {self.files:,} files were searched for "
            f"its name and texts: {found}"
        )


class Oblivion(Parts):
    """How a `Lab` forgets a workspace."""

    def forget(self, workspace_id: str, *, dry_run: bool = False) -> Forgotten:
        """Remove every row and byte of a workspace, and drop whatever is collected of it later.

        A tombstone comes first: salted hashes of its name and of its decisions' ids, by which later events are known.
        Then the log's file, archive, snapshot, journal and backups, the response cache and the budget ledger are
        written anew; rows of others stay as they are, and what the workspace spent stays in the sums of everyone.
        Journal lines that were refused lose their bytes, for nobody knows whose they were. At last the bytes of every
        file are searched. Killed at any moment, a second run finishes it. It cannot be undone: the name is never
        collected again. Its tasks are not refused: they are routed, executed and paid for as anyone's, and what they
        leave in the journal is dropped at the next collection.

        What left this log is listed by nobody but its owner: exports, reports, alerts that were sent, your backups,
        older versions that an object store keeps.

        Args:
            workspace_id: Whose.
            dry_run: Only count.

        Raises:
            InputError: The log knows no such workspace.
            LogLocked: Another program holds the file.
            LogError: A place cannot be written anew, or still has rows; run it again.
        """
        before = self.log.footprint(workspace_id)
        cache = ResponseCache(cache_path(self.log.path), clock=self.clock)
        with self._book() as ledger:
            counts = {
                **before.rows,
                "cached answers": cache.count(workspace_id=workspace_id),
                "budget ledger": ledger.calls_of(workspace_id) if ledger else 0,
            }
            if workspace_id in ("", EVERYONE) or not (any(counts.values()) or before.forgotten):
                raise self._unknown(workspace_id)
            if not dry_run:
                self.log.forget(workspace_id)
                cache.remove(workspace_id=workspace_id)
                if ledger is not None:
                    ledger.forget(workspace_id)
        traces = [] if dry_run else self.log.traces(workspace_id, before.texts)
        fate = "would be removed" if dry_run else "removed"
        rows = [
            Place(place, found, fate)
            for place, found in [*counts.items(), ("refused lines, of whomever", before.refused)]
        ]
        rows += [Place(file.name, 1, "still holds its name or texts") for file in traces]
        rows += [Place(f"alerts sent to {channel}", sent, "not reached") for channel, sent in before.alerts.items()]
        return Forgotten(
            rows=tuple(rows), workspace_id=workspace_id, since=_day(before.first_us), traces=tuple(map(str, traces)),
            files=0 if dry_run else len(self.log.files()), done=not dry_run,
        )  # fmt: skip

    @contextmanager
    def _book(self) -> Iterator[BudgetLedger | None]:
        """The ledger beside the log, if there is one."""
        if self.ledger is not None or not ledger_path(self.log.path).exists():
            yield self.ledger
            return
        ledger = BudgetLedger(ledger_path(self.log.path), clock=self.clock)
        try:
            yield ledger
        finally:
            ledger.close()

    def _unknown(self, workspace_id: str) -> InputError:
        volumes = self.log.query("workspace_volumes", from_us=None, to_us=None)
        known = sorted({row["workspace_id"] for row in volumes if row["workspace_id"]})
        near = difflib.get_close_matches(workspace_id, known, n=3)
        hint = f"did you mean {', '.join(map(repr, near))}?" if near else f"it has {len(known):,} others"
        return InputError(f"{self.log.path} has nothing of a workspace {workspace_id!r}", hint=hint)


def _day(instant_us: int | None) -> date | None:
    return None if instant_us is None else datetime.fromtimestamp(instant_us / US_PER_S, UTC).date()
