"""Only a verdict ships an arm; against it, only a reason that is logged (S31)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bizq_lab.analysis import Comparison
from bizq_lab.analysis.verdict import Verdict
from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.config.shares import shared
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import InputError, InvalidRoutingConfig, UnsafeProposal
from bizq_lab.experiments.deploy import guardrails_of
from bizq_lab.lab import Lab
from bizq_lab.tuning.guardrails import GUARDRAILS
from bizq_lab.tuning.rollout_plan import ramped
from tests.support.lab_small import DAY, OTHER, TYPE, rows, small_lab, start, tasks_of

ARMS = ["plain", "luna"]
REFUSING: tuple[Verdict, ...] = ("no_difference", "inconclusive", "guardrail_failed", "invalid")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """In this world and seed `luna` wins, on twelve tasks."""
    with small_lab(tmp_path_factory.mktemp("found")) as lab:
        answer = lab.experiment().run_model_comparison(TYPE, ARMS, tasks_of(n=12), repeats=2)
    assert (answer.verdict, answer.winner) == ("winner", "luna")
    return answer


def deploy(lab: Lab, answer: Comparison, config: RoutingConfig, path: Path, **options: object) -> RoutingConfig:
    return lab.experiment().deploy_winner(TYPE, answer, config, path, **options)  # type: ignore[arg-type]


def test_the_winner_gets_its_share_and_the_rest_stays_as_it_was(tmp_path: Path, found: Comparison) -> None:
    path = tmp_path / "routing.json"
    present = start({"plain": 60, "default": 40})
    with small_lab(tmp_path) as lab:
        deployed = deploy(lab, found, present, path)
        lab.log.collect()
    assert deployed.tasks[TYPE].weights == {"luna": 10, "plain": 54, "default": 36}
    assert load_config(path) == deployed
    assert (deployed.parent, deployed.as_of) == (present.hash, DAY)
    assert deployed.expires_on == DAY + timedelta(days=90)
    assert deployed.arms == present.arms
    steps = rows(tmp_path / "lab.duckdb", "SELECT config_hash, parent_hash, action, override FROM config_version")
    assert steps == [
        {"config_hash": deployed.hash, "parent_hash": present.hash, "action": "rollout_started", "override": ""}
    ]


def test_where_nothing_was_routed_by_weights_the_rules_keep_the_rest(tmp_path: Path, found: Comparison) -> None:
    with small_lab(tmp_path) as lab:
        deployed = deploy(lab, found, start(), tmp_path / "routing.json", rollout_percentage=25)
        lab.use(deployed)
        arms = [lab.route(tasks_of(n=1)[0], RoutingContext(workspace_id=f"ws_{number}")).arm for number in range(1000)]
    assert deployed.tasks[TYPE].weights == {"luna": 25, "default": 75}
    assert abs(arms.count("luna") / 1000 - 0.25) < 0.06  # four standard deviations


def test_a_ramp_moves_no_workspace_out_of_the_winner(tmp_path: Path, found: Comparison) -> None:
    task = tasks_of(n=1)[0]
    contexts = [RoutingContext(workspace_id=f"ws_{number}") for number in range(500)]
    with small_lab(tmp_path) as lab:
        held: set[str] = set()
        config = start({"plain": 100})
        for share in (10, 25, 50, 100):
            config = deploy(lab, found, config, tmp_path / f"{share}.json", rollout_percentage=share)
            lab.use(config)
            now = {each.workspace_id for each in contexts if lab.route(task, each).arm == "luna"}
            assert held <= now
            held = now
    assert len(held) == 500


def test_the_deployed_config_carries_what_was_found(tmp_path: Path, found: Comparison) -> None:
    with small_lab(tmp_path) as lab:
        deployed = deploy(lab, found, start(), tmp_path / "routing.json")
    success = {row.arm: row for row in deployed.evidence if row.metric == "success"}
    main = found.main_row()
    assert success["luna"].value == pytest.approx(main.arm_mean.value)
    assert success["plain"].value == pytest.approx(main.control_mean.value)
    assert {row.experiment for row in deployed.evidence} == {found.experiment}
    assert {row.n for row in deployed.evidence} == {12}


@pytest.mark.parametrize("verdict", REFUSING)
def test_an_insufficient_verdict_deploys_nothing(tmp_path: Path, found: Comparison, verdict: Verdict) -> None:
    undecided = replace(found, verdict=verdict, winner="")
    with small_lab(tmp_path) as lab, pytest.raises(UnsafeProposal, match=verdict):
        deploy(lab, undecided, start(), tmp_path / "routing.json")
    assert not (tmp_path / "routing.json").exists()


def test_against_the_verdict_the_most_promising_arm_is_deployed_for_a_logged_reason(
    tmp_path: Path, found: Comparison
) -> None:
    undecided = replace(found, verdict="inconclusive", winner="")
    with small_lab(tmp_path) as lab:
        deployed = deploy(lab, undecided, start(), tmp_path / "routing.json", override="the other one retires tonight")
        lab.log.collect()
    assert deployed.tasks[TYPE].weights == {"luna": 10, "default": 90}
    assert rows(tmp_path / "lab.duckdb", "SELECT override FROM config_version") == [
        {"override": "the other one retires tonight"}
    ]


def test_a_blank_reason_is_none(tmp_path: Path, found: Comparison) -> None:
    undecided = replace(found, verdict="inconclusive", winner="")
    with small_lab(tmp_path) as lab, pytest.raises(UnsafeProposal):
        deploy(lab, undecided, start(), tmp_path / "routing.json", override="  ")


def test_a_winner_on_too_few_tasks_is_not_evidence(tmp_path: Path, found: Comparison) -> None:
    few = replace(found, rows=tuple(replace(row, n=5) for row in found.rows))
    with small_lab(tmp_path) as lab, pytest.raises(UnsafeProposal, match="without evidence"):
        deploy(lab, few, start(), tmp_path / "routing.json")


@pytest.mark.parametrize("share", [0, -10, 101, 59])
def test_a_share_that_is_none_or_takes_away_is_refused(tmp_path: Path, found: Comparison, share: int) -> None:
    """`luna` has 60 % already."""
    with small_lab(tmp_path) as lab, pytest.raises(InputError, match=f"rollout_percentage == {share}"):
        deploy(lab, found, start({"luna": 60, "plain": 40}), tmp_path / "routing.json", rollout_percentage=share)


def test_a_comparison_of_another_task_type_is_refused(tmp_path: Path, found: Comparison) -> None:
    with small_lab(tmp_path) as lab, pytest.raises(InputError, match=OTHER):
        lab.experiment().deploy_winner(OTHER, found, start(), tmp_path / "routing.json")


def test_nothing_is_ramped_from_an_expired_config(tmp_path: Path, found: Comparison) -> None:
    expired = start(expires_on=DAY)
    with small_lab(tmp_path) as lab, pytest.raises(InvalidRoutingConfig, match="expired"):
        deploy(lab, found, expired, tmp_path / "routing.json", override="please")


def test_an_arm_the_config_does_not_know_is_refused(tmp_path: Path, found: Comparison) -> None:
    stranger = replace(found, winner="stranger")
    with small_lab(tmp_path) as lab, pytest.raises(InvalidRoutingConfig, match="stranger"):
        deploy(lab, stranger, start(), tmp_path / "routing.json")


@given(
    shares=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 100), min_size=1),
    total=st.integers(0, 100),
)
def test_what_is_left_is_shared_in_proportion_and_to_the_last_percent(shares: dict[str, int], total: int) -> None:
    got = shared(shares, total)
    whole = sum(shares.values())
    assert sum(got.values()) == total
    assert all(abs(got[name] - shares[name] * total / whole) < 1 for name in shares)


@given(now=st.integers(0, 100), to=st.integers(1, 100))
def test_no_arm_but_the_winner_grows(now: int, to: int) -> None:
    assume(to >= now)
    third = (100 - now) // 3
    before = {"luna": now, "plain": third, "default": 100 - now - third}
    weights = ramped(before, "luna", to)
    assert sum(weights.values()) == 100
    assert weights["luna"] == to
    assert all(weights.get(arm, 0) <= share for arm, share in before.items() if arm != "luna")


def test_an_arm_that_won_by_being_cheaper_may_cost_what_the_comparison_allowed(found: Comparison) -> None:
    allowed = {
        g.metric: g.tolerated for g in guardrails_of(replace(found, verdict="non_inferior_cheaper", margin=0.04))
    }
    assert allowed == {"quality": 0.04, "failures": 0.04, "latency": 0.0}
    assert guardrails_of(found) == GUARDRAILS
