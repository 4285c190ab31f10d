"""Has anything changed? Sudden changes, slow ones and exchanged models, asked together under one false-alarm rate.

Half of `alpha` goes to each of the two that test something; that a provider served another id is a fact, and free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.analysis.alerts import Alerts, alerts, slot_end_us
from bizq_lab.analysis.drift import Drift, drift
from bizq_lab.analysis.served_models import ALERT, ServedModels, served_models
from bizq_lab.core.result import Provenance, Result
from bizq_lab.stats.tails import check_alpha

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.protocols import EventSink
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

RECENT_HOURS = 24.0
US_PER_S = 1_000_000
Status = Literal["raised", "known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """Something that changed.

    Attributes:
        change: `performance_degradation`, `success_rate_drop`, `quality_drift`, …, or `served_model_changed`.
        task_type: Task type; empty where it is about all.
        model: The model.
        metric: What changed of it; empty for an exchanged model.
        before: What it was, with its interval, or the id that answered.
        now: What it is.
        since: When it began: a day, or an instant, UTC.
        status: `raised` now; `known`: reported before, too small, an improvement, or no news.
    """

    change: str
    task_type: str
    model: str
    metric: str
    before: str
    now: str
    since: str
    status: Status


@dataclass(frozen=True, kw_only=True, repr=False)
class Check(Result):
    """Everything that changed, and the three answers that say so.

    Attributes:
        alerts: Sudden changes: a recent window against a baseline.
        drift: Slow changes: day by day.
        served: Ids that the providers served.
        until: The instant of the check, UTC to the second.
    """

    title: ClassVar[str] = "What changed"
    columns: ClassVar[tuple[str, ...]] = tuple(ChangeRow.__dataclass_fields__)

    alerts: Alerts
    drift: Drift
    served: ServedModels
    until: str

    @property
    def raised(self) -> int:
        """How many alerts were raised now."""
        return len(self.alerts.raised) + len(self.drift.raised) + len(self.served.raised)

    @property
    def rows(self) -> tuple[ChangeRow, ...]:
        """Every change, what was raised now first."""
        found = [*self._sudden(), *self._slow(), *self._exchanged()]
        return tuple(sorted(found, key=lambda row: row.status != "raised"))

    def summary(self) -> str:
        """How many alerts were raised, and what each of the three found."""
        noun = "alert was" if self.raised == 1 else "alerts were"
        said = " ".join(answer.summary() for answer in (self.alerts, self.drift, self.served))
        return f"{self.raised or 'No'} {noun} raised. {said}"

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a change."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """What changed, and since when."""
        from bizq_lab.viz import spans  # noqa: PLC0415 - loads matplotlib

        rows = [{**record, "until": self.until} for record in self.records()]
        return spans(rows, label="model", group="change", remark="task_type", title="Changed since", ax=ax)

    def _sudden(self) -> Iterator[ChangeRow]:
        started = _utc(datetime.fromisoformat(self.until).replace(tzinfo=UTC).timestamp() - RECENT_HOURS * 3600)
        for row in self.alerts.rows:
            if row.raised or row.muted:
                yield ChangeRow(
                    change=row.alert_type,
                    task_type=row.task_type,
                    model=row.model,
                    metric=row.metric,
                    before=str(row.baseline),
                    now=str(row.recent),
                    since=started,
                    status="raised" if row.raised else "known",
                )

    def _slow(self) -> Iterator[ChangeRow]:
        for row in self.drift.rows:
            if row.since:
                yield ChangeRow(
                    change=f"{row.metric}_drift",
                    task_type=row.task_type,
                    model=row.model,
                    metric=row.metric,
                    before=str(row.before),
                    now=str(row.now),
                    since=row.since,
                    status="raised" if row.raised else "known",
                )

    def _exchanged(self) -> Iterator[ChangeRow]:
        for row in self.served.rows:
            if row.before:
                yield ChangeRow(
                    change=ALERT,
                    task_type="",
                    model=row.model,
                    metric="",
                    before=row.before,
                    now=row.served,
                    since=row.first_seen,
                    status="raised" if row.raised else "known",
                )


def check(
    log: Log, *, now_us: int, alpha: float = 0.05, slot_hours: float = 1.0, sink: EventSink | None = None
) -> Check:
    """Look for sudden changes, slow drift and exchanged models.

    Args:
        log: The log.
        now_us: The instant of the check, UTC microseconds.
        alpha: Probability of any false alarm in a month of 30 days, however often one checks.
        slot_hours: See `alerts`.
        sink: Where raised alerts are logged, each once; None only looks.

    Raises:
        InputError: An alpha outside (0, 1), or a slot that is not positive or beyond a month.
    """
    half = check_alpha(alpha) / 2
    sudden = alerts(log, now_us=now_us, slot_hours=slot_hours, recent_hours=RECENT_HOURS, alpha=half, sink=sink)
    slow = drift(log, now_us=now_us, alpha=half, sink=sink)
    served = served_models(log, now_us=now_us, sink=sink)
    caveats = {caveat.code: caveat for answer in (sudden, slow, served) for caveat in answer.caveats}
    return Check(
        alerts=sudden,
        drift=slow,
        served=served,
        until=_utc(slot_end_us(now_us, slot_hours) / US_PER_S),
        caveats=tuple(caveats.values()),
        provenance=Provenance(
            view="task_outcome, attempt",
            window=f"{slow.provenance.window}, {sudden.provenance.window}",
            n_decisions=slow.provenance.n_decisions,
        ),
    )


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
