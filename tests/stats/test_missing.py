"""Outcomes nobody reported: bounds hold whatever they are, and strata repair what they explain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats import Moments
from bizq_lab.stats.maxima import root_probability
from bizq_lab.stats.means import satterthwaite, welch_difference
from bizq_lab.stats.missing import Reported, difference_at_random, difference_bounds, mean_at_random, mean_bounds
from bizq_lab.stats.tails import wald

ratings = st.lists(st.integers(1, 5), min_size=2, max_size=30)


@given(ratings, st.lists(st.integers(1, 5), max_size=30))
def test_bounds_contain_the_mean_of_all_whatever_the_missing_are(seen: list[int], unseen: list[int]) -> None:
    found = mean_bounds(Reported(Moments.from_values(seen), len(unseen)), (1, 5))
    truth = float(np.mean(seen + unseen))
    assert found.lower - 1e-9 <= truth <= found.upper + 1e-9
    assert found.estimate.lower <= found.lower <= found.upper <= found.estimate.upper
    assert found.reported == pytest.approx(len(seen) / (len(seen) + len(unseen)))


@given(ratings, ratings, st.integers(0, 9), st.integers(0, 9))
def test_bounds_of_a_difference_are_antisymmetric(x: list[int], y: list[int], gone: int, lost: int) -> None:
    a, b = Reported(Moments.from_values(x), gone), Reported(Moments.from_values(y), lost)
    forward, backward = difference_bounds(a, b, (1, 5)), difference_bounds(b, a, (1, 5))
    assert (forward.lower, forward.upper) == pytest.approx((-backward.upper, -backward.lower))
    assert forward.estimate.lower == pytest.approx(-backward.estimate.upper)
    assert forward.estimate.upper > forward.estimate.lower


def test_nothing_missing_leaves_the_two_sided_normal_interval() -> None:
    moments = Moments.from_values(np.random.default_rng(0).integers(1, 6, 200))
    found = mean_bounds(Reported(moments, 0), (1, 5))
    assert found.estimate.upper - found.estimate.value == pytest.approx(1.959964 * math.sqrt(moments.mean_variance))


def test_strata_repair_a_response_that_depends_on_them() -> None:
    """The satisfied stratum answers five times as often; its members' mean alone is too kind."""
    rng = np.random.default_rng(1)
    happy, unhappy = rng.normal(4.5, 0.5, 1000), rng.normal(2.5, 0.5, 1000)
    strata = [Reported(Moments.from_values(happy[:500]), 500), Reported(Moments.from_values(unhappy[:100]), 900)]
    estimate = mean_at_random(strata)
    assert estimate.lower < 3.5 < estimate.upper
    responders = np.concatenate([happy[:500], unhappy[:100]]).mean()
    assert responders > 4.1
    assert difference_at_random(strata, strata).p_value == pytest.approx(1.0)


def test_one_stratum_without_missing_is_the_welch_test() -> None:
    rng = np.random.default_rng(2)
    a, b = (Moments.from_values(rng.normal(m, 1, 40)) for m in (0.5, 0.0))
    test = difference_at_random([Reported(a, 0)], [Reported(b, 0)])
    assert test.p_value == pytest.approx(welch_difference(a, b).p_value)


def test_what_cannot_be_answered_is_refused() -> None:
    one, none = Reported(Moments.from_values([3]), 5), Reported(Moments(0), 5)
    for ask in (lambda: mean_at_random([one]), lambda: mean_at_random([]), lambda: mean_bounds(none, (1, 5))):
        with pytest.raises(NotEnoughData):
            ask()
    with pytest.raises(NotEnoughData):
        mean_at_random([Reported(Moments.from_values([3, 3]), 5)])
    with pytest.raises(InputError):
        mean_bounds(one, (5, 5))


def test_tails_at_their_edges() -> None:
    with pytest.raises(InputError):
        wald(1.0, 0.0, df=None, n=1, method="")
    assert satterthwaite((0.0, 0.0), (3.0, 9.0)) == 3.0
    alone = root_probability(1.959964, np.zeros(1), math.inf, two_sided=True)
    assert alone == pytest.approx(0.95, abs=1e-6)
