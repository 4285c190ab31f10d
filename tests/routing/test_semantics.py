"""S1 to S18, the part of them that routing settles: each test names its number and fails on the sketch's behaviour."""

from datetime import date
from typing import Any

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.config import ArmSpec, RoutingConfig, TaskRouting
from bizq_lab.core.snapshot import BudgetView, Evidence, Health, History, Snapshot
from bizq_lab.core.task import RecentTaskPerformance, RoutingContext, Task, WorkspacePreferences
from bizq_lab.errors import InputError, NoFeasibleModel, UnknownModel, UnknownProvider, UnknownTaskType
from bizq_lab.routing import AITaskRouter, CostCalculator
from tests.support.routing_catalog import MODELS, PRICES, TODAY, catalog, model, task_type

WRITE = Task(type="work.write", input={"topic": "headphones"}, id="t1")
RESEARCH = Task(type="work.research", input={"topic": "headphones"}, id="t2")
CLASSIC = load_catalog("classic", as_of=TODAY)


def ctx(**fields: Any) -> RoutingContext:
    return RoutingContext(**{"workspace_id": "ws_1", **fields})


def prefer(**fields: Any) -> WorkspacePreferences:
    return WorkspacePreferences(**fields)


def config(**fields: Any) -> RoutingConfig:
    defaults: dict[str, Any] = {"catalog": "memory", "catalog_version": catalog().version, "as_of": TODAY}
    return RoutingConfig.build(**{**defaults, **fields})


def test_the_specifications_own_example_gives_its_own_answer() -> None:
    router = AITaskRouter(CLASSIC)
    task = Task(
        type="content.write_product_description",
        input={
            "product_name": "Wireless Headphones",
            "features": ["Noise cancelling", "Bluetooth 5.0", "30-hour battery"],
            "platform": "shopify",
        },
    )
    context = RoutingContext(
        workspace_id="ws_123", user_tier="growth", budget_tier="standard", priority="normal", max_cost=0.50
    )
    decision = router.route_task(task, context)
    assert (decision.provider, decision.model) == ("openai", "gpt-4")
    assert (decision.temperature, decision.max_tokens) == (0.3, 1000)
    assert "Structured output with persuasive elements" in decision.reasoning
    assert (decision.arm, decision.policy, decision.propensity) == ("default", "rules", 1.0)


@pytest.mark.parametrize("name", [name for name in CLASSIC.task_types if name != "default"])
def test_s1_the_whole_matrix_is_routed_as_written(name: str) -> None:
    decision = AITaskRouter(CLASSIC).route_task(Task(type=name, input={}), ctx(user_tier="scale"))
    entry, _ = CLASSIC.task_type(name)
    assert decision.config.key == entry.model
    assert (decision.temperature, decision.max_tokens) == (entry.temperature, entry.max_tokens)


def test_s1_an_unknown_type_takes_its_prefix_then_the_default_and_says_which() -> None:
    """The sketch reads a `default` entry that its matrix does not have."""
    router = AITaskRouter(CLASSIC)
    assert router.route_task(Task(type="content.write_poem"), ctx()).base_source == "prefix:content.*"
    assert router.route_task(Task(type="nonsense"), ctx()).base_source == "default"
    with pytest.raises(UnknownTaskType, match="write_blog_pos"):
        AITaskRouter(CLASSIC, strict=True).route_task(Task(type="content.write_blog_pos"), ctx())


def test_s2_retirement_binds_a_live_config_only() -> None:
    models = (*MODELS, model("openai/old", retired_on=date(2026, 1, 1), replaced_by="openai/medium"))
    types = (task_type("default", "openai/old"), task_type("work.write", "openai/old"))
    offline = AITaskRouter(catalog(models, types, purpose="offline")).route_task(WRITE, ctx())
    assert offline.config.key == "openai/old"
    live = AITaskRouter(catalog(models, types, purpose="live")).route_task(WRITE, ctx())
    assert live.config.key != "openai/old"
    why = next(c.reasons for c in live.candidates if c.model == "openai/old")
    assert [reason.code for reason in why] == ["retired"]
    assert "use openai/medium" in str(why[0])


def test_s3_a_config_that_names_an_unknown_model_is_refused_before_any_task() -> None:
    with pytest.raises(UnknownModel, match="openai/mediun"):
        AITaskRouter(catalog(), config(arms={"a": ArmSpec(model="openai/mediun")}))
    with pytest.raises(UnknownModel):
        AITaskRouter(catalog(), config(tasks={"t": TaskRouting(models=("gpt-9",))}))


def test_s3_the_prompt_version_is_part_of_the_decision() -> None:
    arms = {"worked": ArmSpec(model="openai/medium", prompt="example")}
    router = AITaskRouter(catalog(), config(arms=arms))
    plain, worked = router.route_task(WRITE, ctx()), router.route_task(WRITE, ctx(), arm="worked")
    assert worked.config.prompt == "example"
    assert plain.config.prompt_version != worked.config.prompt_version != ""
    missing = config(arms={"odd": ArmSpec(model="openai/medium", prompt="missing")})
    with pytest.raises(InputError, match="missing"):
        AITaskRouter(catalog(), missing).route_task(WRITE, ctx(), arm="odd")


def test_s4_an_unknown_price_is_refused_by_a_budget_and_never_counted_as_zero() -> None:
    router = AITaskRouter(catalog(prices={**PRICES, "openai/medium": None}))
    free = router.route_task(WRITE, ctx())
    assert free.config.key == "openai/medium"
    assert free.estimate.estimated_cost is free.estimate.high is None
    capped = router.route_task(WRITE, ctx(max_cost=100.0))
    assert capped.config.key != "openai/medium"
    why = next(c.reasons for c in capped.candidates if c.model == "openai/medium")
    assert "price is unknown" in str(why[0])


def test_s4_output_is_priced_as_output() -> None:
    """The sketch's single cost per token is the input price; claude-3-opus output costs five times it."""
    estimate = (
        AITaskRouter(CLASSIC)
        .route_task(Task(type="content.write_blog_post"), ctx(estimated_tokens=1_000, user_tier="scale"))
        .estimate
    )
    assert estimate.model == "anthropic/claude-3-opus"
    assert estimate.high == pytest.approx(1_000 * 15e-6 + 4_000 * 75e-6)


def test_s5_max_tokens_is_clamped_to_the_output_limit_and_says_so() -> None:
    models = tuple(entry.model_copy(update={"output_limit": 500}) for entry in MODELS)
    decision = AITaskRouter(catalog(models)).route_task(WRITE, ctx())
    assert decision.max_tokens == 500
    assert "max_tokens_clamped" in decision.flags
    assert "max_tokens_clamped" in decision.reasoning


def test_s5_max_tokens_is_clamped_to_what_the_context_window_leaves() -> None:
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(estimated_tokens=99_000))
    assert decision.max_tokens == 1_000
    assert "max_tokens_clamped" in decision.flags
    with pytest.raises(NoFeasibleModel, match="context_window"):
        AITaskRouter(catalog()).route_task(WRITE, ctx(estimated_tokens=99_900))


def test_s6_reasoning_never_speaks_of_a_model_that_was_not_chosen() -> None:
    """The sketch keeps 'creative writing requires …' after it moved to gpt-3.5-turbo."""
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(budget_tier="economy"))
    assert decision.config.key != "openai/medium"
    assert "because the test says so" not in decision.reasoning
    assert "best_utility" in decision.reasoning


def test_s7_utility_is_value_times_quality_less_cost_less_waiting() -> None:
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(estimated_tokens=1_000))
    row = next(c for c in decision.candidates if c.model == "openai/medium")
    cost = 1_000 * 2.5e-6 + 1_000 * 10e-6
    assert row.cost_usd == pytest.approx(cost)
    assert row.utility_usd == pytest.approx(0.5 * 0.75 - cost - 0.0005 * 2.0)


@pytest.mark.parametrize(("sensitivity", "weight"), [(0.0, 0.0), (0.5, 1.0), (None, 1.0), (1.0, 2.0)])
def test_s7_cost_sensitivity_weighs_cost(sensitivity: float | None, weight: float) -> None:
    context = ctx(workspace_preferences=prefer(cost_sensitivity=sensitivity))
    row = next(c for c in AITaskRouter(catalog()).route_task(WRITE, context).candidates if c.model == "openai/medium")
    assert row.cost_usd is not None
    assert row.utility_usd == pytest.approx(0.5 * 0.75 - weight * row.cost_usd - 0.0005 * 2.0)


def test_s8_only_the_workspace_is_required() -> None:
    assert (
        AITaskRouter(catalog()).route_task(Task(type="work.write"), RoutingContext(workspace_id="w")).model == "medium"
    )


def test_s9_economy_with_premium_quality_is_the_cheapest_that_meets_the_floor() -> None:
    """The sketch's last `if` wins silently."""
    decision = AITaskRouter(catalog(prices={**PRICES, "openai/large": (10.0, 50.0)})).route_task(
        WRITE, ctx(budget_tier="economy", quality_tier="premium")
    )
    assert decision.config.key == "openai/large"
    assert "budget_quality_conflict" in decision.flags
    assert "budget_quality_conflict" in decision.reasoning


def test_s9_max_cost_precedes_the_quality_floor() -> None:
    """What premium quality costs is not spent against the caller's limit; nor is the floor silently dropped."""
    with pytest.raises(NoFeasibleModel) as caught:
        AITaskRouter(catalog()).route_task(WRITE, ctx(quality_tier="premium", max_cost=0.001))
    assert len(caught.value.reasons) == len(MODELS)
    assert "max_cost" in dict(caught.value.reasons)["openai/large"]
    assert "quality_floor" in dict(caught.value.reasons)["openai/small"]


def test_s9_consistency_precedes_the_premium_temperature() -> None:
    decision = AITaskRouter(catalog()).route_task(
        WRITE,
        ctx(
            quality_tier="premium", requires_consistency=True, workspace_preferences=prefer(preferred_provider="openai")
        ),
    )
    assert decision.temperature == 0.0


def test_s9_the_floor_precedes_urgency_and_urgency_precedes_preferences() -> None:
    router = AITaskRouter(catalog())
    floor = router.route_task(WRITE, ctx(quality_tier="premium", priority="urgent"))
    assert floor.config.tier == "premium"
    urgent = router.route_task(WRITE, ctx(priority="urgent", workspace_preferences=prefer(preferred_provider="openai")))
    assert (urgent.config.key, urgent.config.speed_tier) == ("openai/small", "fast")


def test_s10_an_adjustment_replaces_the_whole_config() -> None:
    """The sketch would call openai for claude-3-opus."""
    decision = AITaskRouter(catalog()).route_task(
        RESEARCH, ctx(workspace_preferences=prefer(preferred_provider="openai"))
    )
    assert decision.config.key == "openai/large"
    assert decision.config.api_model == "large"
    assert decision.config.price == catalog().price("openai/large")
    assert (decision.temperature, decision.max_tokens) == (0.5, 4_000)


def test_s10_a_provider_without_that_tier_keeps_the_model_and_says_so() -> None:
    decision = AITaskRouter(catalog()).route_task(
        RESEARCH, ctx(workspace_preferences=prefer(preferred_provider="local"))
    )
    assert decision.config.key == "anthropic/great"
    assert "preferred_provider_unavailable" in decision.flags


def test_s10_urgent_caps_the_output_but_not_below_the_task_types_minimum() -> None:
    router = AITaskRouter(catalog())
    assert router.route_task(WRITE, ctx(priority="urgent")).max_tokens == 1_000
    assert router.route_task(RESEARCH, ctx(priority="urgent")).max_tokens == 1_500
    short = tuple(entry.model_copy(update={"output_limit": 1_200}) for entry in MODELS)
    assert "truncation_risk" in AITaskRouter(catalog(short)).route_task(RESEARCH, ctx()).flags


@pytest.mark.parametrize(
    ("fields", "tiers"),
    [
        ({"task_complexity": "complex"}, {"standard"}),
        ({"task_complexity": "complex", "quality_tier": "basic"}, {"economy", "standard"}),
        ({"user_tier": "starter", "budget_tier": "premium"}, {"economy", "standard"}),
        ({"user_tier": "growth", "budget_tier": "premium"}, {"economy", "standard", "premium"}),
        ({"user_tier": "starter", "quality_tier": "premium"}, {"premium"}),
        ({"budget_tier": "economy"}, {"economy"}),
        ({"budget_tier": "standard"}, {"economy", "standard"}),
    ],
)
def test_s11_complexity_floors_and_tiers_cap(fields: dict[str, Any], tiers: set[str]) -> None:
    """Fields the sketch never reads."""
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(**fields))
    tier_of = {entry.key: entry.tier for entry in MODELS}
    assert {tier_of[c.model] for c in decision.candidates if c.eligible} == tiers


def test_s11_complexity_scales_the_expected_output() -> None:
    calculator, base = CostCalculator(catalog()), AITaskRouter(catalog()).route_task(WRITE, ctx()).config
    outputs = [
        calculator.estimate_task_cost(WRITE, base, ctx(task_complexity=c)).output_tokens
        for c in ("simple", "moderate", "complex")
    ]
    assert outputs == [750, 1_000, 1_500]


def test_s11_the_deadline_is_checked_against_the_predicted_p95() -> None:
    router = AITaskRouter(catalog())
    assert router.route_task(RESEARCH, ctx(max_processing_time=13.0)).config.key == "openai/large"
    slow = Snapshot(id="s", health={"openai/large": Health(p95_latency_s=20.0)})
    decision = router.route_task(RESEARCH, ctx(max_processing_time=13.0), snapshot=slow)
    why = next(c.reasons for c in decision.candidates if c.model == "openai/large")
    assert str(why[0]) == "deadline: predicted p95 (20, limit 13 s)"


def test_s11_consistency_pins_temperature_and_seed_where_accepted() -> None:
    router = AITaskRouter(catalog())
    pinned = router.route_task(WRITE, ctx(requires_consistency=True))
    assert pinned.temperature == 0.0
    assert pinned.config.seed is not None
    assert (
        pinned.config.seed == router.route_task(WRITE, ctx(requires_consistency=True, workspace_id="other")).config.seed
    )
    rejects = router.route_task(RESEARCH, ctx(requires_consistency=True))
    assert (rejects.temperature, rejects.config.seed) == (None, None)
    assert "not accepted" in rejects.reasoning


def test_s11_consistency_fails_over_to_the_same_model_only_unless_allowed() -> None:
    models = (*MODELS, model("azure/medium"))
    router = AITaskRouter(catalog(models))
    strict = router.route_task(WRITE, ctx(requires_consistency=True))
    assert [config.key for config in strict.fallbacks] == ["azure/medium"]
    allowed = ctx(requires_consistency=True, workspace_preferences=prefer(allow_failover_when_consistent=True))
    assert len(router.route_task(WRITE, allowed).fallbacks) > 1


def test_s11_impatience_changes_the_best_utility() -> None:
    def waiting(**fields: Any) -> float:
        rows = AITaskRouter(catalog()).route_task(WRITE, ctx(**fields)).candidates
        row = next(c for c in rows if c.model == "openai/medium")
        assert row.utility_usd is not None
        assert row.cost_usd is not None
        return 0.5 * 0.75 - row.cost_usd - row.utility_usd

    prices = [waiting(priority=p) for p in ("low", "normal", "high", "urgent")]
    assert prices == sorted(set(prices))
    fast, careful = prefer(quality_over_speed=False), prefer(quality_over_speed=True)
    assert waiting(workspace_preferences=fast) == pytest.approx(4 * waiting(workspace_preferences=careful))


def test_s11_recent_performance_is_a_prior_only_where_the_log_is_empty() -> None:
    recent = RecentTaskPerformance(average_response_time=30.0, success_rate=0.1)
    router, context = AITaskRouter(catalog()), ctx(recent_task_performance=recent)
    rows = {c.model: c for c in router.route_task(WRITE, context).candidates}
    assert (rows["openai/medium"].quality, rows["openai/medium"].latency_s) == (0.1, 30.0)
    assert rows["anthropic/middle"].quality == 0.8
    history = {
        ("work.write", "", "openai/medium"): History(n=90, successes=81, quality_mean=0.9, quality_n=90, effective_n=90)
    }
    known = Snapshot(id="s", evidence=Evidence(version="1", history=history))
    rows = {c.model: c for c in router.route_task(WRITE, context, snapshot=known).candidates}
    assert rows["openai/medium"].quality == pytest.approx((90 * 0.9 + 10 * 0.75) / 100)


def test_s12_validation_is_joint() -> None:
    """The sketch returns after its first repair: here the cheap model is down, and the other too slow."""
    health = {"openai/small": Health(available=False), "anthropic/little": Health(p95_latency_s=60.0)}
    snapshot = Snapshot(id="s", health=health, budget=BudgetView(remaining_usd=0.01))
    with pytest.raises(NoFeasibleModel) as caught:
        AITaskRouter(catalog()).route_task(WRITE, ctx(max_processing_time=7.0), snapshot=snapshot)
    reasons = dict(caught.value.reasons)
    assert "unavailable" in reasons["openai/small"]
    assert "deadline" in reasons["anthropic/little"]
    assert "workspace_budget" in reasons["openai/medium"]
    assert "deadline" in reasons["openai/large"]
    assert "budget_cap" in reasons["openai/large"]


@pytest.mark.parametrize(
    ("health", "code"),
    [
        (Health(available=False, retry_in_s=12.0), "unavailable"),
        (Health(requests_left=0), "rate_limited"),
        (Health(tokens_left=1_500), "rate_limited"),
    ],
)
def test_s12_the_chain_holds_no_original_no_repeat_and_nothing_infeasible(health: Health, code: str) -> None:
    snapshot = Snapshot(id="s", health={"openai/medium": health})
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(), snapshot=snapshot)
    keys = [decision.config.key, *[fallback.key for fallback in decision.fallbacks]]
    assert "openai/medium" not in keys
    assert len(set(keys)) == len(keys) > 2
    assert [r.code for c in decision.candidates if c.model == "openai/medium" for r in c.reasons] == [code]
    assert {fallback.max_tokens for fallback in decision.fallbacks} == {2_000}


def test_s12_busy_slots_exclude_no_model_since_execution_queues_for_them() -> None:
    snapshot = Snapshot(id="s", health={"openai/medium": Health(slots_left=0)})
    assert AITaskRouter(catalog()).route_task(WRITE, ctx(), snapshot=snapshot).config.key == "openai/medium"


def test_s12_the_first_fallback_is_another_provider() -> None:
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx())
    assert decision.fallbacks[0].provider != decision.provider


def test_s12_only_allowed_models_are_candidates() -> None:
    routing = TaskRouting(models=("openai/small", "little"))
    decision = AITaskRouter(catalog(), config(tasks={"work.write": routing})).route_task(WRITE, ctx())
    assert {c.model for c in decision.candidates} == {"openai/small", "anthropic/little"}


def test_s13_the_cheaper_alternative_is_the_best_utility_within_max_cost() -> None:
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(max_cost=0.005))
    assert decision.config.key == "anthropic/little"
    twins = (model("a/one", quality_prior=0.7), model("b/two", quality_prior=0.7))
    types = (task_type("default", "a/one"), task_type("work.write", "a/one"))
    tie = AITaskRouter(catalog(twins, types, {"a/one": (1.0, 2.0), "b/two": (1.0, 2.0)}))
    free = ctx(workspace_preferences=prefer(cost_sensitivity=0.0), budget_tier="premium")
    down = Snapshot(id="s", health={"a/one": Health(available=False)})
    assert tie.route_task(WRITE, free, snapshot=down).config.key == "b/two"


def test_s14_a_decision_replays_and_names_what_it_read() -> None:
    router = AITaskRouter(catalog(), config())
    snapshot = Snapshot(id="snap-7")
    first = router.route_task(WRITE, ctx(), snapshot=snapshot, seed=3)
    again = AITaskRouter(catalog(), config()).route_task(WRITE, ctx(), snapshot=snapshot, seed=3)
    assert first == again
    assert (first.snapshot_id, first.seed) == ("snap-7", 3)
    assert first.config_hash == config().hash
    assert first.catalog_version == catalog().version
    assert router.route_task(WRITE, ctx(max_cost=1.0), snapshot=snapshot, seed=3).decision_id != first.decision_id


def test_s14_provider_and_model_read_through_to_the_config() -> None:
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx())
    assert (decision.provider, decision.model) == (decision.config.provider, decision.config.model)
    assert (decision.temperature, decision.max_tokens) == (decision.config.temperature, decision.config.max_tokens)
    assert decision.reasoning == decision.config.reasoning


def test_s16_calculator_and_router_agree_to_the_last_bit() -> None:
    decision = AITaskRouter(catalog()).route_task(WRITE, ctx(max_cost=0.5))
    calculator = CostCalculator(catalog())
    assert calculator.estimate_task_cost(WRITE, decision, ctx()) == decision.estimate
    assert calculator.estimate_task_cost(WRITE, decision.config, ctx()) == decision.estimate


def test_s16_routing_filters_on_the_high_estimate() -> None:
    estimate = AITaskRouter(catalog()).route_task(WRITE, ctx()).estimate
    assert estimate.low is not None
    assert estimate.estimated_cost is not None
    assert estimate.high is not None
    assert estimate.low < estimate.estimated_cost < estimate.high
    between = (estimate.estimated_cost + estimate.high) / 2
    assert AITaskRouter(catalog()).route_task(WRITE, ctx(max_cost=between)).config.key != estimate.model
    assert AITaskRouter(catalog()).route_task(WRITE, ctx(max_cost=estimate.high)).config.key == estimate.model


def test_s16_the_log_replaces_shares_and_raises_confidence() -> None:
    history = {
        ("work.write", "", "openai/medium"): History(n=60, successes=50, effective_n=60, output_tokens=(100, 300, 700))
    }
    snapshot = Snapshot(id="s", evidence=Evidence(version="1", history=history))
    plain = AITaskRouter(catalog()).route_task(WRITE, ctx()).estimate
    known = AITaskRouter(catalog()).route_task(WRITE, ctx(), snapshot=snapshot).estimate
    assert (plain.output_tokens, known.output_tokens) == (1_000, 300)
    assert plain.confidence == 0.0
    assert known.confidence == pytest.approx(60 / 80)


def test_s17_optimizing_keeps_parameters_floor_and_the_smaller_limit() -> None:
    """The sketch returns a bare config, ignores the context's limit, and knows orderings for three task types."""
    calculator = CostCalculator(catalog())
    chosen = calculator.optimize_for_budget(WRITE, ctx(), 0.25)
    assert (chosen.tier, chosen.temperature, chosen.max_tokens) == ("economy", 0.5, 2_000)
    floored = calculator.optimize_for_budget(WRITE, ctx(task_complexity="complex"), 0.25)
    assert floored.tier == "standard"
    with pytest.raises(NoFeasibleModel, match="max_cost"):
        calculator.optimize_for_budget(WRITE, ctx(task_complexity="complex", max_cost=0.001), 0.25)


def test_s17_the_handmade_ordering_rules_until_data_speaks() -> None:
    hand = ("openai/medium", "openai/small", "anthropic/little")
    types = (task_type("default", "openai/medium"), task_type("work.write", "openai/medium", efficiency=hand))

    def first(n: int, cost_usd: float) -> str:
        history = History(n=n, successes=n // 2, effective_n=float(n), cost_mean_usd=cost_usd)
        evidence = Evidence(version=f"{n}", history={("work.write", "", "openai/medium"): history})
        return CostCalculator(catalog(types=types), evidence).optimize_for_budget(WRITE, ctx(), 1.0).model

    assert CostCalculator(catalog(types=types)).optimize_for_budget(WRITE, ctx(), 1.0).model == "medium"
    assert first(1, 0.05) == "medium"
    assert first(5_000, 0.05) == "small"


def test_s17_every_task_type_has_an_ordering() -> None:
    for name in CLASSIC.task_types:
        assert CostCalculator(CLASSIC).optimize_for_budget(Task(type=name), ctx(), 1.0).model


def test_s18_the_workspaces_remaining_budget_is_a_constraint() -> None:
    snapshot = Snapshot(id="s", budget=BudgetView(remaining_usd=0.005))
    assert AITaskRouter(catalog()).route_task(WRITE, ctx(), snapshot=snapshot).config.key == "anthropic/little"


def test_s22_a_local_model_never_fails_over_to_a_remote_one_unless_allowed() -> None:
    types = (task_type("default", "local/tiny"), task_type("work.write", "local/tiny"))
    router = AITaskRouter(catalog(types=types))
    assert router.route_task(WRITE, ctx()).fallbacks == ()
    assert router.route_task(WRITE, ctx(workspace_preferences=prefer(allow_remote_failover=True))).fallbacks
    at_home = router.route_task(WRITE, ctx(workspace_preferences=prefer(residency="local")))
    assert [c.model for c in at_home.candidates if c.eligible] == ["local/tiny"]


def test_an_unknown_provider_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownProvider, match="antropic"):
        AITaskRouter(catalog()).route_task(WRITE, ctx(workspace_preferences=prefer(preferred_provider="antropic")))


def test_a_capability_that_no_model_has_leaves_no_candidate() -> None:
    types = (task_type("default", "openai/medium", capabilities=frozenset({"vision"})),)
    with pytest.raises(NoFeasibleModel, match="lacks vision"):
        AITaskRouter(catalog(types=types)).route_task(WRITE, ctx())


def test_the_router_without_arguments_uses_the_default_catalog() -> None:
    decision = AITaskRouter().route_task(Task(type="content.create_social_post"), ctx())
    assert decision.catalog_version == load_catalog().version
