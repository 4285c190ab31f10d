"""Fisher's exact test agrees with scipy, in the tail too, and never errs more often than it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact

from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.fisher import fisher_less
from bizq_lab.stats.types import Tally

sides = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(sides, sides)
def test_it_is_scipys(one: tuple[int, int], zero: tuple[int, int]) -> None:
    table = np.array([[one[0], one[1] - one[0]], [zero[0], zero[1] - zero[0]]])
    assert fisher_less(Tally(*one), Tally(*zero)) == pytest.approx(
        fisher_exact(table, alternative="less").pvalue, rel=1e-7, abs=1e-300
    )


@pytest.mark.parametrize("alpha", [0.05, 1e-3, 1e-5])
def test_its_error_is_at_most_alpha_however_far_in_the_tail(alpha: float) -> None:
    """Every possible outcome of 30 against 400 tasks at one rate, weighed by its probability."""
    one, zero = np.arange(31), np.arange(401)
    for rate in (0.7, 0.95):
        chance = np.outer(binom.pmf(one, 30, rate), binom.pmf(zero, 400, rate))
        likely = np.argwhere(chance > 1e-12)
        error = sum(chance[a, b] for a, b in likely if fisher_less(Tally(int(a), 30), Tally(int(b), 400)) <= alpha)
        assert error <= alpha


def test_a_side_without_observations_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="observations on each side"):
        fisher_less(Tally(0, 0), Tally(1, 2))
