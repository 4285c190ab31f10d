"""A rollout advances on evidence, waits without it, is taken back by harm or by hand, whatever else is broken (S31)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.config import load_config, save_config
from bizq_lab.core.events import Event
from bizq_lab.errors import InputError, InvalidRoutingConfig, JournalWriteError, RetiredModel, UnsafeProposal
from bizq_lab.store import Log
from bizq_lab.tuning import Guardrail, Rollouts, rollout_steps
from bizq_lab.tuning.rollout_files import load_rollout, plan_path
from tests.support.lab_small import DAY, TYPE
from tests.support.rollouts import HOUR_S, UNITS, Stage


@pytest.fixture
def stage(tmp_path: Path, log: Log) -> Stage:
    """`plain` serves everything; `luna` may ramp up."""
    return Stage(tmp_path, log)


def test_the_first_step_gives_the_first_share_and_says_so_everywhere(stage: Stage) -> None:
    stage.begin()
    assert stage.config.tasks[TYPE].weights == {"luna": 25, "plain": 75}
    assert stage.config.parent == stage.baseline.hash
    assert stage.config.tasks[TYPE].stage == load_rollout(stage.path).label(25)
    (row,) = stage.audit()
    assert (row["action"], row["override"], row["config_hash"]) == ("rollout_started", "a test", stage.config.hash)


def test_a_harmless_arm_ramps_up_to_everything_and_each_step_is_a_row(stage: Stage) -> None:
    stage.begin()
    for _ in range(8):
        stage.day(per_unit=3)
        if stage.desk.check().action == "completed":
            break
    assert stage.config.tasks[TYPE].weights == {"luna": 100}
    actions = [row["action"] for row in stage.audit()]
    assert [action for action in actions if action != "held"] == ["rollout_started", "ramped", "completed", "ramped"]
    assert stage.desk.check().action == "none"
    assert not stage.desk.check().alert


@pytest.mark.parametrize(
    ("harm", "metric"),
    [({"failing": 0.3}, "failures"), ({"quality": 0.6}, "quality"), ({"slower": 2.0}, "latency")],
    ids=["failures", "quality", "latency"],
)
def test_a_harmful_arm_is_taken_back_to_the_very_bytes_of_before(
    stage: Stage, harm: dict[str, float], metric: str
) -> None:
    before = stage.path.read_bytes()
    stage.begin()
    for _ in range(6):
        stage.day(per_unit=2, **harm)
        report = stage.desk.check()
        if report.alert:
            break
    assert report.action == "rolled_back"
    assert metric in report.reason
    assert stage.path.read_bytes() == before
    row = stage.audit()[-1]
    assert (row["action"], row["author"]) == ("rolled_back", "check")
    states = {reading["metric"]: reading["state"] for reading in json.loads(row["evidence"])["guardrails"]}
    assert states[metric] == "harmful"


def test_looking_again_without_news_changes_nothing_and_logs_nothing(stage: Stage) -> None:
    stage.begin()
    stage.day()
    first = stage.desk.check()
    files = (stage.path.read_bytes(), plan_path(stage.path).read_bytes())
    rows = len(stage.audit())
    for _ in range(3):
        again = stage.desk.check()
        assert (again.action, again.reason) == (first.action, first.reason) == ("held", first.reason)
    assert (stage.path.read_bytes(), plan_path(stage.path).read_bytes()) == files
    assert len(stage.audit()) == rows


def test_after_a_rollback_checks_keep_alarming_and_touch_nothing(stage: Stage) -> None:
    stage.begin()
    stage.desk.rollback(reason="complaints")
    for _ in range(2):
        report = stage.desk.check()
        assert (report.action, report.alert) == ("none", True)
    assert stage.config == stage.baseline
    assert [row["action"] for row in stage.audit()] == ["rollout_started", "rolled_back"]


def test_a_stage_lasts_a_day_even_when_everything_is_clear(stage: Stage) -> None:
    stage.begin(min_hours=24 * 30)
    for _ in range(3):
        stage.day(per_unit=3)
    report = stage.desk.check()
    assert {reading.state for reading in report.readings} == {"clear"}
    assert (report.action, report.reason) == ("held", "the stage is younger than 720 hours")


def test_a_broken_split_holds_and_alerts_but_never_holds_a_rollback_up(stage: Stage) -> None:
    """S29: units, each once a stage."""
    stage.begin()
    stage.day(per_unit=3, split=0.6)
    report = stage.desk.check()
    assert (report.action, report.alert) == ("held", True)
    assert "not split as logged" in report.reason
    for _ in range(3):
        stage.day(per_unit=3, split=0.6, failing=0.5)
    assert stage.desk.check().action == "rolled_back"


def test_an_arm_that_never_answers_is_taken_back_for_what_is_overdue(stage: Stage) -> None:
    stage.begin()
    stage.day(per_unit=3)
    routing = stage.config.tasks[TYPE]
    for number in range(3 * UNITS):
        stage.stream.decide(
            arm="luna",
            task=f"h{number}",
            unit=f"hung_{number % 60}",
            stage=routing.stage,
            recorded_at_us=stage.clock.now_us(),
            candidates=[{"arm": "luna", "propensity": 0.25}, {"arm": "plain", "propensity": 0.75}],
        )
    assert "failures: harmful" not in stage.desk.check().reason
    stage.clock.advance(2 * HOUR_S)
    assert "failures: harmful" in stage.desk.check().reason


def test_tolerated_harm_is_not_taken_back_and_more_of_it_is(stage: Stage) -> None:
    stage.begin(guardrails=[Guardrail(metric="latency", margin=1.5, tolerated=1.2)])
    for _ in range(3):
        stage.day(per_unit=2, slower=2.0)
    assert stage.desk.check().action == "advanced"
    for _ in range(3):
        stage.day(per_unit=2, slower=4.0)
    assert stage.desk.check().action == "rolled_back"


def test_promoting_and_holding_are_by_hand_with_a_reason(stage: Stage) -> None:
    stage.begin()
    with pytest.raises(InputError, match="reason"):
        stage.desk.promote(reason=" ")
    stage.desk.hold(reason="holiday")
    for _ in range(3):
        stage.day(per_unit=3)
    held = stage.desk.check()
    assert (held.action, "holiday" in held.reason) == ("held", True)
    assert stage.desk.promote(reason="reviewed").rollout.percent == 50
    assert stage.config.tasks[TYPE].weights == {"luna": 50, "plain": 50}
    assert stage.desk.promote(reason="reviewed").action == "completed"
    with pytest.raises(InputError, match="complete"):
        stage.desk.promote(reason="more")


def test_a_held_rollout_is_still_taken_back_by_harm(stage: Stage) -> None:
    stage.begin()
    stage.desk.hold(reason="holiday")
    for _ in range(3):
        stage.day(per_unit=3, failing=0.5)
    assert stage.desk.check().action == "rolled_back"


def test_a_rollback_asks_for_no_evidence_no_readable_config_and_no_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stage.path.read_bytes()
    stage.begin()
    stage.path.write_bytes(b"{broken")

    def fail(*_: object, **__: object) -> None:
        raise JournalWriteError("disk full")

    monkeypatch.setattr(Log, "query", fail)
    monkeypatch.setattr(Log, "append", fail)
    with pytest.raises(JournalWriteError):
        stage.desk.rollback(reason="now")
    assert stage.path.read_bytes() == before


def test_an_expired_config_is_not_ramped_but_is_taken_back(tmp_path: Path, log: Log) -> None:
    """S31: it keeps routing and alerts."""
    stage = Stage(tmp_path, log, changes={"expires_on": DAY + timedelta(days=2)})
    stage.begin()
    for _ in range(3):
        stage.day(per_unit=3)
    report = stage.desk.check()
    assert (report.action, report.alert, "expired" in report.reason) == ("held", True, True)
    with pytest.raises(InvalidRoutingConfig, match="expired"):
        stage.desk.promote(reason="anyway")
    assert stage.desk.rollback(reason="expired").action == "rolled_back"
    assert stage.config == stage.baseline
    with pytest.raises(InvalidRoutingConfig, match="expired"):
        stage.begin()


def test_what_somebody_else_published_is_neither_ramped_nor_lost(stage: Stage) -> None:
    stage.begin()
    save_config(stage.config.with_weights("order.process_batch", {"plain": 100}), stage.path)
    report = stage.desk.check()
    assert (report.action, report.alert, "another config" in report.reason) == ("held", True, True)
    stage.desk.rollback(reason="complaints")
    assert stage.config.tasks[TYPE].weights == {"plain": 100}
    assert stage.config.tasks["order.process_batch"].weights == {"plain": 100}


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_step_that_was_killed_half_way_is_finished_by_the_next_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    stage.begin()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rollout_steps, "save_config", die)
        with pytest.raises(KeyboardInterrupt):
            getattr(stage.desk, action)(reason="tests")
    assert stage.config.tasks[TYPE].weights == {"luna": 25, "plain": 75}
    stage.desk.check()
    after = {"promote": {"luna": 50, "plain": 50}, "rollback": {"plain": 100}}[action]
    assert stage.config.tasks[TYPE].weights == after
    logged = [row["action"] for row in stage.audit() if row["action"] != "held"]
    assert logged == ["rollout_started", {"promote": "promoted", "rollback": "rolled_back"}[action]]


def test_a_row_that_a_killed_process_did_not_log_is_logged_by_the_next_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.begin()

    def die(_self: Log, _event: Event) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", die)
        with pytest.raises(KeyboardInterrupt):
            stage.desk.promote(reason="tests")
    stage.desk.check()
    stage.desk.check()
    assert [row["action"] for row in stage.audit()].count("promoted") == 1


def test_a_second_rollout_of_the_same_file_is_refused(stage: Stage) -> None:
    stage.begin()
    with pytest.raises(InputError, match="under way"):
        stage.begin()
    stage.desk.rollback(reason="another first")
    stage.begin()
    assert stage.config.tasks[TYPE].weights == {"luna": 25, "plain": 75}


def test_the_plan_is_refused_when_a_byte_of_it_was_changed(stage: Stage) -> None:
    stage.begin()
    path = plan_path(stage.path)
    path.write_bytes(path.read_bytes().replace(b'"alpha": 0.05', b'"alpha": 0.49'))
    with pytest.raises(InvalidRoutingConfig, match="checksum"):
        stage.desk.check()


def test_an_arm_without_evidence_starts_only_for_a_logged_reason(stage: Stage) -> None:
    with pytest.raises(UnsafeProposal, match="without evidence"):
        stage.begin(override="")
    assert not plan_path(stage.path).exists()
    assert stage.config == stage.baseline


def test_a_retired_model_is_not_ramped_up(stage: Stage) -> None:
    retired = {**stage.baseline.arms, "luna": {"model": "openai/gpt-4"}}
    save_config(stage.baseline.evolve(arms=retired), stage.path)
    with pytest.raises(RetiredModel, match="gpt-4"):
        Rollouts(path=stage.path, log=stage.log, catalog=_with_retired(), clock=stage.clock).start(
            task_type=TYPE, arm="luna", override="a test"
        )


def _with_retired() -> Catalog:
    classic, current = load_catalog("classic", as_of=DAY), load_catalog(as_of=DAY)
    return Catalog(
        name="current",
        purpose="live",
        as_of=DAY,
        models={**classic.models, **current.models},
        task_types=current.task_types,
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ramp": (50, 25)}, "increase"),
        ({"ramp": ()}, "increase"),
        ({"ramp": (0, 100)}, "rollout_percentage == 0"),
        ({"alpha": 0.9}, "alpha"),
        ({"guardrails": []}, "guardrails"),
        ({"min_hours": -1.0}, "min_hours"),
        ({"as_of": date(2026, 11, 1), "ramp": (101,)}, "101"),
    ],
)
def test_a_plan_that_makes_no_sense_changes_nothing(stage: Stage, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        stage.begin(**options)
    assert load_config(stage.path) == stage.baseline
    assert not plan_path(stage.path).exists()


def test_the_history_tells_every_step_with_its_reason(stage: Stage) -> None:
    stage.begin()
    stage.day()
    stage.desk.check()
    stage.desk.rollback(reason="complaints")
    history = stage.desk.history()
    assert [row["action"] for row in history.records()] == ["rollout_started", "held", "rolled_back"]
    assert history.records()[-1]["reason"] == "complaints"
    assert "rolled back" in history.summary()
    assert history.plot() is not None


def test_a_report_shows_each_guardrail_and_draws_it(stage: Stage) -> None:
    stage.begin()
    stage.day(per_unit=3)
    report = stage.desk.check()
    assert [row["guardrail"] for row in report.records()] == ["quality", "failures", "latency"]
    assert "luna at customer.process_return" in report.summary()
    assert report.plot() is not None
