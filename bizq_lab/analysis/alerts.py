"""Has a model become slower, or worse? A recent window against a trailing baseline that excludes it (S28).

The specification's thresholds must be passed, and the change must be significant: a test per cell and metric at
`alpha`, Holm over all of them, so that a quiet log raises a false alarm in at most `alpha` of the checks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.events import AlertEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.multiplicity import holm
from bizq_lab.stats.proportions import miettinen_nurminen_difference
from bizq_lab.stats.ratios import ratio_difference
from bizq_lab.stats.tails import check_alpha
from bizq_lab.stats.types import Tally, Test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.protocols import EventSink
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

HOUR_US = 3_600_000_000
AlertType = Literal["performance_degradation", "success_rate_drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One kind of alert: it fires when recent / baseline passes `threshold` on the bad side."""

    alert_type: AlertType
    metric: Metric
    threshold: float


RULES = (
    _Rule(alert_type="performance_degradation", metric=METRICS["latency"], threshold=1.5),
    _Rule(alert_type="success_rate_drop", metric=METRICS["success"], threshold=0.9),
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
        p_adjusted: One-sided, Holm over all checks.
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
            f"{len(self.raised)} alerts; the surest: {worst.metric} of {worst.model} at {worst.task_type} went from"
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


def alerts(
    log: Log,
    *,
    now_us: int,
    recent_hours: float = 24.0,
    baseline_hours: float = 28 * 24.0,
    cooldown_hours: float = 24.0,
    min_n: int = 30,
    alpha: float = 0.01,
    sink: EventSink | None = None,
) -> Alerts:
    """Check every model at every task type, and raise what is new.

    Args:
        log: The log.
        now_us: The instant of the check, UTC microseconds; windows count back from it.
        recent_hours: Length of the recent window.
        baseline_hours: Length of the baseline, which ends where the recent window begins.
        cooldown_hours: The same alert is not raised again for this long.
        min_n: Fewest independent tasks in each window; cells with less are not checked.
        alpha: Probability of any false alarm at one check of an unchanged log.
        sink: Where raised alerts are logged; None only looks.

    Raises:
        InputError: A length that is not positive, or an alpha outside (0, 1).
    """
    check_alpha(alpha)
    for name, hours in (("recent_hours", recent_hours), ("baseline_hours", baseline_hours)):
        if not hours > 0:
            message = f"{name} == {hours!r}, must be positive"
            raise InputError(message)
    split_us = now_us - round(recent_hours * HOUR_US)
    recent = _cells(log, Window(from_us=split_us, to_us=now_us), min_n)
    before = _cells(log, Window(from_us=split_us - round(baseline_hours * HOUR_US), to_us=split_us), min_n)
    both = [key for key in recent if key in before]
    checks = [row for key in both for rule in RULES if (row := _check(rule, recent[key], before[key])) is not None]
    adjusted = holm([row.p_adjusted for row in checks]).tolist() if checks else []
    cooling = {
        (row["alert_type"], row["task_type"], row["model"])
        for row in log.query("alerts", since_us=now_us - round(cooldown_hours * HOUR_US))
    }
    rows = tuple(_settled(row, p, alpha, cooling) for row, p in zip(checks, adjusted, strict=True))
    if sink is not None:
        for row in rows:
            if row.raised:
                sink.append(_event(row, now_us))
    unchecked = len(set(recent) ^ set(before))
    caveats = [Caveat(code="unchecked", message=f"{unchecked} cells have too little in one window to be checked")]
    return Alerts(
        rows=rows,
        caveats=tuple(caveats) if unchecked else (),
        provenance=Provenance(
            view="task_outcome",
            window=f"{recent_hours:g} h against {baseline_hours:g} h",
            n_decisions=sum(cell.n for cell in (*recent.values(), *before.values())),
        ),
    )


def _cells(log: Log, window: Window, min_n: int) -> dict[tuple[str, str], Cell]:
    cells = read_cells(log, window, by_arm=False)
    return {(cell.task_type, cell.model): cell for cell in cells if cell.clusters >= min_n}


def _check(rule: _Rule, recent: Cell, before: Cell) -> AlertRow | None:
    """One check with its unadjusted p-value; None where the baseline is zero, or nothing varied."""
    now, then, test = recent.mean(rule.metric), before.mean(rule.metric), _test(rule.metric, recent, before)
    if now is None or then is None or test is None or not then.value > 0:
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
        p_adjusted=test.p_value,
        raised=False,
        muted=False,
    )


def _test(metric: Metric, recent: Cell, before: Cell) -> Test | None:
    """One-sided test that the metric got worse, robust to clusters; None where nothing ever varied.

    Success that did not vary within either window is compared by score, each cluster counting once.
    """
    alternative: Literal["less", "greater"] = "less" if metric.higher_is_better else "greater"
    try:
        return ratio_difference(recent.joint(metric), before.joint(metric), alternative=alternative)
    except NotEnoughData:
        if metric.name != "success":
            return None
    now, then = (Tally(round(c.clusters * c.row["success"] / c.n), c.clusters) for c in (recent, before))
    return miettinen_nurminen_difference(now, then, alternative="less")


def _settled(row: AlertRow, p: float, alpha: float, cooling: set[tuple[str, str, str]]) -> AlertRow:
    passed = row.ratio > row.threshold if row.threshold > 1 else row.ratio < row.threshold
    fires, muted = passed and p <= alpha, (row.alert_type, row.task_type, row.model) in cooling
    return replace(row, p_adjusted=p, raised=fires and not muted, muted=fires and muted)


def _event(row: AlertRow, now_us: int) -> AlertEvent:
    return AlertEvent(
        event_id=derived_id("alert", row.alert_type, row.task_type, row.model, now_us),
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
