"""The experiments of a log, each with what has become of it. Reads no outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.result import Cell, Provenance, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bizq_lab.store import Log

US_PER_S = 1_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class ExperimentList(Result):
    """Every experiment, in the order of registration."""

    title: ClassVar[str] = "Experiments"
    columns: ClassVar[tuple[str, ...]] = ("experiment", "task_type", "arms", "decides", "status", "registered")

    rows: tuple[dict[str, Cell], ...]

    @property
    def running(self) -> ExperimentList:
        """Those under way."""
        return replace(self, rows=tuple(row for row in self.rows if row["status"] == "running"))

    def summary(self) -> str:
        """How many are in which state."""
        counts = Counter(str(row["status"]).replace("_", " ") for row in self.rows)
        said = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
        return f"{said[0].upper()}{said[1:]}." if said else "No experiment yet."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping an experiment."""
        return [dict(row) for row in self.rows]


def experiments(log: Log) -> ExperimentList:
    """Every experiment that was registered in the log."""
    return ExperimentList(
        rows=tuple(map(_row, log.query("experiments", experiment=None))), provenance=Provenance(view="experiment")
    )


def _row(row: Mapping[str, Any]) -> dict[str, Cell]:
    plan = row["plan"] if isinstance(row["plan"], dict) else {}
    registered = datetime.fromtimestamp(row["registered_us"] // US_PER_S, UTC)
    return {
        "experiment": row["experiment"],
        "task_type": row["task_type"],
        "arms": ", ".join(map(str, plan.get("arms", ()))),
        "decides": str(plan.get("primary_metric", "")),
        "status": row["status"],
        "registered": f"{registered:%Y-%m-%d %H:%M}",
    }
