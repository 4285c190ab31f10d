"""How often rollouts are taken back: harmless ones at most `alpha`, harmful ones nearly always, and at what exposure.

`python -m tests.calibration.rollouts` (or `make rollouts`) runs it whole. Tasks arrive hour by hour from workspaces
that differ in activity, quality and speed; every hour the rollout's own pure function judges what came in so far.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bizq_lab.stats.types import Floats
from bizq_lab.tuning.guardrails import GUARDRAILS, Exposures, Metric
from bizq_lab.tuning.rollout_decision import judge

TASKS_A_DAY = 2_000
WORKSPACES = 1_000
RAMP = (25, 50, 75, 100)
ALPHA = 0.05
MAX_DAYS = 60
FAILURE_RATE = 0.05
MEDIAN_S = 4.0


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What the ramping arm does to a task, against what runs now."""

    quality: float = 0.0
    failures: float = 0.0
    latency: float = 1.0


SCENARIOS: Mapping[str, Arm] = {
    "no difference": Arm(),
    "better in all": Arm(quality=0.02, failures=-0.01, latency=0.9),
    "quality -5 points": Arm(quality=-0.05),
    "latency +50 %": Arm(latency=1.5),
    "failures +3 points": Arm(failures=0.03),
}
HARMLESS = ("no difference", "better in all")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one rollout ended.

    Attributes:
        how: `roll_back`, `complete`, or `hold` when the days ran out.
        days: After how many days.
        exposed: Tasks that met the ramping arm.
        percent: Its share at the end.
    """

    how: str
    days: float
    exposed: int
    percent: int


class World:
    """Workspaces and their tasks, hour by hour, from one seed."""

    def __init__(self, arm: Arm, seed: int) -> None:
        self.arm = arm
        self.rng = np.random.default_rng(seed)
        activity = self.rng.lognormal(0.0, 1.0, WORKSPACES)
        self.rates = activity / activity.sum() * TASKS_A_DAY / 24
        self.place = self.rng.random(WORKSPACES)  # where the sticky hash puts it
        self.skill = self.rng.normal(0.0, 0.04, WORKSPACES)
        self.speed = self.rng.lognormal(0.0, 0.25, WORKSPACES)

    def hour(self, percent: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], dict[Metric, Floats]]:
        """Units, sides and outcomes of one hour's tasks."""
        unit = np.repeat(np.arange(WORKSPACES), self.rng.poisson(self.rates))
        treated = self.place[unit] < percent / 100
        n, arm = len(unit), self.arm
        failed = self.rng.random(n) < FAILURE_RATE + arm.failures * treated
        # Given an answer, so that the arm's effect on all its tasks is `arm.quality`; an answer that fails is worth 0.
        shift = arm.quality / (1 - FAILURE_RATE) * treated
        answer = np.clip(self.rng.normal(0.8, 0.15, n) + self.skill[unit] + shift, 0.0, 1.0)
        slower = np.where(treated, arm.latency, 1.0)
        seconds = MEDIAN_S * self.rng.lognormal(0.0, 0.6, n) * self.speed[unit] * slower
        return (
            unit,
            treated,
            {"quality": np.where(failed, 0.0, answer), "failures": failed.astype(np.float64), "latency": seconds},
        )


class Tally:
    """Sums by (stage, side, unit), as the log's query would return them."""

    def __init__(self) -> None:
        shape = (len(RAMP), 2, WORKSPACES)
        self.count: Floats = np.zeros(shape)
        self.sums: dict[Metric, Floats] = {g.metric: np.zeros(shape) for g in GUARDRAILS}
        self.first = np.full(shape, -1, dtype=np.int64)

    def add(
        self,
        stage: int,
        day: int,
        unit: NDArray[np.int64],
        treated: NDArray[np.bool_],
        outcome: Mapping[Metric, Floats],
    ) -> None:
        """Book one hour."""
        for side in (0, 1):
            own = treated == bool(side)
            counted = np.bincount(unit[own], minlength=WORKSPACES)
            new = (self.count[stage, side] == 0) & (counted > 0)
            self.first[stage, side, new] = day
            self.count[stage, side] += counted
            for metric, total in self.sums.items():
                total[stage, side] += np.bincount(unit[own], weights=outcome[metric][own], minlength=WORKSPACES)

    def exposures(self) -> Exposures:
        """What has been seen so far."""
        stage, side, unit = np.nonzero(self.count)
        count = self.count[stage, side, unit]
        return Exposures(
            unit=unit,
            stage=stage,
            treated=side == 1,
            totals={metric: total[stage, side, unit] for metric, total in self.sums.items()},
            counts=dict.fromkeys(self.sums, count),
            first_day=self.first[stage, side, unit],
            promised=np.array(RAMP)[stage] / 100,
        )


def roll(arm: Arm, seed: int, *, every_hours: int = 1, max_days: int = MAX_DAYS) -> Ended:
    """One rollout, judged every so many hours."""
    world, tally, stage, since, exposed = World(arm, seed), Tally(), 0, 0, 0
    for hour in range(max_days * 24):
        unit, treated, outcome = world.hour(RAMP[stage])
        tally.add(stage, hour // 24, unit, treated, outcome)
        exposed += int(treated.sum())
        if (hour + 1) % every_hours:
            continue
        said = judge(tally.exposures(), GUARDRAILS, alpha=ALPHA, hours=hour + 1 - since, min_hours=24)
        if said.action == "roll_back":
            return Ended(how="roll_back", days=(hour + 1) / 24, exposed=exposed, percent=RAMP[stage])
        if said.action == "advance":
            stage, since = stage + 1, hour + 1
            if RAMP[stage] == 100:
                return Ended(how="complete", days=(hour + 1) / 24, exposed=exposed, percent=100)
    return Ended(how="hold", days=max_days, exposed=exposed, percent=RAMP[stage])


def study(name: str, *, runs: int, every_hours: int = 1, max_days: int = MAX_DAYS) -> list[Ended]:
    """Many rollouts of one scenario."""
    first = 10_000 * sorted(SCENARIOS).index(name)
    return [roll(SCENARIOS[name], first + run, every_hours=every_hours, max_days=max_days) for run in range(runs)]


def most_false_alarms(runs: int) -> float:
    """Largest share of harmless rollouts taken back that `alpha` and three Monte-Carlo standard errors allow."""
    return ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)


def table(ended: Mapping[str, Sequence[Ended]]) -> str:
    """One line a scenario."""
    lines = [
        f"{'scenario':<20}{'rolled back':>12}{'complete':>10}{'held':>6}{'days':>7}{'tasks exposed':>15}{'90 %':>8}"
    ]
    for name, runs in ended.items():
        how = Counter(run.how for run in runs)
        days, exposed = np.median([run.days for run in runs]), [run.exposed for run in runs]
        share = how["roll_back"] / len(runs)
        lines.append(
            f"{name:<20}{share:>12.1%}{how['complete'] / len(runs):>10.1%}{how['hold'] / len(runs):>6.1%}"
            f"{days:>7.1f}{np.median(exposed):>15,.0f}{np.quantile(exposed, 0.9):>8,.0f}"
        )
    return "\n".join(lines)


def main(runs: int = 200) -> None:
    """Print the table and what it is held to."""
    ended = {name: study(name, runs=runs) for name in SCENARIOS}
    sys.stdout.write(
        f"{runs} rollouts each, {TASKS_A_DAY:,} tasks a day, ramp {RAMP}, judged every hour\n{table(ended)}\n"
        f"held to: harmful rolled back at least 95 %, harmless at most {most_false_alarms(runs):.1%}\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
