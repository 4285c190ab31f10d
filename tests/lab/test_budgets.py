"""Budgets of workspaces, end to end: what the log knows, the ledger keeps, routing and the shell see (S18)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.seeded import SeededClock, SeededIds
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import BudgetRefused, InputError, NoFeasibleModel, ProviderError
from bizq_lab.execution import BudgetLedger, Cap
from bizq_lab.lab import Lab
from bizq_lab.lab.budgets import ledger_path
from tests.support.cli import Shell
from tests.support.lab_providers import Scripted
from tests.support.lab_small import DAY, OTHER, TYPE, rows, small_lab, tasks_of

WIDE = {"ws_1": Cap(usd=1_000, period="day"), "*": Cap(usd=2_000, period="total")}
BOOKED = """
    SELECT coalesce(d.workspace_id, '') AS workspace, sum(a.booked_nano_usd)::BIGINT AS nano
    FROM attempt_state AS a LEFT JOIN decision AS d USING (decision_id) GROUP BY ALL
"""


def flaky(call: ProviderCall) -> str:
    """Every third call breaks after it was sent, so that it may be billed; every fifth is rejected."""
    flaky_calls.append(call)
    if len(flaky_calls) % 3 == 0:
        raise ProviderError("gone", error_class="reset")
    return "" if len(flaky_calls) % 5 == 0 else "Thank you, we will take it back within 30 days."


flaky_calls: list[ProviderCall] = []


def everyone_says(say: Any) -> Mapping[str, Any]:
    provider = Scripted(say)
    return dict.fromkeys(("openai", "anthropic", "local"), provider)


def work(lab: Lab, *workspaces: str, n: int = 6) -> None:
    for workspace in workspaces:
        context = RoutingContext(workspace_id=workspace)
        for task in [*tasks_of(TYPE, n), *tasks_of(OTHER, n)]:
            lab.run(task, context)
    lab.log.collect()


def money_of(folder: Path) -> dict[str, int]:
    """Nano-USD of each workspace as the log's attempts add up, and of all under `*`."""
    spent = {row["workspace"]: row["nano"] for row in rows(folder / "lab.duckdb", BOOKED)}
    return {**spent, "*": sum(spent.values())}


def ledger_of(lab: Lab) -> BudgetLedger:
    assert lab.ledger is not None
    return lab.ledger


@pytest.mark.parametrize("world", ["simulated", "flaky"])
def test_cost_by_task_by_attempt_and_by_ledger_is_the_same_integer(tmp_path: Path, world: str) -> None:
    flaky_calls.clear()
    providers = None if world == "simulated" else everyone_says(flaky)
    with small_lab(tmp_path, providers=providers, budgets=WIDE) as lab:
        work(lab, "ws_1", "ws_2")
        ledger = {scope: ledger_of(lab).booked(scope).nano_usd for scope in ("ws_1", "ws_2", "*")}
    by_attempt = money_of(tmp_path)
    by_task = rows(tmp_path / "lab.duckdb", "SELECT sum(cost_nano_usd)::BIGINT AS nano FROM outcome")[0]["nano"]
    assert ledger == by_attempt
    assert by_task == by_attempt["*"] > 0


def test_a_ledger_that_was_lost_is_made_again_from_the_log(tmp_path: Path) -> None:
    flaky_calls.clear()
    with small_lab(tmp_path, providers=everyone_says(flaky), budgets=WIDE) as lab:
        work(lab, "ws_1", "ws_2")
        before = [ledger_of(lab).booked(scope) for scope in ("ws_1", "ws_2", "*")]
    for file in tmp_path.glob("*.ledger.sqlite*"):
        file.unlink()
    with small_lab(tmp_path, budgets=WIDE) as lab:
        assert [ledger_of(lab).booked(scope) for scope in ("ws_1", "ws_2", "*")] == before


def test_a_session_without_budgets_counts_once_the_ledger_is_opened_again(tmp_path: Path) -> None:
    with small_lab(tmp_path, budgets=WIDE) as lab:
        work(lab, "ws_1", n=2)
    with small_lab(tmp_path, seed=1) as lab:
        assert lab.ledger is None
        work(lab, "ws_1", n=3)
    for _ in range(2):  # agreeing again changes nothing
        with small_lab(tmp_path, budgets=WIDE) as lab:
            assert ledger_of(lab).booked("ws_1").nano_usd == money_of(tmp_path)["ws_1"]


def test_a_cap_of_another_period_finds_what_was_spent_before(tmp_path: Path) -> None:
    with small_lab(tmp_path, budgets={"ws_1": Cap(usd=1_000, period="month")}) as lab:
        work(lab, "ws_1")
    spent = money_of(tmp_path)["ws_1"]
    for period in ("day", "month", "total"):
        with small_lab(tmp_path, budgets={"ws_1": Cap(usd=1_000, period=cast("Any", period))}) as lab:
            assert ledger_of(lab).booked("ws_1").nano_usd == spent


def test_a_call_whose_end_nobody_saw_stays_booked_at_its_worst_until_the_log_says_more(tmp_path: Path) -> None:
    ledger = BudgetLedger(tmp_path / "l", caps=WIDE, clock=SeededClock(DAY))
    ledger.reserve(workspace_id="ws_1", attempt_id="att_1", nano_usd=900)
    assert ledger.booked("ws_1").nano_usd == 900
    with small_lab(tmp_path) as lab:
        now = lab.clock.now_us()
    from bizq_lab.execution.caps import Booking  # noqa: PLC0415 - the row that a log's query makes

    for _ in range(2):
        ledger.reconcile([Booking("att_1", "ws_1", now, 250, ended=True)], at_us=now)
        ledger.reconcile([Booking("att_2", "", now, 70, ended=False)], at_us=now)
    assert (ledger.booked("ws_1").nano_usd, ledger.booked().nano_usd) == (250, 320)
    ledger.close()


def test_routing_sees_what_is_left_and_filters_on_it(tmp_path: Path) -> None:
    task = tasks_of(TYPE, 1)[0]
    with small_lab(tmp_path, budgets={"ws_1": Cap(usd=0.002, period="day")}) as lab:
        poor, rich = (RoutingContext(workspace_id=name) for name in ("ws_1", "ws_2"))
        assert lab.snapshot(poor).budget.remaining_usd == pytest.approx(0.002)
        assert lab.snapshot(rich).budget.remaining_usd is None
        before = lab.snapshot(poor).id
        reasons = {reason.code for row in lab.route(task, poor).candidates for reason in row.reasons}
        assert "workspace_budget" in reasons, "the dear models are out"
        assert "workspace_budget" not in {r.code for row in lab.route(task, rich).candidates for r in row.reasons}
        lab.run(task, poor)
        assert lab.snapshot(poor).id != before


def test_an_empty_budget_is_named_and_nothing_is_sent_or_opened(tmp_path: Path) -> None:
    provider = Scripted(lambda _: "Fine.")
    providers = dict.fromkeys(("openai", "anthropic", "local"), provider)
    task, context = tasks_of(TYPE, 1)[0], RoutingContext(workspace_id="ws_1")
    with small_lab(tmp_path, providers=providers, budgets={"ws_1": Cap(usd=0, period="day")}) as lab:
        for act in (lab.route, lab.run):
            with pytest.raises(BudgetRefused, match=r"^\$0 are left to spend, and no model can serve"):
                act(task, context)
        with pytest.raises(NoFeasibleModel, match="max_cost"):
            lab.route(task, RoutingContext(workspace_id="ws_1", max_cost=0.0))
        lab.log.collect()
    assert provider.calls == 0
    assert rows(tmp_path / "lab.duckdb", "FROM human_task") == []


def test_a_day_ends_and_the_next_one_has_its_own_money(tmp_path: Path) -> None:
    clock = SeededClock(DAY)
    task, context = tasks_of(TYPE, 1)[0], RoutingContext(workspace_id="ws_1")
    with small_lab(tmp_path, budgets={"ws_1": Cap(usd=0.01, period="day")}) as seeded:
        catalog = seeded.catalog
    lab = Lab.open(
        tmp_path / "days.duckdb",
        catalog=catalog,
        providers=everyone_says(lambda _: "Fine."),
        clock=clock,
        ids=SeededIds(7),
        budgets={"ws_1": Cap(usd=0.01, period="day")},
    )
    with lab:
        while True:
            try:
                result = lab.run(task, context)
            except BudgetRefused:
                break
            if result.metrics.error_type == "budget":
                break
        assert ledger_of(lab).booked("ws_1").nano_usd <= 10_000_000
        clock.advance(86_400)
        assert lab.run(task, context).metrics.error_type != "budget"


def test_the_money_of_a_run_is_its_own(tmp_path: Path) -> None:
    """Not what the log spent before, nor what others spend at the same time."""
    context = RoutingContext(workspace_id="ws_1")
    with small_lab(tmp_path) as lab:
        work(lab, "ws_1")
    with small_lab(tmp_path, seed=1, max_cost_usd=0.5) as lab, small_lab(tmp_path, seed=2, max_cost_usd=9.0) as other:
        assert lab.snapshot(context).budget.remaining_usd == 0.5
        work(other, "ws_1", n=2)
        assert lab.snapshot(context).budget.remaining_usd == 0.5
        before = ledger_of(lab).booked("ws_1")
        lab.run(tasks_of(TYPE, 1)[0], context)
        cost = ledger_of(lab).booked("ws_1") - before
        assert cost.nano_usd > 0
        assert lab.snapshot(context).budget.remaining_usd == pytest.approx(0.5 - float(cost))


@pytest.mark.parametrize("bad", [Cap(usd=-1), Cap(usd=float("nan")), Cap(usd=1, period=cast("Any", "week")), 5.0])
def test_a_bad_cap_is_refused_before_anything_is_opened_for_long(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(InputError):
        small_lab(tmp_path, budgets={"ws_1": bad})
    small_lab(tmp_path).close()  # the log was let go


# -- the shell --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def run_tasks(shell: Shell, folder: Path, *words: str) -> tuple[int, list[dict[str, Any]], str]:
    file = folder / "tasks.jsonl"
    file.write_text("".join(json.dumps({"type": t.type, "input": t.input}) + "\n" for t in tasks_of(TYPE, 12)))
    log = str(folder / "lab.duckdb")
    ended = shell("run", str(file), "--provider", "simulated", "--log", log, "--json", *words)
    return ended.code, json.loads(ended.out) if ended.out else [], ended.err


def test_a_run_stops_at_its_cap_with_exit_code_5_and_keeps_what_it_did(tmp_path: Path, shell: Shell) -> None:
    code, done, _ = run_tasks(shell, tmp_path)
    assert (code, len(done)) == (0, 12)
    before = money_of(tmp_path)["cli"]
    code, done, said = run_tasks(shell, tmp_path, "--max-cost", "0.004")
    assert code == 5
    assert 0 < sum(row["status"] == "completed" for row in done) < 12
    assert "BudgetRefused: " in said
    assert 0 < money_of(tmp_path)["cli"] - before <= 4_000_000
    assert ledger_path(tmp_path / "lab.duckdb").exists()


def test_a_cap_that_is_no_amount_is_a_usage_error(tmp_path: Path, shell: Shell) -> None:
    code, done, said = run_tasks(shell, tmp_path, "--max-cost", "-1")
    assert (code, done) == (2, [])
    assert "cap of 'this run' == -1.0, must be >= 0" in said
