"""How often thirty daily looks at a running experiment err: `python -m tests.calibration.looks` (or `make looks`).

Units arrive day by day; every evening the functions behind `watch` see what came in so far, keep what earlier looks
excluded, and rule. An experiment goes on to its thirtieth look whatever they say, so that stopping hides no error. The
sketch's own way stands beside them: the fixed test, read every evening.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bizq_lab.analysis.look import Sight, narrowed, see
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.sequences import Watched
from bizq_lab.analysis.stopping import Ruling, rule
from bizq_lab.core.decision import Design
from bizq_lab.stats.srm import ALARM, sequential_sample_ratio
from bizq_lab.stats.types import Floats
from tests.calibration.naive import plain_z
from tests.calibration.rows import Row, markdown

SEED, DAYS, ALPHA, REPLICATIONS = 20_261_127, 30, 0.05, 2_000
FALSE = ("winner", "non_inferior_cheaper")
Generator = np.random.Generator


class Traffic(NamedTuple):
    """Everything that happens to one experiment, one entry a task; `unit` counts from 0."""

    day: Any
    unit: Any
    treated: Any
    value: Floats
    cost: Floats


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of experiment.

    Attributes:
        name: For the table.
        draw: Its traffic.
        metric: What decides.
        truth: Difference of the metric.
        design: How arms are assigned.
        bounded: Read by the sequence for small samples.
        planned_n: Tasks an arm.
        rails: Guardrails by metric.
    """

    name: str
    draw: Callable[[Generator], Traffic]
    metric: str = "success"
    truth: float = 0.0
    design: Design = "randomised"
    bounded: bool = False
    planned_n: int = 180
    rails: Mapping[str, float] = field(default_factory=dict)

    def watched(self) -> Watched:
        """What a look must know."""
        return Watched(
            experiment="e",
            task_type="t",
            control="a",
            treatments=("b",),
            design=self.design,
            metric=METRICS[self.metric],
            margin=0.05,
            alpha=ALPHA,
            guardrails=self.rails,
            bounded=self.bounded,
            planned_n=self.planned_n,
            minimum_effect=0.05,
        )


def by_task(rng: Generator, *, rate: float, gain: float, a_day: int) -> Traffic:
    """Every task is its own unit."""
    n = DAYS * a_day
    treated = rng.random(n) < 0.5
    value = (rng.random(n) < rate + gain * treated).astype(np.float64)
    return Traffic(np.repeat(np.arange(DAYS), a_day), np.arange(n), treated, value, rng.lognormal(-7, 0.7, n))


def by_workspace(rng: Generator, *, workspaces: int) -> Traffic:
    """Workspaces differ in rate and activity, and bring one to three tasks on a day: ICC about .1."""
    count = rng.integers(0, 4, (DAYS, workspaces))
    unit = np.concatenate([np.repeat(np.arange(workspaces), row) for row in count])
    arm, rate = rng.permutation(workspaces) % 2 == 0, rng.beta(6, 1.5, workspaces)
    value = (rng.random(unit.size) < rate[unit]).astype(np.float64)
    cost = rng.lognormal(-7, 0.7, unit.size) * rng.lognormal(0, 0.3, workspaces)[unit]
    return Traffic(np.repeat(np.arange(DAYS), count.sum(axis=1)), unit, arm[unit], value, cost)


def paired(rng: Generator, *, a_day: int) -> Traffic:
    """Both arms answer every task; how hard it is, they share."""
    n = DAYS * a_day
    easy = rng.beta(5, 2, n)
    value = (rng.random((2, n)) < easy).astype(np.float64)
    both = np.tile([False, True], n)
    cost = rng.lognormal(-7, 0.7, 2 * n)
    return Traffic(np.repeat(np.arange(DAYS), 2 * a_day), np.repeat(np.arange(n), 2), both, value.T.ravel(), cost)


def skewed(rng: Generator) -> Traffic:
    """Cost decides, with tails as long as bills have them."""
    traffic = by_task(rng, rate=0.9, gain=0.0, a_day=12)
    return traffic._replace(cost=rng.lognormal(-7, 1.2, traffic.value.size))


KINDS = (
    Kind(name="by task, success .9", draw=lambda rng: by_task(rng, rate=0.9, gain=0.0, a_day=12)),
    Kind(name="by task, success .8 to .88", draw=lambda rng: by_task(rng, rate=0.8, gain=0.08, a_day=12), truth=0.08),
    Kind(name="by workspace, 60 of them", draw=lambda rng: by_workspace(rng, workspaces=60), planned_n=1350),
    Kind(name="paired, 6 tasks a day", draw=lambda rng: paired(rng, a_day=6), design="paired"),
    Kind(name="skewed cost decides", draw=skewed, metric="cost"),
    Kind(
        name="small: 4 tasks a day", draw=lambda rng: by_task(rng, rate=0.9, gain=0.0, a_day=4), bounded=True,
        planned_n=60,
    ),
    Kind(
        name="small: .3 to .8", draw=lambda rng: by_task(rng, rate=0.3, gain=0.5, a_day=4), truth=0.5, bounded=True,
        planned_n=60,
    ),
)  # fmt: skip
AT_ITS_MARGIN = Kind(
    name="success lower by exactly the guardrail's margin",
    draw=lambda rng: by_task(rng, rate=0.9, gain=-0.05, a_day=12),
    metric="latency",
    rails={"success": 0.05},
)


def evenings(traffic: Traffic) -> Iterator[list[dict[str, Any]]]:
    """Rows of `look.sql` as they stand on each evening; each list is good until the next."""
    units: dict[tuple[int, bool], dict[str, Any]] = {}
    columns = zip(*(column.tolist() for column in traffic), strict=True)
    day = 0
    for place, (today, unit, treated, value, cost) in enumerate(columns):
        while day < today:
            yield list(units.values())
            day += 1
        row = units.setdefault((unit, treated), {}) or _new(unit, treated=treated, first_us=place, value=value)
        units[unit, treated] = row
        row["success"] += int(value)
        row["cost"] += round(cost * 1e9)
        row["latency"] += 1_000_000
        for name in ("n", "cost_n", "latency_n"):
            row[name] += 1
    yield list(units.values())


def _new(unit: int, *, treated: bool, first_us: int, value: float) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("n", "success", "cost_n", "cost", "latency_n", "latency"), 0)
    row |= {"stage": "", "arm": "b" if treated else "a", "cluster": f"u{unit:05d}", "first_us": first_us}
    row |= {"quality": 0, "quality_n": 0, "rating": 0, "rating_n": 0}
    return row | {"first_success": int(value), "first_quality": None}


class Watched30(NamedTuple):
    """Thirty looks at one experiment: what each saw, and how it ruled."""

    sights: Sequence[Sight]
    rulings: Sequence[Ruling]


def watch(kind: Kind, traffic: Traffic) -> Watched30:
    """Look every evening, each look knowing what the one before it had excluded."""
    watched, sights, rulings = kind.watched(), list[Sight](), list[Ruling]()
    for rows in evenings(traffic):
        before = sights[-1] if sights else None
        now = see(rows, watched, "b", tuning=before.tuning if before else {})
        now = narrowed(now, before.difference if before else None, before.p_value if before else None)
        sights.append(now)
        rulings.append(rule([now], watched, split_p=None, spent_nano_usd=0))
    return Watched30(sights, rulings)


def misses(kind: Kind, seen: Watched30) -> bool:
    """Whether some look excluded the truth."""
    return any(not one.difference.lower <= kind.truth <= one.difference.upper for one in seen.sights)


def read_daily(kind: Kind, traffic: Traffic) -> bool:
    """Whether the fixed interval missed the truth on some evening."""
    value = traffic.cost if kind.metric == "cost" else traffic.value
    for day in range(1, DAYS):
        own = traffic.day <= day
        one, zero = value[own & traffic.treated], value[own & ~traffic.treated]
        if min(one.size, zero.size) > 1 and one.var() + zero.var() > 0:
            interval = plain_z(one, zero)
            if not interval.lower <= kind.truth <= interval.upper:
                return True
    return False


def rows_of(kind: Kind, replications: int) -> list[Row]:
    """Coverage at all looks together, false winners where nothing differs, and the sketch's way."""
    rng = np.random.default_rng([SEED, sum(map(ord, kind.name))])
    missed = winners = sketch = 0
    for _ in range(replications):
        traffic = kind.draw(rng)
        seen = watch(kind, traffic)
        missed += misses(kind, seen)
        winners += any(one.verdict in FALSE for one in seen.rulings)
        sketch += read_daily(kind, traffic)
    setting = f"30 daily looks: {kind.name}"
    covered = Row(setting, "watch, all looks", "coverage", 1 - ALPHA, replications - missed, replications)
    daily = Row(
        setting, "fixed interval, every evening", "coverage", 1 - ALPHA, replications - sketch, replications, "sketch"
    )
    if kind.truth:
        return [covered, daily]
    return [covered, Row(setting, "watch, any winner", "type I error", ALPHA, winners, replications), daily]


def stops(replications: int) -> list[Row]:
    """False alarms of what ends an experiment: the guardrail at its very margin, and a split that is as promised."""
    rng = np.random.default_rng([SEED, 1])
    broken = sum(
        any(one.stop == "guardrail" for one in watch(AT_ITS_MARGIN, AT_ITS_MARGIN.draw(rng)).rulings)
        for _ in range(replications)
    )
    alarms = 0
    for _ in range(replications):
        treated = rng.binomial(200, 0.3, DAYS)
        daily = np.column_stack([treated, 200 - treated])
        alarms += sequential_sample_ratio(daily, np.tile([0.3, 0.7], (DAYS, 1))).p_value < ALARM
    return [
        Row(AT_ITS_MARGIN.name, "guardrail stop", "type I error", ALPHA, broken, replications),
        Row("30 daily looks at a fair 30:70 split", "sample-ratio stop", "type I error", ALARM, alarms, replications),
    ]


def keeps(row: Row) -> bool:
    """Nominal within three Monte-Carlo standard errors: no point of grace."""
    slack = 3 * row.standard_error
    if row.measure == "coverage":
        return row.simulated >= row.nominal - slack
    return row.simulated <= row.nominal + slack


def _of(number: int, replications: int) -> list[Row]:
    return rows_of(KINDS[number], replications) if number < len(KINDS) else stops(replications)


def main(replications: int = REPLICATIONS, workers: int = 2) -> None:
    """Print the table, and fail where a promise is broken."""
    numbers = range(len(KINDS) + 1)
    with ProcessPoolExecutor(workers) as pool:
        rows = [row for found in pool.map(_of, numbers, [replications] * len(numbers)) for row in found]
    sys.stdout.write(f"{replications:,} experiments of each kind\n{markdown(rows)}\n")
    sys.exit(any(row.role == "ours" and not keeps(row) for row in rows))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
