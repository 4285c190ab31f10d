"""Quantiles from the fixed histogram are the observed ones to within half a bin, and cover the true ones."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.histogram import duration_edges_us, histogram_quantile

EDGES = duration_edges_us()


def counted(values_us: list[int]) -> dict[int, int]:
    """As DuckDB's histogram() counts: an edge holds what is above the edge before it and up to it."""
    beyond = 2**63 - 1
    return dict(Counter(EDGES[i] if (i := bisect_left(EDGES, v)) < len(EDGES) else beyond for v in values_us))


@given(st.lists(st.integers(2_000, 80_000_000_000), min_size=1, max_size=60), st.sampled_from([0.05, 0.5, 0.95]))
def test_a_quantile_is_the_order_statistic_to_half_a_percent(values: list[int], probability: float) -> None:
    exact = sorted(values)[max(math.ceil(len(values) * probability), 1) - 1] / 1e6
    found = histogram_quantile(counted(values), probability)
    assert found.value == pytest.approx(exact, rel=0.0051)
    assert found.lower <= exact <= found.upper


@given(st.lists(st.integers(2_000, 10**9), min_size=1), st.lists(st.integers(2_000, 10**9), min_size=1))
def test_histograms_of_two_logs_add_up(first: list[int], second: list[int]) -> None:
    merged = dict(Counter(counted(first)) + Counter(counted(second)))
    assert histogram_quantile(merged, 0.5) == histogram_quantile(counted(first + second), 0.5)


def test_the_interval_covers_the_true_quantile() -> None:
    rng, reps, truth = np.random.default_rng(0), 400, math.exp(1.6448536 * 0.5)
    covered = 0
    for _ in range(reps):
        values = (np.exp(rng.normal(0, 0.5, size=80)) * 1e6).astype(int).tolist()
        found = histogram_quantile(counted(values), 0.95)
        covered += found.lower <= truth <= found.upper
    assert covered / reps >= 0.94 - 3 * math.sqrt(0.95 * 0.05 / reps)


def test_beyond_the_last_edge_the_upper_end_is_open() -> None:
    found = histogram_quantile(counted([EDGES[-1] * 2] * 3), 0.5)
    assert (found.value, found.upper) == (EDGES[-1] / 1e6, math.inf)


def test_edges_ascend_by_one_percent_and_an_empty_histogram_has_no_quantile() -> None:
    assert all(b > a for a, b in pairwise(EDGES))
    assert max(b / a for a, b in pairwise(EDGES)) < 1.011  # rounding to whole microseconds
    with pytest.raises(NotEnoughData):
        histogram_quantile({}, 0.5)
