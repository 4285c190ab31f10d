"""How often a quiet month raises an alarm, and how soon a bad one does: `python -m tests.calibration.alarms`.

`make alarms` runs it whole. Tasks arrive hour by hour at several models; every slot is judged by the pure functions
that `alerts` and `drift` call, at the shares of alpha that `check` gives them. The sketch's rule stands beside them:
each task's response time against one and a half times its model's mean.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.alerts import MONTH_HOURS, RULES, Rule, judge
from bizq_lab.analysis.cells import Cell
from bizq_lab.analysis.drift import FOLLOWED, followed
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.analysis.worsening import LEAST_DAYS, worsened
from bizq_lab.stats.types import Floats
from tests.calibration.rows import Row, markdown

SEED = 20_261_127
ALPHA = 0.05
DAY_HOURS, RECENT_HOURS, BASELINE_HOURS, MIN_N = 24, 24, 28 * 24, 30
CELLS, SLOWER = 6, 1.5
RHYTHM = 1 + 0.8 * np.sin(np.arange(DAY_HOURS) * 2 * np.pi / DAY_HOURS)
Generator = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class World:
    """What a month is like.

    Attributes:
        name: For the table.
        tasks_a_day: Of each cell, on average.
        success: Rate of each cell.
        sigma: Of the log-normal response times.
        days_differ: Standard deviation of a day's own effect: on the logarithm of latency, a quarter of it on success.
        past_days: Days of log before the month.
        slower: Factor on the first cell's response times from the month's middle on.
        worse: Loss of success of the first cell, likewise.
    """

    name: str
    tasks_a_day: float = 100.0
    success: float = 0.92
    sigma: float = 0.6
    days_differ: float = 0.0
    past_days: int = 28
    slower: float = 1.0
    worse: float = 0.0


QUIET = (
    World(name="100 tasks a day"),
    World(name="40 tasks a day, long tails", tasks_a_day=40, sigma=1.0),
    World(name="400 tasks a day, often failing", tasks_a_day=400, success=0.7),
    World(name="a new log, 40 tasks a day, long tails", tasks_a_day=40, sigma=1.0, past_days=0),
    World(name="days differ by 20 %", days_differ=0.2),
)
BAD = (
    World(name="twice as slow", slower=2.0),
    World(name="success .92 to .70", worse=0.22),
)


class Hours(NamedTuple):
    """Running sums of one cell, hour by hour, from zero; each of shape (hours + 1,)."""

    n: Floats
    success: Floats
    latency: Floats
    latency_sq: Floats
    slowest: float

    def mean(self, total: Floats, low: NDArray[np.int64], high: NDArray[np.int64]) -> Floats:
        """Mean between hours, or NaN where too few tasks came."""
        n = self.n[high] - self.n[low]
        return np.where(n >= MIN_N, (total[high] - total[low]) / np.maximum(n, 1), np.nan)


def hours(world: World, rng: Generator, *, bad: bool) -> Hours:
    """One cell's past and month."""
    days = world.past_days + 30
    day = rng.normal(0, world.days_differ, days)
    count = rng.poisson(np.tile(RHYTHM, days) * world.tasks_a_day / DAY_HOURS)
    place = np.repeat(np.arange(days * DAY_HOURS), count)
    late = bad & (place >= (world.past_days + 15) * DAY_HOURS)
    rate = np.clip(world.success - np.abs(day[place // DAY_HOURS]) / 4 - late * world.worse, 0, 1)
    seconds = np.exp(rng.normal(0, world.sigma, place.size) + day[place // DAY_HOURS])
    us = np.round(1e6 * seconds * np.where(late, world.slower, 1.0))
    good = rng.random(place.size) < rate

    def running(weights: NDArray[Any]) -> Floats:
        return np.concatenate([[0.0], np.cumsum(np.bincount(place, weights, days * DAY_HOURS))])

    return Hours(running(np.ones(place.size)), running(good), running(us), running(us**2), float(us.max() / us.mean()))


def window(name: str, sums: Hours, low: int, high: int) -> Cell:
    """What `cells.sql` would return of a stretch of hours in which each task is its own cluster."""
    n, good, us, us_sq = (round(float(total[high] - total[low])) for total in sums[:4])
    row: dict[str, Any] = {"task_type": "t", "arm": "", "model": name, "workspace_id": "", "day": ""}
    row |= {"clusters": n, "n": n, "success": good, "success_success": good, "n_n": n, "n_success": good}
    row |= {"latency": us, "latency_latency": us_sq, "quality_measured": 0}
    row |= {"latency_n": n, "latency_n_latency_n": n, "latency_n_latency": us}
    return Cell(row)


def passing(sums: Hours, rule: Rule, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Slots at which a cell passes a threshold."""
    split = ends - RECENT_HOURS
    total = sums.success if rule.metric.name == "success" else sums.latency
    ratio = sums.mean(total, split, ends) / sums.mean(total, np.maximum(split - BASELINE_HOURS, 0), split)
    return np.asarray(ratio > rule.threshold if rule.threshold > 1 else ratio < rule.threshold)


def first_alarm(world: World, cells: Mapping[str, Hours], *, slot_hours: int, start: int) -> int | None:
    """Hours from `start` to the first alarm; None without one until the end of the month.

    A slot is judged whole where one of its tests alone could raise an alert; where none could, none of all does.
    """
    alpha = ALPHA / 2 * slot_hours / MONTH_HOURS
    ends = np.arange(max(start, 2 * RECENT_HOURS) + slot_hours, (world.past_days + 30) * DAY_HOURS + 1, slot_hours)
    suspects = {
        (name, rule.metric.name): set(ends[passing(sums, rule, ends)].tolist())
        for name, sums in cells.items()
        for rule in RULES
    }
    for end in sorted(set[int]().union(*suspects.values())):
        alone = [key for key, found in suspects.items() if end in found]
        if not any(_alone(cells[name], METRICS[metric], end) <= alpha for name, metric in alone):
            continue
        parts = {("t", name): _parts(name, sums, end) for name, sums in cells.items()}
        recent = {key: part[0] for key, part in parts.items() if part[0].n >= MIN_N}
        before = {key: part[1] for key, part in parts.items() if part[1].n >= MIN_N and len(part[2]) >= LEAST_DAYS}
        said = judge(recent, before, {key: part[2] for key, part in parts.items()}, alpha=alpha)
        if any(row.raised for row in said):
            return end - start
    return None


def _alone(sums: Hours, metric: Metric, end: int) -> float:
    recent, before, days = _parts("m", sums, end)
    p = worsened(metric, recent, before, days)
    return 1.0 if p is None else p


def _parts(name: str, sums: Hours, end: int) -> tuple[Cell, Cell, list[Cell]]:
    """Recent window, baseline, and the baseline's days."""
    split = end - RECENT_HOURS
    past = max(split - BASELINE_HOURS, 0)
    days = list(day_cells(name, sums, past, split))
    return window(name, sums, split, end), window(name, sums, past, split), days


def day_cells(name: str, sums: Hours, low: int, high: int) -> Iterator[Cell]:
    """The UTC days of a stretch, the first and the last perhaps in part."""
    edges = [low, *range((low // DAY_HOURS + 1) * DAY_HOURS, high, DAY_HOURS), high]
    for start, end in pairwise(edges):
        cell = window(name, sums, start, end)
        if cell.n:
            yield cell


class Month(NamedTuple):
    """Hours to the first alarm, None without one; and whether the sketch's rule would have cried."""

    ours: int | None
    sketch: bool


def month(world: World, rng: Generator, *, slot_hours: int = 1) -> Month:
    """The first alarm of a month: of the whole month where it is quiet, since the change where it is not."""
    cells = {f"m{place}": hours(world, rng, bad=place == 0) for place in range(CELLS)}
    bad = world.slower > 1 or world.worse > 0
    start = (world.past_days + (15 if bad else 0)) * DAY_HOURS
    ours = first_alarm(world, cells, slot_hours=slot_hours, start=start)
    return Month(ours, any(sums.slowest > SLOWER for sums in cells.values()))


@dataclass(frozen=True, kw_only=True)
class Days:
    """What a metric's days are like, and what happens to it a month before the end."""

    name: str
    metric: str
    level: float
    spread: float
    a_day: int = 80
    days_differ: float = 0.03
    weekend: float = 0.0
    step: float = 0.0
    slope: float = 0.0


STEADY = (
    Days(name="quality", metric="quality", level=0.85, spread=0.2),
    Days(name="latency, heavy tails", metric="latency", level=3.0, spread=3.0, a_day=40),
    Days(name="cost, weekends 20 % dearer", metric="cost", level=0.01, spread=0.01, weekend=0.2),
)
DRIFTING = (
    Days(name="quality .85 to .77 at once", metric="quality", level=0.85, spread=0.2, step=-0.094),
    Days(name="latency +2 % a day", metric="latency", level=3.0, spread=3.0, slope=0.02),
    Days(name="cost +25 % at once", metric="cost", level=0.01, spread=0.01, step=0.25),
)
PAST, WATCHED = 60, 30


def day_values(kind: Days, rng: Generator) -> Floats:
    """Ninety daily means; what happens begins with the last thirty."""
    at = np.arange(PAST + WATCHED)
    since = np.maximum(at - PAST + 1, 0)
    level = kind.level * (1 + kind.step * (since > 0) + kind.slope * since + kind.weekend * (at % 7 >= 5))
    level = level * np.exp(rng.normal(0, kind.days_differ, at.size))
    if kind.metric == "quality":
        means = np.clip(level, 0.02, 0.98)
        size = np.maximum(means * (1 - means) / kind.spread**2 - 1, 0.5)
        tasks = rng.beta(means * size, (1 - means) * size, (kind.a_day, at.size))
        return np.asarray(tasks.mean(axis=0), dtype=np.float64)
    shape = (kind.level / kind.spread) ** 2
    return np.asarray(rng.gamma(shape * kind.a_day, level / shape / kind.a_day), dtype=np.float64)


def noticed(kind: Days, rng: Generator, *, alpha: float) -> int | None:
    """Day of the last thirty on which a change was detected, from 1; None without one."""
    values = day_values(kind, rng)
    seen = followed(values.tolist(), [kind.a_day] * values.size, METRICS[kind.metric], alpha=alpha)
    return next((shift.detected - PAST + 1 for shift in seen.shifts if shift.detected >= PAST), None)


def quiet_rows(months: int, *, slot_hours: int = 1, worlds: Sequence[World] = QUIET) -> list[Row]:
    """Share of quiet months with a false alarm of the sudden kind: ours, and the sketch's."""
    rows = []
    for place, world in enumerate(worlds):
        rng = np.random.default_rng([SEED, place])
        found = [month(world, rng, slot_hours=slot_hours) for _ in range(months)]
        setting = f"{CELLS} models, {world.name}"
        false, sketch = sum(one.ours is not None for one in found), sum(one.sketch for one in found)
        rows += [
            Row(setting, "alerts, a month", "type I error", ALPHA / 2, false, months),
            Row(setting, "a task above 1.5 times the mean", "type I error", ALPHA / 2, sketch, months, "sketch"),
        ]
    return rows


def steady_rows(months: int) -> list[Row]:
    """Share of months in which drift is found in some of a dozen series that do not drift."""
    rows, each = [], ALPHA / 2 / (4 * len(FOLLOWED))
    for place, kind in enumerate(STEADY):
        rng = np.random.default_rng([SEED, 100 + place])
        false = sum(
            any(noticed(kind, rng, alpha=each) is not None for _ in range(4 * len(FOLLOWED))) for _ in range(months)
        )
        rows.append(Row(f"12 series: {kind.name}", "drift, a month", "type I error", ALPHA / 2, false, months))
    return rows


def delays(months: int, *, slot_hours: int = 1) -> Mapping[str, list[float]]:
    """Days until what is bad is noticed; infinite where it is not within the rest of the month."""
    found: dict[str, list[float]] = {}
    for place, world in enumerate(BAD):
        rng = np.random.default_rng([SEED, 200 + place])
        firsts = [month(world, rng, slot_hours=slot_hours).ours for _ in range(months)]
        found[world.name] = [math.inf if first is None else first / DAY_HOURS for first in firsts]
    for place, kind in enumerate(DRIFTING):
        rng = np.random.default_rng([SEED, 300 + place])
        days = [noticed(kind, rng, alpha=ALPHA / 2 / (4 * len(FOLLOWED))) for _ in range(months)]
        found[kind.name] = [math.inf if day is None else float(day) for day in days]
    return found


def main(months: int = 400) -> None:
    """Print both tables, and fail where a quiet month is not."""
    rows = [*quiet_rows(months), *steady_rows(months)]
    sys.stdout.write(
        f"{months} months of each\n{markdown(rows)}\n\n{'what happens':<28}{'noticed':>9}{'median days':>13}\n"
    )
    for name, days in delays(max(months // 10, 1)).items():
        share = sum(map(math.isfinite, days)) / len(days)
        sys.stdout.write(f"{name:<28}{share:>9.0%}{float(np.median(days)):>13.1f}\n")
    sys.exit(any(row.role == "ours" and not keeps(row) for row in rows))


def keeps(row: Row) -> bool:
    """At most alpha and three Monte-Carlo standard errors: no point of grace."""
    return row.simulated <= row.nominal + 3 * row.standard_error


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
