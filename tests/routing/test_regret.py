"""Issue 3: Thompson sampling against known truth, drift included, 50 seeds."""

import os
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy.stats import t as student

from tests.support.routing_bandit import POLICY, rates, regret, uniform_regret

SEEDS = 50
# The laws hold from a few hundred decisions on; BIZQ_LAB_FULL runs the long version.
DECISIONS = 2_000 if os.environ.get("BIZQ_LAB_FULL") else 240
Truth = Callable[[int], Mapping[str, float]]

STATIC_IS_WORST = rates([0.35, 0.5, 0.6, 0.85])
STATIC_IS_SECOND = rates([0.6, 0.9, 0.3, 0.4])
STATIC_IS_BEST = rates([0.9, 0.6, 0.5, 0.4])


def steady(values: Mapping[str, float]) -> Truth:
    return lambda _: values


def drifting(number: int) -> Mapping[str, float]:
    """The best model becomes the worst after 40 % of the time."""
    return STATIC_IS_SECOND if number < 0.4 * DECISIONS else rates([0.5, 0.15, 0.3, 0.85])


def interval(advantages: list[float]) -> tuple[float, float]:
    """95 % t interval of the mean over seeds."""
    half = student.ppf(0.975, len(advantages) - 1) * np.std(advantages, ddof=1) / np.sqrt(len(advantages))
    return float(np.mean(advantages) - half), float(np.mean(advantages) + half)


def run(truth: Truth, half_life: float) -> list[float]:
    return [regret(truth, seed=seed, decisions=DECISIONS, policy=POLICY, half_life=half_life) for seed in range(SEEDS)]


@pytest.mark.parametrize(
    ("truth", "half_life"),
    [(steady(STATIC_IS_WORST), 40.0), (steady(STATIC_IS_SECOND), 40.0), (drifting, 4.0)],
    ids=["static-is-worst", "static-is-second", "drift"],
)
def test_where_the_static_choice_is_not_best_thompson_beats_it_and_even_exploration(
    truth: Truth, half_life: float
) -> None:
    adaptive = run(truth, half_life)
    static = regret(truth, seed=0, decisions=DECISIONS, policy=None)
    even = uniform_regret(truth, decisions=DECISIONS)
    assert interval([static - lost for lost in adaptive])[0] > 0.0
    assert interval([even - lost for lost in adaptive])[0] > 0.0


def test_where_the_static_choice_is_best_the_loss_is_shown_and_small() -> None:
    truth = steady(STATIC_IS_BEST)
    static = regret(truth, seed=0, decisions=DECISIONS, policy=None)
    low, high = interval(run(truth, 40.0))
    assert static == 0.0
    assert low > 0.0
    assert high < 0.5 * uniform_regret(truth, decisions=DECISIONS)
