"""What another config would have decided: counted against the router itself, in flat memory, and nothing executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bizq_lab.analysis import rerouting, what_if
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData, UnknownModel
from bizq_lab.lab import Lab
from bizq_lab.routing import AITaskRouter
from bizq_lab.store import Log
from tests.support.analysis_log import Stream
from tests.support.routing_catalog import TODAY, catalog

CATALOG = catalog()
INPUT = {"topic": "headphones"}


def config(weights: dict[str, int], **arms: ArmSpec) -> RoutingConfig:
    return RoutingConfig.start(CATALOG, arms=arms, tasks={"work.write": weights}, as_of=TODAY)


def decide(stream: Stream, number: int, **fields: Any) -> None:
    workspace = f"ws_{number}"
    defaults = {
        "task_type": "work.write",
        "model": "openai/medium",
        "design": "observational",
        "max_tokens": 2_000,
        "workspace_id": workspace,
        "task_input": INPUT,
        "context": {"workspace_id": workspace},
    }
    stream.decide(arm="default", task=f"t{number}", **{**defaults, **fields})


def test_the_rules_change_nothing_that_the_rules_decided(log: Log, stream: Stream) -> None:
    for number in range(5):
        decide(stream, number)
    (row,) = what_if(log, CATALOG, None).rows
    assert (row.n, row.changed, row.infeasible, row.not_kept) == (5, 0, 0, 0)
    assert row.before_nano_usd == row.after_nano_usd > 0
    assert row.costed == 5


def test_every_count_is_the_routers_own_answer(log: Log, stream: Stream) -> None:
    for number in range(60):
        decide(stream, number)
    other = config({"little": 40, "default": 60}, little=ArmSpec(model="anthropic/little"))
    router = AITaskRouter(CATALOG, other)
    tasks = [(Task(type="work.write", input=INPUT), RoutingContext(workspace_id=f"ws_{n}")) for n in range(60)]
    decisions = [router.route_task(task, context) for task, context in tasks]
    (row,) = what_if(log, CATALOG, other).rows
    moved = sum(decision.config.key == "anthropic/little" for decision in decisions)
    assert 0 < row.changed == moved < 60
    assert row.after == {"anthropic/little": moved, "openai/medium": 60 - moved}
    assert row.main_move == "openai/medium -> anthropic/little"
    assert row.after_nano_usd == sum(round((d.estimate.estimated_cost or 0) * 1e9) for d in decisions)


def test_another_prompt_of_the_same_model_is_told_apart(log: Log, stream: Stream) -> None:
    decide(stream, 1)
    other = config({"worked": 100}, worked=ArmSpec(model="openai/medium", prompt="example"))
    (row,) = what_if(log, CATALOG, other).rows
    assert (row.changed, row.other_prompt) == (0, 1)


def test_what_nothing_could_serve_is_counted_with_its_reasons(log: Log, stream: Stream) -> None:
    decide(stream, 1, context={"workspace_id": "ws", "max_cost": 1e-9, "max_processing_time": 0.1})
    decide(stream, 2)
    answer = what_if(log, CATALOG, None)
    (row,) = answer.rows
    assert (row.n, row.infeasible, row.costed) == (2, 1, 1)
    assert {"max_cost", "deadline"} <= dict(row.reasons).keys()
    assert "max_cost (1)" in str(answer.records()[0]["reasons"])


@pytest.mark.parametrize("kept", [None, {"sha256": "a" * 64}], ids=["none", "hash"])
def test_decisions_whose_input_was_not_kept_are_counted_and_said(log: Log, stream: Stream, kept: Any) -> None:
    decide(stream, 1, task_input=kept)
    decide(stream, 2)
    answer = what_if(log, CATALOG, None)
    assert (answer.rows[0].n, answer.rows[0].not_kept) == (1, 1)
    assert "inputs_not_kept" in {caveat.code for caveat in answer.caveats}


def test_a_model_that_the_catalog_no_longer_has_changes_and_is_in_no_cost(log: Log, stream: Stream) -> None:
    decide(stream, 1, model="openai/forgotten")
    answer = what_if(log, CATALOG, None)
    assert (answer.rows[0].changed, answer.rows[0].costed) == (1, 0)
    assert answer.records()[0]["before_usd"] is None
    assert "unpriced" in {caveat.code for caveat in answer.caveats}


def test_task_type_and_limit_choose_the_latest_of_that_type(log: Log, stream: Stream) -> None:
    for number in range(6):
        decide(stream, number, model="anthropic/great" if number < 3 else "openai/medium")
    decide(stream, 6, task_type="work.batch")
    answer = what_if(log, CATALOG, None, task_type="work.write", limit=3)
    assert [(row.task_type, row.n, row.changed) for row in answer.rows] == [("work.write", 3, 0)]


def test_pages_lose_nothing_and_count_nothing_twice(log: Log, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(23):
        decide(stream, number, recorded_at_us=1_000 + number // 4)  # decisions of one instant, across pages
    whole = what_if(log, CATALOG, None)
    monkeypatch.setattr(rerouting, "PAGE", 3)
    asked: list[int] = []
    query = log.query

    def counting(name: str, **params: Any) -> list[dict[str, Any]]:
        asked.append(params["page"])
        return query(name, **params)

    monkeypatch.setattr(log, "query", counting)
    assert what_if(log, CATALOG, None).rows == whole.rows
    assert max(asked) == 3
    assert what_if(log, CATALOG, None, limit=10).rows[0].n == 10


def test_a_question_that_cannot_be_answered_is_one_clear_error(log: Log, stream: Stream) -> None:
    with pytest.raises(NotEnoughData, match="no decision"):
        what_if(log, CATALOG, None)
    decide(stream, 1)
    with pytest.raises(InputError, match="limit == 0"):
        what_if(log, CATALOG, None, limit=0)
    with pytest.raises(UnknownModel):
        what_if(log, CATALOG, config({"a": 100}, a=ArmSpec(model="openai/gone")))


def test_the_lab_asks_without_executing_or_logging(tmp_path: Path) -> None:
    with Lab.open(tmp_path / "lab.duckdb", catalog=CATALOG, providers={}) as lab:
        context = RoutingContext(workspace_id="ws_1")
        lab.service.log_decision(lab.route(Task(type="work.write", input=INPUT), context))
        other = config({"little": 100}, little=ArmSpec(model="anthropic/little"))
        answer = lab.what_if(other)
        assert (answer.rows[0].n, answer.rows[0].changed) == (1, 1)
        assert "1 of 1 decisions get another model" in answer.summary()
        assert answer.provenance.config_hash == other.hash
        assert len(lab.sql("FROM decision")) == 1
        assert len(lab.sql("FROM attempt")) == 0
