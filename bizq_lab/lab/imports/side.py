"""How a lab takes in another gateway's log: read, check, look what is there, write the rest. Knows no format's fields.

Rows go in batches: the file may be of any size. Of each call its attempt and outcome are written before its decision,
and only what the log lacks is written, so that an import that was killed is finished by running it again.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from bizq_lab.errors import LogLocked
from bizq_lab.lab.imports.entry import Entry, Importing
from bizq_lab.lab.imports.formats import Format, batches, reading_of
from bizq_lab.lab.imports.report import ImportReport, Tally
from bizq_lab.lab.parts import Parts
from bizq_lab.lab.records import Payloads
from bizq_lab.store import claim
from bizq_lab.store.foreign import read_foreign

_DAY_US = 86_400_000_000


class Imports(Parts):
    """Other gateways' logs."""

    _payloads: Payloads

    def import_log(
        self, path: str | Path, *, format: Format, task_type: str = "", mapping: str | Path | None = None,  # noqa: A002 - as on the command line
        dry_run: bool = False,
    ) -> ImportReport:  # fmt: skip
        """Take in the calls that another gateway logged; a row that was imported before is found there.

        Imported decisions have no propensity, design `observational`, policy `imported`, origin `import:<format>`, and
        the file's own times: answers for days that the file tells of change. The lab's payload policy holds: prompts
        and outputs are kept with `full` only. Nothing imported counts against a budget of this log.

        Args:
            path: CSV, JSON Lines, JSON or Parquet, as `bizq_lab.store.foreign` reads it.
            format: `litellm` (spend logs), `otel` (GenAI spans), `generic` (by a mapping).
            task_type: Of the rows that do not say theirs.
            mapping: For `generic`: the TOML or JSON file that `bizq_lab.lab.imports.mapping` describes.
            dry_run: Only check and count.

        Raises:
            InputError: No such file, format or mapping, no task type, or a file that is not what its name says.
            LogLocked: Another import is under way, or another process collects the log.
        """
        reading, terms = reading_of(format, mapping), Importing(f"import:{format}", self.catalog, self._payloads)
        tally, seen = Tally(), _Seen(self, dry_run=dry_run)
        # Clocks of two systems may differ by a little, and local times without a zone by hours; not by more than a day.
        latest_us = self.clock.now_us() + _DAY_US
        with nullcontext() if dry_run else claim(self.log.path, "import"):
            for batch in batches(read_foreign(path), reading, task_type, terms, tally=tally, latest_us=latest_us):
                known = seen.among(batch)
                for entry in batch:
                    self._take(entry, known, tally, dry_run=dry_run)
                    known |= {event.event_id for event in entry.events}
        return tally.report(file=Path(path).name, kind=format, dry_run=dry_run)

    def _take(self, entry: Entry, known: set[str], tally: Tally, *, dry_run: bool) -> None:
        if entry.is_in(known):
            tally.already_there += 1
            return
        if not dry_run:
            for event in entry.missing(known):
                self.log.append(event)
        tally.imported += 1
        tally.flagged(entry.flags, entry.events[-1].model)


class _Seen:
    """Which events are in the log already; a dry run, which adds none, remembers those of its own file."""

    def __init__(self, lab: Parts, *, dry_run: bool) -> None:
        self._log, self._dry_run = lab.log, dry_run
        self._own: set[str] = set()

    def among(self, batch: list[Entry]) -> set[str]:
        """Event ids of the batch that are there.

        Raises:
            LogLocked: What waits in the journal could not be collected, so that nobody knows.
        """
        known: set[str] = set()
        if self._log.path.exists() or not self._dry_run:
            ids = [entry.decision_id for entry in batch]
            known = {row["event_id"] for row in self._log.query("imported_events", decision_ids=ids)}
            if not self._log.last_collection.complete:
                message = "another process is collecting the log, so it is not known which rows are there"
                raise LogLocked(message, hint="import the file again in a moment; what is there stays there, once")
        if self._dry_run:
            decisions = {entry.events[-1].event_id for entry in batch}
            known |= decisions & self._own
            self._own |= decisions
        return known
