"""What an import did, row by row of its file: imported, already there, passed over, refused and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.estimate import Caveat
from bizq_lab.core.result import Result

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

EXAMPLES = 3
_MODELS = 5
# What a flag of imported rows means to whoever reads answers over them.
_CAVEATS = {
    "model_unknown": "{n} rows are of models that the catalog does not know; they keep the file's name: {models}",
    "price_unknown": "{n} rows have no cost; they are in no mean of cost",
    "zero_cost": "{n} answered rows cost 0 in the file, which may mean that the gateway knew no price",
    "usage_missing": "{n} rows lack tokens, and have 0",
    "no_source_id": "{n} rows have no id of their own; rows that say the same count once",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows with one fault: how many, and the first of them by number and value."""

    reason: str
    rows: int
    examples: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class ImportReport(Result):
    """What became of a file's rows.

    Attributes:
        file: The file's name.
        format: `litellm`, `otel` or `generic`.
        read: Rows; of OpenTelemetry, spans.
        imported: Rows that are in the log now and were not before; with `dry_run`, that would be.
        already_there: Rows that an earlier import, or an earlier row, brought.
        passed_over: Spans that are no model call.
        refusals: Refused rows by reason, the most frequent first.
        dry_run: Whether nothing was written.
    """

    title: ClassVar[str] = "Import"
    columns: ClassVar[tuple[str, ...]] = ("outcome", "rows", "reason", "examples")
    file: str
    format: str
    read: int
    imported: int
    already_there: int
    passed_over: int
    refusals: tuple[Refusal, ...]
    dry_run: bool

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return sum(refusal.rows for refusal in self.refusals)

    def records(self) -> list[dict[str, Cell]]:
        """One mapping an outcome; of refused rows, one a reason."""
        counts = {"imported": self.imported, "already there": self.already_there, "no model call": self.passed_over}
        rows: list[dict[str, Cell]] = [
            {"outcome": outcome, "rows": n, "reason": "", "examples": ""}
            for outcome, n in counts.items()
            if n or outcome == "imported"
        ]
        for one in self.refusals:
            shown = "; ".join(f"row {number}: {value}" if value else f"row {number}" for number, value in one.examples)
            rows.append({"outcome": "refused", "rows": one.rows, "reason": one.reason, "examples": shown})
        return rows

    def summary(self) -> str:
        """How many rows were read, and what became of them."""
        verb = "would be imported" if self.dry_run else "imported"
        parts = [
            f"{self.imported:,} {verb}", f"{self.already_there:,} already there", f"{self.passed_over:,} no model call",
            f"{self.refused:,} refused",
        ]  # fmt: skip
        return f"{self.file}: {self.read:,} rows of {self.format} read: {', '.join(parts)}"


@dataclass(slots=True)
class Tally:
    """Counts while an import runs; it grows with the kinds of faults, never with the rows."""

    read: int = 0
    imported: int = 0
    already_there: int = 0
    passed_over: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    models: dict[str, None] = field(default_factory=dict)
    _faults: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def refuse(self, number: int, reason: str, value: str) -> None:
        """Count one refused row."""
        self._faults[reason] += 1
        examples = self._examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append((number, value))

    def flagged(self, flags: tuple[str, ...], model: str) -> None:
        """Count what is odd about an imported row."""
        self.flags.update(flags)
        if "model_unknown" in flags and len(self.models) < _MODELS:
            self.models[model] = None

    def report(self, *, file: str, kind: str, dry_run: bool) -> ImportReport:
        """The counts as an answer."""
        caveats = [
            Caveat(code=flag, message=text.format(n=f"{self.flags[flag]:,}", models=", ".join(self.models)))
            for flag, text in _CAVEATS.items()
            if self.flags[flag]
        ]
        if self.imported or self.already_there:
            said = (
                "imported rows carry no propensity: evaluate and prove leave them out; compare takes them as observed"
            )
            caveats.append(Caveat(code="no_propensity", message=said))
        refusals = (Refusal(reason, n, tuple(self._examples[reason])) for reason, n in self._faults.most_common())
        return ImportReport(
            file=file, format=kind, read=self.read, imported=self.imported, already_there=self.already_there,
            passed_over=self.passed_over, refusals=tuple(refusals), dry_run=dry_run, caveats=tuple(caveats),
        )  # fmt: skip
