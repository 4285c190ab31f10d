"""A proposal is proved by the log's own evidence before it ships, or refused with what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.config.assign import pick
from bizq_lab.errors import InputError, UnsafeProposal
from bizq_lab.lab import Lab
from bizq_lab.simulate import World
from bizq_lab.store import Log
from bizq_lab.tuning import Proof, Proposal, prove, publish, tune
from bizq_lab.tuning.backtest import WEEK_US, backtest
from tests.support.policy_log import live

TODAY = date(2026, 11, 24)
CATALOG = load_catalog("current", as_of=TODAY)
WORLD = World(5, CATALOG)
RETURN = "customer.process_return"
ARMS = {"small": ArmSpec(model="openai/gpt-6-luna"), "large": ArmSpec(model="openai/gpt-6.1-terra")}


def config(unit: str = "task", **weights: int) -> RoutingConfig:
    base = RoutingConfig.start(CATALOG, arms=ARMS, as_of=TODAY)
    return base.evolve(tasks={RETURN: {"weights": weights, "unit": unit, "salt": "s"}}, parent="")


EQUAL = config(small=50, large=50)


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """1,600 decisions, of which a coin chose the arm, over three weeks; the large model is better by far."""
    with Log.open(tmp_path_factory.mktemp("proof") / "lab.duckdb") as log:
        for week in range(3):
            first = week * (WEEK_US // 60_000_000)
            live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=530, workspaces=40, first=first)
        log.collect()
        yield log


@pytest.fixture(scope="module")
def proposal(explored: Log) -> Proposal:
    return tune(explored, CATALOG, as_of=TODAY, config=EQUAL)


@pytest.fixture(scope="module")
def proof(explored: Log, proposal: Proposal) -> Proof:
    return prove(explored, CATALOG, proposal, present=EQUAL, weeks=2)


def test_a_gain_is_proved_by_propensities_and_may_ship(proof: Proof, proposal: Proposal, tmp_path: Path) -> None:
    assert proposal.moved == {RETURN}
    assert proof.gain is not None
    assert proof.gain.lower > 0
    assert {row.task_type: row.basis for row in proof.rows} == {RETURN: "off-policy", "all": "off-policy"}
    assert not proof.blockers
    assert "The evidence supports it" in proof.summary()
    publish(proposal, tmp_path / "routing.json", proof=proof)
    assert proof.plot() is not None


def test_the_true_gain_lies_in_the_interval(proof: Proof, proposal: Proposal) -> None:
    worth = CATALOG.task_types[RETURN].value_usd
    truths = {arm: WORLD.truth(RETURN, spec.model) for arm, spec in ARMS.items()}
    value = {a: worth * t.quality * (1 - t.error_rate) - (t.cost_usd or 0) for a, t in truths.items()}
    shares = {arm: p / 100 for arm, p in proposal.config.tasks[RETURN].weights.items()}
    truth = sum((shares.get(arm, 0.0) - 0.5) * value[arm] for arm in ARMS)
    assert proof.gain is not None
    assert proof.gain.lower <= truth <= proof.gain.upper


def test_proposals_of_past_weeks_are_held_against_the_week_after(proof: Proof, explored: Log) -> None:
    assert proof.past is not None
    assert [row.moved for row in proof.past.rows] == [1, 1]
    assert proof.past.gain is not None
    assert proof.past.gain.value > 0
    assert "over 2 weeks" in proof.past.summary()
    everything = backtest(explored, CATALOG, present=EQUAL, as_of=TODAY, weeks=9)
    assert len(everything.rows) < 9  # no week before the log began


def test_for_whom_it_changes_is_the_hash_of_production(explored: Log) -> None:
    sticky = config(unit="workspace", small=50, large=50)
    proposal = tune(explored, CATALOG, as_of=TODAY, config=sticky)
    who = prove(explored, CATALOG, proposal, present=sticky, weeks=0).who
    weights = proposal.config.tasks[RETURN].weights
    assert len(who.rows) == 40
    for row in who.rows:
        assert row.arm_now == pick({"small": 50, "large": 50}, salt="s", unit=row.workspace_id)
        assert row.arm_then == pick(weights, salt="s", unit=row.workspace_id)
        assert row.moved_share == (row.arm_now != row.arm_then)
        assert row.arm_then == "large" or row.arm_now == "small"  # none moves against the weights
    assert f"in {sum(r.moved_share > 0 for r in who.rows)} of 40 workspaces" in who.summary()


def test_where_chance_decides_task_by_task_the_share_that_moves_is_stated(proof: Proof, proposal: Proposal) -> None:
    moved = abs(proposal.config.tasks[RETURN].weights["large"] - 50) / 100
    assert [row.moved_share for row in proof.who.rows] == pytest.approx([moved] * 40)
    assert {row.arm_now for row in proof.who.rows} == {""}
    assert proof.who.by_task_type()[RETURN] == pytest.approx(moved)
    assert sum(row.cost_usd or 0 for row in proof.who.rows) > 0


def test_what_the_log_cannot_value_is_refused_unless_a_reason_is_given(tmp_path: Path) -> None:
    """Every arm ran, but never by chance: no propensity speaks for the move."""
    with Log.open(tmp_path / "lab.duckdb") as log:
        live(log, CATALOG, config(small=100), WORLD, [RETURN], tasks=200, workspaces=20)
        live(log, CATALOG, config(large=100), WORLD, [RETURN], tasks=200, workspaces=20, first=200)
        proposal = tune(log, CATALOG, as_of=TODAY, config=EQUAL)
        assert proposal.moved
        proof = prove(log, CATALOG, proposal, present=EQUAL, weeks=0)
        assert proof.gain is None
        assert f"the log cannot value the move of {RETURN}" in proof.blockers
        assert "left nothing to chance" in proof.rows[0].because
        with pytest.raises(UnsafeProposal, match="cannot value"):
            publish(proposal, tmp_path / "routing.json", proof=proof)
        publish(proposal, tmp_path / "routing.json", proof=proof, sink=log, override="the vendor closes tonight")
        (row,) = log.sql("FROM config_version").to_dict("records")
        assert row["override"] == "the vendor closes tonight"
        with pytest.raises(InputError, match="nothing could be valued"):
            proof.plot()


def test_wrong_propensities_stand_against_shipping(tmp_path: Path) -> None:
    with Log.open(tmp_path / "lab.duckdb") as log:
        live(log, CATALOG, EQUAL, WORLD, [RETURN], tasks=600, workspaces=40, propensity_ppb=800_000_000)
        proposal = tune(log, CATALOG, as_of=TODAY, config=EQUAL)
        proof = prove(log, CATALOG, proposal, present=EQUAL, weeks=0)
        assert "the logged propensities are wrong, so no weight can be trusted" in proof.blockers


def test_a_proof_of_another_config_proves_nothing(proof: Proof, tmp_path: Path, explored: Log) -> None:
    other = tune(explored, CATALOG, as_of=TODAY, config=EQUAL, ramp_limit=0.1)
    with pytest.raises(InputError, match="proof is of config"):
        publish(other, tmp_path / "routing.json", proof=proof)
    with pytest.raises(InputError, match="weeks"):
        prove(explored, CATALOG, other, present=EQUAL, weeks=-1)


def test_the_lab_proves_and_publishes(explored: Log, tmp_path: Path) -> None:
    options: dict[str, Any] = {"catalog": CATALOG, "providers": {}, "config": EQUAL}
    with Lab.open(explored.path, **options) as lab:
        proposal = lab.tune(as_of=TODAY)
        proof = lab.prove(proposal, weeks=0)
        assert proof.to_dict()["summary"] == proof.summary()
        assert lab.publish(proposal, tmp_path / "routing.json", proof=proof).exists()
