"""Laws of routing over random catalogs, contexts, configs and snapshots, 500 examples each."""

import math
import random
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bizq_lab.catalog.schema import ModelEntry
from bizq_lab.config import AdaptivePolicy, ArmSpec, RoutingConfig, TaskRouting
from bizq_lab.core.decision import Candidate, RoutingDecision
from bizq_lab.core.snapshot import BudgetView, Evidence, Health, History, Snapshot
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.errors import InputError, NoFeasibleModel
from bizq_lab.routing import AITaskRouter, CostCalculator
from bizq_lab.routing.tokens import count_input, count_tokens
from tests.support.routing_catalog import TODAY, catalog, model, task_type

many = settings(max_examples=500, deadline=None)
share = st.floats(0.0, 1.0)
KEYS = [f"p{n % 3}/m{n}" for n in range(5)]


def some_model(number: int) -> ModelEntry:
    """One of many different models, made once: building them anew in every example takes longer than routing."""
    chance = random.Random(number)
    return model(
        "x/x",
        tier=chance.choice(["economy", "standard", "premium"]),
        speed_tier=chance.choice(["fast", "standard", "thorough"]),
        quality_prior=chance.random(),
        latency_prior_s=chance.uniform(0.1, 30.0),
        residency=chance.choice(["remote", "remote", "local"]),
        retired_on=chance.choice([None, None, None, date(2026, 1, 1), TODAY, date(2027, 1, 1)]),
    )


MODELS = [some_model(number) for number in range(60)]
ROUTINGS = (
    None,
    TaskRouting(weights={"a": 30, "b": 30, "default": 40}),
    TaskRouting(adaptive=AdaptivePolicy(draws=1_000)),
    TaskRouting(adaptive=AdaptivePolicy(kind="epsilon_greedy", floor=0.2)),
)
maybe_usd = st.none() | st.floats(0.0, 0.2)
contexts = st.builds(
    RoutingContext,
    workspace_id=st.sampled_from(["w1", "w2", "w3"]),
    task_complexity=st.sampled_from(["simple", "moderate", "complex"]),
    estimated_tokens=st.none() | st.integers(0, 5_000),
    priority=st.sampled_from(["low", "normal", "high", "urgent"]),
    user_tier=st.sampled_from(["starter", "growth", "scale"]),
    budget_tier=st.sampled_from(["economy", "standard", "premium"]),
    quality_tier=st.sampled_from(["basic", "standard", "premium"]),
    max_cost=maybe_usd,
    max_processing_time=st.none() | st.floats(1.0, 60.0),
    requires_consistency=st.booleans(),
    workspace_preferences=st.none()
    | st.builds(
        WorkspacePreferences,
        preferred_provider=st.sampled_from([None, "p0"]),
        quality_over_speed=st.sampled_from([None, True, False]),
        cost_sensitivity=st.none() | share,
        residency=st.sampled_from(["any", "any", "local"]),
        allow_remote_failover=st.booleans(),
    ),
)


@dataclass(frozen=True)
class World:
    """Models with prices, a base among them, and perhaps weights or exploration."""

    models: tuple[ModelEntry, ...]
    prices: dict[str, tuple[float, float] | None]
    base: str
    routing: TaskRouting | None


def some_world(number: int) -> World:
    """One of endlessly many. Seeded, because hypothesis draws a hundred choices more slowly than routing decides."""
    chance = random.Random(number)
    named = [
        chance.choice(MODELS).model_copy(update=dict(zip(("provider", "model"), key.split("/"), strict=True)))
        for key in KEYS[: chance.randint(2, 5)]
    ]
    dear = [
        None,
        (0.0, 0.0),
        (chance.uniform(0, 20), chance.uniform(0, 80)),
        (chance.uniform(0, 3), chance.uniform(0, 9)),
    ]
    return World(
        models=tuple(named),
        prices={entry.key: chance.choice(dear) for entry in named},
        base=chance.choice(named).key,
        routing=chance.choice(ROUTINGS),
    )


def some_snapshot(number: int) -> Snapshot:
    """Health, history and budget of some of the models, edges included."""
    chance = random.Random(number)
    seen = {
        key: Health(
            available=chance.random() < 0.8,
            p95_latency_s=chance.choice([None, 0.1, chance.uniform(0, 60)]),
            requests_left=chance.choice([None, 0, 1]),
            tokens_left=chance.choice([None, None, 0, 20_000]),
        )
        for key in KEYS
        if chance.random() < 0.4
    }
    history = {
        ("work.write", "", key): History(
            n=n,
            successes=chance.randint(0, n),
            effective_n=float(n),
            latency_mean_s=chance.uniform(0.1, 30),
            cost_mean_usd=chance.choice([None, 0.0, chance.uniform(0, 0.1)]),
        )
        for key in KEYS
        if (n := chance.choice([0, 1, 30, 500]))
    }
    budget = BudgetView(remaining_usd=chance.choice([None, None, 0.0, chance.uniform(0, 0.2)]))
    return Snapshot(id="s", health=seen, evidence=Evidence(version="e", history=history), budget=budget)


worlds = st.integers(0, 10**6).map(some_world)
snapshots = st.integers(0, 10**6).map(some_snapshot)


def build(world: World, *, backwards: bool = False) -> AITaskRouter:
    models = tuple(reversed(world.models)) if backwards else world.models
    made = catalog(models, (task_type("default", world.base), task_type("work.write", world.base)), world.prices)
    if world.routing is None:
        return AITaskRouter(made)
    arms = {"a": ArmSpec(model=KEYS[0]), "b": ArmSpec(model=KEYS[1], prompt="example")}
    tasks = {"work.write": world.routing}
    config = RoutingConfig.build(catalog="memory", catalog_version=made.version, as_of=TODAY, arms=arms, tasks=tasks)
    return AITaskRouter(made, config)


def decide(
    router: AITaskRouter, context: RoutingContext, snapshot: Snapshot, seed: int = 0, tokens: int = 10
) -> RoutingDecision | None:
    try:
        return router.route_task(
            Task(type="work.write", id="t1", input={"text": "abcd" * tokens}), context, snapshot=snapshot, seed=seed
        )
    except NoFeasibleModel:
        return None


def chosen_row(decision: RoutingDecision) -> Candidate:
    if decision.policy == "rules":
        return next(c for c in decision.candidates if c.model == decision.config.key)
    return next(c for c in decision.candidates if c.arm == decision.arm)


@many
@given(worlds, contexts, snapshots, st.integers(0, 99))
def test_never_an_ineligible_an_over_budget_or_a_retired_model(
    world: World, context: RoutingContext, snapshot: Snapshot, seed: int
) -> None:
    """An arm that the hash assigned may fail what acts after assignment, never what the context alone forbids (S15)."""
    decision = decide(build(world), context, snapshot, seed)
    if decision is None:
        return
    row = chosen_row(decision)
    assigned = decision.policy == "weights" and decision.arm != "default"
    codes = {reason.code for reason in row.reasons}
    assert not codes & {"retired", "residency", "capability", "entitlement", "quality_floor", "budget_cap"}
    assert row.eligible or (assigned and "assigned_arm_infeasible" in decision.flags)
    eligible = {c.model for c in decision.candidates if c.eligible and c.arm == c.model}
    keys = [fallback.key for fallback in decision.fallbacks]
    assert set(keys) <= eligible - {decision.config.key}
    assert len(set(keys)) == len(keys)
    retired = {entry.key for entry in world.models if entry.retired_on and entry.retired_on <= TODAY}
    assert not retired & {decision.config.key, *keys}
    limits = [limit for limit in (context.max_cost, snapshot.budget.remaining_usd) if limit is not None]
    if limits and row.eligible:
        assert decision.estimate.high is not None
        assert decision.estimate.high <= min(limits)


@many
@given(worlds, contexts, snapshots, st.integers(0, 99))
def test_same_inputs_same_decision_in_any_order_of_candidates(
    world: World, context: RoutingContext, snapshot: Snapshot, seed: int
) -> None:
    """On a router that has routed before, on a new one, and on one whose catalog is permuted."""
    router = build(world)
    first = decide(router, context, snapshot, seed)
    assert decide(router, context, snapshot, seed) == first
    assert decide(build(world), context, snapshot, seed) == first
    other = decide(build(world, backwards=True), context, snapshot, seed)
    if first is None or other is None:
        assert first is other
    else:
        assert (other.config.key, other.arm, other.candidates) == (first.config.key, first.arm, first.candidates)
        assert other.fallbacks == first.fallbacks


@many
@given(worlds, contexts, snapshots, st.floats(0.0, 0.2), st.floats(0.0, 30.0))
def test_relaxing_a_constraint_never_makes_the_best_utility_worse(
    world: World, context: RoutingContext, snapshot: Snapshot, more_usd: float, more_s: float
) -> None:
    router = build(world)
    relaxed = context.model_copy(
        update={
            "max_cost": None if context.max_cost is None else context.max_cost + more_usd,
            "max_processing_time": None
            if context.max_processing_time is None
            else context.max_processing_time + more_s,
        }
    )
    tight, loose = decide(router, context, snapshot), decide(router, relaxed, snapshot)
    if tight is not None:
        assert loose is not None
        assert best_utility(loose) >= best_utility(tight)


def best_utility(decision: RoutingDecision) -> float:
    utilities = [c.utility_usd for c in decision.candidates if c.eligible and c.arm == c.model]
    return max((utility for utility in utilities if utility is not None), default=-math.inf)


@many
@given(worlds, contexts, st.integers(0, 3_000), st.integers(0, 3_000))
def test_cost_is_monotone_in_tokens(world: World, context: RoutingContext, small: int, extra: int) -> None:
    router = build(world)
    plain = context.model_copy(update={"max_cost": None, "estimated_tokens": None})
    costs = []
    for tokens in (small, small + extra):
        task = Task(type="work.write", id="t", input={"text": "abcd" * tokens})
        config = router.catalog.model_config(world.base, router.catalog.task_type("work.write")[0])
        costs.append(CostCalculator(router.catalog).estimate_task_cost(task, config, plain))
    less, more = costs
    if less.low is None or more.low is None:
        assert less.high is more.high is None
        return
    assert less.high is not None
    assert more.high is not None
    assert less.low <= more.low
    assert less.high <= more.high
    assert less.low <= less.high


@many
@given(worlds, contexts, snapshots, st.integers(0, 99))
def test_the_propensities_of_a_decision_sum_to_one(
    world: World, context: RoutingContext, snapshot: Snapshot, seed: int
) -> None:
    decision = decide(build(world), context, snapshot, seed)
    if decision is not None:
        assert math.isclose(sum(c.propensity for c in decision.candidates), 1.0, abs_tol=1e-12)
        assert decision.propensity == chosen_row(decision).propensity > 0.0


@settings(max_examples=100, deadline=None)
@given(worlds, st.lists(contexts, min_size=1, max_size=5))
def test_route_many_decides_exactly_as_route_task(world: World, given_contexts: list[RoutingContext]) -> None:
    tasks = [Task(type="work.write", id=f"t{n}") for n in range(len(given_contexts))]
    one_by_one = []
    for task, context in zip(tasks, given_contexts, strict=True):
        try:
            one_by_one.append(build(world).route_task(task, context))
        except NoFeasibleModel:
            return
    assert list(build(world).route_many(tasks, given_contexts)) == one_by_one


def test_route_many_refuses_contexts_that_do_not_match() -> None:
    router, one = AITaskRouter(catalog()), RoutingContext(workspace_id="w")
    tasks = [Task(type="work.write"), Task(type="work.write")]
    assert len(list(router.route_many(tasks, one))) == 2
    with pytest.raises(InputError, match="no context is left"):
        list(router.route_many(tasks, [one]))
    with pytest.raises(InputError, match="more contexts"):
        list(router.route_many(tasks, [one] * 3))


@many
@given(st.text(max_size=200), st.text(max_size=200))
def test_tokens_are_counted_alike_however_a_text_is_cut(left: str, right: str) -> None:
    whole, parts = count_tokens(left + right), count_tokens(left) + count_tokens(right)
    assert max(count_tokens(left), count_tokens(right)) <= whole <= parts + 1e-9


def test_tokens_follow_the_script() -> None:
    assert count_tokens("word" * 100) == 100
    assert count_tokens("слово" * 100) == 250
    assert count_tokens("東京" * 100) == pytest.approx(132)
    assert count_tokens("2026" * 100) == 200
    assert count_tokens("éé2026") == count_tokens("éé") + count_tokens("2026")
    assert count_tokens("👍" * 100) == 200
    assert count_input({}) == 0
    assert count_input({"a": {"b": ["x" * 40, 3, None, True]}}) > 10


@pytest.mark.parametrize(
    "fields",
    [
        {"max_cost": math.nan},
        {"max_cost": math.inf},
        {"max_cost": -0.01},
        {"max_processing_time": -1.0},
        {"estimated_tokens": -1},
        {"estimated_tokens": 1.5},
        {"max_costs": 0.5},
        {"priority": "asap"},
        {"workspace_preferences": {"cost_sensitivity": 1.5}},
    ],
)
def test_what_a_context_cannot_mean_is_refused_at_construction(fields: dict[str, Any]) -> None:
    """S8: before anything is spent. The error names the field."""
    name = next(iter(fields))
    with pytest.raises(ValidationError, match=name):
        RoutingContext(workspace_id="w", **fields)


@pytest.mark.parametrize("max_cost", [math.nan, math.inf, -1.0])
def test_a_budget_that_is_no_amount_is_refused(max_cost: float) -> None:
    with pytest.raises(InputError, match="max_cost"):
        CostCalculator(catalog()).optimize_for_budget(
            Task(type="work.write"), RoutingContext(workspace_id="w"), max_cost
        )
