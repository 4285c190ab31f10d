"""Brings alerts that were raised to every channel once, and notes it in the log. Raises no alert itself.

An alert that a channel accepted never goes there again, whoever delivers. The same kind of alert (type, task type,
model) rests on a channel while it cools down. What failed is tried again by the next delivery. Dying between a send and
its note sends once more: an alert twice is better than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.events import DeliveryEvent
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError
from bizq_lab.reports.outbox.channels import Channel, Failed
from bizq_lab.reports.outbox.message import message_of

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock, IdSource
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

HOUR_US = 3_600_000_000
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of the due alerts on one channel: `sent`, `failed` with a reason, or `resting`."""

    channel: str
    status: str
    alerts: int
    reason: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Deliveries(Result):
    """Every channel that had something due."""

    title: ClassVar[str] = "Alerts delivered"
    columns: ClassVar[tuple[str, ...]] = ("channel", "status", "alerts", "reason")

    rows: tuple[Delivery, ...]

    @property
    def failed(self) -> bool:
        """Whether some channel could not be reached."""
        return any(row.status == "failed" for row in self.rows)

    def summary(self) -> str:
        """What went where."""
        if not self.rows:
            return "No alert was due on any channel."
        return "; ".join(f"{row.alerts} {row.status} by {row.channel}" for row in self.rows) + "."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a channel and status."""
        return [
            {"channel": row.channel, "status": row.status, "alerts": row.alerts, "reason": row.reason or None}
            for row in self.rows
        ]


def deliver(
    log: Log,
    channels: Sequence[Channel],
    *,
    clock: Clock,
    ids: IdSource,
    cooldown_hours: float = 24.0,
    window_hours: float = 7 * 24.0,
) -> Deliveries:
    """Send what is due.

    Args:
        log: Where alerts are read and deliveries noted.
        channels: Where to.
        clock: Time of the record; windows count back from it.
        ids: Where event ids come from.
        cooldown_hours: The same kind of alert rests on a channel for this long.
        window_hours: Older alerts are no news, and are not sent.

    Raises:
        InputError: A length that is not positive.
        JournalWriteError: A delivery could not be noted.
    """
    for name, hours in (("cooldown_hours", cooldown_hours), ("window_hours", window_hours)):
        if not hours > 0:
            message = f"{name} == {hours!r}, must be positive"
            raise InputError(message)
    now_us = clock.now_us()
    rows: list[Delivery] = []
    for channel in channels:
        due = log.query(
            "alerts_due",
            channel=channel.name,
            since_us=now_us - round(window_hours * HOUR_US),
            rested_us=now_us - round(cooldown_hours * HOUR_US),
        )
        fresh, resting = _split(due)
        for alerts, cooling in ((fresh, False), (resting, True)):
            if alerts:
                status, reason = ("resting", "cooldown") if cooling else _send(channel, alerts)
                rows.append(Delivery(channel=channel.name, status=status, alerts=len(alerts), reason=reason))
                _note(log, alerts, rows[-1], now_us=now_us, ids=ids)
    return Deliveries(rows=tuple(rows), provenance=Provenance(view="alert, delivery"))


def _split(due: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The first of each kind that is not cooling down; the rest rests."""
    fresh: list[Row] = []
    resting: list[Row] = []
    seen: set[tuple[str, str, str]] = set()
    for row in due:
        kind = (row["alert_type"], row["task_type"], row["model"])
        (resting if row["cooling"] or kind in seen else fresh).append(row)
        seen.add(kind)
    return fresh, resting


def _send(channel: Channel, alerts: Sequence[Row]) -> tuple[str, str]:
    try:
        channel.send(message_of(alerts))
    except Failed as failure:
        return "failed", failure.reason
    return "sent", ""


def _note(log: Log, alerts: Sequence[Row], delivery: Delivery, *, now_us: int, ids: IdSource) -> None:
    for row in alerts:
        log.append(
            DeliveryEvent(
                event_id=ids("evt"),
                recorded_at_us=now_us,
                alert_event_id=row["event_id"],
                channel=delivery.channel,
                status=delivery.status,
                reason=delivery.reason,
            )
        )
