"""What a lab keeps for how long: a purge of old text, everywhere it lies. Knows the places, rewrites none itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.result import Result
from bizq_lab.errors import InputError
from bizq_lab.execution import ResponseCache
from bizq_lab.execution.human_tasks import iso_utc
from bizq_lab.lab.budgets import cache_path
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

US_PER_S = 1_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class Purge(Result):
    """What a purge took, or would take, by place."""

    title: ClassVar[str] = "Purge"
    columns: ClassVar[tuple[str, ...]] = ("place", "texts")
    rows: tuple[tuple[str, int], ...]
    before: str
    done: bool

    @property
    def texts(self) -> int:
        """How many texts there are."""
        return sum(texts for _, texts in self.rows)

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a place."""
        return [{"place": place, "texts": texts} for place, texts in self.rows]

    def summary(self) -> str:
        """How many texts went, or would go."""
        verb = "were" if self.done else "would be"
        return f"{self.texts:,} texts from before {self.before} {verb} removed; every row and figure stays"


class Retention(Parts):
    """How a `Lab` forgets."""

    def purge(self, *, older_than: timedelta, dry_run: bool = False) -> Purge:
        """Remove what tasks said, models answered and people wrote longer ago than this; rows and statistics stay.

        The text leaves the DuckDB file, its archive, its snapshot, the journal, copies that migrations made, and the
        response cache: none of its bytes stay in any of them. Of quarantined lines, whose age nobody knows, all text
        goes. What people copied elsewhere (backups, exports, reports) is theirs to remove.

        Args:
            older_than: Age, such as `timedelta(days=90)`; not negative.
            dry_run: Only count.

        Raises:
            InputError: The age is negative.
            LogLocked: Another program holds the file.
            LogError: There is no log, or no room for a second copy while it is written anew.
        """
        if older_than < timedelta(0):
            message = f"older_than == {older_than}, must not be negative"
            raise InputError(message, hint="older_than=timedelta(days=90)")
        before_us = self.clock.now_us() - round(older_than.total_seconds() * US_PER_S)
        cache = ResponseCache(cache_path(self.log.path), clock=self.clock)
        rows = [(row["place"], row["texts"]) for row in self.log.query("purgeable", before_us=before_us)]
        rows.append(("cached answers", cache.count(before_us=before_us)))
        if not dry_run:
            cache.remove(before_us=before_us)
            self.log.purge(before_us=before_us)
        return Purge(rows=tuple(rows), before=iso_utc(before_us), done=not dry_run)
