"""Has a model become slower, or worse? A recent window against a trailing baseline that excludes it (S28).

The specification's thresholds must be passed, and the change must be significant twice: against what tasks differ by
chance, and against what days differ from each other, which they do. Checks are tied to fixed slots of time: whoever
checks looks at windows that end with the last whole slot, so that checking more often sees nothing new and costs
nothing. Each slot spends `alpha * slot / month`, by Holm over all its tests: a quiet log raises a false alarm in at
most `alpha` of the months. `make alarms` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.analysis.cell_estimates import mean
from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.analysis.worsening import LEAST_DAYS, worsened
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.events import AlertEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError
from bizq_lab.stats.multiplicity import holm
from bizq_lab.stats.tails import check_alpha

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from matplotlib.axes import Axes

    from bizq_lab.core.protocols import EventSink
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

HOUR_US = 3_600_000_000
MONTH_HOURS = 30 * 24.0
CellKey = tuple[str, str]
AlertType = Literal["performance_degradation", "success_rate_drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of alert: it fires when recent / baseline passes `threshold` on the bad side."""

    alert_type: AlertType
    metric: Metric
    threshold: float


RULES = (
    Rule(alert_type="performance_degradation", metric=METRICS["latency"], threshold=1.5),
    Rule(alert_type="success_rate_drop", metric=METRICS["success"], threshold=0.9),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One check of one model at one task type.

    Attributes:
        task_type: Task type.
        model: Assigned model.
        alert_type: The specification's name.
        metric: `latency` or `success`.
        recent: Mean over the recent window.
        baseline: Mean over the trailing baseline.
        ratio: Recent over baseline.
        threshold: The ratio that must be passed.
        p_adjusted: One-sided, Holm over all tests of the slot; to be compared with the slot's share of alpha.
        raised: Whether an alert was raised now.
        muted: Whether it would have been, were it not cooling down.
    """

    task_type: str
    model: str
    alert_type: AlertType
    metric: str
    recent: Estimate
    baseline: Estimate
    ratio: float
    threshold: float
    p_adjusted: float
    raised: bool
    muted: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Alerts(Result):
    """Every check that could be made."""

    title: ClassVar[str] = "Alerts"
    columns: ClassVar[tuple[str, ...]] = tuple(AlertRow.__dataclass_fields__)

    rows: tuple[AlertRow, ...]

    @property
    def raised(self) -> tuple[AlertRow, ...]:
        """Alerts raised now."""
        return tuple(row for row in self.rows if row.raised)

    def summary(self) -> str:
        """How many alerts, and the gravest."""
        if not self.raised:
            return f"No alert: {len(self.rows)} checks found no model slower or worse than it was."
        worst = min(self.raised, key=lambda row: row.p_adjusted)
        return (
            f"{_counted(len(self.raised))}: {worst.metric} of {worst.model} at {worst.task_type} went from"
            f" {worst.baseline} to {worst.recent}."
        )

    def records(self) -> list[dict[str, Value]]:
        """One mapping a check."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Recent success beside its baseline, for each model."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [
            {"cell": f"{row.task_type}  {row.model}  {when}", "success": estimate}
            for row in self.rows
            if row.metric == "success"
            for when, estimate in (("recent", row.recent), ("baseline", row.baseline))
        ]
        return forest(rows, label="cell", estimate="success", title="Success now and before", ax=ax)


def _counted(raised: int) -> str:
    return "1 alert" if raised == 1 else f"{raised} alerts; the surest"


def alerts(
    log: Log,
    *,
    now_us: int,
    slot_hours: float = 1.0,
    recent_hours: float = 24.0,
    baseline_hours: float = 28 * 24.0,
    cooldown_hours: float = 24.0,
    min_n: int = 30,
    alpha: float = 0.05,
    sink: EventSink | None = None,
) -> Alerts:
    """Check every model at every task type, and raise what is new.

    Args:
        log: The log.
        now_us: The instant of the check, UTC microseconds; windows count back from the end of the last whole slot.
        slot_hours: Length of a slot. Shorter ones notice sooner and need stronger evidence.
        recent_hours: Length of the recent window. Below a day, hours of the day may differ more than days do.
        baseline_hours: Length of the baseline, which ends where the recent window begins. The fewer days it has, the
            larger a change must be; three are the least.
        cooldown_hours: The same alert is not raised again for this long.
        min_n: Fewest independent tasks in each window; cells with less are not checked.
        alpha: Probability of any false alarm in a month of 30 days, however often one checks.
        sink: Where raised alerts are logged; None only looks.

    Raises:
        InputError: A length that is not positive, a slot beyond a month, or an alpha outside (0, 1).
    """
    check_alpha(alpha)
    for name, hours in (("slot_hours", slot_hours), ("recent_hours", recent_hours), ("baseline_hours", baseline_hours)):
        if not hours > 0:
            message = f"{name} == {hours!r}, must be positive"
            raise InputError(message)
    if slot_hours > MONTH_HOURS:
        message = f"slot_hours == {slot_hours!r}, must be at most a month of {MONTH_HOURS:g}"
        raise InputError(message)
    end_us = slot_end_us(now_us, slot_hours)
    split_us = end_us - round(recent_hours * HOUR_US)
    past = Window(from_us=split_us - round(baseline_hours * HOUR_US), to_us=split_us)
    recent = _cells(log, Window(from_us=split_us, to_us=end_us), min_n)
    days: dict[CellKey, list[Cell]] = {}
    for cell in read_cells(log, past, by_arm=False, by_day=True):
        days.setdefault((cell.task_type, cell.model), []).extend([cell] if cell.n else [])
    before = {key: cell for key, cell in _cells(log, past, min_n).items() if len(days[key]) >= LEAST_DAYS}
    cooling = {
        (row["alert_type"], row["task_type"], row["model"])
        for row in log.query("alerts", since_us=now_us - round(cooldown_hours * HOUR_US))
    }
    rows = judge(recent, before, days, alpha=alpha * slot_hours / MONTH_HOURS, cooling=cooling)
    if sink is not None:
        for row in rows:
            if row.raised:
                sink.append(_event(row, now_us, end_us))
    unchecked = len(set(recent) ^ set(before))
    caveats = [Caveat(code="unchecked", message=f"{unchecked} cells have too few tasks or days to be checked")]
    return Alerts(
        rows=rows,
        caveats=tuple(caveats) if unchecked else (),
        provenance=Provenance(
            view="task_outcome",
            window=f"{recent_hours:g} h against {baseline_hours:g} h",
            n_decisions=sum(cell.n for cell in (*recent.values(), *before.values())),
        ),
    )


def slot_end_us(now_us: int, slot_hours: float) -> int:
    """End of the last whole slot: a multiple of the slot's length since the epoch, UTC microseconds."""
    slot_us = round(slot_hours * HOUR_US)
    return now_us // slot_us * slot_us


def judge(
    recent: Mapping[CellKey, Cell],
    before: Mapping[CellKey, Cell],
    days: Mapping[CellKey, Sequence[Cell]],
    *,
    alpha: float,
    cooling: AbstractSet[tuple[str, str, str]] = frozenset(),
) -> tuple[AlertRow, ...]:
    """Every test of one slot: pure.

    Args:
        recent: Sums of the recent window by (task type, model).
        before: Sums of the baseline.
        days: Sums of its days, in order.
        alpha: Probability of any false alarm in this slot.
        cooling: (alert type, task type, model) that were raised lately.
    """
    both = [key for key in recent if key in before]
    checks = [
        row for key in both for rule in RULES if (row := _check(rule, recent[key], before[key], days[key])) is not None
    ]
    adjusted = holm([row.p_adjusted for row in checks]).tolist() if checks else []
    return tuple(_settled(row, p, alpha, cooling) for row, p in zip(checks, adjusted, strict=True))


def _cells(log: Log, window: Window, min_n: int) -> dict[CellKey, Cell]:
    cells = read_cells(log, window, by_arm=False)
    return {(cell.task_type, cell.model): cell for cell in cells if cell.units >= min_n}


def _check(rule: Rule, recent: Cell, before: Cell, days: Sequence[Cell]) -> AlertRow | None:
    """One check with its unadjusted p-value; None where the baseline is zero, or nothing varied."""
    now, then, p = mean(recent, rule.metric), mean(before, rule.metric), worsened(rule.metric, recent, before, days)
    if now is None or then is None or p is None or not then.value > 0:
        return None
    return AlertRow(
        task_type=recent.task_type,
        model=recent.model,
        alert_type=rule.alert_type,
        metric=rule.metric.name,
        recent=now,
        baseline=then,
        ratio=now.value / then.value,
        threshold=rule.threshold,
        p_adjusted=p,
        raised=False,
        muted=False,
    )


def _settled(row: AlertRow, p: float, alpha: float, cooling: AbstractSet[tuple[str, str, str]]) -> AlertRow:
    passed = row.ratio > row.threshold if row.threshold > 1 else row.ratio < row.threshold
    fires, muted = passed and p <= alpha, (row.alert_type, row.task_type, row.model) in cooling
    return replace(row, p_adjusted=p, raised=fires and not muted, muted=fires and muted)


def _event(row: AlertRow, now_us: int, end_us: int) -> AlertEvent:
    return AlertEvent(
        event_id=derived_id("alert", row.alert_type, row.task_type, row.model, end_us),
        recorded_at_us=now_us,
        alert_type=row.alert_type,
        task_type=row.task_type,
        model=row.model,
        metric=row.metric,
        current_value=row.recent.value,
        baseline_value=row.baseline.value,
        threshold=row.threshold * row.baseline.value,
        n_current=row.recent.n,
        n_baseline=row.baseline.n,
        p_value=row.p_adjusted,
        message=f"{row.metric} of {row.model} at {row.task_type}: {row.recent}, was {row.baseline}",
    )
