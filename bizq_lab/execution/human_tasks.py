"""Escalation to a person (S21): what a human task costs, when it is due, which states it passes. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from bizq_lab.core.events import HumanTaskEvent
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import InputError
from bizq_lab.execution.redact import redact

HumanStatus = Literal["open", "claimed", "done", "cancelled"]
US_PER_S = 1_000_000
MINUTES_PER_HOUR = 60

_NEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "open": frozenset({"claimed", "done", "cancelled"}),
        "claimed": frozenset({"open", "done", "cancelled"}),
        "done": frozenset(),
        "cancelled": frozenset(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanDesk:
    """Terms on which people take over.

    Attributes:
        rate_usd_per_hour: What an hour of a person costs.
        due_in_s: Seconds until a task of each priority must be done.
    """

    rate_usd_per_hour: float = 30.0
    due_in_s: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"urgent": 3_600, "high": 14_400, "normal": 28_800, "low": 86_400})
    )

    @property
    def rate_nano_usd_per_hour(self) -> int:
        """The rate, exact."""
        return Money.ceil_usd(self.rate_usd_per_hour).nano_usd

    def cost(self, minutes: int) -> Money:
        """Cost of so many minutes, rounded up to a nano-dollar."""
        return Money(-(-self.rate_nano_usd_per_hour * minutes // MINUTES_PER_HOUR))

    def open(
        self, *, event_id: str, human_task_id: str, decision_id: str, now_us: int,
        context: RoutingContext, minutes: int, reason: str,
    ) -> HumanTaskEvent:  # fmt: skip
        """The event that opens a task: `urgent` stays urgent, everything else a machine failed at is `high`."""
        priority = "urgent" if context.priority == "urgent" else "high"
        return HumanTaskEvent(
            event_id=event_id,
            recorded_at_us=now_us,
            human_task_id=human_task_id,
            decision_id=decision_id,
            status="open",
            priority=priority,
            reason=redact(reason),
            estimated_minutes=minutes,
            cost_rate_nano_usd_per_hour=self.rate_nano_usd_per_hour,
            cost_nano_usd=self.cost(minutes).nano_usd,
            due_at_us=now_us + self.due_in_s[priority] * US_PER_S,
            worker="",
            minutes_spent=None,
            resolution="",
            succeeded=None,
        )


def transition(
    last: HumanTaskEvent, status: HumanStatus, *, event_id: str, now_us: int, worker: str = "",
    minutes_spent: int | None = None, resolution: str = "", succeeded: bool | None = None,
) -> HumanTaskEvent:  # fmt: skip
    """The next event of a human task; the cost of a finished one is that of the minutes really spent.

    Raises:
        InputError: The lifecycle does not allow this step, or a finished task lacks its minutes.
    """
    if status not in _NEXT[last.status]:
        message = f"human task {last.human_task_id!r} is {last.status}, cannot become {status}"
        raise InputError(message, hint=f"allowed: {', '.join(sorted(_NEXT[last.status])) or 'nothing, it is closed'}")
    if status == "done" and (minutes_spent is None or minutes_spent < 0 or succeeded is None):
        message = f"human task {last.human_task_id!r} cannot be done with minutes_spent == {minutes_spent!r}"
        raise InputError(message, hint="say how many minutes it took, and whether it succeeded")
    cost = last.cost_nano_usd
    if status == "done" and minutes_spent is not None:
        cost = -(-last.cost_rate_nano_usd_per_hour * minutes_spent // MINUTES_PER_HOUR)
    return replace(
        last, event_id=event_id, recorded_at_us=now_us, status=status,
        worker="" if status == "open" else worker or last.worker,
        minutes_spent=minutes_spent, resolution=resolution, succeeded=succeeded, cost_nano_usd=cost,
    )  # fmt: skip


def iso_utc(at_us: int) -> str:
    """An instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_us / US_PER_S, tz=UTC).isoformat(timespec="seconds")
