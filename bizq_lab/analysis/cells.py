"""Sufficient statistics of the log's cells, read in one pass. Knows no question and no interval.

Sums are over clusters: the tasks with their repeats, or the units that were assigned together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from bizq_lab.analysis.extent import Conditions, Size, Window, groups_of, read_size
from bizq_lab.analysis.metrics import Metric
from bizq_lab.analysis.naming import NAMED, Names, ask_by_names
from bizq_lab.stats.types import CrossMoments

if TYPE_CHECKING:
    from bizq_lab.store import Log

__all__ = ["KEY", "Cell", "Key", "Window", "read_cells"]

Key = tuple[str, str, str, str, str]
# The columns by which `cells.sql` and `durations.sql` tell cells apart; what was not asked for is empty, or not there.
KEY = ("task_type", "arm", "model", "workspace_id", "day")
_key_of: Callable[[Mapping[str, Any]], Key] = itemgetter(*KEY)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's exact sums, as `cells.sql` returns them."""

    row: Mapping[str, Any]
    size: Size | None = None

    @property
    def key(self) -> Key:
        """(task type, arm, model, workspace, day); what was not asked for is empty."""
        return _key_of(self.row)

    @property
    def task_type(self) -> str:
        """Task type."""
        return str(self.row["task_type"])

    @property
    def arm(self) -> str:
        """Arm id, or the model's key where the rules chose."""
        return str(self.row["arm"])

    @property
    def model(self) -> str:
        """Model key."""
        return str(self.row["model"])

    @property
    def n(self) -> int:
        """Outcomes."""
        return int(self.row["n"])

    @property
    def clusters(self) -> int:
        """What varies independently in the sums: tasks or assignment units, or random groups of them."""
        return int(self.row["clusters"])

    @property
    def units(self) -> int:
        """Independent units: tasks, or assignment units; estimated where they were read in random groups."""
        return self.clusters if self.size is None else self.size.units_of(self.n)

    def has(self, metric: Metric) -> bool:
        """Whether it was measured; zeros of answers that never came count only beside measurements, or alone."""
        measured = bool(self.row[metric.count])
        if metric.name == "quality" and not self.row["quality_measured"]:
            return measured and self.row["quality_n"] == self.n
        return measured

    def joint(self, metric: Metric) -> CrossMoments:
        """Cluster totals of a metric (x, in the log's integers) and of its count (y)."""
        x, y, row = metric.total, metric.count, self.row
        return CrossMoments(self.clusters, row[x], row[f"{x}_{x}"], row[y], row[f"{y}_{y}"], row[f"{y}_{x}"])


def read_cells(
    log: Log,
    window: Window,
    *,
    by_arm: bool = True,
    by_model: bool = True,
    by_workspace: bool = False,
    by_day: bool = False,
    served: bool = False,
    keep_default: bool = False,
    people: bool = False,
    size: Size | None = None,
    conditions: Conditions | None = None,
) -> list[Cell]:
    """Every cell of the window, in the order of its keys.

    Args:
        log: Where to read.
        window: Which part of it.
        by_arm: Tell arms apart; where the rules chose, the model stands for the arm.
        by_model: Tell models apart.
        by_workspace: Tell workspaces apart.
        by_day: Tell UTC days apart.
        served: Charge the model that answered, not the one that was assigned (S24).
        people: Also what people did with escalated tasks, as the arm `human` (S21).
        keep_default: What the rules chose stays the one arm `default`, whichever models it was.
        size: How large the window is, if the caller knows.
        conditions: Under which conditions it arose, if the caller knows; then it is read faster.
    """
    flags = {"by_arm": by_arm, "by_model": by_model, "by_workspace": by_workspace, "by_day": by_day, "served": served}
    with log.held():
        size = size or read_size(log, window)
        groups = groups_of(size, many_cells=by_workspace or by_day)
        asked: dict[str, Any] = {
            **window.params(),
            **flags,
            "groups": groups,
            "by_rules": not keep_default and (conditions is None or conditions.by_rules),
            "people": people and size.people,
            "drawn": "both" if conditions is None else conditions.drawn,
        }
        by_text = served or asked["by_rules"] or asked["people"]
        rows, names = ask_by_names(
            lambda given: log.query("cells", **asked, **given),
            Names() if conditions is None or by_text else Names.of(conditions),
            lambda rows: ([row[key] for row in rows] for key in NAMED),
        )
    named = [{**row, **{key: names.name(key, row[key]) for key in NAMED}} for row in rows]
    return [Cell(row, size if groups else None) for row in named]
