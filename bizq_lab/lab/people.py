"""Human tasks of a lab: who waits, who has what, what was done (S21). The lifecycle is execution's; it is only used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.events import HumanTaskEvent
from bizq_lab.core.money import Money
from bizq_lab.core.result import Result
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.execution.human_tasks import HumanStatus, iso_utc, transition
from bizq_lab.lab.parts import Parts
from bizq_lab.store import claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell

STATUSES = ("open", "claimed", "done", "cancelled")
_WAITING = frozenset({"open", "claimed"})
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanRow:
    """One human task as it stands.

    Attributes:
        human_task_id: Which.
        task_type: Of the task that no model completed; empty where no decision was logged.
        workspace_id: Whose.
        status: `open`, `claimed`, `done` or `cancelled`.
        priority: `urgent` or `high`.
        due_at: UTC, ISO 8601.
        overdue: Whether it was, or is, not done by then.
        worker: Who has it; empty: nobody.
        minutes: Spent if done, else estimated.
        cost_usd: Of these minutes.
        reason: Why a person is needed; hostile until escaped.
        resolution: What the person concluded.
        succeeded: Whether the person solved it; None until done.
        decision_id: The decision that escalated.
    """

    human_task_id: str
    task_type: str
    workspace_id: str
    status: str
    priority: str
    due_at: str
    overdue: bool
    worker: str
    minutes: int
    cost_usd: float
    reason: str
    resolution: str
    succeeded: bool | None
    decision_id: str


@dataclass(frozen=True, kw_only=True, repr=False)
class HumanQueue(Result):
    """Human tasks, the first to be due first."""

    title: ClassVar[str] = "Human tasks"
    columns: ClassVar[tuple[str, ...]] = (
        "human_task_id", "task_type", "workspace_id", "status", "priority", "due_at", "overdue", "worker", "minutes",
        "cost_usd", "succeeded", "resolution", "reason",
    )  # fmt: skip
    rows: tuple[HumanRow, ...]

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a row."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def summary(self) -> str:
        """How many wait, how many are late, what they cost."""
        if not self.rows:
            return "No human tasks"
        counts = Counter(row.status for row in self.rows)
        said = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
        late = sum(row.overdue and row.status in _WAITING for row in self.rows)
        cost = sum((Money.from_usd(row.cost_usd) for row in self.rows if row.status != "cancelled"), Money(0))
        return f"{said}; {late} overdue; {cost} of work"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of each task type's finished tasks that people solved, with Wilson intervals."""
        from bizq_lab.stats.proportions import wilson  # noqa: PLC0415 - statistics load when a figure is drawn
        from bizq_lab.stats.types import Tally  # noqa: PLC0415 - as above
        from bizq_lab.viz import forest  # noqa: PLC0415 - as above

        solved: dict[str, list[bool]] = {}
        for row in self.rows:
            if row.succeeded is not None:
                solved.setdefault(row.task_type or "unknown", []).append(row.succeeded)
        rows = [{"task_type": kind, "solved": wilson(Tally(sum(one), len(one)))} for kind, one in solved.items()]
        return forest(rows, label="task_type", estimate="solved", title=self.summary(), ax=ax)


class People(Parts):
    """The people behind a lab."""

    def humans(self, *, status: HumanStatus | None = None) -> HumanQueue:
        """Human tasks as they stand, the first to be due first.

        Args:
            status: Only these; None means all.

        Raises:
            InputError: No such status.
        """
        if status is not None and status not in STATUSES:
            message = f"status == {status!r}, must be one of {', '.join(STATUSES)}"
            raise InputError(message, hint="leave it out for all of them")
        now_us = self.clock.now_us()
        return HumanQueue(rows=tuple(_row(row, now_us) for row in self.log.query("human_queue", status=status)))

    def claim_task(self, human_task_id: str, *, worker: str) -> HumanRow:
        """Take an open task; of two who try at once one gets it.

        Raises:
            NotEnoughData: No such task.
            InputError: It is not open, or nobody was named.
        """
        if not worker.strip():
            raise InputError(f"worker == {worker!r}, must name a person", hint="worker='ada'")
        return self._move(human_task_id, "claimed", worker=worker)

    def release_task(self, human_task_id: str) -> HumanRow:
        """Give a claimed task back to the queue.

        Raises:
            NotEnoughData: No such task.
            InputError: It is not claimed.
        """
        return self._move(human_task_id, "open", worker="")

    def resolve_task(
        self, human_task_id: str, *, minutes_spent: int, succeeded: bool, resolution: str = "", worker: str = ""
    ) -> HumanRow:
        """Say that a task is done; it costs the minutes that were spent, at the rate it was opened with.

        Args:
            human_task_id: Which.
            minutes_spent: Whole minutes, at least 0.
            succeeded: Whether the person solved it.
            resolution: What was concluded; kept only where payloads are kept in full.
            worker: Who did it, if nobody had claimed it.

        Raises:
            NotEnoughData: No such task.
            InputError: It is closed already, or the minutes are none.
        """
        return self._move(
            human_task_id, "done", minutes_spent=minutes_spent, succeeded=succeeded, worker=worker,
            resolution=resolution if self.service.payloads == "full" else "",
        )  # fmt: skip

    def cancel_task(self, human_task_id: str, *, resolution: str = "") -> HumanRow:
        """Say that nobody needs a task any more.

        Raises:
            NotEnoughData: No such task.
            InputError: It is closed already.
        """
        return self._move(human_task_id, "cancelled", resolution=resolution if self.service.payloads == "full" else "")

    def _move(self, human_task_id: str, status: HumanStatus, **said: Any) -> HumanRow:
        """One step of one task, while nobody else takes one."""
        with claim(self.log.path, "humans", patience_s=_PATIENCE_S):
            found = self.log.query("human_tasks", human_task_id=human_task_id)
            if not found:
                message = f"no human task {human_task_id!r}"
                raise NotEnoughData(message, hint="list them: bizq-lab humans list")
            last = HumanTaskEvent(**found[0])
            # The last step counts by its time, also where clocks of two machines disagree.
            now_us = max(self.clock.now_us(), last.recorded_at_us + 1)
            self.log.append(transition(last, status, event_id=self.ids("evt"), now_us=now_us, **said))
            rows = self.log.query("human_queue", status=status)
        return _row(next(row for row in rows if row["human_task_id"] == human_task_id), now_us)


def _row(row: dict[str, Any], now_us: int) -> HumanRow:
    ended = row["status"] not in _WAITING
    return HumanRow(
        human_task_id=row["human_task_id"],
        task_type=row["task_type"],
        workspace_id=row["workspace_id"],
        status=row["status"],
        priority=row["priority"],
        due_at=iso_utc(row["due_at_us"]),
        overdue=(row["changed_at_us"] if ended else now_us) > row["due_at_us"],
        worker=row["worker"],
        minutes=row["estimated_minutes"] if row["minutes_spent"] is None else row["minutes_spent"],
        cost_usd=float(Money(row["cost_nano_usd"])),
        reason=row["reason"],
        resolution=row["resolution"],
        succeeded=row["succeeded"],
        decision_id=row["decision_id"],
    )
