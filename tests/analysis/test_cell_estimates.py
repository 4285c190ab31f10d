"""Many cells at a time are estimated as each alone, and as `stats` estimates from the clusters themselves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.analysis.cell_estimates import costs_per_success, mean, means
from bizq_lab.analysis.cells import Cell
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.tradeoff import _efficient, _efficient_with_ties, frontier_shares
from bizq_lab.analysis.value import worth, worths
from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.means import mean as plain_mean
from bizq_lab.stats.ratios import ratio
from bizq_lab.stats.types import CrossMoments, Moments

SUMMED = "n", "success", "quality", "quality_n", "cost", "cost_n", "latency", "latency_n"
Cluster = tuple[int, int, int, int]  # decisions, successes, quality in ppm, cost in nano-USD

clusters = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 4), st.integers(0, 10**6), st.integers(0, 10**8)).map(
        lambda c: (c[0], min(c[0], c[1]), c[2] * c[0], c[3])
    ),
    min_size=1,
    max_size=12,
)


def cell(of: Sequence[Cluster]) -> Cell:
    """As `cells.sql` would return these clusters."""
    each = [
        {"n": n, "success": s, "quality": q, "quality_n": n, "cost": c, "cost_n": n, "latency": c // 7, "latency_n": n}
        for n, s, q, c in of
    ]
    row = {name: sum(one[name] for one in each) for name in SUMMED}
    products = {f"{x}_{y}": sum(one[x] * one[y] for one in each) for x, y in itertools.product(SUMMED, SUMMED)}
    return Cell({**products, **row, "clusters": len(of), "quality_measured": row["n"]})


def numbers(estimate: Estimate | None) -> tuple[float, float, float]:
    assert estimate is not None
    return estimate.value, estimate.lower, estimate.upper


@given(st.lists(clusters, min_size=1, max_size=5))
def test_many_cells_at_a_time_answer_as_each_alone(many: list[list[Cluster]]) -> None:
    cells = [cell(of) for of in many]
    for metric in (METRICS[name] for name in ("success", "quality", "cost", "latency")):
        assert means(cells, metric) == [mean(one, metric) for one in cells]
    assert costs_per_success(cells) == [costs_per_success([one])[0] for one in cells]
    together = worths(cells, [0.05] * len(cells), measures=["quality"] * len(cells))
    assert together == [worth(one, 0.05, measure="quality") for one in cells]


def test_one_decision_a_cluster_is_students_t() -> None:
    costs = [3_000_000, 9_000_000, 1_000_000, 4_000_000]
    expected = plain_mean(Moments.from_values(np.array(costs) / 1e9), unit="usd")
    found = mean(cell([(1, 1, 0, cost) for cost in costs]), METRICS["cost"])
    assert numbers(found) == pytest.approx((expected.value, max(expected.lower, 0.0), expected.upper), rel=1e-12)


def test_several_decisions_a_cluster_are_a_ratio_of_totals() -> None:
    of = [(1, 1, 400_000, 2), (3, 2, 2_100_000, 8), (2, 1, 900_000, 1), (4, 4, 3_600_000, 9)]
    pairs = CrossMoments.from_values(np.array([q for *_, q, _ in of]) / 1e6, np.array([n for n, *_ in of]))
    expected = ratio(pairs).estimate
    low, high = max(expected.lower, 0.0), min(expected.upper, 1.0)
    assert numbers(mean(cell(of), METRICS["quality"])) == pytest.approx((expected.value, low, high), rel=1e-9)


def test_worth_is_the_ratio_of_the_clusters_net_benefits_to_their_decisions() -> None:
    of = [(1, 1, 400_000, 2_000_000), (3, 2, 2_100_000, 8_000_000), (2, 1, 900_000, 1_000_000)]
    net = np.array([0.05 * q / 1e6 - c / 1e9 for _, _, q, c in of])
    expected = ratio(CrossMoments.from_values(net, np.array([n for n, *_ in of]))).estimate
    found = worth(cell(of), 0.05, measure="quality")
    assert found is not None
    assert numbers(found.estimate) == pytest.approx(numbers(expected), rel=1e-9)
    n, m = np.array([n for n, *_ in of]), len(of)
    residual = net - expected.value * n
    assert found.se == pytest.approx(math.sqrt((residual**2).sum() / (m - 1) / m) / n.mean(), rel=1e-9)


def test_a_price_that_never_varied_and_no_success_have_no_unknown_bounds() -> None:
    still = cell([(1, 0, 0, 5), (1, 0, 0, 5)])
    assert costs_per_success([still]) == [None]
    assert numbers(mean(still, METRICS["cost"])) == (5e-9, 0.0, math.inf)


@given(st.integers(0, 2**32 - 1))
def test_sorting_finds_the_frontier_that_the_definition_names(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, gain = rng.random((50, 6)), rng.integers(0, 4, (50, 6)).astype(float)
    assert (_efficient(cost, gain) == _efficient_with_ties(cost, gain)).all()
    cost = rng.integers(0, 3, (50, 6)).astype(float)
    assert (_efficient(cost, gain) == _efficient_with_ties(cost, gain)).all()


def test_an_arm_that_is_dearer_and_worse_beyond_doubt_is_never_on_the_frontier() -> None:
    good = cell([(1, 1, 900_000 + 1000 * i, 10_000 + i) for i in range(30)])
    bad = cell([(1, 1, 100_000 + 1000 * i, 90_000 + i) for i in range(30)])
    shares = frontier_shares({"bad": bad, "good": good}, "quality", seed=0)
    assert shares == {"bad": 0.0, "good": 1.0}
