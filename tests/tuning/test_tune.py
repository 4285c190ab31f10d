"""Tuning moves what the evidence moves, within its limits, and publishing refuses the rest (S29, S31, S32)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.catalog.schema import ModelEntry, RateLimits
from bizq_lab.config import ArmSpec, RoutingConfig, load_config
from bizq_lab.core.events import AttemptEvent, ConfigEvent, Event
from bizq_lab.core.money import format_usd
from bizq_lab.errors import (
    InfeasibleLimits,
    InputError,
    InvalidRoutingConfig,
    NotEnoughData,
    PriceMissing,
    UnsafeProposal,
)
from bizq_lab.simulate import World
from bizq_lab.store import Log
from bizq_lab.tuning import Proposal, publish, tune
from tests.support.analysis_log import TASK_TYPE, Stream, simulate
from tests.support.store_events import make_event

TODAY = date(2026, 11, 24)
CATALOG = load_catalog("current", as_of=TODAY)
MODELS = {"small": "openai/gpt-6-luna", "large": "openai/gpt-6.1-terra"}
ARMS = {arm: ArmSpec(model=key) for arm, key in MODELS.items()}


def config_of(weights: Mapping[str, int], task_type: str = TASK_TYPE) -> RoutingConfig:
    return RoutingConfig.start(CATALOG, arms=ARMS, tasks={task_type: weights}, as_of=TODAY)


def weights(proposal: Proposal, task_type: str = TASK_TYPE) -> dict[str, int]:
    return {arm: percent for arm, percent in proposal.config.tasks[task_type].weights.items() if percent}


def run_arms(
    stream: Stream, successes: Mapping[str, int], *, tasks: int, cost: Mapping[str, float] | None = None
) -> None:
    """Every arm on the same tasks; it succeeds on its first so many."""
    for number in range(tasks):
        for arm, count in successes.items():
            stream.run(
                arm=arm,
                task=f"t{number}",
                succeeded=number < count,
                decide={"model": MODELS[arm]},
                cost_usd=(cost or {}).get(arm, 0.001) + number * 1e-6,
            )


def test_a_clearly_better_arm_gets_all_but_the_exploration_floor(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    proposal = tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100}))
    assert proposal.status(TASK_TYPE) == "improved"
    assert weights(proposal) == {"large": 95, "small": 5}
    assert proposal.gain.lower > 0
    assert "Move 1 of 1 task types" in proposal.summary()


def test_what_the_data_do_not_decide_stays(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 15, "large": 16}, tasks=30, cost={"large": 0.0012})
    present = config_of({"small": 60, "large": 40})
    proposal = tune(log, CATALOG, as_of=TODAY, config=present)
    assert proposal.status(TASK_TYPE) == "undecided"
    assert weights(proposal) == {"small": 60, "large": 40}
    assert "Keep the present routing" in proposal.summary()


def test_with_little_evidence_the_default_arm_stays(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 0, "large": 4}, tasks=4)
    proposal = tune(log, CATALOG, as_of=TODAY, config=config_of({"default": 100}))
    assert proposal.status(TASK_TYPE) == "no_evidence"
    assert weights(proposal) == {"default": 100}
    assert "arms_left_out" in {c.code for c in proposal.caveats}


def test_a_default_that_was_never_measured_is_replaced_only_by_a_clear_winner(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    proposal = tune(log, CATALOG, as_of=TODAY, config=config_of({"default": 100}))
    assert weights(proposal) == {"large": 95, "small": 5}
    assert "present_not_measured" in {c.code for c in proposal.caveats}


def test_a_budget_moves_traffic_to_the_cheaper_arm_and_holds_at_the_upper_bound(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 20, "large": 29}, tasks=30, cost={"small": 0.001, "large": 0.010})
    present = config_of({"large": 100})
    free = tune(log, CATALOG, as_of=TODAY, config=present)
    bound = tune(log, CATALOG, as_of=TODAY, config=present, budget_usd=5.0)
    assert weights(free).get("large", 0) > weights(bound)["large"]
    assert bound.status(TASK_TYPE) == "required"
    assert bound.cost.upper <= 5.0
    (price,) = [price for price in bound.shadow_prices if price.limit == "budget"]
    assert price.value_usd > 0
    assert f"one more USD buys {format_usd(price.value_usd)} of value" in str(price)


def test_a_floor_that_no_arm_keeps_names_itself_and_the_amount(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 15}, tasks=30)
    with pytest.raises(InfeasibleLimits, match=r"success floor of order\.process_batch") as caught:
        tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100}), quality_floor=0.9)
    ((name, amount, _),) = caught.value.relax
    assert name == f"success floor of {TASK_TYPE}"
    assert 0.3 < amount < 0.7


def test_the_ramp_bounds_every_change(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    proposal = tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100}), ramp_limit=0.25)
    assert weights(proposal) == {"small": 75, "large": 25}


def test_an_unmeasured_default_keeps_what_the_ramp_leaves_it(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    proposal = tune(log, CATALOG, as_of=TODAY, config=config_of({"default": 100}), ramp_limit=0.5)
    assert weights(proposal)["default"] == 50


def test_in_a_known_world_the_proposal_beats_an_equal_split_within_its_budget(log: Log, stream: Stream) -> None:
    """Truth is known: the true value of the proposed weights against an equal split of the same arms."""
    world = World(5, CATALOG)
    types = [name for name in sorted(CATALOG.task_types) if name != "default"][:4]
    for name in types:
        simulate(stream, world, name, MODELS, tasks=250)
    config = RoutingConfig.start(
        CATALOG, arms=ARMS, tasks={name: {"small": 50, "large": 50} for name in types}, as_of=TODAY
    )
    truth = {(name, arm): world.truth(name, key) for name in types for arm, key in MODELS.items()}

    def true_cost(chosen: RoutingConfig) -> float:
        return sum(
            1000 * p / 100 * (truth[name, arm].cost_usd or 0)
            for name in types
            for arm, p in chosen.tasks[name].weights.items()
        )

    def true_value(chosen: RoutingConfig) -> float:
        gain = sum(
            1000
            * p
            / 100
            * CATALOG.task_types[name].value_usd
            * truth[name, arm].quality
            * (1 - truth[name, arm].error_rate)
            for name in types
            for arm, p in chosen.tasks[name].weights.items()
        )
        return gain - true_cost(chosen)

    proposal = tune(log, CATALOG, as_of=TODAY, config=config)
    budget = 0.8 * true_cost(proposal.config)
    frugal = tune(log, CATALOG, as_of=TODAY, config=config, budget_usd=budget)
    assert true_value(proposal.config) > true_value(config)
    assert true_cost(frugal.config) <= budget


def test_the_config_carries_its_evidence_and_is_the_same_again(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    present = config_of({"small": 100})
    first, again = (tune(log, CATALOG, as_of=TODAY, config=present).config for _ in range(2))
    assert first.hash == again.hash
    assert (first.parent, first.as_of, first.price_version) == (present.hash, TODAY, CATALOG.price_version)
    rows = {(row.arm, row.metric): row for row in first.evidence}
    assert rows["large", "success"].value == pytest.approx(28 / 30)
    assert rows["large", "success"].n == 30
    assert rows["large", "success"].design == "paired"
    assert first.tasks[TASK_TYPE].salt


def test_without_a_config_the_arms_come_from_the_log(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    proposal = tune(log, CATALOG, as_of=TODAY)
    assert proposal.config.arms["large"].model == MODELS["large"]
    assert weights(proposal) == {"large": 95, "small": 5}


def test_limits_that_mean_nothing_are_refused(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 1}, tasks=1)
    for options in ({"quality_floor": 1.5}, {"budget_usd": -1.0}, {"ramp_limit": -0.1}):
        with pytest.raises(InputError):
            tune(log, CATALOG, as_of=TODAY, **options)  # type: ignore[arg-type]


def test_a_log_without_decisions_cannot_be_tuned(log: Log, stream: Stream) -> None:
    stream.register("exp", ["a", "b"])
    with pytest.raises(NotEnoughData):
        tune(log, CATALOG, as_of=TODAY)


# -- publishing --------------------------------------------------------------------------------------------------


class Events:
    """Keeps what is appended."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    def append(self, event: Event) -> None:
        """Keep one event."""
        self.seen.append(event)


def test_a_published_config_is_on_disk_and_in_the_log(log: Log, stream: Stream, tmp_path: Path) -> None:
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    proposal, sink = tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100})), Events()
    publish(proposal, tmp_path / "routing.json", sink=sink)
    assert load_config(tmp_path / "routing.json") == proposal.config
    (event,) = sink.seen
    assert isinstance(event, ConfigEvent)
    assert (event.config_hash, event.parent_hash, event.override) == (proposal.config.hash, proposal.config.parent, "")
    log.append(event)
    assert RoutingConfig.model_validate(event.document) == proposal.config


def test_weights_without_evidence_are_refused_unless_a_reason_is_given(tmp_path: Path) -> None:
    config, sink = config_of({"large": 100}), Events()
    with pytest.raises(UnsafeProposal, match="without evidence"):
        publish(config, tmp_path / "routing.json", sink=sink)
    assert not sink.seen
    assert not (tmp_path / "routing.json").exists()
    publish(config, tmp_path / "routing.json", sink=sink, override="the vendor retires the other one tonight")
    (event,) = sink.seen
    assert isinstance(event, ConfigEvent)
    assert event.override == "the vendor retires the other one tonight"


def test_evidence_of_too_few_tasks_is_no_evidence(log: Log, stream: Stream, tmp_path: Path) -> None:
    run_arms(stream, {"small": 0, "large": 6}, tasks=6)
    proposal = tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100}), min_tasks=3)
    assert weights(proposal)["large"] == 95
    with pytest.raises(UnsafeProposal, match="fewer than 10"):
        publish(proposal, tmp_path / "routing.json")


def test_the_rules_alone_need_no_evidence(tmp_path: Path) -> None:
    publish(config_of({"default": 100}), tmp_path / "routing.json")
    assert load_config(tmp_path / "routing.json").tasks[TASK_TYPE].weights == {"default": 100}


def test_an_expired_config_is_never_published(tmp_path: Path) -> None:
    expired = config_of({"default": 100}).evolve(expires_on=TODAY)
    with pytest.raises(InvalidRoutingConfig, match="expired"):
        publish(expired, tmp_path / "routing.json", override="please")


# -- rate limits, residency, entitlement, other prices ---------------------------------------------------------------


def limited(**limits: int) -> Catalog:
    """The catalog with rate limits on the large model."""
    models = {
        key: m.model_copy(update={"limits": RateLimits(**limits)}) if key == MODELS["large"] else m
        for key, m in CATALOG.models.items()
    }
    return with_models(models)


def test_a_models_rate_limit_couples_the_task_types_it_serves(log: Log, stream: Stream) -> None:
    """2,880 tasks a day and type are 2 a minute, 6 at the peak: a limit of 6 requests leaves half of both."""
    other = "customer.process_return"
    run_arms(stream, {"small": 5, "large": 28}, tasks=30)
    for number in range(30):
        for arm, count in {"small": 5, "large": 28}.items():
            stream.run(
                arm=arm,
                task=f"o{number}",
                succeeded=number < count,
                decide={"model": MODELS[arm], "task_type": other},
                cost_usd=0.001 + number * 1e-6,
            )
    present = RoutingConfig.start(
        CATALOG, arms=ARMS, tasks={TASK_TYPE: {"small": 100}, other: {"small": 100}}, as_of=TODAY
    )
    volumes = {TASK_TYPE: 2_880.0, other: 2_880.0}
    for limits, name in (({"rpm": 6}, "request limit"), ({"tpm": 900}, "token limit")):
        proposal = tune(log, limited(**limits), as_of=TODAY, config=present, volumes=volumes)
        given = sum(weights(proposal, t).get("large", 0) for t in (TASK_TYPE, other))
        assert 95 <= given <= 100
        (price,) = [p for p in proposal.shadow_prices if p.limit.startswith(name)]
        assert price.value_usd > 0
        assert f"{name} of openai/gpt-6.1-terra" in str(price)


def test_residency_and_entitlement_rule_out_models_at_once(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 28, "large": 29}, tasks=30)
    present = config_of({"large": 100})
    capped = tune(log, CATALOG, as_of=TODAY, config=present, tier_caps={TASK_TYPE: "economy"}, ramp_limit=0.2)
    assert weights(capped) == {"small": 100}
    assert capped.status(TASK_TYPE) == "required"
    assert "above the economy" in str(capped.caveats)
    with pytest.raises(InputError, match="tier_caps"):
        tune(log, CATALOG, as_of=TODAY, tier_caps={"*": "gold"})  # type: ignore[dict-item]
    kept = tune(log, CATALOG, as_of=TODAY, config=present, local_only=["*"])
    assert weights(kept) == {"large": 100}
    assert "off this machine" in str(kept.caveats)


def test_new_prices_need_no_new_data(log: Log, stream: Stream) -> None:
    """Ten times the price of the large model's tokens, as logged call by call."""
    run_arms(stream, {"small": 25, "large": 29}, tasks=30, cost={"small": 0.001, "large": 0.002})
    for row in log.sql("SELECT decision_id, model FROM decision").to_dict("records"):
        log.append(call(row["decision_id"], row["model"], nano=CATALOG.price(row["model"]).cost_nano_usd(1_000, 500)))
    dear = with_prices(CATALOG, MODELS["large"], 10.0)
    same = tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100}), reprice=True)
    then = tune(log, dear, as_of=TODAY, config=config_of({"small": 100}), reprice=True)
    cost = {
        (p, r.arm): r.cost_usd.value for p, found in (("now", same), ("then", then)) for r in found.rows if r.cost_usd
    }
    assert cost["then", "large"] == pytest.approx(10 * cost["now", "large"])
    assert cost["then", "small"] == pytest.approx(cost["now", "small"])
    nano = CATALOG.price(MODELS["large"]).cost_nano_usd(1_000, 500) or 0
    assert cost["now", "large"] == pytest.approx(nano / 1e9)


def test_what_was_not_logged_call_by_call_cannot_be_priced_anew(log: Log, stream: Stream) -> None:
    run_arms(stream, {"small": 25, "large": 29}, tasks=30)
    with pytest.raises(PriceMissing, match="no priced call"):
        tune(log, CATALOG, as_of=TODAY, config=config_of({"small": 100}), reprice=True)


def call(decision_id: str, model: str, *, nano: int | None) -> AttemptEvent:
    """One ended call of 1,000 tokens in and 500 out."""
    return make_event(
        "attempt",
        event_id=f"evt_a_{decision_id}",
        attempt_id=f"a_{decision_id}",
        decision_id=decision_id,
        model=model,
        input_tokens=1_000,
        output_tokens=500,
        cache_read_input_tokens=0,
        core_us=0,
        cost_nano_usd=nano,
    )  # type: ignore[return-value]


def with_prices(catalog: Catalog, key: str, factor: float) -> Catalog:
    """The catalog with one model's prices multiplied."""
    model = catalog.models[key]
    prices = tuple(
        p.model_copy(update={"input": (p.input or 0) * factor, "output": (p.output or 0) * factor})
        for p in model.prices
    )
    return with_models({**catalog.models, key: model.model_copy(update={"prices": prices})})


def with_models(models: Mapping[str, ModelEntry]) -> Catalog:
    """The catalog of the day with other models."""
    return Catalog(
        name=CATALOG.name, purpose=CATALOG.purpose, as_of=TODAY, models=dict(models), task_types=CATALOG.task_types
    )
