"""What changed since the window before? Each task type's own figures, now against then, with the difference's interval.

Intention to treat, clustered as everywhere; Benjamini-Hochberg over all differences, because a day has many of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.analysis.cell_estimates import mean
from bizq_lab.analysis.cells import Cell, Window, read_cells
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.multiplicity import benjamini_hochberg
from bizq_lab.stats.ratios import has_spread, ratio_difference
from bizq_lab.stats.recovered import recovered_difference
from bizq_lab.stats.types import Test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

SHOWN = ("success", "cost", "latency", "quality")
Reading = Literal["improved", "worse", "unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementRow:
    """One metric of one task type.

    Attributes:
        task_type: Task type.
        metric: success, cost, latency or quality.
        before: Mean of the window before.
        now: Mean of this window.
        difference: Now minus before; None where nothing varied.
        p_adjusted: Two-sided, Benjamini-Hochberg over all rows; None where there is no difference to test.
        reading: `improved` or `worse` where the false discovery rate is below 5 %, else `unchanged`.
    """

    task_type: str
    metric: str
    before: Estimate
    now: Estimate
    difference: Estimate | None
    p_adjusted: float | None
    reading: Reading


@dataclass(frozen=True, kw_only=True, repr=False)
class Movement(Result):
    """Every task type that both windows know."""

    title: ClassVar[str] = "What moved"
    columns: ClassVar[tuple[str, ...]] = tuple(MovementRow.__dataclass_fields__)

    rows: tuple[MovementRow, ...]
    appeared: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def summary(self) -> str:
        """What got worse, what better, and which task types came or went."""
        said = [
            f"{row.metric} of {row.task_type} is {row.reading}: {row.now}, was {row.before}"
            for reading in ("worse", "improved")
            for row in self.rows
            if row.reading == reading
        ]
        said += [f"new: {', '.join(self.appeared)}"] if self.appeared else []
        said += [f"no longer seen: {', '.join(self.gone)}"] if self.gone else []
        if not said and not self.rows:
            return "There is nothing before it to compare with."
        if not said:
            return f"Nothing moved beyond chance in {len(self.rows)} figures."
        more = f"; and {len(said) - 3} more" if len(said) > 3 else ""  # noqa: PLR2004 - one sentence holds three
        return "; ".join(said[:3]) + more + "."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a task type and metric."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The difference in success of each task type."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [
            {"task_type": row.task_type, "difference": row.difference}
            for row in self.rows
            if row.metric == "success" and row.difference is not None
        ]
        return forest(
            rows,
            label="task_type",
            estimate="difference",
            reference=0.0,
            better="increase",
            title="Change in success against the window before",
            ax=ax,
        )


def movement(log: Log, *, from_us: int, to_us: int, before_from_us: int, alpha: float = 0.05) -> Movement:
    """Compare a window with the one before it, task type by task type.

    Args:
        log: The log.
        from_us: This window's first instant, UTC microseconds; the window before ends here.
        to_us: Its end, not included.
        before_from_us: First instant of the window before.
        alpha: False discovery rate of `improved` and `worse`.

    Raises:
        NotEnoughData: This window holds no outcome.
    """
    now, then = _cells(log, from_us, to_us), _cells(log, before_from_us, from_us)
    if not now:
        message = "no outcome in the window"
        raise NotEnoughData(message, hint="run tasks first, or choose another day")
    rows = [
        row
        for name in sorted(now.keys() & then.keys())
        for metric in SHOWN
        if (row := _row(METRICS[metric], now[name], then[name])) is not None
    ]
    tested = {number: row.p_adjusted for number, row in enumerate(rows) if row.p_adjusted is not None}
    adjusted = benjamini_hochberg(list(tested.values())).tolist() if tested else []
    for number, p in zip(tested, adjusted, strict=True):
        rows[number] = _settled(rows[number], p, alpha)
    return Movement(
        rows=tuple(rows),
        appeared=tuple(sorted(now.keys() - then.keys())) if then else (),
        gone=tuple(sorted(then.keys() - now.keys())),
        provenance=Provenance(
            view="task_outcome",
            window="now against before",
            n_decisions=sum(c.n for c in (*now.values(), *then.values())),
        ),
    )


def _cells(log: Log, from_us: int, to_us: int) -> dict[str, Cell]:
    cells = read_cells(log, Window(from_us=from_us, to_us=to_us), by_arm=False, by_model=False)
    return {cell.task_type: cell for cell in cells if cell.n}


def _row(metric: Metric, now: Cell, then: Cell) -> MovementRow | None:
    present, past = mean(now, metric), mean(then, metric)
    if present is None or past is None:
        return None
    test = _test(metric, (now, then), (present, past))
    return MovementRow(
        task_type=now.task_type,
        metric=metric.name,
        before=past,
        now=present,
        difference=None if test is None else test.estimate,
        p_adjusted=None if test is None else test.p_value,
        reading="unchanged",
    )


def _test(metric: Metric, cells: tuple[Cell, Cell], means: tuple[Estimate, Estimate]) -> Test | None:
    """Whether the mean moved; where a window's units do not differ at all, as far as its own interval reaches."""
    now, then = (cell.joint(metric) for cell in cells)
    try:
        if not (has_spread(now) and has_spread(then)):
            return recovered_difference(*means)
        test = ratio_difference(now, then)
    except NotEnoughData:
        return None
    return replace(test, estimate=test.estimate.over(metric.per_unit, unit=metric.unit))


def _settled(row: MovementRow, p: float, alpha: float) -> MovementRow:
    if p > alpha or row.difference is None:
        return replace(row, p_adjusted=p)
    up = (row.difference.value > 0) == METRICS[row.metric].higher_is_better
    return replace(row, p_adjusted=p, reading="improved" if up else "worse")
