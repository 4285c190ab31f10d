"""A month's log of a known world, tuned: does what is proposed earn what it could, within its budget?

`python -m tests.calibration.months [months]` prints the table as Markdown. Each month is a world of its own with 10,000
logged tasks, routed by an equal split; the truth is the world's own expectation, never a sample.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.core.estimate import Estimate
from bizq_lab.simulate import World
from bizq_lab.simulate.world import FAILED_QUALITY, INPUT_SIGMA, LATENCY_SIGMA, OUTPUT_SIGMA
from bizq_lab.stats.means import paired_difference
from bizq_lab.stats.types import Moments
from bizq_lab.store import Log
from bizq_lab.tuning import Limit, Option, Problem, Solution, solve, tune
from tests.support.bulk_log import fill

TODAY = date(2026, 11, 24)
MONTHS = 200
TASKS = 10_000
FLOOR, RAMP, FRUGAL = 0.02, 0.9, 0.6
LEAST_SHARE, LEAST_WITHIN = 0.98, 0.95
ARMS = {
    "luna": "openai/gpt-6-luna",
    "terra": "openai/gpt-6.1-terra",
    "sol": "openai/gpt-6.1-sol",
    "haiku": "anthropic/claude-haiku-5-5",
    "sonnet": "anthropic/claude-sonnet-5-5",
    "opus": "anthropic/claude-opus-5-5",
}
Floats = NDArray[np.float64]
Weights = Mapping[str, Mapping[str, float]]


@cache
def catalog() -> Catalog:
    """The catalog of the day."""
    return load_catalog("current", as_of=TODAY)


def types() -> list[str]:
    """The task types that are tuned."""
    return [name for name in sorted(catalog().task_types) if name != "default"]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a task brings and costs, by (task type, arm), in USD."""

    value: Mapping[tuple[str, str], float]
    cost: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, world: World) -> Truth:
        """Of a world: an answer that never came has quality 0 and cost 0."""
        value, cost = {}, {}
        for name in types():
            worth = catalog().task_types[name].value_usd
            for arm, key in ARMS.items():
                found = world.truth(name, key)
                cost[name, arm] = found.cost_usd or 0.0
                value[name, arm] = worth * found.quality * (1.0 - found.error_rate) - cost[name, arm]
        return cls(value=value, cost=cost)

    def worth(self, weights: Weights, tasks: float) -> float:
        """USD that weights bring."""
        return self._sum(self.value, weights, tasks)

    def spent(self, weights: Weights, tasks: float) -> float:
        """USD that weights cost."""
        return self._sum(self.cost, weights, tasks)

    def best(self, present: Weights, tasks: float, budget_usd: float | None) -> Solution:
        """The optimum of who knows the truth, under the same floor, ramp and budget."""
        options = tuple(
            Option(
                group=name,
                arm=arm,
                value=self.value[name, arm],
                low=max(FLOOR, present[name].get(arm, 0.0) - RAMP),
                high=min(1.0, present[name].get(arm, 0.0) + RAMP),
            )
            for name in types()
            for arm in ARMS
        )
        costs = {i: tasks * self.cost[o.group, o.arm] for i, o in enumerate(options)}
        limits = () if budget_usd is None else (Limit(name="budget", coefficients=costs, bound=budget_usd, unit="usd"),)
        found = solve(Problem(options=options, volumes=dict.fromkeys(types(), tasks), limits=limits))
        assert isinstance(found, Solution)
        return found

    def _sum(self, of: Mapping[tuple[str, str], float], weights: Weights, tasks: float) -> float:
        return sum(tasks * share * of[name, arm] for name, arms in weights.items() for arm, share in arms.items())


def month(world: World, present: Weights, rng: np.random.Generator, *, tasks: int) -> pd.DataFrame:
    """One month's outcomes, drawn from the world's own distributions all at once."""
    frames = []
    for name in types():
        arms, shares = list(present[name]), np.array(list(present[name].values()))
        taken = rng.choice(len(arms), size=tasks, p=shares / shares.sum())
        difficulty, size = rng.standard_normal((2, tasks))
        for code, arm in enumerate(arms):
            mine = np.flatnonzero(taken == code)
            frames.append(
                _answers(world, name, arm, np.stack([difficulty[mine], size[mine]]), rng).assign(
                    task_type=name, arm=arm, model=ARMS[arm], number=mine, propensity=float(shares[code] / shares.sum())
                )
            )
    return pd.concat(frames, ignore_index=True)


def _answers(world: World, name: str, arm: str, tasks: Floats, rng: np.random.Generator) -> pd.DataFrame:
    _, cell = world._cell(name, ARMS[arm], "default")
    difficulty, size = tasks
    n = difficulty.size
    failed = rng.random(n) < cell.error_rate
    succeeded = ~failed & (rng.random(n) < 1 / (1 + np.exp(-(cell.skill + cell.difficulty_sd * difficulty))))
    tokens_in = np.maximum(1, np.round(cell.input_median * np.exp(INPUT_SIGMA * size)))
    wanted = np.round(cell.output_median * np.exp(OUTPUT_SIGMA * rng.standard_normal(n)))
    tokens_out = np.clip(wanted, 1, cell.output_limit)
    price = catalog().price(ARMS[arm])
    nano = (
        tokens_in * (price.input_nano_usd_per_mtok or 0) / 1e6
        + tokens_out * (price.output_nano_usd_per_mtok or 0) / 1e6
    )
    quality = np.where(succeeded, 1.0, FAILED_QUALITY * rng.random(n))
    return pd.DataFrame(
        {
            "succeeded": succeeded,
            "failed": failed,
            "quality": np.where(failed, 0.0, quality),
            "cost_nano_usd": np.where(failed, 0, np.round(nano)).astype(np.int64),
            "seconds": cell.latency_median_s * np.exp(LATENCY_SIGMA * rng.standard_normal(n)),
            "input_tokens": np.where(failed, 0, tokens_in).astype(np.int64),
            "output_tokens": np.where(failed, 0, tokens_out).astype(np.int64),
        }
    )


@dataclass(frozen=True, kw_only=True)
class Month:
    """One month: what was proposed, what could have been, and what the simple ways would have brought.

    `overspent` names the simple ways that would have broken the budget: they are no rivals.
    """

    proposed_usd: float
    best_usd: float
    spent_usd: float
    budget_usd: float | None
    baselines_usd: Mapping[str, float]
    overspent: frozenset[str]


def baselines(truth: Truth) -> dict[str, Weights]:
    """The specification's static map, the cheapest and the best model first, and an equal split."""
    models = {key: arm for arm, key in ARMS.items()}
    priced = sorted(ARMS, key=lambda arm: truth.cost[types()[0], arm])
    strongest = max(ARMS, key=lambda arm: catalog().resolve(ARMS[arm]).quality_prior)
    static = {name: {models[catalog().task_types[name].model]: 1.0} for name in types()}
    return {
        "static map": static,
        "cheapest first": {name: {priced[0]: 1.0} for name in types()},
        "best first": {name: {strongest: 1.0} for name in types()},
        "equal split": equal(),
    }


def equal() -> Weights:
    """The same share for every arm."""
    return {name: dict.fromkeys(ARMS, 1.0 / len(ARMS)) for name in types()}


def tuned(world: World, seed: int, folder: Path, *, tasks: int, frugal: float | None) -> Month:
    """Log a month under an equal split, tune it, and hold the proposal against the truth.

    Args:
        world: Known truth.
        seed: Of the month.
        folder: Where its log is made.
        tasks: Logged tasks, over all types.
        frugal: Budget as a share of what the unconstrained optimum costs; None for no budget.
    """
    truth, each = Truth.of(world), tasks / len(types())
    split = {name: {"luna": 17, "terra": 17, "sol": 17, "haiku": 17, "sonnet": 16, "opus": 16} for name in types()}
    present: Weights = {name: {arm: p / 100 for arm, p in arms.items()} for name, arms in split.items()}
    config = RoutingConfig.start(
        catalog(), arms={arm: ArmSpec(model=key) for arm, key in ARMS.items()}, tasks=split, as_of=TODAY
    )
    free = truth.best(present, each, None)
    budget = None
    if frugal is not None:
        spent = sum(
            each * share * truth.cost[name, arm]
            for share, (name, arm) in zip(free.shares, [(n, a) for n in types() for a in ARMS], strict=True)
        )
        budget = frugal * spent
    best = truth.best(present, each, budget)
    path = folder / f"month_{seed}.duckdb"
    fill(path, month(world, present, np.random.default_rng(seed), tasks=round(each)))
    with Log.open(path) as log:
        proposal = tune(
            log, catalog(), as_of=TODAY, config=config, budget_usd=budget, exploration_floor=FLOOR, ramp_limit=RAMP,
            volumes=dict.fromkeys(types(), each),
        )  # fmt: skip
    weights = {name: {a: p / 100 for a, p in r.weights.items()} for name, r in proposal.config.tasks.items()}
    simple = {name: truth.worth(w, each) for name, w in baselines(truth).items()}
    spending = {name: truth.spent(w, each) for name, w in baselines(truth).items()}
    return Month(
        proposed_usd=truth.worth(weights, each),
        best_usd=best.rounded_value,
        spent_usd=truth.spent(weights, each),
        budget_usd=budget,
        baselines_usd=simple,
        overspent=frozenset(name for name, usd in spending.items() if budget is not None and usd > budget),
    )


def run(months: int = MONTHS, *, tasks: int = TASKS, frugal: float | None = None) -> list[Month]:
    """Every month in a world of its own."""
    found = []
    for seed in range(months):
        with tempfile.TemporaryDirectory() as name:
            found.append(tuned(World(seed, catalog()), seed, Path(name), tasks=tasks, frugal=frugal))
    return found


def table(found: Sequence[Month], setting: str) -> list[str]:
    """Lines of the table: share of the optimum, months within budget, and the gain over each simple way."""
    share = sum(m.proposed_usd for m in found) / sum(m.best_usd for m in found)
    lines = [f"| {setting} | value, share of the optimum | {share:.4f} | at least 0.98 |"]
    capped = [m.spent_usd <= m.budget_usd for m in found if m.budget_usd is not None]
    if capped:
        lines.append(f"| {setting} | months whose true cost keeps the budget | {np.mean(capped):.3f} | at least 0.95 |")
    for name in found[0].baselines_usd:
        rivals = [m for m in found if name not in m.overspent]
        for months, which, promise in (
            (rivals, f"in the {len(rivals)} months in which it keeps the budget", "above 0"),
            ([m for m in found if name in m.overspent], "in the others, where it breaks the budget", "none"),
        ):
            if months:
                lines.append(
                    f"| {setting} | gain over {name}, a month, {which} | {gain_over(months, name)} | {promise} |"
                )
    return lines


def gain_over(found: Sequence[Month], baseline: str) -> Estimate | None:
    """Paired difference to a simple way over the months in which it is not optimal, in USD a month."""
    differences = [m.proposed_usd - m.baselines_usd[baseline] for m in found if m.baselines_usd[baseline] < m.best_usd]
    return paired_difference(Moments.from_values(differences), unit="usd").estimate if len(differences) > 1 else None


def promises(found: Sequence[Month]) -> bool:
    """Whether all that the table promises holds."""
    share = sum(m.proposed_usd for m in found) / sum(m.best_usd for m in found)
    capped = [m.spent_usd <= m.budget_usd for m in found if m.budget_usd is not None]
    compared = [gain_over([m for m in found if name not in m.overspent], name) for name in found[0].baselines_usd]
    gains = all(gain is None or gain.lower > 0 for gain in compared)
    return share >= LEAST_SHARE and gains and (not capped or float(np.mean(capped)) >= LEAST_WITHIN)


def main() -> None:
    """Print the table, and fail when a promise is broken."""
    months = int(sys.argv[1]) if len(sys.argv) > 1 else MONTHS
    free, capped = run(months), run(months, frugal=FRUGAL)
    lines = ["| setting | what | figure | promise |", "|---|---|---|---|"]
    lines += [*table(free, "no budget"), *table(capped, f"budget {FRUGAL:.0%} of what the optimum would spend")]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(not (promises(free) and promises(capped)))


if __name__ == "__main__":
    main()
