"""Whatever a lab does stands in its log: decided before anything is sent, with its probability and its prices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bizq_lab.config import ArmSpec, RoutingConfig, load_config, save_config
from bizq_lab.core.task import RoutingContext, Task, UserFeedback
from bizq_lab.errors import (
    BizqLabError,
    InvalidRoutingConfig,
    JournalWriteError,
    OfflineConfig,
    UnknownProvider,
    UnsafeProposal,
)
from bizq_lab.lab import Lab
from bizq_lab.lab.providers import LazyProviders, live_providers, simulated_providers
from tests.support.lab_providers import Scripted
from tests.support.lab_small import ARMS, DAY, TYPE, catalog, contents, rows, small_lab, start, tasks_of

SHOP = RoutingContext(workspace_id="ws_shop")


def play(folder: Path, seed: int = 0) -> Path:
    """A comparison, what it taught, and routing by it."""
    with small_lab(folder, seed=seed) as lab:
        lab.experiment().run_model_comparison(TYPE, list(ARMS), tasks_of(n=12))
        lab.publish(lab.tune(as_of=DAY), folder / "routing.json", override="a test")
        for task in tasks_of(n=3):
            lab.give_feedback(lab.run(task, SHOP), UserFeedback(rating=4.5))
        lab.log.collect()
    return folder / "lab.duckdb"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("played"))


def test_every_decision_says_how_probable_it_was_and_what_else_was_considered(played: Path) -> None:
    decisions = rows(played, "FROM decision")
    assert len(decisions) == 2 * 12 + 3
    for decision in decisions:
        assert 0 < decision["propensity_ppb"] <= 1_000_000_000
        assert len(decision["config_hash"]) == 64
        assert decision["catalog_version"] == catalog().version
        candidates = json.loads(decision["candidates"])
        assert decision["arm"] in {candidate["arm"] for candidate in candidates} | {"default"}
        chosen = [c for c in candidates if c["model"] == decision["model"]]
        assert chosen
        assert chosen[0]["eligible"]


def test_every_attempt_knows_the_unit_prices_it_was_charged_by(played: Path) -> None:
    attempts = rows(played, "FROM attempt")
    assert attempts
    for attempt in attempts:
        tokens = (attempt["input_nano_usd_per_mtok"], attempt["output_nano_usd_per_mtok"])
        by_token = all(price is not None and price > 0 for price in tokens)
        by_time = attempt["core_second_nano_usd"] is not None and attempt["core_second_nano_usd"] > 0
        assert by_time if attempt["provider"] == "local" else by_token
        assert attempt["price_version"]


def test_a_decision_is_logged_before_its_first_call_is(played: Path) -> None:
    late = rows(
        played,
        "SELECT * FROM attempt_started AS s JOIN decision AS d USING (decision_id)"
        " WHERE s.recorded_at_us <= d.recorded_at_us",
    )
    orphans = rows(played, "FROM attempt_started ANTI JOIN decision USING (decision_id)")
    assert late == orphans == []


def test_nothing_is_sent_when_the_decision_cannot_be_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Scripted(lambda _: "yes")

    def fail(_: object) -> None:
        message = "the disk is full"
        raise JournalWriteError(message)

    with small_lab(tmp_path, providers=dict.fromkeys(("openai", "anthropic", "local"), provider)) as lab:
        monkeypatch.setattr(lab.log, "append", fail)
        with pytest.raises(JournalWriteError):
            lab.run(tasks_of(n=1)[0], SHOP)
    assert provider.calls == 0


def test_the_same_seed_gives_the_same_log_and_another_seed_another(played: Path, tmp_path: Path) -> None:
    same = play(tmp_path / "same")
    mine, again = contents(played), contents(same)
    segments = "collected_segment"  # names the process that wrote it
    assert mine.keys() == again.keys()
    assert {name: rows for name, rows in mine.items() if name != segments} == {
        name: rows for name, rows in again.items() if name != segments
    }
    assert (played.parent / "routing.json").read_bytes() == (same.parent / "routing.json").read_bytes()
    assert contents(play(tmp_path / "other", seed=1))["decision"] != mine["decision"]


def test_after_publishing_the_weights_route_and_a_workspace_keeps_its_arm(tmp_path: Path) -> None:
    task = tasks_of(n=1)[0]
    with small_lab(tmp_path) as lab:
        lab.experiment().run_model_comparison(TYPE, list(ARMS), tasks_of(n=12))
        both = lab.tune(as_of=DAY).config.with_weights(TYPE, {"luna": 80, "plain": 20})
        lab.publish(both, tmp_path / "routing.json", override="to have two arms")
        first = [lab.route(task, RoutingContext(workspace_id=f"ws_{n}")) for n in range(1000)]
        again = [lab.route(task, RoutingContext(workspace_id=f"ws_{n}")) for n in range(1000)]
        lab.log.collect()
    assert [d.arm for d in first] == [d.arm for d in again]
    share = sum(d.arm == "luna" for d in first) / 1000
    assert abs(share - 0.8) < 0.05  # four standard deviations
    assert {d.propensity for d in first if d.arm == "luna"} == {0.8}
    assert {d.config_hash for d in first} == {load_config(tmp_path / "routing.json").hash}
    [step] = rows(tmp_path / "lab.duckdb", "SELECT action, override FROM config_version")
    assert step == {"action": "published", "override": "to have two arms"}


def test_weights_without_evidence_are_not_published_and_nothing_changes(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        before = lab.config
        with pytest.raises(UnsafeProposal):
            lab.publish(start({"luna": 100}), tmp_path / "routing.json")
        assert lab.config is before
    assert not (tmp_path / "routing.json").exists()


def test_a_config_for_study_is_refused_where_money_would_be_spent(tmp_path: Path) -> None:
    offline = start(purpose="offline")
    with small_lab(tmp_path, providers=live_providers(catalog(), "live")) as lab:
        before = lab.config
        with pytest.raises(OfflineConfig, match="for offline study"):
            lab.use(offline)
        assert lab.config is before
    with small_lab(tmp_path) as lab:
        lab.use(offline)
        assert lab.config is offline


def test_the_classic_catalog_never_reaches_a_live_provider(tmp_path: Path) -> None:
    """Its models are retired; a study of them must not send a byte (S2)."""
    live = Scripted(lambda _: "yes", live=True)
    classic = catalog("classic")
    with (
        small_lab(tmp_path, catalog=classic, config=None, providers={"openai": live, "anthropic": live}) as lab,
        pytest.raises(OfflineConfig),
    ):
        lab.run(tasks_of(n=1)[0], SHOP)
    assert live.calls == 0


def test_the_classic_catalog_with_the_real_clients_needs_no_key_to_be_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with Lab.open(tmp_path / "lab.duckdb", catalog=catalog("classic")) as lab, pytest.raises(OfflineConfig):
        lab.run(tasks_of(n=1)[0], SHOP)


def test_the_classic_catalog_can_be_studied(tmp_path: Path) -> None:
    with small_lab(tmp_path, catalog=catalog("classic"), config=None) as lab:
        assert lab.run(tasks_of(n=1)[0], SHOP).status in {"completed", "escalated"}


def test_a_provider_nobody_offers_is_named_with_its_neighbours() -> None:
    providers = simulated_providers(catalog(), 0)
    with pytest.raises(UnknownProvider, match="did you mean 'openai'"):
        providers["opnai"]
    assert len(providers) == len(set(providers)) == 3


def test_a_provider_is_made_on_first_use_once_and_closed_once(tmp_path: Path) -> None:
    made: list[Scripted] = []

    def make() -> Scripted:
        made.append(Scripted(lambda _: "yes"))
        return made[-1]

    providers = LazyProviders(dict.fromkeys(("openai", "anthropic", "local"), make), purpose="offline")
    with small_lab(tmp_path, providers=providers) as lab:
        assert not made
        lab.run(tasks_of(n=1)[0], SHOP)
        lab.run(tasks_of(n=1)[0], SHOP)
        used = len(made)
        assert used <= 3
    assert all(provider.closed for provider in made)
    assert len(made) == used


def test_learning_changes_the_snapshot_that_decisions_name(tmp_path: Path) -> None:
    task = tasks_of(n=1)[0]
    with small_lab(tmp_path) as lab:
        lab.experiment().run_model_comparison(TYPE, list(ARMS), tasks_of(n=12))
        before = lab.route(task, SHOP)
        evidence = lab.learn()
        after = lab.route(task, SHOP)
    assert any(cell[0] == TYPE and history.n == 12 for cell, history in evidence.history.items())
    assert before.snapshot_id != after.snapshot_id


def test_routing_alone_writes_nothing(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        lab.route(tasks_of(n=1)[0], SHOP)
        lab.log.collect()
    assert rows(tmp_path / "lab.duckdb", "SELECT count(*) AS n FROM decision") == [{"n": 0}]


def test_a_decision_made_elsewhere_is_executed_and_logged_once(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        decision = lab.route(tasks_of(n=1)[0], SHOP)
        result = lab.execute(decision)
        lab.service.log_decision(decision)
        lab.log.collect()
    assert result.decision_id == decision.decision_id
    assert rows(tmp_path / "lab.duckdb", "SELECT decision_id FROM decision") == [{"decision_id": result.decision_id}]


def test_a_lab_opens_by_names_and_files(tmp_path: Path) -> None:
    config = start({"plain": 100})
    save_config(config, tmp_path / "routing.json")
    with Lab.open(tmp_path / "lab.duckdb", catalog="current", config=str(tmp_path / "routing.json")) as lab:
        assert lab.config == config
        assert lab.route(tasks_of(n=1)[0], SHOP).arm == "plain"


def test_a_broken_config_opens_no_lab_and_makes_no_log(tmp_path: Path) -> None:
    (tmp_path / "routing.json").write_text("{}")
    with pytest.raises(InvalidRoutingConfig):
        Lab.open(tmp_path / "lab.duckdb", config=tmp_path / "routing.json")
    assert [path.name for path in tmp_path.iterdir()] == ["routing.json"]


def test_tasks_of_one_key_are_repeats_of_one_task(tmp_path: Path) -> None:
    task = tasks_of(n=1)[0]
    twins = [Task(type=TYPE, input=task.input, expected=task.expected, key="twin") for _ in range(2)]
    with small_lab(tmp_path) as lab:
        for twin in twins:
            lab.run(twin, SHOP)
        lab.log.collect()
    found = rows(
        tmp_path / "lab.duckdb", "SELECT DISTINCT task_key, count(DISTINCT task_id) AS ids FROM decision GROUP BY ALL"
    )
    assert found == [{"task_key": "twin", "ids": 2}]


def test_an_arm_of_the_config_may_be_any_prompt_of_the_task_type(tmp_path: Path) -> None:
    arms = {"example": ArmSpec(model="local/smollm2-135m", prompt="example")}
    config = RoutingConfig.start(catalog(), arms=arms, tasks={TYPE: {"example": 100}}, as_of=DAY)
    with small_lab(tmp_path, config=config) as lab:
        decision = lab.route(tasks_of(n=1)[0], SHOP)
    assert (decision.arm, decision.config.prompt) == ("example", "example")
    assert decision.config.prompt_version == catalog().prompt_version(TYPE, "example")


def test_prices_in_another_currency_are_refused_before_anything_is_logged(tmp_path: Path) -> None:
    """Money is USD throughout: two currencies never meet in one column."""
    catalog = tmp_path / "prices.toml"
    catalog.write_text(
        '[[models]]\nprovider = "openai"\nmodel = "mine"\napi_model = "mine"\ntier = "economy"\n'
        'speed_tier = "fast"\ncontext_window = 8192\noutput_limit = 4096\nquality_prior = 0.5\nlatency_prior_s = 1.0\n'
        'prices = [{ effective_from = 2026-01-01, source = "s", input = 1.0, output = 2.0, currency = "EUR" }]\n'
    )
    with pytest.raises(BizqLabError, match="currency"):
        Lab.open(tmp_path / "lab.duckdb", catalog=str(catalog), providers="simulated")
