"""How would proposals of past weeks have done in the week after? Each knows only what was known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.evaluate import evaluate
from bizq_lab.analysis.evaluation import ALL
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Result
from bizq_lab.errors import EvidenceError
from bizq_lab.tuning.gain import total
from bizq_lab.tuning.tune import tune

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

WEEK_US = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow:
    """One past week.

    Attributes:
        week: Its first day, UTC.
        moved: Task types that the proposal of the weeks before would have moved.
        gain_usd: What it would have gained a task in this week over what runs now; None where the log cannot say.
        n: Decisions or paired tasks behind it.
        because: Why the log cannot say; empty where it can.
    """

    week: str
    moved: int
    gain_usd: Estimate | None
    n: int
    because: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Backtest(Result):
    """Proposals of past weeks, held against the week after.

    Attributes:
        gain: Over all weeks that could be valued, by their decisions; None without any.
    """

    title: ClassVar[str] = "Backtest"
    columns: ClassVar[tuple[str, ...]] = tuple(BacktestRow.__dataclass_fields__)

    rows: tuple[BacktestRow, ...]
    gain: Estimate | None

    def summary(self) -> str:
        """What they would have gained."""
        known = [row for row in self.rows if row.gain_usd is not None]
        if self.gain is None:
            return f"None of the {len(self.rows)} past weeks can be valued."
        return f"Proposals of past weeks would have gained {self.gain} a task over {len(known)} weeks."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a week."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The gain by week."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [{"week": row.week, "gain": row.gain_usd} for row in self.rows if row.gain_usd is not None]
        return forest(
            rows,
            label="week",
            estimate="gain",
            reference=0.0,
            better="increase",
            title="What last week's proposal would have gained this week",
            ax=ax,
        )


def backtest(
    log: Log, catalog: Catalog, *, present: RoutingConfig | None, as_of: date, weeks: int, level: float = 0.95
) -> Backtest:
    """Tune on everything before each of the last weeks, and value the proposal on that week.

    Args:
        log: The log.
        catalog: Models, prices and values.
        present: What runs now; the proposals are held against it.
        as_of: The date the proposals carry.
        weeks: How many weeks, counted back from the log's last outcome.
        level: Coverage of the intervals.
    """
    (span,) = log.query("log_span")
    rows = []
    if span["first_us"] is not None:
        for back in range(weeks, 0, -1):
            start = span["last_us"] + 1 - back * WEEK_US
            if start > span["first_us"]:
                rows.append(_week(log, catalog, present, as_of=as_of, start=start, level=level))
    known = [(row.gain_usd, float(row.n)) for row in rows if row.gain_usd is not None]
    size = sum(n for _, n in known)
    gain = total([(each, n / size) for each, n in known], level=level) if known else None
    return Backtest(rows=tuple(rows), gain=gain)


def _week(
    log: Log, catalog: Catalog, present: RoutingConfig | None, *, as_of: date, start: int, level: float
) -> BacktestRow:
    week = datetime.fromtimestamp(start / 1e6, UTC).date().isoformat()
    try:
        proposal = tune(log, catalog, as_of=as_of, config=present, to_us=start)
        if not proposal.moved:
            return BacktestRow(week=week, moved=0, gain_usd=None, n=0, because="nothing would have moved")
        answer = evaluate(
            log, catalog, proposal.config, against=present, from_us=start, to_us=start + WEEK_US, level=level
        )
    except EvidenceError as error:
        return BacktestRow(week=week, moved=0, gain_usd=None, n=0, because=error.message.splitlines()[0].rstrip(":"))
    row = next((r for r in answer.rows if r.metric == "net_benefit" and r.task_type == ALL), None)
    gain = None if row is None else row.difference
    why = "" if gain is not None else "some of its calls have no known price"
    return BacktestRow(week=week, moved=len(proposal.moved), gain_usd=gain, n=row.n if row else 0, because=why)
