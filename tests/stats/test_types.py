"""Sums merge exactly, and nothing impossible is accepted."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats import CrossMoments, Moments, PairedTally, Tally, Test

integers = st.lists(st.integers(-(10**15), 10**15), max_size=30)
floats = st.lists(st.floats(-1e9, 1e9, allow_nan=False), max_size=30)
pairs = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=10)


@given(integers, integers)
def test_moments_of_a_union_are_the_sum_of_the_moments(left: list[int], right: list[int]) -> None:
    assert Moments.from_values(left) + Moments.from_values(right) == Moments.from_values(left + right)


@given(floats, floats)
def test_floats_merge_exactly_too(left: list[float], right: list[float]) -> None:
    merged, whole = Moments.from_values(left) + Moments.from_values(right), Moments.from_values(left + right)
    assert (merged.n, merged.total, merged.total_sq) == (whole.n, whole.total, whole.total_sq)


@given(pairs, pairs)
def test_joint_moments_of_a_union_are_the_sum(
    left: list[tuple[float, float]], right: list[tuple[float, float]]
) -> None:
    def of(rows: list[tuple[float, float]]) -> CrossMoments:
        return CrossMoments.from_values(*zip(*rows, strict=True))

    assert of(left) + of(right) == of(left + right)


@given(pairs)
def test_paired_difference_from_joint_moments_is_that_of_the_rows(rows: list[tuple[float, float]]) -> None:
    x, y = (np.array(column) for column in zip(*rows, strict=True))
    combined = CrossMoments.from_values(x, y).combined(1, -1)
    exact = Moments.from_values(x).total - Moments.from_values(y).total
    assert combined.total == exact
    assert combined.variance == pytest.approx(np.var(x - y, ddof=1), rel=1e-9, abs=1e-6)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20), st.integers(-50, 50), st.integers(-9, 9))
def test_moments_follow_shift_and_scale(values: list[int], shift: int, factor: int) -> None:
    moved = Moments.from_values([factor * v + shift for v in values])
    assert Moments.from_values(values).scaled(factor).shifted(shift) == moved


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_mean_and_variance_agree_with_numpy(values: list[float]) -> None:
    moments = Moments.from_values(values)
    assert moments.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
    assert moments.variance == pytest.approx(np.var(values, ddof=1), rel=1e-6, abs=1e-6)
    assert moments.sd == math.sqrt(moments.variance)


def test_covariance_agrees_with_numpy() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    joint = CrossMoments.from_values(x, y)
    assert joint.covariance == pytest.approx(np.cov(x, y)[0, 1])
    assert joint.scaled(2, Fraction(1, 3)).covariance == pytest.approx(2 / 3 * np.cov(x, y)[0, 1])


def test_squares_beyond_64_bits_stay_exact() -> None:
    """4 USD in nano-USD squared overflows BIGINT; here it must not."""
    moments = Moments.from_values(np.array([4_000_000_000, 4_000_000_001]))
    assert moments.total_sq == 4_000_000_000**2 + 4_000_000_001**2
    assert moments.variance == 0.5


def test_sums_rounded_by_a_database_are_accepted() -> None:
    assert (Moments(3, 0.3, 0.03 * (1 - 1e-14)) + Moments(0, 0, 0)).variance == 0.0


@pytest.mark.parametrize(
    "build",
    [
        lambda: Moments(-1),
        lambda: Moments(2, math.nan, 1),
        lambda: Moments(2, 10, 1),
        lambda: Moments.from_values([1e300, -1e300]),
        lambda: Moments.from_values([[1.0]]),
        lambda: Moments.from_values([math.inf]),
        lambda: CrossMoments(2, 1, 1, 1, 1, math.inf),
        lambda: CrossMoments.from_values([1.0], [1.0, 2.0]),
        lambda: Tally(3, 2),
        lambda: Tally(-1, 2),
        lambda: PairedTally(both=-1, treatment_only=0, control_only=0, neither=0),
        lambda: Test(estimate=Estimate(value=0, lower=0, upper=0), p_value=1.1, statistic=0, df=None, method=""),
        lambda: Test(estimate=Estimate(value=0, lower=0, upper=0), p_value=1, statistic=math.nan, df=None, method=""),
    ],
)
def test_what_no_sample_can_produce_is_refused(build: object) -> None:
    with pytest.raises(InputError):
        build()  # type: ignore[operator]


@pytest.mark.parametrize("ask", [lambda: Moments(0).mean, lambda: Moments(1, 5, 25).variance, lambda: Tally(0, 0).rate])
def test_too_few_observations_are_said_to_be_too_few(ask: object) -> None:
    with pytest.raises(NotEnoughData):
        ask()  # type: ignore[operator]


def test_tallies_pool() -> None:
    assert Tally(1, 2) + Tally(2, 5) == Tally(3, 7)
    table = PairedTally(both=1, treatment_only=2, control_only=3, neither=4)
    assert (table + table).n == 20


def test_importing_the_room_loads_no_heavy_library() -> None:
    """The hot path needs scipy.special alone; statsmodels and scipy.stats cost more than the analysis."""
    room = "clusters means proportions paired ratios equivalence many_arms power sequential srm survival off_policy"
    code = "; ".join(
        [
            *(f"import bizq_lab.stats.{module}" for module in room.split()),
            "import sys",
            "heavy = {'scipy.stats', 'statsmodels', 'pandas', 'duckdb', 'matplotlib'} & set(sys.modules)",
            "assert not heavy, heavy",
        ]
    )
    subprocess.run([sys.executable, "-c", code], check=True)
