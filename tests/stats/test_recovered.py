"""A difference from two intervals agrees with Newcombe's for shares, and knows nothing where they know nothing."""

from __future__ import annotations

import math

import pytest

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.proportions import newcombe_difference, wilson
from bizq_lab.stats.recovered import recovered_difference
from bizq_lab.stats.types import Tally


def test_of_two_shares_it_is_newcombes_interval() -> None:
    """Newcombe 1998, table II, the first example of method 10: 56/70 against 48/80."""
    found = recovered_difference(wilson(Tally(56, 70)), wilson(Tally(48, 80))).estimate
    assert (round(found.lower, 4), round(found.upper, 4)) == (0.0524, 0.3339)
    same = newcombe_difference(Tally(56, 70), Tally(48, 80))
    assert (found.value, found.lower, found.upper) == pytest.approx((same.value, same.lower, same.upper))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_its_p_value_is_005_where_its_interval_touches_zero(sign: float) -> None:
    one = Estimate(value=sign * 5.0, lower=sign * 5.0 - 3.0, upper=sign * 5.0 + 3.0, n=9)
    other = Estimate(value=0.0, lower=-4.0, upper=4.0, n=9)
    found = recovered_difference(one, other)
    assert found.p_value == pytest.approx(0.05)
    assert min(abs(found.estimate.lower), abs(found.estimate.upper)) == pytest.approx(0.0)


def test_an_interval_without_a_bound_leaves_everything_possible() -> None:
    known, unknown = Estimate(value=20.0, lower=19.0, upper=21.0), Estimate(value=9.0, lower=0.0, upper=math.inf)
    assert recovered_difference(known, unknown).p_value == 1.0


def test_two_points_are_refused() -> None:
    point = Estimate(value=1.0, lower=1.0, upper=1.0)
    with pytest.raises(NotEnoughData, match="points"):
        recovered_difference(point, point)
