"""Quantiles from the fixed histogram are the observed ones to within half a bin, and cover the true ones."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.histogram import Histogram, bin_width_us, bin_widths_us, duration_bin_us

durations = st.integers(8_192, 80_000_000_000)


def counted(values_us: list[int]) -> Histogram:
    bins = sorted(Counter(map(duration_bin_us, values_us)).items())
    edges, n = np.array(bins, dtype=np.int64).reshape(-1, 2).T
    return Histogram(edges, n, np.zeros_like(n))


@given(st.lists(durations, min_size=1, max_size=60), st.sampled_from([0.05, 0.5, 0.95]))
def test_a_quantile_is_the_order_statistic_to_half_a_percent(values: list[int], probability: float) -> None:
    exact = sorted(values)[max(math.ceil(len(values) * probability), 1) - 1] / 1e6
    found = counted(values).quantile(probability)
    assert found.value == pytest.approx(exact, rel=0.004)
    assert found.lower <= exact <= found.upper


@given(st.lists(durations, min_size=1))
def test_the_middle_of_a_bin_lies_in_it(values: list[int]) -> None:
    histogram = counted(values)
    assert [duration_bin_us(round(middle * 1e6)) for middle in histogram.middles_s] == histogram.edges_us.tolist()


@given(st.integers(0, 10**12))
def test_bins_follow_on_each_other_without_a_gap(value: int) -> None:
    edge = duration_bin_us(value)
    assert edge <= value < edge + bin_width_us(edge)
    assert bin_widths_us([edge, value]).tolist() == [bin_width_us(edge), bin_width_us(value)]
    after = edge + bin_width_us(edge)
    assert duration_bin_us(after) == after
    assert duration_bin_us(after - 1) == edge


def test_the_interval_covers_the_true_quantile() -> None:
    rng, reps, truth = np.random.default_rng(0), 400, math.exp(1.6448536 * 0.5)
    covered = 0
    for _ in range(reps):
        values = (np.exp(rng.normal(0, 0.5, size=80)) * 1e6).astype(int).tolist()
        found = counted(values).quantile(0.95)
        covered += found.lower <= truth <= found.upper
    assert covered / reps >= 0.94 - 3 * math.sqrt(0.95 * 0.05 / reps)


def test_too_few_observations_leave_the_upper_end_open_and_none_have_no_quantile() -> None:
    assert counted([9_000_000] * 3).quantile(0.95).upper == math.inf
    with pytest.raises(NotEnoughData):
        counted([]).quantile(0.5)
