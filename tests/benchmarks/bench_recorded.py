"""What tuned weights save on real outcomes of eight models: cost at 99 % of the best model's quality, and AIQ.

Run: python -m tests.benchmarks.bench_recorded [resamples]

Five folds, dealt three times: weights are tuned on four and replayed on the fifth, for every budget of a sweep.
Intervals are percentiles over prompts drawn with replacement; a prompt stays in one fold, so that no copy of it is
both learned and replayed. The data is other people's and lies beside the repository: see `outcome_pools`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.value import PRIOR_N
from bizq_lab.stats.hull import Point, area_under_hull, cost_at, upper_hull
from bizq_lab.stats.tails import normal_quantile
from bizq_lab.tuning import Limit, Option, Problem
from bizq_lab.tuning.options import VALUE_LEVEL
from bizq_lab.tuning.solver import relaxed
from tests.support.outcome_pools import REASON, RECORDED, Floats, Pool, recorded_pool

FOLDS, REPEATS, BUDGETS, RESAMPLES, SEED = 5, 3, 12, 100, 20_261_127
ENOUGH = 0.99
Ways = dict[str, Callable[[Pool, NDArray[np.intp]], list[Point]]]


class Figures(NamedTuple):
    """One way of routing: share of the best model's cost saved at 99 % of its quality, and AIQ."""

    cs99: float
    aiq: float


def singles(pool: Pool) -> list[Point]:
    """Mean cost and quality of each model, alone."""
    return list(zip(pool.cost_usd.mean(axis=0).tolist(), pool.quality.mean(axis=0).tolist(), strict=True))


def figures(points: list[Point], pool: Pool) -> Figures:
    """Of the policies at these points, and of their mixtures."""
    alone = singles(pool)
    points = [*points, min(alone)]  # whoever routes may always send less to it and more to the cheapest model
    best_cost, best_quality = max(alone, key=lambda point: (point[1], -point[0]))
    low, high = min(cost for cost, _ in alone), max(cost for cost, _ in alone)
    costs, qualities = zip(*points, strict=True)
    needed = cost_at(upper_hull(costs, qualities), ENOUGH * best_quality)
    saved = 1.0 - min(needed, best_cost) / best_cost
    return Figures(saved, area_under_hull(costs, qualities, low=low, high=high))


def always_best(pool: Pool, fold: NDArray[np.intp]) -> list[Point]:
    """The model that was best on four folds, replayed on the fifth."""
    found = []
    for mine in _held_out(fold):
        best = int(pool.quality[~mine].mean(axis=0).argmax())
        share = mine.mean() / REPEATS
        found.append((share, pool.cost_usd[mine, best].mean(), pool.quality[mine, best].mean()))
    return [(sum(w * c for w, c, _ in found), sum(w * q for w, _, q in found))]


def single_hull(pool: Pool, fold: NDArray[np.intp]) -> list[Point]:  # noqa: ARG001 - nothing is learned
    """Every model alone; the hull mixes them."""
    return singles(pool)


def tuned(pool: Pool, fold: NDArray[np.intp], *, prior_n: float = 0.0) -> list[Point]:
    """Weights by category from the program, at every budget: tuned on four folds, replayed on the fifth."""
    points = np.zeros((BUDGETS, 2))
    for mine in _held_out(fold):
        for place, shares in enumerate(_sweep(pool.subset(~mine), bound=True, prior_n=prior_n)):
            points[place] += mine.mean() / REPEATS * _replayed(pool.subset(mine), shares)
    return [(float(c), float(q)) for c, q in points]


def pooled(pool: Pool, fold: NDArray[np.intp]) -> list[Point]:
    """The same, each category's quality shrunk to the model's mean over all by as much as a prior is worth."""
    return tuned(pool, fold, prior_n=PRIOR_N)


def category_oracle(pool: Pool, fold: NDArray[np.intp]) -> list[Point]:  # noqa: ARG001 - it knows everything
    """The same program with the truth of every category."""
    return [(float(c), float(q)) for c, q in (_replayed(pool, shares) for shares in _sweep(pool, bound=False))]


WAYS: Ways = {
    "always the best model": always_best,
    "hull of single models": single_hull,
    "tuned weights": tuned,
    "tuned weights, categories pooled": pooled,
    "oracle of each category": category_oracle,
}


def _sweep(pool: Pool, *, bound: bool, prior_n: float = 0.0) -> list[Floats]:
    """Shares by (category, model) of greatest quality at each budget, quality at the bound that `tune` maximises."""
    quality, cost = pool.means(pool.quality), pool.means(pool.cost_usd)
    counts = np.bincount(pool.kind, minlength=len(pool.types))
    if bound:
        quality = (quality * counts[:, None] + prior_n * pool.quality.mean(axis=0)) / (counts[:, None] + prior_n)
        # Beta(1/2, 1/2) keeps an untried spread from being nought
        smooth = (quality * counts[:, None] + 0.5) / (counts[:, None] + 1.0)
        reach = normal_quantile(0.5 + VALUE_LEVEL / 2)
        quality = quality - reach * np.sqrt(smooth * (1.0 - smooth) / counts[:, None])
    options = tuple(
        Option(group=category, arm=model, value=float(quality[t, m]))
        for t, category in enumerate(pool.types)
        for m, model in enumerate(pool.models)
    )
    volumes = {category: float(counts[t] / counts.sum()) for t, category in enumerate(pool.types)}
    spend = {i: volumes[o.group] * float(cost.reshape(-1)[i]) for i, o in enumerate(options)}
    low, high = (float(volumes_of(volumes, pool) @ edge) for edge in (cost.min(axis=1), cost.max(axis=1)))
    found = []
    for budget in np.geomspace(low * 1.001, high, BUDGETS).tolist():
        limit = Limit(name="budget", coefficients=spend, bound=budget, unit="usd")
        answer = relaxed(Problem(options=options, volumes=volumes, limits=(limit,)))
        assert answer is not None
        found.append(answer[0].reshape(quality.shape))
    return found


def volumes_of(volumes: dict[str, float], pool: Pool) -> Floats:
    """In the order of the categories."""
    return np.array([volumes[category] for category in pool.types])


def _replayed(pool: Pool, shares: Floats) -> Floats:
    return np.array([pool.replayed(shares, pool.cost_usd), pool.replayed(shares, pool.quality)])


def folds_of(pool: Pool, rng: np.random.Generator) -> NDArray[np.intp]:
    """Shape (repeats, prompts). Fold of each prompt, stratified by category, dealt several times."""
    fold = np.empty((REPEATS, pool.kind.size), dtype=np.intp)
    for code in range(len(pool.types)):
        own = np.flatnonzero(pool.kind == code)
        for deal in fold:
            deal[own] = rng.permutation(np.arange(own.size) % FOLDS)
    return fold


def _held_out(fold: NDArray[np.intp]) -> list[NDArray[np.bool_]]:
    """Each fold of each deal, as the prompts that are replayed."""
    return [deal == number for deal in fold for number in range(FOLDS)]


def main() -> None:
    """Print the table."""
    if not RECORDED.exists():
        sys.stdout.write(f"skipped: {REASON}\n")
        return
    resamples = int(sys.argv[1]) if len(sys.argv) > 1 else RESAMPLES
    pool, rng = recorded_pool(), np.random.default_rng(SEED)
    fold = folds_of(pool, rng)
    found = {name: figures(way(pool, fold), pool) for name, way in WAYS.items()}
    draws: dict[str, list[Figures]] = {name: [] for name in WAYS}
    for _ in range(resamples):
        owns = [np.flatnonzero(pool.kind == code) for code in range(len(pool.types))]
        rows = np.concatenate([rng.choice(own, own.size) for own in owns])
        again, kept = pool.subset(rows), fold[:, rows]
        for name, way in WAYS.items():
            draws[name].append(figures(way(again, kept), again))
    sys.stdout.write(
        f"{pool.kind.size:,} prompts in {len(pool.types)} categories, {len(pool.models)} models, "
        f"{FOLDS} folds dealt {REPEATS} times, "
        f"{resamples} resamples, 95 % intervals\n\n"
        "| way | cost saved at 99 % of the best model's quality | AIQ |\n|---|---|---|\n"
    )
    for name, point in found.items():
        low, high = np.quantile(np.array(draws[name]), [0.025, 0.975], axis=0)
        sys.stdout.write(
            f"| {name} | {point.cs99:.1%} [{low[0]:.1%}, {high[0]:.1%}] "
            f"| {point.aiq:.3f} [{low[1]:.3f}, {high[1]:.3f}] |\n"
        )


if __name__ == "__main__":
    main()
