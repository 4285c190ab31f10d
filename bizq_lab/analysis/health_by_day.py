"""How healthy was each model on each UTC day? The score of `model_health`, each day against the weeks before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.cells import Cell, Window, read_cells
from bizq_lab.analysis.happenings import happenings
from bizq_lab.analysis.model_health import HealthRow, no_baseline, scored
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.tails import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

US_PER_S, DAY_US = 1_000_000, 86_400_000_000
MOST_DAYS, MOST_DRAWN = 366, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthDay:
    """One model on one UTC day.

    Attributes:
        day: UTC day, as 2026-11-26.
        score: The day's score against the weeks before it.
    """

    day: str
    score: HealthRow


@dataclass(frozen=True, kw_only=True, repr=False)
class HealthByDay(Result):
    """Every model on every day that it worked, by model and day.

    Attributes:
        marks: Alerts and config steps by day, shown in the figure.
    """

    title: ClassVar[str] = "Health of the models, day by day"
    columns: ClassVar[tuple[str, ...]] = ("model", "day", *tuple(HealthRow.__dataclass_fields__)[1:])

    rows: tuple[HealthDay, ...]
    marks: Mapping[date, str]

    def summary(self) -> str:
        """The worst day, and what ailed the model then."""
        worst = min(self.rows, key=lambda row: (row.score.health.value, row.score.model, row.day))
        days, score = len({row.day for row in self.rows}), worst.score
        name, kept = score.ails
        said = f"The least healthy day of {days} was {worst.day}: {score.model} with {score.health.value:.0f} of 100"
        return f"{said}, most of it lost by {name} ({kept:.0%})." if kept < 1 else f"{said}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a model and day."""
        return [
            {name: row.day if name == "day" else getattr(row.score, name) for name in self.columns} for row in self.rows
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The scores over the days, a strip a model; the ten that were least healthy."""
        from bizq_lab.viz import timeline  # noqa: PLC0415 - loads matplotlib

        worst: dict[str, float] = {}
        for row in self.rows:
            worst[row.score.model] = min(row.score.health.value, worst.get(row.score.model, 100.0))
        drawn = set(sorted(worst, key=lambda model: (worst[model], model))[:MOST_DRAWN])
        return timeline(
            [row for row in self.records() if row["model"] in drawn],
            series="model",
            estimate="health",
            marks=self.marks,
            title="Health, 0 to 100, day by day",
            ax=ax,
        )


def health_by_day(
    log: Log,
    *,
    now_us: int,
    days: int = 14,
    baseline_days: int = 28,
    min_n: int = 20,
    level: float = 0.95,
) -> HealthByDay:
    """Score every model on every UTC day that it worked, today so far included.

    Args:
        log: The log.
        now_us: The instant of the question, UTC microseconds.
        days: How many days to score; the last one is that of `now_us`.
        baseline_days: Days before a day that it is held against.
        min_n: Fewest independent tasks of a baseline.
        level: Coverage of each interval.

    Raises:
        InputError: A number of days out of range.
        NotEnoughData: No outcome in these days.
    """
    check_level(level)
    for name, number in (("days", days), ("baseline_days", baseline_days)):
        if not 1 <= number <= MOST_DAYS:
            message = f"{name} == {number!r}, must be from 1 to {MOST_DAYS}"
            raise InputError(message)
    today = datetime.fromtimestamp(now_us / US_PER_S, UTC).date()
    first = today - timedelta(days=days - 1)
    with log.held():
        by_day: dict[str, dict[tuple[str, str], Cell]] = {}
        for cell in _cells(log, Window(from_us=_start_us(first), to_us=now_us + 1), by_day=True):
            by_day.setdefault(cell.key[-1], {})[cell.task_type, cell.model] = cell
        rows: list[HealthDay] = []
        new = 0
        for day in sorted(by_day):
            start_us = _start_us(date.fromisoformat(day))
            window = Window(from_us=start_us - baseline_days * DAY_US, to_us=start_us)
            before = {(cell.task_type, cell.model): cell for cell in _cells(log, window)}
            found, unknown = scored(by_day[day], before, min_n=min_n, level=level)
            rows += [HealthDay(day=day, score=score) for score in found]
            new += unknown
        marks = happenings(log, from_us=_start_us(first), to_us=now_us + 1).marks
    if not rows:
        message = f"no outcome in the {days} days to {today}"
        raise NotEnoughData(message, hint="run tasks first, or ask for more days")
    return HealthByDay(
        rows=tuple(sorted(rows, key=lambda row: (row.score.model, row.day))),
        marks=marks,
        caveats=no_baseline(new),
        provenance=Provenance(
            view="task_outcome",
            window=f"{first} to {today}, each day against {baseline_days} days before",
            n_decisions=sum(row.score.n for row in rows),
        ),
    )


def _cells(log: Log, window: Window, *, by_day: bool = False) -> list[Cell]:
    return [cell for cell in read_cells(log, window, by_arm=False, by_day=by_day) if cell.n]


def _start_us(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * US_PER_S
