"""Has a model's quality, latency or cost drifted, and since which day? A sequential test over the log's whole days.

Alerts see a sudden change within hours; this sees a slow one. Every model at every task type is followed from its first
day on; the days decide, so that what differs from day to day anyway is not taken for drift. False alarms: at most
`alpha` of the months, over all that is followed, however often one asks (see `stats.drift`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.daily import on_scale, value_of
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.events import AlertEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError
from bizq_lab.stats.drift import Series, detect_shifts
from bizq_lab.stats.means import mean as mean_of
from bizq_lab.stats.tails import check_alpha
from bizq_lab.stats.types import Moments

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.protocols import EventSink
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

DAY_US = 86_400_000_000
FOLLOWED = ("quality", "latency", "cost")
BURN_IN_DAYS = 14
Reading = Literal["worse", "improved", "steady", "too few days"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One metric of one model at one task type.

    Attributes:
        task_type: Task type.
        model: Assigned model.
        metric: `quality`, `latency` or `cost`.
        reading: `worse` or `improved` by the last change found; else `steady`, or `too few days` to say.
        since: UTC day on which that change most likely began; empty without one.
        noticed: UTC day whose figures decided it.
        before: Mean of the days before it; of all days without a change.
        now: Mean of the days since.
        change: Relative change, such as 0.3 for 30 % more.
        evidence: Evidence for a further change, as a share of what would decide.
        days: Days followed.
        raised: Whether an alert was raised now.
    """

    task_type: str
    model: str
    metric: str
    reading: Reading
    since: str
    noticed: str
    before: Estimate
    now: Estimate | None
    change: float | None
    evidence: float
    days: int
    raised: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Drift(Result):
    """Every metric of every model at every task type."""

    title: ClassVar[str] = "Drift"
    columns: ClassVar[tuple[str, ...]] = tuple(DriftRow.__dataclass_fields__)

    rows: tuple[DriftRow, ...]

    @property
    def raised(self) -> tuple[DriftRow, ...]:
        """Alerts raised now."""
        return tuple(row for row in self.rows if row.raised)

    def summary(self) -> str:
        """What drifted, the latest first."""
        found = sorted((row for row in self.rows if row.since), key=lambda row: row.noticed, reverse=True)
        if not self.rows:
            return "There is not one whole day to follow yet."
        if not found:
            return f"No drift in {len(self.rows)} series of quality, latency and cost."
        row = found[0]
        more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
        return (
            f"{row.metric.capitalize()} of {row.model} at {row.task_type} is {row.reading} since {row.since}:"
            f" {row.now}, was {row.before}{more}."
        )

    def records(self) -> list[dict[str, Value]]:
        """One mapping a series."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality before and since the last change of each model."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [
            {"cell": f"{row.task_type}  {row.model}  {when}", "quality": estimate}
            for row in self.rows
            if row.metric == "quality"
            for when, estimate in (("now", row.now), ("before", row.before))
            if estimate is not None
        ]
        return forest(rows, label="cell", estimate="quality", title="Quality before and since its last change", ax=ax)


def drift(
    log: Log,
    *,
    now_us: int,
    alpha: float = 0.05,
    min_n: int = 20,
    least_change: float = 0.05,
    fresh_days: int = 7,
    sink: EventSink | None = None,
) -> Drift:
    """Follow quality, latency and cost of every model at every task type, day by day.

    Args:
        log: The log.
        now_us: The instant of the question, UTC microseconds; the day it lies in is not whole and does not count.
        alpha: Probability of any false alarm in a month of 30 days, over all series.
        min_n: Fewest independent tasks of a day that counts.
        least_change: Relative change below which a drift is shown, but raises no alert.
        fresh_days: A drift noticed longer ago is no news, and raises no alert.
        sink: Where raised alerts are logged, each once however often one asks; None only looks.

    Raises:
        InputError: An alpha outside (0, 1), or a negative `least_change`.
    """
    check_alpha(alpha)
    if not least_change >= 0:
        message = f"least_change == {least_change!r}, must not be negative"
        raise InputError(message)
    today_us = now_us // DAY_US * DAY_US
    cells = read_cells(log, Window(to_us=today_us), by_arm=False, by_day=True)
    series = _series([cell for cell in cells if cell.units >= min_n])
    fresh_from = _day(today_us - fresh_days * DAY_US)
    said = {
        (row["alert_type"], row["task_type"], row["model"]): _day(row["raised_us"])
        for row in log.query("alerts", since_us=today_us - (fresh_days + 1) * DAY_US)
    }
    rows = []
    for (task_type, model, metric), days in series.items():
        row = _row(task_type, model, METRICS[metric], days, alpha=alpha / len(series))
        big = row.change is not None and abs(row.change) >= least_change
        new = row.noticed >= fresh_from and said.get((f"{metric}_drift", task_type, model), "") <= row.noticed
        rows.append(replace(row, raised=row.reading == "worse" and big and new))
        if rows[-1].raised and sink is not None:
            sink.append(_event(rows[-1], now_us))
    few = sum(row.reading == "too few days" for row in rows)
    caveats = [Caveat(code="too_few_days", message=f"{few} series are shorter than {BURN_IN_DAYS + 1} days of {min_n}")]
    return Drift(
        rows=tuple(rows),
        caveats=tuple(caveats) if few else (),
        provenance=Provenance(
            view="task_outcome", window=f"whole days to {_day(today_us)}", n_decisions=sum(cell.n for cell in cells)
        ),
    )


def _series(cells: Sequence[Cell]) -> dict[tuple[str, str, str], list[Cell]]:
    """The days on which a metric was measured, and cost something, in order."""
    found: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.key[-1]):
        for metric in (METRICS[name] for name in FOLLOWED):
            if cell.has(metric) and (metric.name == "quality" or value_of(cell, metric) > 0):
                found.setdefault((cell.task_type, cell.model, metric.name), []).append(cell)
    return found


def followed(values: Sequence[float], sizes: Sequence[int], metric: Metric, *, alpha: float) -> Series:
    """One series on the scale on which days are about normal. Pure.

    Args:
        values: Mean of each day, in the metric's unit.
        sizes: Outcomes of each day.
        metric: Which.
        alpha: Probability of a false alarm in a month.
    """
    scaled, least = on_scale(values, sizes, metric)
    return detect_shifts(scaled, sizes, alpha=alpha, burn_in=BURN_IN_DAYS, least_sd=least)


def _row(task_type: str, model: str, metric: Metric, days: Sequence[Cell], *, alpha: float) -> DriftRow:
    values, names = [value_of(cell, metric) for cell in days], [cell.key[-1] for cell in days]
    seen = followed(values, [int(cell.row[metric.count]) for cell in days], metric, alpha=alpha)
    last = seen.shifts[-1] if seen.shifts else None
    first = seen.shifts[-2].start if len(seen.shifts) > 1 else 0
    reading: Reading = "steady" if len(values) > BURN_IN_DAYS else "too few days"
    if last is not None:
        reading = "improved" if last.up == metric.higher_is_better else "worse"
    before = _level(values[first : last.start] if last else values, metric)
    now = _level(values[last.start :], metric) if last else None
    return DriftRow(
        task_type=task_type,
        model=model,
        metric=metric.name,
        reading=reading,
        since=names[last.start] if last else "",
        noticed=names[last.detected] if last else "",
        before=before,
        now=now,
        change=now.value / before.value - 1 if now is not None and before.value > 0 else None,
        evidence=min(1.0, seen.evidence / seen.needed),
        days=len(values),
        raised=False,
    )


def _level(values: Sequence[float], metric: Metric) -> Estimate:
    """Mean of daily means; as wide as the metric allows where days show no spread."""
    moments = Moments.from_values(values)
    if moments.n < 2 or not moments.variance > 0:  # noqa: PLR2004 - one day has no spread
        value = moments.mean
        low, high = metric.support or (0.0, math.inf)
        return Estimate(value=value, lower=low, upper=high, unit=metric.unit, level=0.95, n=moments.n)
    return mean_of(moments, unit=metric.unit, support=metric.support or (0.0, math.inf))


def _day(instant_us: int) -> str:
    return datetime.fromtimestamp(instant_us / 1e6, UTC).strftime("%Y-%m-%d")


def _event(row: DriftRow, now_us: int) -> AlertEvent:
    kind = f"{row.metric}_drift"
    return AlertEvent(
        event_id=derived_id("alert", kind, row.task_type, row.model, row.noticed),
        recorded_at_us=now_us,
        alert_type=kind,
        task_type=row.task_type,
        model=row.model,
        metric=row.metric,
        current_value=None if row.now is None else row.now.value,
        baseline_value=row.before.value,
        threshold=None,
        n_current=0 if row.now is None else row.now.n,
        n_baseline=row.before.n,
        p_value=None,
        message=f"{row.metric} of {row.model} at {row.task_type} since {row.since}: {row.now}, was {row.before}",
    )
