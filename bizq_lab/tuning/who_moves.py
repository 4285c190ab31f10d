"""For whom does a proposal change something? By task type and workspace, by the assignment hash. Values nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.config import TaskRouting
from bizq_lab.config.assign import pick
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.core.result import Result
from bizq_lab.tuning.options import PERCENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log
    from bizq_lab.tuning.proposal import Proposal

PLAIN = TaskRouting()


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoMovesRow:
    """One workspace's tasks of one type.

    Attributes:
        workspace_id: Whose.
        task_type: Which.
        tasks: Of these in the window.
        arm_now: What it gets now; empty where chance decides task by task.
        arm_then: What it would get; empty as above.
        moved_share: Share of its tasks that get another arm: 0 or 1 where the arm sticks to the workspace.
        cost_usd: Expected change of its cost over the window; None where an arm was never measured.
    """

    workspace_id: str
    task_type: str
    tasks: int
    arm_now: str
    arm_then: str
    moved_share: float
    cost_usd: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class WhoMoves(Result):
    """What changes for whom."""

    title: ClassVar[str] = "What changes for whom"
    columns: ClassVar[tuple[str, ...]] = tuple(WhoMovesRow.__dataclass_fields__)

    rows: tuple[WhoMovesRow, ...]

    def by_task_type(self) -> dict[str, float]:
        """Share of each task type's tasks that get another arm."""
        tasks: dict[str, int] = {}
        moved: dict[str, float] = {}
        for row in self.rows:
            tasks[row.task_type] = tasks.get(row.task_type, 0) + row.tasks
            moved[row.task_type] = moved.get(row.task_type, 0.0) + row.tasks * row.moved_share
        return {name: moved[name] / n for name, n in tasks.items()}

    def summary(self) -> str:
        """How many workspaces and tasks."""
        tasks = sum(row.tasks for row in self.rows)
        moved = sum(row.tasks * row.moved_share for row in self.rows)
        touched = {row.workspace_id for row in self.rows if row.moved_share > 0}
        everyone = {row.workspace_id for row in self.rows}
        return f"Another arm for {moved:,.0f} of {tasks:,} tasks, in {len(touched):,} of {len(everyone):,} workspaces."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a workspace and task type."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of each task type's tasks that keep their arm, and that get another."""
        from bizq_lab.viz import weights  # noqa: PLC0415 - loads matplotlib

        shares = self.by_task_type()
        before = {(name, "gets another arm"): 0.0 for name in shares}
        after = {(name, "gets another arm"): 100 * share for name, share in shares.items()}
        return weights(before, after, title="Share of tasks that get another arm", ax=ax)


def who_moves(
    log: Log,
    proposal: Proposal,
    present: RoutingConfig | None,
    *,
    from_us: int | None = None,
    to_us: int | None = None,
) -> WhoMoves:
    """Assign every workspace of the window under both configs, by the hash that production uses.

    Contexts that rule out an arm renormalise the weights when a task is routed; here every arm counts as allowed.

    Args:
        log: The log.
        proposal: What would run.
        present: What runs now; None means the rules.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
    """
    costs = {(r.task_type, r.arm): r.cost_usd.value for r in proposal.rows if r.cost_usd is not None}
    now = {} if present is None else present.tasks
    rows = []
    for row in log.query("workspace_volumes", from_us=from_us, to_us=to_us):
        name = row["task_type"]
        if name in proposal.moved:
            before, after = now.get(name, PLAIN), proposal.config.tasks[name]
            rows.append(_row(row, before, after, costs))
    return WhoMoves(rows=tuple(sorted(rows, key=lambda r: (r.task_type, r.workspace_id))))


def _row(
    row: Mapping[str, Any],
    before: TaskRouting,
    after: TaskRouting,
    costs: Mapping[tuple[str, str], float],
) -> WhoMovesRow:
    workspace, task_type, tasks = str(row["workspace_id"]), str(row["task_type"]), int(row["n"])
    old, new = _shares(before), _shares(after)
    sticky = after.unit == "workspace" and (before.unit == "workspace" or len(old) == 1)
    arm_now = arm_then = ""
    if sticky:
        salt = before.salt or after.salt or task_type
        arm_now = pick(old, salt=salt, unit=workspace)
        arm_then = pick(new, salt=after.salt or task_type, unit=workspace)
        old, new = {arm_now: 1.0}, {arm_then: 1.0}
    moved = 1.0 - sum(min(share, new.get(arm, 0.0)) for arm, share in old.items())
    known = all((task_type, arm) in costs for arm in {*old, *new})
    change = tasks * sum(
        (new.get(arm, 0.0) - old.get(arm, 0.0)) * costs[task_type, arm] for arm in ({*old, *new} if known else ())
    )
    return WhoMovesRow(
        workspace_id=workspace,
        task_type=task_type,
        tasks=tasks,
        arm_now=arm_now,
        arm_then=arm_then,
        moved_share=moved if moved > 1e-9 else 0.0,  # noqa: PLR2004 - rounding
        cost_usd=change if known else None,
    )


def _shares(routing: TaskRouting) -> dict[str, float]:
    weights = {arm: percent for arm, percent in routing.weights.items() if percent} or {DEFAULT_ARM: PERCENT}
    return {arm: percent / PERCENT for arm, percent in weights.items()}
