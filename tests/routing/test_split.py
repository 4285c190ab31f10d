"""A published split, as the router serves it: the shares are the weights, the arm sticks, and no salt is special (S15).

`BIZQ_LAB_FULL=1` routes 10,000 units under each of 200 salts instead of hashing 2,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from bizq_lab.config import ArmSpec, RoutingConfig, TaskRouting
from bizq_lab.config.assign import pick_prepared, prepare
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.routing import AITaskRouter
from tests.support.routing_catalog import TODAY, catalog

WEIGHTS = {"a": 10, "default": 90}
UNITS = 10_000
HASHED_UNITS = 2_000
SALTS = [f"split-20261124-{number}" for number in range(200)]  # the seed: fixed before any was looked at
LEAST_P = 1e-4
FULL = os.environ.get("BIZQ_LAB_FULL") == "1"


def router(salt: str) -> AITaskRouter:
    made = catalog()
    config = RoutingConfig.start(made, arms={"a": ArmSpec(model="anthropic/middle")}, as_of=TODAY)
    return AITaskRouter(made, config.evolve(tasks={"work.write": TaskRouting(weights=WEIGHTS, salt=salt)}))


def routed(salt: str) -> Iterator[str]:
    """The arm of each unit, by the whole router."""
    task, deciding = Task(type="work.write", input={"topic": "headphones"}, id="t1"), router(salt)
    contexts = (RoutingContext(workspace_id=f"ws_{number}") for number in range(UNITS))
    return (deciding.route_task(task, context).arm for context in contexts)


def hashed(salt: str) -> Iterator[str]:
    """The arm of each unit, by the hash the router asks."""
    arms = prepare(WEIGHTS)
    return (pick_prepared(arms, salt=salt, unit=f"ws_{number}") for number in range(HASHED_UNITS))


def p_value(arms: Iterator[str]) -> float:
    """Of the chi-square test that the shares are the weights."""
    from scipy.stats import chisquare  # noqa: PLC0415 - a second that only this needs

    counts = Counter(arms)
    total = counts.total()
    return float(chisquare([counts[arm] for arm in WEIGHTS], [total * weight / 100 for weight in WEIGHTS.values()])[1])


def test_s15_ten_thousand_routed_units_split_as_the_weights_say_and_stay() -> None:
    first = list(routed("rollout-1"))
    assert Counter(first).keys() == WEIGHTS.keys()
    assert p_value(iter(first)) > LEAST_P
    assert list(routed("rollout-1")) == first


def test_s15_the_router_serves_the_hash_that_is_published() -> None:
    assert list(islice(routed(SALTS[0]), HASHED_UNITS)) == list(hashed(SALTS[0]))


def test_s15_a_unit_keeps_its_arm_whatever_else_its_context_asks() -> None:
    deciding = router(SALTS[0])
    for number in range(200):
        task = Task(type="work.write", input={"topic": "x" * number})
        plain = RoutingContext(workspace_id=f"ws_{number}")
        hurried = RoutingContext(workspace_id=f"ws_{number}", priority="urgent", estimated_tokens=10 * number)
        assert deciding.route_task(task, plain).arm == deciding.route_task(task, hurried).arm


@pytest.mark.parametrize("arms_of", [routed if FULL else hashed], ids=["routed" if FULL else "hashed"])
def test_s15_over_the_salts_the_p_values_of_the_split_are_uniform(arms_of: Callable[[str], Iterator[str]]) -> None:
    """Too many small ones: the split is off. Too many large ones: the units are not independent."""
    from scipy.stats import kstest  # noqa: PLC0415 - as above

    assert kstest([p_value(arms_of(salt)) for salt in SALTS], "uniform").pvalue > LEAST_P
