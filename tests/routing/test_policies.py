"""S15: who decides, with what probability, and what acts after assignment."""

from collections import Counter
from typing import Any

import pytest

from bizq_lab.config import AdaptivePolicy, ArmSpec, ExperimentSpec, RoutingConfig, TaskRouting, bucket, pick
from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.snapshot import Health, Snapshot
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import NoFeasibleModel, UnknownModel
from bizq_lab.routing import AITaskRouter
from tests.support.routing_catalog import TODAY, catalog

ARMS = {
    "cheap": ArmSpec(model="openai/small"),
    "middle": ArmSpec(model="anthropic/middle", temperature=0.1, max_tokens=700),
    "best": ArmSpec(model="anthropic/great"),
}
WEIGHTS = {"cheap": 20, "best": 30, "default": 50}


def ctx(number: int = 0, **fields: Any) -> RoutingContext:
    return RoutingContext(workspace_id=f"ws_{number}", budget_tier="premium", **fields)


def task(number: int = 0) -> Task:
    return Task(type="work.write", id=f"t{number}")


def router(routing: TaskRouting | None = None, **fields: Any) -> AITaskRouter:
    tasks = {} if routing is None else {"work.write": routing}
    config = RoutingConfig.build(
        catalog="memory", catalog_version=catalog().version, as_of=TODAY, arms=ARMS, tasks=tasks, **fields
    )
    return AITaskRouter(catalog(), config)


def shares(decision: RoutingDecision) -> dict[str, float]:
    return {c.arm: c.propensity for c in decision.candidates if c.propensity > 0}


def test_s15_weights_are_read_and_the_split_is_theirs() -> None:
    """The sketch writes weights that nobody reads."""
    weighted = router(TaskRouting(weights=WEIGHTS))
    counts = Counter(weighted.route_task(task(), ctx(n)).arm for n in range(2_000))
    assert {arm: round(count / 2_000, 1) for arm, count in counts.items()} == {
        "cheap": 0.2,
        "best": 0.3,
        "default": 0.5,
    }


def test_s15_the_arm_is_the_published_hashs_and_sticks_to_the_workspace() -> None:
    weighted = router(TaskRouting(weights=WEIGHTS, salt="s1"))
    for number in range(50):
        decision = weighted.route_task(task(number), ctx(number))
        assert decision.arm == pick(WEIGHTS, salt="s1", unit=f"ws_{number}")
        assert decision.unit == f"ws_{number}"
        assert weighted.route_task(task(number + 1), ctx(number), seed=9).arm == decision.arm


def test_s15_the_unit_may_be_the_task() -> None:
    weighted = router(TaskRouting(weights=WEIGHTS, salt="s1", unit="task"))
    decision = weighted.route_task(task(7), ctx())
    assert (decision.unit, decision.arm) == ("t7", pick(WEIGHTS, salt="s1", unit="t7"))


def test_s15_an_arm_is_called_as_it_says() -> None:
    decision = router(TaskRouting(weights={"middle": 100})).route_task(task(), ctx())
    assert decision.config.key == "anthropic/middle"
    assert (decision.temperature, decision.max_tokens, decision.policy) == (0.1, 700, "weights")
    assert (decision.propensity, decision.design) == (1.0, "observational")


def test_s15_the_context_restricts_the_arms_first_and_the_propensity_is_renormalised() -> None:
    weighted = router(TaskRouting(weights=WEIGHTS))
    floored = [weighted.route_task(task(), ctx(n, task_complexity="complex")) for n in range(60)]
    assert {d.arm for d in floored} == {"best", "default"}
    assert all(shares(d) == pytest.approx({"best": 0.375, "default": 0.625}) for d in floored)
    assert all(d.propensity == shares(d)[d.arm] and d.design == "randomised" for d in floored)


def test_s15_restricting_the_arms_moves_only_the_units_of_the_removed_one() -> None:
    weighted = router(TaskRouting(weights=WEIGHTS))
    for number in range(100):
        before = weighted.route_task(task(), ctx(number)).arm
        after = weighted.route_task(task(), ctx(number, task_complexity="complex")).arm
        assert before in {after, "cheap"}


def test_s15_health_limits_and_budget_act_after_assignment() -> None:
    """The assigned arm stays for the analysis; execution fails over."""
    weighted = router(TaskRouting(weights={"cheap": 100}))
    down = Snapshot(id="s", health={"openai/small": Health(available=False)})
    decision = weighted.route_task(task(), ctx(), snapshot=down)
    assert (decision.arm, decision.config.key, decision.propensity) == ("cheap", "openai/small", 1.0)
    assert "assigned_arm_infeasible" in decision.flags
    assert decision.fallbacks
    assert all(fallback.key != "openai/small" for fallback in decision.fallbacks)
    tight = weighted.route_task(task(), ctx(max_cost=0.0009))
    assert tight.arm == "cheap"
    assert "max_cost" in {r.code for c in tight.candidates if c.arm == "cheap" for r in c.reasons}


def test_s15_nothing_feasible_is_an_error_even_for_an_assigned_arm() -> None:
    with pytest.raises(NoFeasibleModel):
        router(TaskRouting(weights={"best": 100})).route_task(
            task(), ctx(max_cost=0.0), snapshot=Snapshot(id="s", health={"local/tiny": Health(available=False)})
        )


def test_s15_no_eligible_arm_leaves_the_rules_and_says_so() -> None:
    decision = router(TaskRouting(weights={"best": 100})).route_task(task(), ctx(user_tier="starter"))
    assert (decision.arm, decision.policy) == ("default", "rules")
    assert "no_eligible_arm" in decision.flags


def test_s15_the_order_is_experiment_then_weights_then_adaptive_then_rules() -> None:
    adaptive = AdaptivePolicy(kind="epsilon_greedy", floor=0.1)
    experiment = ExperimentSpec(id="e1", task_type="work.write", weights={"middle": 50, "best": 50}, stage="25")
    both = TaskRouting(weights={"cheap": 100}, adaptive=adaptive)
    assert router(both, experiments=(experiment,)).route_task(task(), ctx()).policy == "experiment"
    assert router(both).route_task(task(), ctx()).policy == "weights"
    assert router(TaskRouting(adaptive=adaptive)).route_task(task(), ctx()).policy == "adaptive"
    assert router().route_task(task(), ctx()).policy == "rules"


def test_s15_an_experiment_is_logged_with_its_id_stage_and_propensity() -> None:
    experiment = ExperimentSpec(id="e1", task_type="work.write", weights={"middle": 40, "best": 60}, stage="25")
    decision = router(experiments=(experiment,)).route_task(task(), ctx())
    assert (decision.experiment, decision.stage, decision.design) == ("e1", "25", "randomised")
    assert decision.propensity == {"middle": 0.4, "best": 0.6}[decision.arm]


def test_exclusion_groups_share_no_unit_and_leave_the_rest_alone() -> None:
    def spec(name: str, arm: str, start: int, stop: int) -> ExperimentSpec:
        return ExperimentSpec(
            id=name, task_type="work.write", weights={arm: 100}, namespace="ns", buckets=(start, stop)
        )

    both = router(experiments=(spec("e1", "middle", 0, 3_000), spec("e2", "best", 3_000, 5_000)))
    for number in range(300):
        place = bucket("ns", f"ws_{number}")
        expected = "e1" if place < 3_000 else "e2" if place < 5_000 else ""
        assert both.route_task(task(), ctx(number)).experiment == expected


def test_s11_consistency_takes_part_in_no_experiment_and_no_exploration() -> None:
    experiment = ExperimentSpec(id="e1", task_type="work.write", weights={"middle": 50, "best": 50})
    explored = TaskRouting(adaptive=AdaptivePolicy(floor=1.0))
    for number in range(20):
        fields = ctx(number, requires_consistency=True)
        assert router(experiments=(experiment,)).route_task(task(number), fields).policy == "rules"
        assert router(explored).route_task(task(number), fields, seed=number).config.key == "openai/medium"
    by_task = router(TaskRouting(weights=WEIGHTS, unit="task"))
    assert len({by_task.route_task(task(n), ctx(requires_consistency=True)).arm for n in range(40)}) == 1


def test_a_named_arm_is_taken_and_its_constraints_are_still_reported() -> None:
    decision = router(TaskRouting(weights={"cheap": 100})).route_task(
        task(), ctx(max_cost=0.01), arm="best", experiment="e7", design="paired"
    )
    assert (decision.arm, decision.config.key, decision.propensity) == ("best", "anthropic/great", 1.0)
    assert (decision.design, decision.experiment, decision.policy) == ("paired", "e7", "experiment")
    assert shares(decision) == {"best": 1.0}
    assert "assigned_arm_infeasible" in decision.flags
    assert [r.code for c in decision.candidates if c.arm == "best" for r in c.reasons] == ["max_cost"]


def test_a_named_arm_may_be_a_model_or_the_default() -> None:
    plain = AITaskRouter(catalog())
    assert plain.route_task(task(), ctx(), arm="openai/large").config.key == "openai/large"
    assert plain.route_task(task(), ctx(), arm="default").config.key == "openai/medium"
    with pytest.raises(UnknownModel, match="nobody"):
        plain.route_task(task(), ctx(), arm="nobody")


def test_a_config_for_other_prices_or_past_its_expiry_routes_and_says_so() -> None:
    """S31: an expired config keeps routing and warns."""
    old = RoutingConfig.build(catalog="memory", catalog_version="other", as_of=TODAY, expires_on=TODAY)
    assert AITaskRouter(catalog(), old).route_task(task(), ctx()).flags == ("config_expired", "catalog_changed")


def test_two_arms_of_one_model_that_tie_in_everything_are_both_weighed() -> None:
    """The same model with two temperatures: equal utility, cost and key, and still two arms."""
    twins = {"warm": ArmSpec(model="openai/small", temperature=0.9), "cold": ArmSpec(model="openai/small")}
    routing = {"work.write": TaskRouting(weights={"warm": 50, "cold": 50})}
    config = RoutingConfig.start(catalog(), arms=twins, as_of=TODAY).evolve(tasks=routing)
    weighed = AITaskRouter(catalog(), config)
    assert {weighed.route_task(task(), ctx(n)).arm for n in range(100)} == {"warm", "cold"}
