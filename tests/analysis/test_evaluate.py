"""What another config would have cost and scored: from propensities, from pairs, or refused with what to switch on."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.analysis import Evaluation, evaluate, logged_traffic
from bizq_lab.catalog import load_catalog
from bizq_lab.config import ArmSpec, ExperimentSpec, RoutingConfig, save_config
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData, PositivityViolation, UnknownModel
from bizq_lab.lab import Lab
from bizq_lab.routing import AITaskRouter
from bizq_lab.simulate import World
from bizq_lab.store import Log
from tests.support.analysis_log import Stream, simulate
from tests.support.cli import Shell
from tests.support.policy_log import live

TODAY = date(2026, 11, 24)
CATALOG = load_catalog("current", as_of=TODAY)
WORLD = World(5, CATALOG)
RETURN, POST = "customer.process_return", "content.create_social_post"
KEYS = {"small": "openai/gpt-6-luna", "large": "openai/gpt-6.1-terra", "other": "anthropic/claude-haiku-5-5"}
ARMS = {arm: ArmSpec(model=key) for arm, key in KEYS.items()}


def config(*, arms: dict[str, ArmSpec] | None = None, unit: str = "task", **weights: int) -> RoutingConfig:
    """The same weights for both task types, split by task unless told otherwise."""
    tasks = {name: {"weights": weights, "unit": unit} for name in (RETURN, POST)}
    base = RoutingConfig.start(CATALOG, arms=arms or ARMS, as_of=TODAY)
    return base.evolve(tasks=tasks, parent="")


EQUAL = config(small=50, large=50)
TILTED = config(small=90, large=10)


@pytest.fixture
def as_sent(log: Log) -> Stream:
    """Fabricated pairs, called as the router would call these models."""
    decision = AITaskRouter(CATALOG, EQUAL).route_task(Task(type=RETURN, input={}), RoutingContext(workspace_id="w"))
    return Stream(log, temperature=decision.temperature)


def truth(weights: dict[str, int], metric: str, task_type: str = RETURN) -> float:
    """Expected success or cost of one task under weights in percent."""
    found = {arm: WORLD.truth(task_type, KEYS[arm]) for arm in weights}
    return sum(p / 100 * float(getattr(found[arm], metric) or 0.0) for arm, p in weights.items())


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two task types, 1,200 decisions each, of which a fair coin chose the arm."""
    with Log.open(tmp_path_factory.mktemp("explored") / "lab.duckdb") as log:
        live(log, CATALOG, EQUAL, WORLD, (RETURN, POST), tasks=1_200, workspaces=60)
        log.collect()
        yield log


def test_a_policy_that_never_ran_is_valued_at_its_truth(explored: Log) -> None:
    answer = evaluate(explored, CATALOG, TILTED)
    for name in (RETURN, POST):
        for metric, of_world in (("success", "success"), ("cost", "cost_usd")):
            value = answer.row(metric, name).value
            assert value.lower <= truth({"small": 90, "large": 10}, of_world, name) <= value.upper
        row = answer.row("success", name)
        assert row.basis == "off-policy"
        assert 600 < row.ess < 900
        assert row.mean_weight is not None
        assert row.mean_weight.lower <= 1 <= row.mean_weight.upper
    assert not answer.caveats
    assert "Over 2 task types" in answer.summary()


def test_every_value_is_the_arithmetic_of_weights_over_the_log(explored: Log) -> None:
    frame = explored.sql(f"FROM task_outcome WHERE task_type = '{RETURN}'")
    weight = frame["arm"].map({"small": 0.9, "large": 0.1}) / (frame["propensity_ppb"] / 1e9)
    by_name = {
        (r.estimator, r.metric): r for r in evaluate(explored, CATALOG, TILTED).estimators.rows if r.task_type == RETURN
    }
    success = frame["succeeded"].astype(float)
    assert by_name["IPS", "success"].value.value == pytest.approx((weight * success).mean())
    assert by_name["SNIPS", "success"].value.value == pytest.approx((weight * success).sum() / weight.sum())
    cost = (weight * frame["cost_nano_usd"].astype(float)).sum() / weight.sum() / 1e9
    assert by_name["SNIPS", "cost"].value.value == pytest.approx(cost)
    assert by_name["SNIPS", "cost"].value.ess == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert by_name["IPS, weights up to 5", "success"].clipped_share == 0.0
    assert {"DR", "SNDR", "SNIPS", "IPS"} < {name for name, _ in by_name}


def test_the_config_that_ran_gains_nothing_over_what_ran(explored: Log) -> None:
    """Both are valued by the same estimator, so chance imbalance between the arms is no gain."""
    row = evaluate(explored, CATALOG, EQUAL).row("cost", RETURN)
    mean = explored.sql(f"SELECT avg(cost_nano_usd) / 1e9 AS v FROM task_outcome WHERE task_type = '{RETURN}'")["v"][0]  # noqa: S608
    assert row.value.value == pytest.approx(mean, rel=0.1)
    for same in (row.difference, evaluate(explored, CATALOG, EQUAL, against=EQUAL).row("cost", RETURN).difference):
        assert same is not None
        assert (same.lower, same.value, same.upper) == (0.0, 0.0, 0.0)


def test_two_configs_are_compared_with_their_covariance(explored: Log) -> None:
    near = config(small=88, large=12)
    row = evaluate(explored, CATALOG, TILTED, against=near).row("net_benefit", RETURN)
    assert row.difference is not None
    assert row.reference is not None
    assert row.difference.value == pytest.approx(row.value.value - row.reference.value)
    assert row.difference.upper - row.difference.lower < (row.value.upper - row.value.lower) / 5


def test_net_benefit_is_value_less_cost_and_utility_pays_for_waiting(explored: Log) -> None:
    answer = evaluate(explored, CATALOG, TILTED)
    value_usd = CATALOG.task_types[RETURN].value_usd
    at = {
        metric: answer.row(metric, RETURN).value.value
        for metric in ("success", "cost", "latency", "net_benefit", "utility")
    }
    assert at["net_benefit"] == pytest.approx(value_usd * answer.row("quality", RETURN).value.value - at["cost"])
    assert at["utility"] == pytest.approx(at["net_benefit"] - 0.0005 * at["latency"])


def test_an_arm_that_never_could_have_been_chosen_is_listed_and_refused(explored: Log) -> None:
    with pytest.raises(PositivityViolation, match="never could have been chosen") as caught:
        evaluate(explored, CATALOG, config(small=50, other=50))
    assert caught.value.missing == ((POST, "other"), (RETURN, "other"))
    assert f"{RETURN}  other" in caught.value.message
    assert "exploration floor" in caught.value.hint


def test_decisions_of_a_config_that_did_not_offer_an_arm_are_left_out_and_counted(log: Log) -> None:
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=200, workspaces=20)
    live(log, CATALOG, config(small=30, other=70), WORLD, [RETURN], tasks=300, workspaces=20, first=200)
    answer = evaluate(log, CATALOG, config(small=50, other=50), task_type=RETURN)
    assert answer.unsupported == {RETURN: 200}
    assert answer.row("success").n == 300
    assert [c.code for c in answer.caveats] == ["partly_supported"]


def test_without_exploration_and_pairs_it_says_what_to_switch_on(log: Log) -> None:
    """S26."""
    live(log, CATALOG, None, WORLD, [RETURN], tasks=20, workspaces=5)
    with pytest.raises(NotEnoughData, match="20 decisions left nothing to chance") as caught:
        evaluate(log, CATALOG, TILTED)
    assert "adaptive" in caught.value.hint
    assert "paired experiment" in caught.value.hint


def test_rows_without_a_propensity_speak_for_nothing(log: Log) -> None:
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=30, workspaces=5, propensity_ppb=None)
    with pytest.raises(NotEnoughData, match="30 carry no propensity"):
        evaluate(log, CATALOG, TILTED)
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=300, workspaces=30, first=30)
    answer = evaluate(log, CATALOG, TILTED)
    assert answer.row("success").n == 300
    assert "no_propensity" in {c.code for c in answer.caveats}


def test_paired_tasks_give_a_value_directly_and_no_weight(log: Log, as_sent: Stream) -> None:
    """S29."""
    simulate(as_sent, WORLD, RETURN, {arm: KEYS[arm] for arm in ("small", "large")}, tasks=80, repeats=2)
    row = evaluate(log, CATALOG, TILTED).row("success", RETURN)
    means = log.sql("SELECT arm, avg(succeeded::INT) AS v FROM task_outcome GROUP BY arm").set_index("arm")["v"]
    assert (row.basis, row.n, row.mean_weight, row.difference) == ("paired", 80, None, None)
    assert row.value.value == pytest.approx(0.9 * means["small"] + 0.1 * means["large"])
    compared = evaluate(log, CATALOG, TILTED, against=EQUAL).row("cost", RETURN)
    assert compared.difference is not None
    assert compared.difference.n == 80


def test_the_larger_effective_sample_speaks_unless_one_is_asked_for(log: Log, as_sent: Stream) -> None:
    simulate(as_sent, WORLD, RETURN, {arm: KEYS[arm] for arm in ("small", "large")}, tasks=40)
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=400, workspaces=40)
    assert evaluate(log, CATALOG, TILTED).row("success").basis == "off-policy"
    assert evaluate(log, CATALOG, TILTED, basis="paired").row("success").n == 40
    with pytest.raises(InputError, match="basis"):
        evaluate(log, CATALOG, TILTED, basis="guess")  # type: ignore[arg-type]


def test_wrong_propensities_are_seen(log: Log) -> None:
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=600, workspaces=60, propensity_ppb=800_000_000)
    answer = evaluate(log, CATALOG, TILTED)
    assert "propensities_miscalibrated" in {c.code for c in answer.caveats}


def test_two_arms_that_do_the_same_are_one_action(log: Log) -> None:
    """Otherwise every decision of either would weigh twice."""
    arms = {**ARMS, "twin": ARMS["small"]}
    live(log, CATALOG, config(arms=arms, small=25, twin=25, large=50), WORLD, [RETURN], tasks=600, workspaces=60)
    row = evaluate(log, CATALOG, TILTED).row("success", RETURN)
    assert row.mean_weight is not None
    assert row.mean_weight.value == pytest.approx(1.0, abs=0.15)


def test_an_arm_with_its_own_token_limit_is_another_action(log: Log) -> None:
    arms = {**ARMS, "terse": ArmSpec(model=KEYS["small"], max_tokens=150)}
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=100, workspaces=10)
    with pytest.raises(PositivityViolation, match="terse"):
        evaluate(log, CATALOG, config(arms=arms, terse=100))


def test_what_the_rules_choose_is_an_arm_like_any_other(log: Log) -> None:
    """`default` in weights: the router says which model that was, task by task."""
    mixed = config(default=50, large=50)
    live(log, CATALOG, mixed, WORLD, [RETURN], tasks=300, workspaces=30)
    answer = evaluate(log, CATALOG, config(default=100))
    rules = WORLD.truth(RETURN, CATALOG.task_types[RETURN].model)
    assert answer.row("cost").value.value == pytest.approx(rules.cost_usd, rel=0.2)
    assert evaluate(log, CATALOG, None, task_type=RETURN).row("cost").value.value == pytest.approx(
        answer.row("cost").value.value
    )


def test_what_a_context_does_not_allow_is_the_routers_word(log: Log) -> None:
    """Weights are renormalised over what the context leaves, on both sides (S15)."""
    contexts: tuple[dict[str, str], ...] = (
        {},
        {"quality_tier": "premium", "user_tier": "scale", "budget_tier": "premium"},
    )
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=400, workspaces=40, contexts=contexts)
    designs = log.sql("SELECT design, count(*) AS n FROM task_outcome GROUP BY ALL").set_index("design")["n"]
    answer = evaluate(log, CATALOG, TILTED, task_type=RETURN)
    assert answer.row("success").n == designs["randomised"]
    assert answer.row("success").mean_weight is None
    found = answer.row("success", RETURN).mean_weight
    assert found is not None
    assert found.value == pytest.approx(1.0, abs=0.2)


def test_experiments_that_share_a_namespace_are_asked_unit_by_unit(log: Log) -> None:
    spec: dict[str, Any] = {
        "task_type": RETURN,
        "weights": {"small": 50, "large": 50},
        "namespace": "n",
        "unit": "task",
    }
    halves = (
        ExperimentSpec(id="e1", buckets=(0, 5_000), **spec),
        ExperimentSpec(id="e2", buckets=(5_000, 10_000), **spec),
    )
    live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=200, workspaces=20)
    other = RoutingConfig.start(CATALOG, arms=ARMS, as_of=TODAY).evolve(experiments=halves, parent="")
    row = evaluate(log, CATALOG, other, task_type=RETURN).row("success", RETURN)
    assert row.reference is not None
    assert row.value.value == pytest.approx(row.reference.value)


def test_intervals_are_clustered_by_unit(log: Log) -> None:
    sticky = config(unit="workspace", small=50, large=50)
    live(log, CATALOG, sticky, WORLD, [RETURN], tasks=400, workspaces=20)
    row = evaluate(log, CATALOG, TILTED).row("success", RETURN)
    assert row.value.n == 20
    assert row.n == 400


def test_random_batches_of_units_vary_as_units_do(explored: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate(explored, CATALOG, TILTED).row("cost", RETURN).value
    monkeypatch.setattr(logged_traffic, "BATCHED_FROM", 1_000)
    batched = evaluate(explored, CATALOG, TILTED).row("cost", RETURN).value
    assert batched.value == pytest.approx(whole.value, rel=1e-2)
    assert batched.upper - batched.lower == pytest.approx(whole.upper - whole.lower, rel=0.15)
    assert batched.n < whole.n


def test_an_answer_is_the_same_again_and_another_config_is_checked(explored: Log) -> None:
    first, again = (evaluate(explored, CATALOG, TILTED) for _ in range(2))
    assert first.to_dict() == again.to_dict()
    with pytest.raises(UnknownModel):
        evaluate(explored, CATALOG, config(arms={"a": ArmSpec(model="openai/gone")}, a=100))
    with pytest.raises(InputError, match="level"):
        evaluate(explored, CATALOG, TILTED, level=1.5)
    with pytest.raises(InputError, match="no 'rating'"):
        first.row("rating")


def test_the_figure_shows_the_change_by_task_type(explored: Log) -> None:
    answer = evaluate(explored, CATALOG, TILTED)
    assert "Change in net benefit" in str(answer.plot().get_title("left") or answer.plot().get_title())
    assert answer.estimators.plot() is not None
    assert "half-widths" in answer.estimators.summary()


def test_the_lab_and_the_command_line_ask_the_same(
    explored: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Shell(monkeypatch, capsys)
    save_config(TILTED, tmp_path / "candidate.json")
    with Lab.open(explored.path, catalog=CATALOG, providers={}) as lab:
        answer = lab.evaluate(tmp_path / "candidate.json")
    assert isinstance(answer, Evaluation)
    told = run("evaluate", "--config", str(tmp_path / "candidate.json"), "--log", str(explored.path), "--json")
    assert told.code == 0
    assert json.loads(told.out)["rows"] == answer.to_dict()["rows"]
    missing = tmp_path / "missing.json"
    save_config(config(other=100), missing)
    refused = run("evaluate", "--config", str(missing), "--log", str(explored.path))
    assert refused.code == 4
    assert "never could have been chosen" in refused.err
