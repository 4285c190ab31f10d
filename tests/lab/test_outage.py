"""While every model is down, a task is decided, logged and handed to a person; what can never be served is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bizq_lab.core.execution import Attempt
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import BudgetRefused, NoFeasibleModel, ProviderError
from bizq_lab.execution import Cap
from bizq_lab.lab import Lab
from bizq_lab.lab.outage import PATIENCE_S
from tests.support.lab_bulk import WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_small import rows

DOWN = ProviderError("down", error_class="server_error", status=503)


def down(_: object) -> str:
    raise DOWN


def break_everything(lab: Lab) -> None:
    """Open the circuit of every model."""
    entry, _ = lab.catalog.task_type("default")
    for key in lab.catalog.models:
        gone = Attempt(
            attempt_id="a", ordinal=1, config=lab.catalog.model_config(key, entry), status="failed", cost=Money(0),
            response_time_s=1.0, error_class="model_not_found",
        )  # fmt: skip
        lab.executor.health.record(gone)


def test_a_task_is_escalated_with_its_decision_and_nothing_is_sent(tmp_path: Path) -> None:
    """S15, S21: an outage acts after the assignment. Only asking for a decision says that nobody can serve it."""
    provider = Watched()
    with bulk_lab(tmp_path, provider) as lab:
        (task,) = bulk_tasks(1)
        usual = lab.route(task, WHERE)
        break_everything(lab)
        with pytest.raises(NoFeasibleModel, match="its circuit is open"):
            lab.route(task, WHERE)
        result = lab.run(task, WHERE)
        lab.log.collect()
        (waiting,) = lab.humans(status="open").rows
    assert provider.calls == 0
    assert (result.status, result.metrics.error_type) == ("escalated", "circuit_open")
    assert (waiting.human_task_id, waiting.decision_id) == (result.human_task_id, result.decision_id)
    assert f"{usual.config.key} was not called: its circuit is open" in result.reasoning
    (decided,) = rows(tmp_path / "lab.duckdb", "SELECT decision_id, model, propensity_ppb, flags FROM decision")
    assert (decided["decision_id"], decided["model"]) == (result.decision_id, usual.config.key)
    assert decided["propensity_ppb"] == 10**9
    assert "no_model_available" in decided["flags"]


def test_a_model_that_came_back_meanwhile_serves_it(tmp_path: Path) -> None:
    provider = Watched()
    with bulk_lab(tmp_path, provider) as lab:
        break_everything(lab)
        (task,) = bulk_tasks(1)
        with pytest.raises(NoFeasibleModel):
            lab.route(task, WHERE)
        decision = lab.service.decide(task, WHERE)
        lab.clock.advance(31.0)  # type: ignore[attr-defined] # it is a SeededClock
        assert lab.execute(decision).status == "completed"
    assert provider.calls == 1


def test_a_run_waits_for_an_outage_to_end_and_one_row_at_a_time_finds_out(tmp_path: Path) -> None:
    """An outage of a minute is no reason to give the whole run to people."""
    provider = Watched(lambda _: down(_) if provider.calls <= 40 else "We open.")
    with bulk_lab(tmp_path, provider) as lab:
        began = lab.clock.monotonic()
        run = lab.run_many(bulk_tasks(80), WHERE, concurrency=4)
        waited_s = lab.clock.monotonic() - began
    assert run.counts["completed"] >= 80 - 20, "only those that met the outage went to people"
    assert run.counts["completed"] + run.counts.get("escalated", 0) == 80
    assert waited_s >= 30.0


def test_an_outage_that_does_not_end_loses_no_row(tmp_path: Path) -> None:
    """The run does not wait for ever; what nobody served waits for a person, or for a later try."""
    with bulk_lab(tmp_path, provider := Watched(down)) as lab:
        run = lab.run_many(bulk_tasks(80), WHERE, concurrency=1)
        waited_s = lab.clock.monotonic()
        lab.log.collect()
        assert len(lab.humans(status="open").rows) == 80
    assert run.counts == {"escalated": 80}
    assert PATIENCE_S <= waited_s < PATIENCE_S + 400
    assert 0 < provider.calls < 80, "open circuits spare the provider"
    flagged = rows(tmp_path / "lab.duckdb", "SELECT list_contains(flags, 'no_model_available') AS f FROM decision")
    assert Counter(row["f"] for row in flagged)[True] >= 10
    with bulk_lab(tmp_path, Watched(), seed=2) as lab:
        assert lab.run_many(bulk_tasks(80), WHERE, retry_failed=True).counts == {"completed": 80}
        assert not lab.humans(status="open").rows


def test_what_no_model_could_ever_serve_is_refused_in_an_outage_too(tmp_path: Path) -> None:
    poor = RoutingContext(workspace_id="ws_1", max_cost=0.0)
    with bulk_lab(tmp_path, Watched()) as lab:
        break_everything(lab)
        with pytest.raises(NoFeasibleModel, match="max_cost"):
            lab.run(bulk_tasks(1)[0], poor)
        assert lab.log.sql("SELECT count(*) AS n FROM decision")["n"][0] == 0


def test_an_empty_purse_is_named_as_such_in_an_outage_too(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(), budgets={"*": Cap(usd=0.0, period="total")}) as lab:
        break_everything(lab)
        with pytest.raises(BudgetRefused, match="left to spend"):
            lab.run(bulk_tasks(1)[0], WHERE)
